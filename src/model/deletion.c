/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/deletion.h"

#define T struct deletion_query
static const struct field deletion_query_fields[] = {
	{ .name = "hard_delete", .kind = K_BOOL, .flags = F_CREATE, .offset = FIELD_AT(T, hard_delete, bool),
	  .def = "false", .doc = "Remove it for good instead of keeping it for its 30 days." },
};
#undef T
SCHEMA(deletion_query_schema, struct deletion_query, "DeletionQuery", deletion_query_fields);

#define T struct deletion
static const struct field deletion_fields[] = {
	TEXT(T, message, F_OUT, 0, 0, "What was done."),
	INT(T, id, F_OUT, 0, 0, "The object that is gone."),
	TIME(T, deleted_at, F_OUT, "When it was deleted."),
};
#undef T
SCHEMA(deletion_schema, struct deletion, "Deletion", deletion_fields);
