/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/user.h"

#include "cc/model/check.h"
#include "cc/model/names.h"

const char *const user_roles[] = { ROLE_ADMIN, "Manager", "Developer", "Viewer", NULL };
#define ROLES_MAX 4

#define T struct user
static const struct field user_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server; unique within the tenant."),
	TEXT_LIKE(T, email, F_RW | F_REQUIRED | F_SORT, 3, 254, check_email,
		  "Unique among the tenant's users, in any case.", .example = "ann@example.com"),
	TEXT_LIKE(T, username, F_RW | F_REQUIRED | F_SORT, 1, 120, check_not_blank, "What they are called.",
		  .example = "Ann"),
	STRS(T, roles, F_RW | F_REQUIRED, 1, ROLES_MAX, user_roles, 0, "What they may do; see permissions.",
	     .example = "Developer"),
	TEXT(T, department, F_RW | F_NULLABLE, 1, 120, "Where they work."),
	JSON(T, attributes, F_RW | F_NULLABLE, 65536, "Free attributes for policies."),
	TIME(T, last_seen_at, F_OUT | F_VOLATILE | F_NULLABLE, "Their last request with a token."),
	STRS(T, permissions, F_OUT | F_VOLATILE, 0, 64, NULL, 64, "The scopes that their roles give."),
	TEXT(T, created_by, F_OUT, 0, 0, "The credential that made the user."),
	TIME(T, created_at, F_OUT | F_SORT, "When the user was made."),
	TIME(T, updated_at, F_OUT | F_SORT, "When the user was last saved."),
	INT(T, version, F_OUT | F_ROW_VERSION, 0, 0, "One more with every save."),
	TIME(T, deleted_at, 0, "Internal."),
};
#undef T
SCHEMA_IN(user_schema, struct user, "User", user_fields);

#define T struct user_roles_change
static const struct field user_roles_fields[] = {
	STRS(T, roles, F_IN | F_REQUIRED, 1, ROLES_MAX, user_roles, 0, "All roles the user shall have.",
	     .example = "Developer,Viewer"),
	TEXT_LIKE(T, reason, F_IN | F_NULLABLE, 1, 500, check_not_blank, "Why; kept in the audit.",
		  .example = "New team"),
};
#undef T
SCHEMA_IN(user_roles_schema, struct user_roles_change, "UserRoles", user_roles_fields);

#define T struct user_rest
static const struct field user_rest_fields[] = {
	INT(T, admins, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA(user_rest_schema, struct user_rest, "UserRest", user_rest_fields);
