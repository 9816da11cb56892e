/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of operators: made, listed, revoked, by the API and by the command line. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define KEYS "/operator-keys"
#define WAIT_MS 60000
#define FULL "'platform:read','platform:tenants','platform:ops','platform:billing'"

/* A further operator key, and a client that uses it. */
static struct client *operator_with(struct daemon *d, const char *scopes, char **ret_id)
{
	struct client *op = client_operator(d), *c = client_open(daemon_port(d));
	const struct answer *a = assert_status(
		201, client_post(op, KEYS, "{'name':'for a test','scopes':[%s]}", scopes));

	client_key(c, answer_text(a, "key"));
	if (ret_id != NULL)
		*ret_id = strdup(answer_text(a, "id"));
	client_close(op);
	return c;
}

static void a_key_is_made_listed_and_revoked(void **state)
{
	struct client *op = client_operator(*state), *c;
	const struct answer *a;
	char *id;

	a = assert_status(201, client_post(op, KEYS, "{'name':'Alice','scopes':['platform:read'],"
						     "'expires_at':'2036-01-25T10:30:00Z'}"));
	assert_int_equal(0, strncmp(answer_text(a, "key"), "cc_op_", 6));
	assert_string_equal("no-store", answer_header(a, "Cache-Control"));
	assert_text("2036-01-25T10:30:00Z", a, "expires_at");
	id = strdup(answer_text(a, "id"));
	c = client_open(daemon_port(*state));
	client_key(c, answer_text(a, "key"));
	assert_status(200, client_get(c, "/tenants"));
	assert_error(403, "insufficient_scope", client_get(c, KEYS));

	a = assert_status(200, client_get(op, KEYS "/%s", id));
	assert_text("Alice", a, "name");
	assert_true(answer_null(a, "revoked_at"));
	a = assert_status(200, client_get(op, KEYS "?sort=-created_at"));
	assert_non_null(strstr(a->body, id));
	assert_null(strstr(a->body, "hash"));

	a = assert_status(200, client_delete(op, KEYS "/%s", id));
	assert_text(id, a, "id");
	assert_text("API key revoked", a, "message");
	assert_error(401, "key_revoked", client_get(c, "/tenants"));
	assert_string_equal(answer_text(a, "deleted_at"),
			    answer_text(client_get(op, KEYS "/%s", id), "revoked_at"));
	assert_string_equal(answer_text(a, "deleted_at"),
			    answer_text(client_delete(op, KEYS "/%s", id), "deleted_at"));
	assert_error(404, "resource_not_found", client_delete(op, KEYS "/key-0000000000"));
	free(id);
	client_close(c);
	client_close(op);
}

static void a_key_grants_at_most_what_it_holds_and_as_long(void **state)
{
	struct client *c = operator_with(*state, "'platform:ops','platform:read'", NULL);
	const struct answer *a;

	assert_status(201, client_post(c, KEYS, "{'name':'n','scopes':['platform:read']}"));
	a = client_post(c, KEYS, "{'name':'n','scopes':['platform:tenants','tenant:read','platform:ops']}");
	assert_error(403, "scope_not_grantable", a);
	assert_non_null(strstr(answer_text(a, "message"), "platform:tenants, tenant:read"));
	a = client_post(c, KEYS, "{'name':' ','scopes':['platform:read']}");
	assert_error(422, "validation_error", a);
	assert_fault("name", NULL, a);
	a = client_post(c, KEYS,
			"{'name':'n','scopes':['platform:all'],'expires_at':'2020-01-01T00:00:00Z'}");
	assert_fault("scopes[0]", "unknown_scope", a);
	assert_fault("expires_at", "expires_in_past", a);
	client_close(c);
}

static void keys_of_tenants_are_not_among_them(void **state)
{
	struct client *op = client_operator(*state), *c;
	struct tenant_fixture t;

	fixture_tenant(*state, "opkeys", NULL, NULL, NULL, &t);
	assert_error(404, "resource_not_found", client_get(op, KEYS "/%s", t.key_id));
	assert_error(404, "resource_not_found", client_delete(op, KEYS "/%s", t.key_id));
	c = client_of(*state, &t);
	assert_error(403, "insufficient_scope", client_get(c, KEYS));
	assert_error(403, "insufficient_scope",
		     client_post(c, KEYS, "{'name':'n','scopes':['platform:ops']}"));
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
	client_close(op);
}

/* A tenant that is named beside it has nothing to do with it: its audit stays as it was. */
static void no_tenant_is_told(void **state)
{
	struct client *op = client_operator(*state);
	struct tenant_fixture t;
	int64_t before;

	fixture_tenant(*state, "bystander", NULL, NULL, NULL, &t);
	client_tenant(op, t.id);
	before = answer_int(assert_status(200, client_get(op, "/audit")), "total");
	assert_status(201, client_post(op, KEYS, "{'name':'n','scopes':['platform:read']}"));
	assert_int(before, client_get(op, "/audit"), "total");
	client_close(op);
}

static void a_revocation_binds_on_every_node_within_a_second(void **state)
{
	struct daemon *other = daemon_join(*state, NULL);
	struct client *op = client_operator(*state), *c;
	const struct answer *a;
	int64_t waited = 0;
	char *id;

	c = operator_with(*state, "'platform:read'", &id);
	client_port(c, daemon_port(other));
	assert_status(200, client_get(c, "/tenants"));
	assert_status(200, client_delete(op, KEYS "/%s", id));
	for (a = client_get(c, "/tenants"); a->status == 200; a = client_get(c, "/tenants"))
		waited += a->us;
	assert_error(401, "key_revoked", a);
	assert_true(waited < 1500000);
	free(id);
	client_close(c);
	client_close(op);
	daemon_finish(other);
}

