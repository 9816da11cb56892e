/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_PROVISION_H
#define CC_MODEL_PROVISION_H

#include "cc/schema/schema.h"

/* Rows that provisioning reads; columns that a query leaves out stay NULL or 0. */

/* A tenant, the schema it lives in, or a schema without a tenant. */
struct slot {
	const char *tenant_id, *schema_id, *region, *state;
	int64_t shard, version;
};
extern const struct schema slot_schema;

/* A tenant that a schema was left by, and where its objects are; to_region NULL: it does not move. */
struct leftover {
	const char *tenant_id, *region, *to_region;
};
extern const struct schema leftover_schema;

/* Of a tenant that objects lie in a store for. */
struct object_owner {
	const char *region; /* NULL: there is none of this id */
	bool purged, busy;  /* there was one; it is just being made or removed */
	struct strv others; /* regions where it may have some, too */
};
extern const struct schema object_owner_schema;

/* Counts, of a region or of all. */
struct stock {
	const char *region;
	int64_t spares, schemas;
};
extern const struct schema stock_schema;

/* Kinds of background work, each: is there any? */
struct due {
	bool undo, purge, discard, prepare, migrate, expunge, checkpoint;
};
extern const struct schema due_schema;

/* Tenants that have something in common. */
struct tenant_group {
	const char *plan_type, *region;
	int64_t tenants;
};
extern const struct schema tenant_group_schema;

/* A module in the policy engine. */
struct engine_module {
	const char *name;
};
extern const struct schema engine_module_schema;

/* What makes a login role unsafe. */
struct role_facts {
	const char *role;
	bool superuser, bypassrls, createrole, temp, public_create, hasty;
	int64_t memberships;
};
extern const struct schema role_facts_schema;

/* What makes a server unsafe; connections: those it has for roles that are no superusers. */
struct server_facts {
	const char *database, *synchronous_commit, *server;
	bool fsync, full_page_writes;
	int64_t version, connections;
};
extern const struct schema server_facts_schema;

#endif
