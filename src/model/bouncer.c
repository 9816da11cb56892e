/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/bouncer.h"

#include "cc/model/check.h"
#include "cc/model/policy.h"

const char *const bouncer_types[] = { "reverse-proxy", "sidecar", "mcp", "agent-to-agent", "iot", NULL };
const char *const bouncer_statuses[] = { "connected", "disconnected", NULL };

#define LIVE (F_OUT | F_VOLATILE)
#define T struct bouncer
static const struct field bouncer_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server; unique within the tenant."),
	TEXT_LIKE(T, name, F_RW | F_REQUIRED | F_SORT, 1, 120, check_not_blank,
		  "Unique among the tenant's bouncers of its environment.", .example = "edge"),
	TEXT(T, description, F_RW | F_NULLABLE, 0, 2000, "What it is for."),
	TEXT_LIKE(T, hostname, F_RW | F_REQUIRED | F_SORT, 1, 253, check_host, "Host name or IP address.",
		  .example = "edge.example.com"),
	INT(T, port, F_RW | F_NULLABLE, 1, 65535, "Where it listens."),
	ENUM(T, environment, F_CREATE | F_OUT | F_REQUIRED | F_SORT, environments, NULL,
	     "Fixed at creation."),
	ENUM(T, bouncer_type, F_RW, bouncer_types, "reverse-proxy", "How traffic reaches it."),
	TEXT_LIKE(T, target_app, F_RW | F_NULLABLE, 1, 262, check_host_port, "What it protects: host:port.",
		  .example = "app.example.com:443"),
	JSON(T, configuration, F_RW | F_NULLABLE, 65536, "Its settings: cache_enabled, cache_ttl, …"),
	TEXT(T, version, F_RW | F_NULLABLE, 1, 64, "Version of its software."),
	TEXT(T, bouncer_id, F_OUT | F_NULLABLE, 0, 0, "What it calls itself; null before it has registered."),
	INT(T, resource_id, F_OUT | F_NULLABLE, 0, 0, "Of the resource that it protects, by its own word."),
	TEXT(T, platform, F_OUT | F_NULLABLE, 0, 0, "How it is deployed, by its own word."),
	ENUM(T, status, LIVE | F_SORT, bouncer_statuses, NULL, "connected: a heartbeat within two minutes."),
	BOOL(T, is_connected, LIVE, "The same as a flag."),
	TIME(T, last_heartbeat, LIVE | F_NULLABLE, "Its last sign of life."),
	INT(T, policies_synced, LIVE | F_NULLABLE, 0, 0, "Policies it has, by its last heartbeat."),
	TEXT(T, revision, LIVE | F_NULLABLE, 0, 0, "Of the bundle that it says it runs."),
	NUM(T, requests_per_second, LIVE | F_NULLABLE, "By its last heartbeat."),
	NUM(T, cache_hit_rate, LIVE | F_NULLABLE, "Of its decision cache, 0 to 1."),
	BOOL(T, intercepting_traffic, LIVE, "Traffic passes it, by its last heartbeat."),
	TEXT(T, created_by, F_OUT, 0, 0, "The credential that made it."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was made."),
	TIME(T, updated_at, F_OUT | F_SORT, "When it was last saved."),
	TEXT(T, key_id, 0, 0, 0, "Internal."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "Internal."),
	TIME(T, deleted_at, 0, "Internal."),
	INT(T, used_by, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA_IN(bouncer_schema, struct bouncer, "Bouncer", bouncer_fields);