static struct temp_run run(struct daemon *d, const char *what, const char *id)
{
	const char *const argv[] = { getenv("CC_BIN"), "operator-key", what, "--config",
		daemon_config_path(d), id != NULL ? "--key" : NULL, id, NULL };

	return temp_run(argv, NULL, WAIT_MS);
}

static void the_command_line_lists_and_revokes(void **state)
{
	struct client *c;
	struct temp_run r;
	char *id;

	c = operator_with(*state, "'platform:read'", &id);
	assert_status(200, client_get(c, "/tenants"));
	r = run(*state, "list", NULL);
	assert_int_equal(0, r.status);
	assert_non_null(strstr(r.out, id));
	assert_non_null(strstr(r.out, "for a test (platform:read)"));
	temp_run_free(&r);
	r = run(*state, "revoke", id);
	assert_int_equal(0, r.status);
	assert_non_null(strstr(r.out, "is revoked since"));
	temp_run_free(&r);
	/* The daemon hears of it by the feed. */
	for (int64_t end = temp_now_ms() + 30000; client_get(c, "/tenants")->status == 200; temp_sleep_ms(20))
		assert_true(temp_now_ms() < end);
	assert_error(401, "key_revoked", client_get(c, "/tenants"));
	r = run(*state, "revoke", "key-0000000000");
	assert_int_equal(64, r.status);
	assert_non_null(strstr(r.err, "does not exist"));
	temp_run_free(&r);
	r = run(*state, "revoke", NULL);
	assert_int_equal(64, r.status);
	temp_run_free(&r);
	free(id);
	client_close(c);
}

struct rival {
	struct client *c;
	const char *id;
	int status;
};

static void *revoke_other(void *arg)
{
	struct rival *r = arg;

	r->status = client_delete(r->c, KEYS "/%s", r->id)->status;
	return NULL;
}

/* c has the last full key; what lives for a while, in some place or with fewer scopes does not replace it. */
static void the_last_full_key_stays(struct client *c, const char *id)
{
	static const char *const others[] = {
		"'scopes':[" FULL "],'expires_at':'2036-01-01T00:00:00Z'",
		"'scopes':[" FULL "],'allowed_cidrs':['127.0.0.0/8']",
		"'scopes':['platform:ops','platform:read','platform:tenants']",
	};
	static const char *const lesser[] = {
		"'scopes':['platform:ops']",
		"'expires_at':'2036-01-01T00:00:00Z'",
		"'allowed_cidrs':['127.0.0.0/8']",
	};
	char path[64];

	for (size_t i = 0; i < 3; i++)
		assert_status(201, client_post(c, KEYS, "{'name':'n',%s}", others[i]));
	(void)snprintf(path, sizeof(path), KEYS "/%s", id);
	for (size_t i = 0; i < 3; i++)
		assert_error(409, "last_admin_key", client_patch(c, path, "{%s}", lesser[i]));
	assert_error(409, "last_admin_key", client_delete(c, "%s", path));
	(void)snprintf(path, sizeof(path), KEYS "/%s/rotate", id);
	assert_error(409, "last_admin_key", client_post(c, path, "{'expires_at':'2036-01-01T00:00:00Z'}"));
	assert_status(201, client_post(c, KEYS, "{'name':'n','scopes':[" FULL "]}"));
	assert_status(200, client_delete(c, KEYS "/%s", id));
}

/* Of two that revoke each other at once, one is left and stays. The last case: it ends the group's key. */
static void the_last_key_that_makes_keys_stays(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *list;
	struct rival r[2];
	pthread_t threads[2];
	char *id[2];
	struct temp_run run_last;

	for (int i = 0; i < 2; i++)
		r[i] = (struct rival){ operator_with(*state, FULL, &id[i]), NULL, 0 };
	r[0].id = id[1];
	r[1].id = id[0];
	list = assert_status(200, client_get(op, KEYS "?limit=1000"));
	for (size_t i = 0; i < answer_count(list, "operator_keys"); i++) {
		char path[64];
		const char *each;

		(void)snprintf(path, sizeof(path), "operator_keys[%zu].id", i);
		each = answer_text(list, path);
		if (strcmp(each, id[0]) == 0 || strcmp(each, id[1]) == 0)
			continue;
		/* The group's key may do more than they: it ends itself. */
		if (client_delete(r[0].c, KEYS "/%s", each)->status == 403)
			assert_status(200, client_delete(op, KEYS "/%s", each));
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, revoke_other, &r[i]));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(1, (r[0].status == 200) + (r[1].status == 200));
	for (int i = 0; i < 2; i++) {
		if (r[i].status != 200)
			continue;
		assert_error(409, "last_admin_key", client_delete(r[i].c, KEYS "/%s", id[i]));
		run_last = run(*state, "revoke", id[i]);
		assert_int_equal(69, run_last.status);
		assert_non_null(strstr(run_last.err, "no other operator's key"));
		temp_run_free(&run_last);
		assert_status(200, client_get(r[i].c, KEYS));
		the_last_full_key_stays(r[i].c, id[i]);
	}
	for (int i = 0; i < 2; i++) {
		client_close(r[i].c);
		free(id[i]);
	}
	client_close(op);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_listed_and_revoked),
		cmocka_unit_test(a_key_grants_at_most_what_it_holds_and_as_long),
		cmocka_unit_test(keys_of_tenants_are_not_among_them),
		cmocka_unit_test(no_tenant_is_told),
		cmocka_unit_test(a_revocation_binds_on_every_node_within_a_second),
		cmocka_unit_test(the_command_line_lists_and_revokes),
		cmocka_unit_test(the_last_key_that_makes_keys_stays),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
