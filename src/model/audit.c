/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/audit.h"

#define AUTHENTICATION "authentication"
#define CONTROL "control_management"
#define TENANT "tenant_management"
#define USER "user_management"

const char *const audit_chains[] = { AUDIT_CHAIN_DATA, AUDIT_CHAIN_CONTROL, NULL };
const char *const audit_categories[] = { AUTHENTICATION, CONTROL, TENANT, USER, NULL };

static const struct {
	const char *object_type, *category;
} belongs[] = {
	{ "api_key", AUTHENTICATION },
	{ "auth_issuers", AUTHENTICATION },
	{ "policy", CONTROL },
	{ "resource", CONTROL },
	{ "bouncer", CONTROL },
	{ "user", USER },
};

const char *audit_category_of(const char *object_type)
{
	for (size_t i = 0; i < sizeof(belongs) / sizeof(belongs[0]); i++)
		if (str_eq(belongs[i].object_type, object_type))
			return belongs[i].category;
	return TENANT;
}

#define T struct audit_row
static const struct field audit_row_fields[] = {
	ENUM(T, chain, F_OUT | F_SORT, audit_chains, NULL,
	     "data: the tenant's objects. control: the tenant itself."),
	INT(T, seq, F_OUT | F_SORT, 0, 0, "Place in its chain; no gaps."),
	TIME(T, timestamp, F_OUT | F_SORT | F_MILLIS, "When it happened."),
	TEXT(T, actor_kind, F_OUT, 0, 0, "api_key, user, operator or system."),
	TEXT(T, actor, F_OUT, 0, 0, "The credential's id."),
	TEXT(T, action, F_OUT, 0, 0, "The operation: createPolicy, …"),
	ENUM(T, category, F_OUT, audit_categories, NULL, "What kind of operation."),
	TEXT(T, object_type, F_OUT, 0, 0, "The kind of object: policy, …"),
	TEXT(T, object_id, F_OUT, 0, 0, "Which one."),
	TEXT(T, environment, F_OUT | F_NULLABLE, 0, 0, "The object's environment, where it has one."),
	TEXT(T, outcome, F_OUT, 0, 0, "success."),
	TEXT(T, request_id, F_OUT | F_NULLABLE, 0, 0, "X-Request-ID of the request."),
	TEXT(T, ip, F_OUT | F_NULLABLE, 0, 0, "Where the request came from."),
	JSON(T, detail, F_OUT | F_NULLABLE, 0, "What more is known: the fields that changed."),
	TEXT(T, tenant_id, F_OUT | F_FULL, 0, 0, "Whose chain it is."),
	INT(T, key_version, F_OUT | F_FULL, 0, 0, "Of the key that the macs are made with."),
	TEXT(T, prev_mac, F_OUT | F_FULL, 0, 0, "The mac of the row before; zeros before the first."),
	TEXT(T, mac, F_OUT | F_FULL, 0, 0, "HMAC-SHA-256 over prev_mac and this row."),
};
#undef T
SCHEMA(audit_row_schema, struct audit_row, "AuditRecord", audit_row_fields);
