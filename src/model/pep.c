/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/pep.h"

#include <string.h>

#include "cc/model/bouncer.h"
#include "cc/model/check.h"
#include "cc/model/policy.h"
#include "cc/model/resource.h"

#define STATUS_BYTES_MAX 262144

static const char *const platforms[] = { "docker", "kubernetes", "binary", NULL };
static const char *const postures[] = { "deny-all", "allow-all", NULL };
static const char *const health_words[] = { "healthy", "degraded", "disconnected", "unknown", NULL };

static const char *check_bouncer_id(const char *s)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

	if (s[strspn(s, ".")] == '\0')
		return "must not be dots alone";
	return s[strspn(s, allowed)] == '\0' ? NULL : "must be letters, digits and .-_ only";
}

#define T struct pep_resource
static const struct field pep_resource_fields[] = {
	TEXT_LIKE(T, name, F_CREATE | F_REQUIRED, 1, 120, check_not_blank,
		"Equal names pair the bouncers of sandbox and production.", .example = "Users API"),
	ENUM(T, type, F_CREATE, resource_types, "api", "What kind of thing is protected."),
	TEXT_LIKE(T, target_host, F_CREATE | F_NULLABLE, 1, 262, check_host_maybe_port,
		"The host that the bouncer calls."),
	TEXT_LIKE(T, original_host_url, F_CREATE | F_NULLABLE, 1, 2048, check_http_url,
		"What clients called before."),
	TEXT_LIKE(T, deployment_url, F_CREATE | F_NULLABLE, 1, 2048, check_http_url,
		"Where the bouncer is reached."),
	ENUM(T, default_security_posture, F_CREATE, postures, "deny-all",
		"What happens when no policy decides."),
};
#undef T
SCHEMA_IN(pep_resource_schema, struct pep_resource, "PepResource", pep_resource_fields);

#define T struct pep_deployment
static const struct field pep_deployment_fields[] = {
	ENUM(T, platform, F_CREATE | F_NULLABLE, platforms, NULL, "How it is deployed."),
	TEXT(T, version, F_CREATE | F_NULLABLE, 1, 64, "Version of its software.", .example = "2.1.0"),
	ENUM(T, environment, F_CREATE | F_NULLABLE, environments, NULL,
		"That of its API key, which decides; with another credential this, or sandbox."),
};
#undef T
static SCHEMA(pep_deployment_schema, struct pep_deployment, "PepDeployment", pep_deployment_fields);

#define T struct pep
static const struct field pep_fields[] = {
	TEXT_LIKE(T, bouncer_id, F_CREATE | F_REQUIRED, 1, 120, check_bouncer_id,
		"What it calls itself, at each start again.", .example = "bouncer-sandbox-api-1"),
	TEXT_LIKE(T, bouncer_name, F_CREATE | F_NULLABLE, 1, 120, check_not_blank,
		"Unique among the tenant's bouncers of its environment; without it bouncer_id.",
		.example = "edge"),
	ENUM(T, bouncer_type, F_CREATE, bouncer_types, "reverse-proxy", "How traffic reaches it."),
	TEXT(T, tenant_id, F_CREATE | F_NULLABLE, 1, 120, "The tenant of its credential, or left out."),
	OBJ(T, resource, F_CREATE | F_REQUIRED, struct pep_resource, &pep_resource_schema,
		"What it protects; made when the tenant has none of this name in its environment."),
	OBJ(T, deployment_info, F_CREATE, struct pep_deployment, &pep_deployment_schema, "How it runs."),
};
#undef T
SCHEMA_IN(pep_schema, struct pep, "Pep", pep_fields);

