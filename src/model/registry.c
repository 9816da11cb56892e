/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/registry.h"

#define T struct tenant_place_row
static const struct field tenant_place_fields[] = {
	TEXT(T, id, 0, 0, 0, "Immutable."),
	TEXT(T, slug, 0, 0, 0, "First label of the domain."),
	TEXT(T, name, 0, 0, 0, "As shown to people."),
	TEXT(T, domain, 0, 0, 0, "Host under the base domain."),
	TEXT(T, status, 0, 0, 0, "See core/tenant.h."),
	TEXT(T, suspend_mode, F_NULLABLE, 0, 0, "While suspended."),
	TEXT(T, plan_type, 0, 0, 0, "Name of the plan."),
	INT(T, max_policies, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_resources, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_users, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_bouncers, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	JSON(T, quotas, 0, 0, "By metric: what happens beyond its limit."),
	BOOL(T, require_if_match, 0, "Changes without If-Match are refused."),
	BOOL(T, require_tests, 0, "Policies that were not tested are not promoted."),
	JSON(T, issuers, F_ANY_JSON, 0, "Who may sign tokens for its people."),
	STRS(T, cors_origins, 0, 0, INT64_MAX, NULL, 300, "Whose scripts may read its answers."),
	BOOL(T, overdue, 0, "Not paid for long."),
	TEXT(T, region, 0, 0, 0, "Where its data lives."),
	TEXT(T, schema_id, F_NULLABLE, 0, 0, "Schema and role."),
	INT(T, shard, F_NULLABLE, 0, INT64_MAX, "Pool shard."),
	INT(T, epoch, 0, 0, INT64_MAX, "Of the placement."),
	INT(T, schema_version, F_NULLABLE, 0, INT64_MAX, "Last migration applied."),
	STRS(T, hosts, 0, 0, INT64_MAX, NULL, 253, "Verified custom domains."),
};
#undef T
SCHEMA(tenant_place_row_schema, struct tenant_place_row, "TenantPlace", tenant_place_fields);

#define T struct cred_row
static const struct field cred_fields[] = {
	TEXT(T, id, 0, 0, 0, "key-…"),
	TEXT(T, key_id, 0, 0, 0, "The public part of the key."),
	TEXT(T, name, 0, 0, 0, "As its creator called it."),
	TEXT(T, tenant_id, F_NULLABLE, 0, 0, "Null: an operator's."),
	STRS(T, scopes, 0, 0, 64, NULL, 64, "What it may do."),
	STRS(T, allowed_cidrs, 0, 0, INT64_MAX, NULL, 64, "Where it is taken from; none: everywhere."),
	BYTES(T, hash),
	BOOL(T, test, 0, "A key of the sandbox."),
	TIME(T, expires_at, F_NULLABLE, "Null: never."),
	TIME(T, revoked_at, F_NULLABLE, "Null: not revoked."),
};
#undef T
SCHEMA(cred_row_schema, struct cred_row, "Credential", cred_fields);

#define T struct feed_row
static const struct field feed_row_fields[] = {
	INT(T, head, 0, 0, INT64_MAX, "Of the newest change."),
	INT(T, version, F_NULLABLE, 0, INT64_MAX, "Place in the feed."),
	TEXT(T, tenant_id, F_NULLABLE, 0, 0, "Whose."),
	TEXT(T, kind, 0, 0, 0, "tenant or key."),
	TEXT(T, subject, 0, 0, 0, "Id of what changed."),
};
#undef T
SCHEMA(feed_row_schema, struct feed_row, "FeedRow", feed_row_fields);
