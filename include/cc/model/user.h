/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_USER_H
#define CC_MODEL_USER_H

#include "cc/schema/schema.h"

extern const char *const user_roles[];          /* Admin Manager Developer Viewer */
#define ROLE_ADMIN "Admin"

/* A person of the tenant. Credentials are not kept here: people come with tokens of an issuer. */
struct user {
	int64_t id;
	const char *email;
	const char *username;
	struct strv roles;
	const char *department;
	const char *attributes;                 /* JSON object */
	int64_t last_seen_at;                   /* TIME_NULL: never */
	struct strv permissions;                /* the scopes of the roles */
	const char *created_by;
	int64_t created_at, updated_at;
	int64_t version;                        /* one more with every save */
	int64_t deleted_at;                     /* internal: TIME_NULL while it lives */
	uint64_t seen;
};
extern const struct schema user_schema;

/* Body of PUT /users/{id}/roles. */
struct user_roles_change {
	struct strv roles;
	const char *reason;
	uint64_t seen;
};
extern const struct schema user_roles_schema;

/* How many other live users can administer the tenant. */
struct user_rest {
	int64_t admins;
};
extern const struct schema user_rest_schema;

#endif
