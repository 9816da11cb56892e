/* SPDX-License-Identifier: Apache-2.0 */
#include "key_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct owner owner_tenant(struct daemon *d, const char *slug, struct tenant_fixture *t)
{
	struct owner o = { .one = "policies:read", .other = "bouncers:read", .read_one = "/policies",
			   .read_other = "/bouncers" };

	fixture_tenant(d, slug, NULL, NULL, NULL, t);
	o.c = client_of(d, t);
	(void)snprintf(o.base, sizeof(o.base), "/tenants/%s/api-keys", t->id);
	return o;
}

struct owner owner_operators(struct daemon *d)
{
	return (struct owner){ .c = client_operator(d), .base = "/operator-keys", .one = "platform:read",
			       .other = "platform:ops", .read_one = "/tenants",
			       .read_other = "/operator-keys" };
}

struct client *key_with(struct daemon *d, const struct owner *o, const char *more, char **ret_id)
{
	struct client *c = client_open(daemon_port(d));
	const struct answer *a = assert_status(
		201, client_post(o->c, o->base, "{'name':'n','scopes':['%s','%s']%s}", o->one, o->other,
				 more));

	client_key(c, answer_text(a, "key"));
	*ret_id = strdup(answer_text(a, "id"));
	return c;
}

const char *path_of(const struct owner *o, const char *id, const char *action)
{
	static char path[320];

	(void)snprintf(path, sizeof(path), "%s/%s%s", o->base, id, action);
	return path;
}

void for_both(void **state, const char *slug,
		     void (*test)(struct daemon *d, const struct owner *o))
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, slug, &t);

	test(*state, &o);
	client_close(o.c);
	o = owner_operators(*state);
	test(*state, &o);
	client_close(o.c);
}
