/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_PEP_H
#define CC_MODEL_PEP_H

#include "cc/schema/schema.h"

/* What bouncers say to the control plane, and what it says of them. */

struct pep_resource {
	const char *name, *type;
	const char *target_host, *original_host_url, *deployment_url;
	const char *default_security_posture;
	uint64_t seen;
};
extern const struct schema pep_resource_schema;

struct pep_deployment {
	const char *platform, *version, *environment;
};

/* The body of POST /peps/register. */
struct pep {
	const char *bouncer_id, *bouncer_name, *bouncer_type, *tenant_id;
	struct pep_resource resource;
	struct pep_deployment deployment_info;
	uint64_t seen;
};
extern const struct schema pep_schema;

struct pep_registered {
	int64_t id;
	const char *bouncer_id, *name, *status, *environment;
	bool is_connected, intercepting_traffic;
	int64_t last_heartbeat, created_at;
	int64_t resource_id;
};
extern const struct schema pep_registered_schema;

/* The body of POST /status: what OPA sends. Each member is JSON. */
struct opa_status {
	const char *labels, *bundles;
	uint64_t seen;
};
extern const struct schema opa_status_schema;

struct opa_thanks {
	const char *bouncer_id, *revision;
};
extern const struct schema opa_thanks_schema;

struct bouncer_revisions {
	int64_t id;
	const char *bouncer_id, *environment;
	const char *wanted_revision;
	int64_t wanted_since;
	const char *acknowledged_revision;
	int64_t acknowledged_at;
	bool current;
	int64_t behind_since; /* TIME_NULL: it is not */
	int64_t unbuilt_since;
	int64_t lag_seconds;
	const char *fault;
};
extern const struct schema bouncer_revisions_schema;

struct bouncer_caches {
	int64_t policy_cache_size, decision_cache_size;
	double hit_rate;
};

struct bouncer_health {
	int64_t id;
	const char *bouncer_id, *status;
	int64_t last_heartbeat;
	const char *opal_connected;       /* JSON: true, false, null */
	const char *target_app_reachable; /* JSON */
	int64_t policies_loaded;
	struct bouncer_caches cache_status;
	int64_t pair_id;
	const char *fault;
};
extern const struct schema bouncer_health_schema;

struct rollout_bouncer {
	int64_t id;
	const char *name, *revision;
	int64_t last_heartbeat;
	const char *fault;
};
extern const struct schema rollout_bouncer_schema;

struct rollout {
	const char *revision, *environment;
	int64_t created_at;
	bool wanted;
	int64_t unbuilt_since;
	int64_t total, live, connected, disconnected;
	const char *summary;
	const char *behind; /* JSON array of rollout_bouncer */
};
extern const struct schema rollout_schema;

/* A bouncer that its tenant is to be told of. The last row has no id, and when another may follow. */
struct stale_bouncer {
	int64_t id; /* INT_NULL in the last row */
	const char *name, *environment, *why; /* silent fault behind */
	int64_t last_heartbeat, since;
	const char *revision, *wanted, *fault;
};
extern const struct schema stale_bouncer_schema;

#endif
