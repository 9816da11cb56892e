/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/operation.h"

const char *const operation_kinds[] = { "tenant_deletion", "tenant_move", "billing_update", NULL };
const char *const operation_statuses[] = { "running", "completed", "failed", "cancelled", NULL };

#define T struct operation_progress
static const struct field operation_progress_fields[] = {
	TEXT(T, step, F_OUT, 0, 0, "What is being done; the words depend on the kind."),
	INT(T, percent, F_OUT, 0, 100, "How much of it is done."),
};
#undef T
SCHEMA(operation_progress_schema, struct operation_progress, "OperationProgress", operation_progress_fields);

#define T struct operation_links
static const struct field operation_links_fields[] = {
	TEXT(T, self, F_OUT, 0, 0, "This operation."),
	TEXT(T, tenant, F_OUT, 0, 0, "The tenant it is about."),
	TEXT(T, cancel, F_OUT | F_NULLABLE, 0, 0, "POST there to cancel it; null when that is too late."),
};
#undef T
SCHEMA(operation_links_schema, struct operation_links, "OperationLinks", operation_links_fields);

#define T struct operation
static const struct field operation_fields[] = {
	TEXT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server."),
	TEXT(T, tenant_id, F_OUT, 0, 0, "The tenant it is about."),
	ENUM(T, kind, F_OUT | F_SORT, operation_kinds, NULL, "What is done."),
	ENUM(T, status, F_OUT | F_SORT, operation_statuses, NULL, "Where it is in its life."),
	OBJ(T, progress, F_OUT, struct operation_progress, &operation_progress_schema, "How far it came."),
	JSON(T, error, F_OUT | F_NULLABLE, 0,
	     "The last failure: code and message. While the operation runs it is tried again."),
	TEXT(T, started_by, F_OUT, 0, 0, "The credential that asked for it."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was asked for."),
	TIME(T, updated_at, F_OUT | F_SORT, "When it last came further."),
	TIME(T, finished_at, F_OUT | F_NULLABLE | F_SORT, "When it ended."),
	OBJ(T, links, F_OUT, struct operation_links, &operation_links_schema, "Where to go from here."),
};
#undef T
SCHEMA(operation_schema, struct operation, "Operation", operation_fields);
