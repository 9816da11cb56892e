/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/object.h"

#define T struct object_row
static const struct field object_row_fields[] = {
	TEXT(T, key, 0, 0, 0, "Internal."),
	INT(T, size, 0, 0, 0, "Internal."),
	BYTES(T, sha256),
};
#undef T
SCHEMA(object_row_schema, struct object_row, "ObjectRow", object_row_fields);

#define T struct bundle_row
static const struct field bundle_row_fields[] = {
	INT(T, head_version, 0, 0, 0, "Internal."),
	INT(T, epoch, 0, 0, 0, "Internal."),
	TEXT(T, key, 0, 0, 0, "Internal."),
	INT(T, size, 0, 0, 0, "Internal."),
	BYTES(T, sha256),
	TEXT(T, revision, 0, 0, 0, "Internal."),
	INT(T, version, 0, 0, 0, "Internal."),
	BOOL(T, touched, 0, "Internal."),
	BOOL(T, newer, 0, "Internal."),
	TEXT(T, trouble, F_NULLABLE, 0, 0, "Internal."),
};
#undef T
SCHEMA(bundle_row_schema, struct bundle_row, "BundleRow", bundle_row_fields);

#define T struct bundle_trouble
static const struct field bundle_trouble_fields[] = {
	TEXT(T, environment, 0, 0, 0, "Internal."),
	TIME(T, since, 0, "Internal."),
	TEXT(T, why, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA(bundle_trouble_schema, struct bundle_trouble, "BundleTrouble", bundle_trouble_fields);

#define T struct bundle_policy
static const struct field bundle_policy_fields[] = {
	INT(T, id, 0, 0, 0, "Internal."),
	TEXT(T, name, 0, 0, 0, "Internal."),
	TEXT(T, rego_code, 0, 0, 0, "Internal."),
	INT(T, resource_id, 0, 0, 0, "Internal."),
	INT(T, bouncer_id, 0, 0, 0, "Internal."),
	INT(T, version, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA(bundle_policy_schema, struct bundle_policy, "BundlePolicy", bundle_policy_fields);
