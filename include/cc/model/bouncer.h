/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_BOUNCER_H
#define CC_MODEL_BOUNCER_H

#include "cc/schema/schema.h"

extern const char *const bouncer_types[];
extern const char *const bouncer_statuses[];    /* connected disconnected */

/* A policy enforcement point. */
struct bouncer {
	int64_t id;
	const char *name;
	const char *description;
	const char *hostname;
	int64_t port;                           /* INT_NULL: not given */
	const char *environment;
	const char *bouncer_type;
	const char *target_app;                 /* host:port */
	const char *configuration;              /* JSON object */
	const char *version;                    /* of the bouncer's software */
	const char *bouncer_id;                 /* what it calls itself */
	int64_t resource_id;                    /* what it protects, by its own word; INT_NULL */
	const char *platform;
	const char *revision;                   /* of the bundle that it says it runs */
	/* From its heartbeats; null before the first. */
	const char *status;
	bool is_connected;
	int64_t last_heartbeat;
	int64_t policies_synced;
	double requests_per_second, cache_hit_rate;
	bool intercepting_traffic;
	const char *created_by;
	int64_t created_at, updated_at;
	const char *key_id;                     /* internal: of the API key that it registered with; NULL */
	int64_t row_version;                    /* internal: one more with every save */
	int64_t deleted_at;                     /* internal: TIME_NULL while it lives */
	int64_t used_by;                        /* internal: how many live policies name it */
	uint64_t seen;
};
extern const struct schema bouncer_schema;

#endif
