/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/apikey.h"

#include "cc/base/cidr.h"
#include "cc/model/check.h"

#define CIDRS_MAX 32
#define OVERLAP_MAX_S 604800

const char *const apikey_environments[] = { "live", "test", NULL };

#define T struct api_key_new
static const struct field api_key_new_fields[] = {
	TEXT_LIKE(T, name, F_CREATE | F_REQUIRED, 1, 120, check_not_blank, "What the key is for.",
		  .example = "Gateway"),
	STRS(T, scopes, F_CREATE | F_REQUIRED, 1, 32, NULL, 64,
	     "What it may do, at most what its creator may.",
	     .example = "policies:read,policies:write"),
	TIME(T, expires_at, F_CREATE | F_NULLABLE, "From then on it is refused; null is never."),
	STRS(T, allowed_cidrs, F_CREATE, 0, CIDRS_MAX, NULL, CIDR_TEXT_MAX - 1,
	     "Networks or addresses (IPv4, IPv6) that it is taken from; none: everywhere."),
	ENUM(T, environment, F_CREATE, apikey_environments, "live",
	     "Shows in the key itself: cc_live_ or cc_test_."),
};
#undef T
SCHEMA_IN(api_key_new_schema, struct api_key_new, "ApiKeyCreate", api_key_new_fields);

#define T struct operator_key_new
static const struct field operator_key_new_fields[] = {
	TEXT_LIKE(T, name, F_CREATE | F_REQUIRED, 1, 120, check_not_blank,
		  "Whose the key is, or what it is for.", .example = "Deployment"),
	STRS(T, scopes, F_CREATE | F_REQUIRED, 1, 64, NULL, 64,
	     "What it may do, at most what its creator may.",
	     .example = "platform:read"),
	TIME(T, expires_at, F_CREATE | F_NULLABLE, "From then on it is refused; null is never."),
	STRS(T, allowed_cidrs, F_CREATE, 0, CIDRS_MAX, NULL, CIDR_TEXT_MAX - 1,
	     "Networks or addresses (IPv4, IPv6) that it is taken from; none: everywhere."),
};
#undef T
SCHEMA_IN(operator_key_new_schema, struct operator_key_new, "OperatorKeyCreate", operator_key_new_fields);

#define T struct api_key_created
static const struct field api_key_created_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "Names the key; not secret."),
	TEXT(T, name, F_OUT, 0, 0, "What the key is for."),
	TEXT(T, key, F_OUT | F_SECRET, 0, 0, "The key. It is shown this once."),
	STRS(T, scopes, F_OUT, 1, 32, NULL, 64, "What it may do."),
	TIME(T, created_at, F_OUT, "When it was created."),
	TIME(T, expires_at, F_OUT | F_NULLABLE, "From then on it is refused."),
};
#undef T
SCHEMA(api_key_created_schema, struct api_key_created, "CreatedApiKey", api_key_created_fields);

#define T struct api_key_row
static const struct field api_key_row_fields[] = {
	TEXT(T, id, F_OUT | F_SORT, 0, 0, "Names the key; not secret."),
	TEXT_LIKE(T, name, F_UPDATE | F_OUT | F_SORT, 1, 120, check_not_blank, "What the key is for.",
		  .example = "Gateway"),
	TEXT(T, display, F_OUT, 0, 0, "Beginning and end of the key, to recognise it by."),
	STRS(T, scopes, F_UPDATE | F_OUT, 1, 64, NULL, 64, "What it may do; can only become less."),
	STRS(T, allowed_cidrs, F_UPDATE | F_OUT, 0, CIDRS_MAX, NULL, CIDR_TEXT_MAX - 1,
	     "Networks that it is taken from; none: everywhere. Can only become narrower."),
	TEXT(T, created_by, F_OUT, 0, 0, "The credential that made it."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was created."),
	TIME(T, expires_at, F_UPDATE | F_OUT | F_NULLABLE | F_SORT,
	     "From then on it is refused; null is never. Can only become earlier."),
	TIME(T, revoked_at, F_OUT | F_NULLABLE | F_SORT, "When it was revoked."),
	TEXT(T, rotated_from, F_OUT | F_NULLABLE, 0, 0, "The key that it took the place of."),
	TEXT(T, rotated_to, F_OUT | F_NULLABLE, 0, 0, "The key that took its place."),
	TIME(T, last_used_at, F_OUT | F_VOLATILE | F_NULLABLE, "Its last request, to the minute."),
	TEXT(T, last_ip, F_OUT | F_VOLATILE | F_NULLABLE, 0, 0, "Where that came from."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "One more with every change."),
	BOOL(T, live, 0, "Neither revoked nor expired."),
};
#undef T
SCHEMA_IN(api_key_row_schema, struct api_key_row, "ApiKey", api_key_row_fields);

#define T struct api_key_rotation
static const struct field api_key_rotation_fields[] = {
	{ FIELD_OF(T, overlap_seconds, int64_t, K_INT, F_CREATE), .min = 0, .max = OVERLAP_MAX_S,
	  .def = "86400", .doc = "How long the old key is still taken; 0: no longer.", .example = "3600" },
	TIME(T, expires_at, F_CREATE | F_NULLABLE,
	     "When the new key expires; null is never. Not sent: when the old one would have."),
};
#undef T
SCHEMA_IN(api_key_rotation_schema, struct api_key_rotation, "ApiKeyRotation", api_key_rotation_fields);

#define T struct api_key_rotated
static const struct field api_key_rotated_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "Names the new key; not secret."),
	TEXT(T, name, F_OUT, 0, 0, "As the old one is called."),
	TEXT(T, key, F_OUT | F_SECRET, 0, 0, "The new key. It is shown this once."),
	STRS(T, scopes, F_OUT, 1, 64, NULL, 64, "What it may do: the same."),
	STRS(T, allowed_cidrs, F_OUT, 0, CIDRS_MAX, NULL, CIDR_TEXT_MAX - 1,
	     "Where it is taken from: the same."),
	TIME(T, created_at, F_OUT, "When it was made."),
	TIME(T, expires_at, F_OUT | F_NULLABLE, "From then on the new key is refused."),
	TEXT(T, rotated_from, F_OUT, 0, 0, "The old key."),
	TIME(T, previous_expires_at, F_OUT, "From then on the old key is refused."),
};
#undef T
SCHEMA(api_key_rotated_schema, struct api_key_rotated, "RotatedApiKey", api_key_rotated_fields);

#define T struct api_key_deletion
static const struct field api_key_deletion_fields[] = {
	TEXT(T, message, F_OUT, 0, 0, "What was done."),
	TEXT(T, id, F_OUT, 0, 0, "The key that is refused from now on."),
	TIME(T, deleted_at, F_OUT, "When it was revoked."),
};
#undef T
SCHEMA(api_key_deletion_schema, struct api_key_deletion, "ApiKeyDeletion", api_key_deletion_fields);
