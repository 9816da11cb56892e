/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/admin.h"

#include "cc/model/tenant.h"

#define MOST 10000              /* rows of one answer */

/* The columns of `controlcored admin` are these fields in this order. */

#define T struct admin_tenant
static const struct field admin_tenant_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "The tenant."),
	TEXT(T, slug, F_OUT, 0, 0, "Its other name."),
	TEXT(T, status, F_OUT, 0, 0, "Where it is in its life."),
	TEXT(T, region, F_OUT, 0, 0, "Where its data lives."),
	TEXT(T, plan_type, F_OUT, 0, 0, "Its plan."),
	TIME(T, created_at, F_OUT, "When it was created."),
	TIME(T, updated_at, F_OUT, "When it was last changed."),
};
#undef T
SCHEMA(admin_tenant_schema, struct admin_tenant, "AdminTenant", admin_tenant_fields);

#define T struct admin_deployment
static const struct field admin_deployment_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "The move."),
	TEXT(T, tenant_id, F_OUT, 0, 0, "Whose."),
	TEXT(T, from_region, F_OUT, 0, 0, "Whence."),
	TEXT(T, to_region, F_OUT, 0, 0, "Whither."),
	TEXT(T, step, F_OUT, 0, 0, "What is being done."),
	INT(T, rows_copied, F_OUT, 0, 0, "Rows that are there."),
	INT(T, rows_total, F_OUT, 0, 0, "Rows when it was asked for."),
	INT(T, bytes_copied, F_OUT, 0, 0, "Bytes that are there."),
	INT(T, failures, F_OUT, 0, 0, "How often a step failed."),
	TEXT(T, lease_owner, F_OUT | F_NULLABLE, 0, 0, "The node that has it."),
	TIME(T, created_at, F_OUT, "When it was asked for."),
	TIME(T, completed_at, F_OUT | F_NULLABLE, "When it was over."),
};
#undef T
SCHEMA(admin_deployment_schema, struct admin_deployment, "AdminDeployment", admin_deployment_fields);

#define T struct admin_job
static const struct field admin_job_fields[] = {
	TEXT(T, job, F_OUT, 0, 0, "What is done."),
	INT(T, runs, F_OUT, 0, 0, "Since this node started."),
	INT(T, failures, F_OUT, 0, 0, "Of these."),
	TIME(T, good_at, F_OUT | F_NULLABLE, "When it last went well."),
	TEXT(T, error, F_OUT | F_NULLABLE, 0, 0, "Of the last run."),
};
#undef T
SCHEMA(admin_job_schema, struct admin_job, "AdminJob", admin_job_fields);

#define T struct admin_call
static const struct field admin_call_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "The call."),
	TEXT(T, tenant_id, F_OUT, 0, 0, "For whom."),
	TEXT(T, op, F_OUT, 0, 0, "What it does."),
	TEXT(T, state, F_OUT, 0, 0, "waiting, or dead: it was refused."),
	INT(T, attempts, F_OUT, 0, 0, "So far."),
	INT(T, status, F_OUT | F_NULLABLE, 0, 0, "Of the last answer."),
	TEXT(T, error_code, F_OUT | F_NULLABLE, 0, 0, "Stripe's word."),
	TIME(T, created_at, F_OUT, "When it was decided."),
	TIME(T, next_at, F_OUT, "When it is tried next."),
};
#undef T
SCHEMA(admin_call_schema, struct admin_call, "AdminCall", admin_call_fields);

#define T struct admin_node
static const struct field admin_node_fields[] = {
	TEXT(T, node, F_OUT, 0, 0, "Host and process."),
	TEXT(T, version, F_OUT, 0, 0, "Of the program."),
	TIME(T, started_at, F_OUT, "When it started."),
	TIME(T, seen_at, F_OUT, "When it last said so."),
	INT(T, silent_s, F_OUT, 0, 0, "How long ago that is, in seconds: more than 30, and it is gone."),
};
#undef T
SCHEMA(admin_node_schema, struct admin_node, "AdminNode", admin_node_fields);

#define T struct admin_cache
static const struct field admin_cache_fields[] = {
	TEXT(T, cache, F_OUT, 0, 0, "What is kept."),
	INT(T, entries, F_OUT, 0, 0, "How many."),
	INT(T, most, F_OUT | F_NULLABLE, 0, 0, "How many there can be."),
	INT(T, bytes, F_OUT | F_NULLABLE, 0, 0, "How much that is."),
};
#undef T
SCHEMA(admin_cache_schema, struct admin_cache, "AdminCache", admin_cache_fields);

#define T struct admin_tenants_query
static const struct field admin_tenants_query_fields[] = {
	ENUM(T, status, F_CREATE, tenant_statuses, NULL, "Only these."),
	TEXT(T, region, F_CREATE, 1, 40, "Only those there."),
	TEXT(T, tenant, F_CREATE, 1, 80, "Only this one: its id or its slug."),
	{ .name = "limit", .kind = K_INT, .flags = F_CREATE, .offset = FIELD_AT(T, limit, int64_t),
	  .min = 1, .max = MOST, .def = "1000", .doc = "How many at most." },
};
#undef T
SCHEMA_IN(admin_tenants_query_schema, struct admin_tenants_query, "AdminTenantsQuery",
	  admin_tenants_query_fields);

#define T struct admin_query
static const struct field admin_query_fields[] = {
	{ .name = "live", .kind = K_BOOL, .flags = F_CREATE, .offset = FIELD_AT(T, live, bool),
	  .def = "false", .doc = "Only what is under way." },
	{ .name = "limit", .kind = K_INT, .flags = F_CREATE, .offset = FIELD_AT(T, limit, int64_t),
	  .min = 1, .max = MOST, .def = "1000", .doc = "How many at most." },
};
#undef T
SCHEMA_IN(admin_query_schema, struct admin_query, "AdminQuery", admin_query_fields);