#define T struct pep_registered
static const struct field pep_registered_fields[] = {
	INT(T, id, F_OUT, 0, 0, "Of the bouncer, for its heartbeats."),
	TEXT(T, bouncer_id, F_OUT, 0, 0, "As it was sent."),
	TEXT(T, name, F_OUT, 0, 0, "Of the bouncer."),
	TEXT(T, status, F_OUT, 0, 0, "active."),
	ENUM(T, environment, F_OUT, environments, NULL, "Whose policies it runs."),
	BOOL(T, is_connected, F_OUT, "Registering is a sign of life: true."),
	BOOL(T, intercepting_traffic, F_OUT, "Heartbeats tell: false."),
	TIME(T, last_heartbeat, F_OUT, "Its last sign of life."),
	TIME(T, created_at, F_OUT, "When it was first registered."),
	INT(T, resource_id, F_OUT, 0, 0, "Of the resource that it protects."),
};
#undef T
SCHEMA(pep_registered_schema, struct pep_registered, "PepRegistered", pep_registered_fields);

#define T struct opa_status
static const struct field opa_status_fields[] = {
	JSON(T, labels, F_CREATE | F_NULLABLE, STATUS_BYTES_MAX,
		"Of the instance; bouncer_id says which bouncer it is, unless the path does."),
	JSON(T, bundles, F_CREATE | F_NULLABLE, STATUS_BYTES_MAX,
		"By name, with active_revision and errors."),
};
#undef T
SCHEMA_LOOSE(opa_status_schema, struct opa_status, "OpaStatus", opa_status_fields);

#define T struct opa_thanks
static const struct field opa_thanks_fields[] = {
	TEXT(T, bouncer_id, F_OUT, 0, 0, "Whose status it is."),
	TEXT(T, revision, F_OUT | F_NULLABLE, 0, 0, "What it says that it runs."),
};
#undef T
SCHEMA(opa_thanks_schema, struct opa_thanks, "OpaStatusTaken", opa_thanks_fields);

#define T struct bouncer_revisions
static const struct field bouncer_revisions_fields[] = {
	INT(T, id, F_OUT, 0, 0, "Of the bouncer."),
	TEXT(T, bouncer_id, F_OUT | F_NULLABLE, 0, 0, "What it calls itself."),
	ENUM(T, environment, F_OUT, environments, NULL, "Whose policies it runs."),
	TEXT(T, wanted_revision, F_OUT | F_NULLABLE, 0, 0,
		"Of the newest bundle; null before the first was asked for."),
	TIME(T, wanted_since, F_OUT | F_NULLABLE, "Since when that one is the newest."),
	TEXT(T, acknowledged_revision, F_OUT | F_NULLABLE, 0, 0, "What it says that it runs."),
	TIME(T, acknowledged_at, F_OUT | F_NULLABLE, "Since when."),
	BOOL(T, current, F_OUT, "Both are the same, and nothing is missing in it."),
	TIME(T, behind_since, F_OUT | F_NULLABLE, "Since when it has run something else; null: it does not."),
	TIME(T, unbuilt_since, F_OUT | F_NULLABLE,
		"Since when there has been a change that no bundle can be made of; null: there is none."),
	INT(T, lag_seconds, F_OUT, 0, 0,
		"How long it had been behind when it was last heard from; 0: it is not."),
	TEXT(T, fault, F_OUT | F_NULLABLE, 0, 0, "What it says is wrong with its bundle."),
};
#undef T
SCHEMA(bouncer_revisions_schema, struct bouncer_revisions, "BouncerRevisions", bouncer_revisions_fields);

#define T struct bouncer_caches
static const struct field bouncer_caches_fields[] = {
	INT(T, policy_cache_size, F_OUT | F_NULLABLE, 0, 0, "Null: it does not tell."),
	INT(T, decision_cache_size, F_OUT | F_NULLABLE, 0, 0, "Null: it does not tell."),
	NUM(T, hit_rate, F_OUT | F_NULLABLE, "Of its decision cache, 0 to 1, by its last heartbeat."),
};
#undef T
static SCHEMA(bouncer_caches_schema, struct bouncer_caches, "BouncerCaches", bouncer_caches_fields);

