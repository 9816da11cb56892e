/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_KEY_OWNER_H
#define CC_TESTS_KEY_OWNER_H

#include "client.h"

/* Keys of tenants and of operators go the same way: what is told of both is told once. */

/* Whose keys, and two things that they may allow to read. */
struct owner {
	struct client *c;
	char base[160];
	const char *one, *other;
	const char *read_one, *read_other;
};

/* Of a new tenant; of operators. Their client o.c is the caller's. */
struct owner owner_tenant(struct daemon *d, const char *slug, struct tenant_fixture *t);
struct owner owner_operators(struct daemon *d);
/* A key with both scopes and further members of its body; *ret_id is malloc'ed. */
struct client *key_with(struct daemon *d, const struct owner *o, const char *more, char **ret_id);
/* Valid until the next. */
const char *path_of(const struct owner *o, const char *id, const char *action);
/* A test for a new tenant, and again for operators. */
void for_both(void **state, const char *slug, void (*test)(struct daemon *d, const struct owner *o));

#endif
