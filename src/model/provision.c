/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/provision.h"

#define T struct slot
static const struct field slot_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "The tenant."),
	TEXT(T, schema_id, 0, 0, 0, "Its schema, and the name of its role."),
	TEXT(T, region, 0, 0, 0, "Where the schema is."),
	TEXT(T, state, 0, 0, 0, "Status of the tenant or state of the schema."),
	INT(T, shard, 0, 0, 0, "The pool role it hangs on."),
	INT(T, version, 0, 0, 0, "The newest migration applied."),
};
#undef T
SCHEMA(slot_schema, struct slot, "Slot", slot_fields);

#define T struct leftover
static const struct field leftover_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "The tenant."),
	TEXT(T, region, 0, 0, 0, "Where it lives."),
	TEXT(T, to_region, F_NULLABLE, 0, 0, "Where it goes."),
};
#undef T
SCHEMA(leftover_schema, struct leftover, "Leftover", leftover_fields);

#define T struct object_owner
static const struct field object_owner_fields[] = {
	TEXT(T, region, F_NULLABLE, 0, 0, "Where it lives."),
	BOOL(T, purged, 0, "It was removed."),
	BOOL(T, busy, 0, "It is being made or removed."),
	STRS(T, others, 0, 0, 0, NULL, 0, "Where it may have some, too."),
};
#undef T
SCHEMA(object_owner_schema, struct object_owner, "ObjectOwner", object_owner_fields);

#define T struct stock
static const struct field stock_fields[] = {
	TEXT(T, region, 0, 0, 0, "The region."),
	INT(T, spares, 0, 0, 0, "Schemas of the kind asked for."),
	INT(T, schemas, 0, 0, 0, "All of them."),
};
#undef T
SCHEMA(stock_schema, struct stock, "Stock", stock_fields);

#define T struct due
static const struct field due_fields[] = {
	BOOL(T, undo, 0, "A creation did not end."),
	BOOL(T, purge, 0, "The undo window of a tenant is over."),
	BOOL(T, discard, 0, "A schema is to be dropped."),
	BOOL(T, prepare, 0, "A region has too few spare schemas."),
	BOOL(T, migrate, 0, "A schema is behind the newest version."),
	BOOL(T, expunge, 0, "A tenant's old deleted rows are to be looked for."),
	BOOL(T, checkpoint, 0, "The heads of a tenant's audit are to be signed."),
};
#undef T
SCHEMA(due_schema, struct due, "Due", due_fields);

#define T struct tenant_group
static const struct field tenant_group_fields[] = {
	TEXT(T, plan_type, 0, 0, 0, "Their plan."),
	TEXT(T, region, 0, 0, 0, "Their region."),
	INT(T, tenants, 0, 0, 0, "How many they are."),
};
#undef T
SCHEMA(tenant_group_schema, struct tenant_group, "TenantGroup", tenant_group_fields);

#define T struct engine_module
static const struct field engine_module_fields[] = {
	TEXT(T, name, 0, 0, 0, "Its name there, and of its package."),
};
#undef T
SCHEMA(engine_module_schema, struct engine_module, "EngineModule", engine_module_fields);

#define T struct role_facts
static const struct field role_facts_fields[] = {
	TEXT(T, role, 0, 0, 0, "Its name."),
	BOOL(T, superuser, 0, "It may do everything."),
	BOOL(T, bypassrls, 0, "Row security does not bind it."),
	BOOL(T, createrole, 0, "It may make roles."),
	BOOL(T, temp, 0, "It may make temporary tables here."),
	BOOL(T, public_create, 0, "It may make objects in the schema public."),
	BOOL(T, hasty, 0, "Its commits do not wait for the disk."),
	INT(T, memberships, 0, 0, 0, "Roles it is a member of."),
};
#undef T
SCHEMA(role_facts_schema, struct role_facts, "RoleFacts", role_facts_fields);

#define T struct server_facts
static const struct field server_facts_fields[] = {
	TEXT(T, database, 0, 0, 0, "The database asked."),
	TEXT(T, synchronous_commit, 0, 0, 0, "What a commit waits for."),
	TEXT(T, server, 0, 0, 0, "Tells one running server from another."),
	BOOL(T, fsync, 0, "Commits reach the disk."),
	BOOL(T, full_page_writes, 0, "Torn pages are repaired."),
	INT(T, version, 0, 0, 0, "server_version_num"),
	INT(T, connections, 0, 0, 0, "Connections for roles that are no superusers."),
};
#undef T
SCHEMA(server_facts_schema, struct server_facts, "ServerFacts", server_facts_fields);
