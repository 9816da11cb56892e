/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/held_name.h"

const char *const held_name_kinds[] = { "slug", "domain", NULL };

#define T struct held_name
static const struct field held_name_fields[] = {
	TEXT(T, name, F_OUT | F_SORT, 1, 253, "The slug of a tenant, or a domain."),
	ENUM(T, kind, F_OUT, held_name_kinds, NULL,
	     "slug: a tenant was called so. domain: a tenant had proven that it is its own."),
	TEXT(T, tenant_id, F_OUT | F_SORT, 0, 0, "Whose it was; that tenant may be gone."),
	TIME(T, until, F_OUT, "Until then only the same tenant can have it again."),
	BOOL(T, exists, 0, "Internal."),
};
#undef T
SCHEMA(held_name_schema, struct held_name, "HeldName", held_name_fields);

#define T struct held_name_release
static const struct field held_name_release_fields[] = {
	TEXT(T, message, F_OUT, 0, 0, "What was done."),
	TEXT(T, name, F_OUT, 0, 0, "The name that anybody can have now."),
	TIME(T, released_at, F_OUT, "When it was released."),
};
#undef T
SCHEMA(held_name_release_schema, struct held_name_release, "HeldNameRelease", held_name_release_fields);