#define T struct bouncer_health
static const struct field bouncer_health_fields[] = {
	INT(T, id, F_OUT, 0, 0, "Of the bouncer."),
	TEXT(T, bouncer_id, F_OUT | F_NULLABLE, 0, 0, "What it calls itself."),
	ENUM(T, status, F_OUT, health_words, NULL,
		"healthy; degraded: it says that something is wrong with its bundle, or none can be made; "
		"disconnected: no sign of life for two minutes; unknown: none ever."),
	TIME(T, last_heartbeat, F_OUT | F_NULLABLE, "Its last sign of life."),
	JSON(T, opal_connected, F_OUT | F_NULLABLE | F_ANY_JSON, 0,
		"Whether it is alive and takes its policies from here; null before it said so."),
	JSON(T, target_app_reachable, F_OUT | F_NULLABLE | F_ANY_JSON, 0, "Null: it does not tell."),
	INT(T, policies_loaded, F_OUT | F_NULLABLE, 0, 0, "By its last heartbeat."),
	OBJ(T, cache_status, F_OUT, struct bouncer_caches, &bouncer_caches_schema, "Its caches."),
	INT(T, pair_id, F_OUT | F_NULLABLE, 0, 0,
		"Of the bouncer of the other environment whose resource has the same name."),
	TEXT(T, fault, F_OUT | F_NULLABLE, 0, 0, "What is wrong with its bundle."),
};
#undef T
SCHEMA(bouncer_health_schema, struct bouncer_health, "BouncerHealth", bouncer_health_fields);

#define T struct rollout_bouncer
static const struct field rollout_bouncer_fields[] = {
	INT(T, id, F_OUT, 0, 0, "Of the bouncer."),
	TEXT(T, name, F_OUT, 0, 0, "Of the bouncer."),
	TEXT(T, revision, F_OUT | F_NULLABLE, 0, 0, "What it says that it runs."),
	TIME(T, last_heartbeat, F_OUT | F_NULLABLE, "Its last sign of life."),
	TEXT(T, fault, F_OUT | F_NULLABLE, 0, 0, "What it says is wrong with its bundle."),
};
#undef T
SCHEMA(rollout_bouncer_schema, struct rollout_bouncer, "RolloutBouncer", rollout_bouncer_fields);

#define T struct rollout
static const struct field rollout_fields[] = {
	TEXT(T, revision, F_OUT, 0, 0, "Of a bundle that is kept."),
	ENUM(T, environment, F_OUT, environments, NULL, "Whose bouncers it is for."),
	TIME(T, created_at, F_OUT, "When the bundle was made."),
	BOOL(T, wanted, F_OUT, "It is the newest of its environment."),
	TIME(T, unbuilt_since, F_OUT | F_NULLABLE,
		"Since when there has been a change that no bundle can be made of; null: there is none."),
	INT(T, total, F_OUT, 0, 0, "Bouncers of the environment, heard from within two minutes."),
	INT(T, live, F_OUT, 0, 0, "Of these, those that say that they run it."),
	INT(T, connected, F_OUT, 0, 0, "Of these, those that say of nothing that it is wrong."),
	INT(T, disconnected, F_OUT, 0, 0,
		"Further bouncers, not heard from for two minutes, or never: what they run is not known."),
	TEXT(T, summary, F_OUT, 0, 0, "17 of 18 live."),
	JSON_LIST(T, behind, F_OUT, 100, &rollout_bouncer_schema,
		"The others of the total, a hundred at most."),
};
#undef T
SCHEMA(rollout_schema, struct rollout, "Rollout", rollout_fields);

#define T struct stale_bouncer
static const struct field stale_bouncer_fields[] = {
	INT(T, id, F_NULLABLE, 0, 0, "Internal."),
	TEXT(T, name, F_NULLABLE, 0, 0, "Internal."),
	TEXT(T, environment, F_NULLABLE, 0, 0, "Internal."),
	TEXT(T, why, F_NULLABLE, 0, 0, "Internal."),
	TIME(T, last_heartbeat, F_NULLABLE, "Internal."),
	TIME(T, since, F_NULLABLE, "Internal."),
	TEXT(T, revision, F_NULLABLE, 0, 0, "Internal."),
	TEXT(T, wanted, F_NULLABLE, 0, 0, "Internal."),
	TEXT(T, fault, F_NULLABLE, 0, 0, "Internal."),
};
#undef T
SCHEMA(stale_bouncer_schema, struct stale_bouncer, "StaleBouncer", stale_bouncer_fields);
