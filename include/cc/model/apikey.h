/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_APIKEY_H
#define CC_MODEL_APIKEY_H

#include "cc/schema/schema.h"

extern const char *const apikey_environments[]; /* live test */

/* The body that creates a key. */
struct api_key_new {
	const char *name;
	struct strv scopes, allowed_cidrs;
	int64_t expires_at;             /* TIME_NULL: never */
	const char *environment;
	uint64_t seen;
};
extern const struct schema api_key_new_schema;

/* The body that creates an operator's. */
struct operator_key_new {
	const char *name;
	struct strv scopes, allowed_cidrs;
	int64_t expires_at;             /* TIME_NULL: never */
	uint64_t seen;
};
extern const struct schema operator_key_new_schema;

/* The answer to either, and the only time the key itself is shown. */
struct api_key_created {
	const char *id, *name;
	const char *key;
	struct strv scopes;
	int64_t created_at, expires_at;
};
extern const struct schema api_key_created_schema;

/* A key as it is listed, and as it can be changed. */
struct api_key_row {
	const char *id, *name;
	const char *display;            /* prefix and last characters */
	struct strv scopes;
	struct strv allowed_cidrs;      /* none: it is taken from everywhere */
	const char *created_by;
	int64_t created_at, expires_at, revoked_at;
	const char *rotated_from, *rotated_to;
	int64_t last_used_at;           /* to the minute; TIME_NULL: never */
	const char *last_ip;
	int64_t row_version;            /* internal: one more with every change */
	bool live;                      /* internal: neither revoked nor expired */
	uint64_t seen;
};
extern const struct schema api_key_row_schema;

/* The body that gives a key a successor. */
struct api_key_rotation {
	int64_t overlap_seconds;
	int64_t expires_at;             /* of the successor; TIME_NULL: never */
	uint64_t seen;
};
extern const struct schema api_key_rotation_schema;

/* The answer to it; the successor is shown in no other. */
struct api_key_rotated {
	const char *id, *name;
	const char *key;
	struct strv scopes, allowed_cidrs;
	int64_t created_at, expires_at;
	const char *rotated_from;
	int64_t previous_expires_at;    /* of the key that was rotated */
	const char *ended;              /* internal: the key before the old one, if still taken; or NULL */
};
extern const struct schema api_key_rotated_schema;

struct api_key_deletion {
	const char *message, *id;
	int64_t deleted_at;
};
extern const struct schema api_key_deletion_schema;

#endif
