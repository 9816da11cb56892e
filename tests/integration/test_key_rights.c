/* SPDX-License-Identifier: Apache-2.0 */
/* Who may end or narrow a key, and which keys stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "key_owner.h"

/* A key that may do less than it did, by whichever of its members. */
static const char *const lesser[] = {
	"'expires_at':'2036-01-01T00:00:00Z'",
	"'allowed_cidrs':['127.0.0.0/8']",
	"'expires_at':'2036-01-01T00:00:00Z','allowed_cidrs':['127.0.0.1']",
};

static void the_last_key_that_makes_keys_stays_where_and_as_long(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "lastlasting", &t);
	struct client *op = client_operator(*state);
	const struct answer *a;

	for (size_t i = 0; i < sizeof(lesser) / sizeof(lesser[0]); i++)
		assert_error(409, "last_admin_key",
			     client_patch(o.c, path_of(&o, t.key_id, ""), "{%s}", lesser[i]));
	assert_error(409, "last_admin_key", client_post(o.c, path_of(&o, t.key_id, "/rotate"),
							"{'expires_at':'2036-01-01T00:00:00Z'}"));
	a = assert_status(200, client_patch(o.c, path_of(&o, t.key_id, ""), "{'name':'m'}"));
	assert_true(answer_null(a, "expires_at"));
	/* Operators can make another. */
	assert_status(200, client_patch(op, path_of(&o, t.key_id, ""), "{%s}", lesser[2]));
	free(fixture_key(*state, t.id, "api_keys:write", NULL));
	assert_status(200, client_patch(o.c, path_of(&o, t.key_id, ""),
					"{'expires_at':'2035-01-01T00:00:00Z'}"));
	client_close(op);
	client_close(o.c);
}

/* Who holds less --------------------------------------------------------------------------------------- */

static void check_weaker(struct daemon *d, const struct owner *o, const char *admin)
{
	struct client *c = client_open(daemon_port(d)), *strong;
	const struct answer *a;
	char *id, *own;

	strong = key_with(d, o, "", &id);
	a = assert_status(201, client_post(o->c, o->base, "{'name':'n','scopes':['%s']}", admin));
	own = strdup(answer_text(a, "id"));
	client_key(c, answer_text(a, "key"));
	a = client_delete(c, "%s", path_of(o, id, ""));
	assert_error(403, "insufficient_scope", a);
	assert_non_null(strstr(answer_text(a, "message"), o->one));
	assert_error(403, "insufficient_scope", client_post(c, path_of(o, id, "/rotate"), "{}"));
	assert_error(403, "insufficient_scope", client_patch(c, path_of(o, id, ""), "{'name':'m'}"));
	assert_error(403, "insufficient_scope",
		     client_patch(c, path_of(o, id, ""), "{'expires_at':'2036-01-01T00:00:00Z'}"));
	assert_error(404, "resource_not_found", client_delete(c, "%s", path_of(o, "key-0000000000", "")));
	a = assert_status(200, client_get(o->c, "%s", path_of(o, id, "")));
	assert_text("n", a, "name");
	assert_true(answer_null(a, "revoked_at"));
	assert_true(answer_null(a, "rotated_to"));
	assert_true(answer_null(a, "expires_at"));
	assert_status(200, client_get(strong, "%s", o->read_one));
	/* Its own is never more than itself. */
	assert_status(200, client_patch(c, path_of(o, own, ""), "{'allowed_cidrs':['127.0.0.0/8']}"));
	assert_status(200, client_delete(c, "%s", path_of(o, own, "")));
	free(id);
	free(own);
	client_close(strong);
	client_close(c);
}

static void a_weaker_credential_ends_no_stronger_one(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "weaker", &t);

	check_weaker(*state, &o, "api_keys:write");
	client_close(o.c);
	o = owner_operators(*state);
	check_weaker(*state, &o, "platform:ops");
	client_close(o.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_key_that_makes_keys_stays_where_and_as_long),
		cmocka_unit_test(a_weaker_credential_ends_no_stronger_one),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
