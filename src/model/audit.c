/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/audit.h"

static const char *const chains[] = { "data", "control", NULL };

#define T struct audit_row
static const struct field audit_row_fields[] = {
	ENUM(T, chain, F_OUT, chains, NULL, "data: the tenant's objects. control: the tenant itself."),
	INT(T, seq, F_OUT, 0, 0, "Place in its chain; no gaps."),
	TIME(T, timestamp, F_OUT, "When it happened."),
	TEXT(T, actor_kind, F_OUT, 0, 0, "api_key, operator or system."),
	TEXT(T, actor, F_OUT, 0, 0, "The credential's id."),
	TEXT(T, action, F_OUT, 0, 0, "The operation: createPolicy, …"),
	TEXT(T, object_type, F_OUT, 0, 0, "The kind of object: policy, …"),
	TEXT(T, object_id, F_OUT, 0, 0, "Which one."),
	TEXT(T, outcome, F_OUT, 0, 0, "success."),
	TEXT(T, request_id, F_OUT | F_NULLABLE, 0, 0, "X-Request-ID of the request."),
	TEXT(T, ip, F_OUT | F_NULLABLE, 0, 0, "Where the request came from."),
	JSON(T, detail, F_OUT | F_NULLABLE, 0, "What more is known: the fields that changed."),
};
#undef T
SCHEMA(audit_row_schema, struct audit_row, "AuditRecord", audit_row_fields);
