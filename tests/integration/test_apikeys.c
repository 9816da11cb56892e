/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define KEYS(t) "/tenants/" t "/api-keys"
#define KEYS_MAX 6 /* of one tenant, for the daemon of these tests */

static void the_example_of_the_spec_comes_true(void **state)
{
	struct tenant_fixture t;
	struct client *op = client_operator(*state), *c;
	const struct answer *a;
	const char *key, *id;

	fixture_tenant(*state, "keyspec", NULL, NULL, NULL, &t);
	a = assert_status(201, client_post(op, KEYS("keyspec"),
					   "{'name':'Production API Key',"
					   "'scopes':['policies:read','policies:write','resources:read'],"
					   "'expires_at':'2036-01-25T10:30:00Z'}"));
	assert_text("Production API Key", a, "name");
	assert_text("2036-01-25T10:30:00Z", a, "expires_at");
	assert_int_equal(3, answer_count(a, "scopes"));
	assert_text("policies:write", a, "scopes[1]");
	assert_int_equal(6, json_object_size(a->json));
	assert_string_equal("no-store", answer_header(a, "Cache-Control"));
	key = answer_text(a, "key");
	id = answer_text(a, "id");
	assert_int_equal(56, strlen(key));
	assert_int_equal(0, strncmp(key, "cc_live_", 8));
	assert_int_equal(0, strncmp(id, "key-", 4));
	assert_int_equal(0, strncmp(key + 8, id + 4, 10));

	c = client_open(daemon_port(*state));
	client_key(c, key);
	assert_status(200, client_get(c, "/policies"));
	assert_error(403, "insufficient_scope", client_get(c, "/bouncers"));
	client_close(c);
	client_close(op);
}

static void a_key_is_shown_once(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "shownonce", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(201, client_post(c, KEYS("shownonce"), "{'name':'n','scopes':['policies:read'],"
								 "'environment':'test'}"));
	{
		const char *key = answer_text(a, "key"), *id = answer_text(a, "id");

		assert_int_equal(0, strncmp(key, "cc_test_", 8));
		a = assert_status(200, client_get(c, KEYS("shownonce") "/%s", id));
		assert_null(strstr(a->body, key + 18));
		assert_text(t.key_id, a, "created_by");
		assert_true(answer_null(a, "revoked_at"));
		assert_true(answer_null(a, "expires_at"));
		a = assert_status(200, client_get(c, KEYS("shownonce")));
		assert_int(2, a, "total");
		assert_int_equal(2, answer_count(a, "api_keys"));
		assert_null(strstr(a->body, key + 18));
		assert_null(answer_at(a, "api_keys[0].key"));
		assert_null(answer_at(a, "api_keys[0].hash"));
	}
	client_close(c);
}

static void a_key_grants_only_what_it_holds(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	char *limited;
	const struct answer *a;

	fixture_tenant(*state, "granting", NULL, NULL, NULL, &t);
	limited = fixture_key(*state, t.id, "api_keys:write,policies:read", NULL);
	c = client_open(daemon_port(*state));
	client_key(c, limited);
	assert_status(201, client_post(c, KEYS("granting"), "{'name':'n','scopes':['policies:read']}"));
	a = client_post(c, KEYS("granting"),
			"{'name':'n','scopes':['policies:read','bouncers:read','audit:read']}");
	assert_error(403, "scope_not_grantable", a);
	assert_non_null(strstr(answer_text(a, "message"), "bouncers:read"));
	assert_non_null(strstr(answer_text(a, "message"), "audit:read"));
	assert_null(strstr(answer_text(a, "message"), "policies:read"));
	assert_error(403, "scope_not_grantable",
		     client_post(op, KEYS("granting"), "{'name':'n','scopes':['platform:read']}"));
	assert_error(403, "insufficient_scope", client_get(c, KEYS("granting")));
	free(limited);
	client_close(c);
	client_close(op);
}

static void every_fault_of_a_key_is_told(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "keyfaults", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = client_post(c, KEYS("keyfaults"), "{'name':'','scopes':[],'environment':'prod','key':'x'}");
	assert_fault("name", NULL, a);
	assert_fault("scopes", NULL, a);
	assert_fault("environment", NULL, a);
	assert_fault("key", "unknown", a);
	a = client_post(c, KEYS("keyfaults"),
			"{'name':'n','scopes':['policies:read','policies:read','policies:*'],"
					      "'expires_at':'2020-01-01T00:00:00Z'}");
	assert_error(422, "validation_error", a);
	assert_fault("scopes[1]", "duplicate", a);
	assert_fault("scopes[2]", "unknown_scope", a);
	assert_fault("expires_at", "expires_in_past", a);
	assert_int(1, client_get(c, KEYS("keyfaults")), "total");
	client_close(c);
}

static void no_key_outlives_its_creator(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "outlives", NULL, NULL, NULL, &t);
	a = assert_status(201, client_post(op, KEYS("outlives"), "{'name':'n','scopes':['api_keys:write'],"
								 "'expires_at':'2036-01-01T00:00:00Z'}"));
	c = client_open(daemon_port(*state));
	client_key(c, answer_text(a, "key"));
	assert_fault("expires_at", "beyond_creator",
		     client_post(c, KEYS("outlives"), "{'name':'n','scopes':['api_keys:write']}"));
	assert_fault("expires_at", "beyond_creator",
		     client_post(c, KEYS("outlives"), "{'name':'n','scopes':['api_keys:write'],"
						      "'expires_at':'2036-01-01T00:00:01Z'}"));
	assert_status(201, client_post(c, KEYS("outlives"), "{'name':'n','scopes':['api_keys:write'],"
							    "'expires_at':'2036-01-01T00:00:00Z'}"));
	client_close(c);
	client_close(op);
}

/* A moment two seconds from now, as a client writes it. */
static time_t soon_text(char ret[static 32])
{
	const time_t soon = time(NULL) + 2;
	struct tm tm;

	assert_non_null(gmtime_r(&soon, &tm));
	assert_true(strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	return soon;
}

static void an_expired_key_is_told_so(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;
	time_t soon;
	char at[32];

	fixture_tenant(*state, "expiring", NULL, NULL, NULL, &t);
	soon = soon_text(at);
	a = assert_status(201, client_post(op, KEYS("expiring"), "{'name':'n','scopes':['policies:read'],"
								 "'expires_at':'%s'}", at));
	c = client_open(daemon_port(*state));
	client_key(c, answer_text(a, "key"));
	while (time(NULL) < soon)
		assert_true(client_get(c, "/policies")->status != 403);
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_error(401, "key_expired", client_get(c, "/policies"));
	client_close(c);
	client_close(op);
}

static void a_revoked_key_is_refused_here_at_once(void **state)
{
	struct tenant_fixture t;
	struct client *c, *other;
	const struct answer *a;
	char *key, *id;

	fixture_tenant(*state, "revoking", NULL, NULL, NULL, &t);
	key = fixture_key(*state, t.id, "policies:read", &id);
	c = client_of(*state, &t);
	other = client_open(daemon_port(*state));
	client_key(other, key);
	assert_status(200, client_get(other, "/policies"));
	a = assert_status(200, client_delete(c, KEYS("revoking") "/%s", id));
	assert_text(id, a, "id");
	assert_text("API key revoked", a, "message");
	assert_error(401, "key_revoked", client_get(other, "/policies"));
	a = assert_status(200, client_get(c, KEYS("revoking") "/%s", id));
	assert_string_equal(answer_text(a, "revoked_at"),
			    answer_text(client_delete(c, KEYS("revoking") "/%s", id), "deleted_at"));
	/* To say it again changes nothing, and leaves no record. */
	{
		const int64_t records = answer_int(client_get(c, "/audit"), "total");

		assert_status(200, client_delete(c, KEYS("revoking") "/%s", id));
		assert_int(records, client_get(c, "/audit"), "total");
	}
	assert_error(404, "resource_not_found", client_delete(c, KEYS("revoking") "/key-0000000000"));
	assert_error(404, "resource_not_found", client_get(c, KEYS("revoking") "/key-0000000000"));
	free(key);
	free(id);
	client_close(c);
	client_close(other);
}

/* Whoever asks later than that is refused, however long the answer takes. */
static void a_revocation_binds_on_every_node_within_a_second(void **state)
{
	struct daemon *other = daemon_join(*state, NULL);
	struct tenant_fixture t;
	struct client *c, *there;

	fixture_tenant(*state, "farkeys", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 0; i < 5; i++) {
		const struct answer *a;
		int64_t revoked, asked;
		char *key, *id;

		key = fixture_key(*state, t.id, "policies:read", &id);
		there = client_open(daemon_port(other));
		client_key(there, key);
		assert_status(200, client_get(there, "/policies"));
		assert_status(200, client_delete(c, KEYS("farkeys") "/%s", id));
		revoked = temp_now_ms();
		do {
			asked = temp_now_ms();
			a = client_get(there, "/policies");
		} while (a->status == 200 && asked - revoked <= 1000);
		assert_error(401, "key_revoked", a);
		client_close(there);
		free(key);
		free(id);
	}
	client_close(c);
	daemon_finish(other);
}

static void the_last_key_that_makes_keys_stays(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	char *key, *id;

	fixture_tenant(*state, "lastkey", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_error(409, "last_admin_key", client_delete(c, KEYS("lastkey") "/%s", t.key_id));
	key = fixture_key(*state, t.id, "api_keys:write", &id);
	assert_status(200, client_delete(c, KEYS("lastkey") "/%s", t.key_id));
	client_key(c, key);
	assert_error(409, "last_admin_key", client_delete(c, KEYS("lastkey") "/%s", id));
	assert_status(200, client_delete(op, KEYS("lastkey") "/%s", id));
	free(key);
	free(id);
	client_close(c);
	client_close(op);
}

struct rival {
	struct daemon *d;
	const char *path, *key;
	int status;
};

static void *revoke_once(void *arg)
{
	struct rival *r = arg;
	struct client *c = client_open(daemon_port(r->d));

	client_key(c, r->key);
	r->status = client_call(c, "DELETE", r->path, NULL, NULL)->status;
	client_close(c);
	return NULL;
}

/* Two keys that each revoke the other at the same moment: one must be left. */
static void two_keys_cannot_revoke_each_other_at_once(void **state)
{
	struct tenant_fixture t;
	char *key[2], *id[2], paths[2][160];
	struct client *c;

	fixture_tenant(*state, "duel", NULL, NULL, NULL, &t);
	for (size_t i = 0; i < 2; i++) {
		key[i] = fixture_key(*state, t.id, "api_keys:write", &id[i]);
		(void)snprintf(paths[i], sizeof(paths[i]), "/api/v1" KEYS("duel") "/%s", id[i]);
	}
	c = client_of(*state, &t);
	assert_status(200, client_delete(c, KEYS("duel") "/%s", t.key_id));
	client_close(c);
	{
		struct rival r[2] = { { *state, paths[1], key[0], 0 }, { *state, paths[0], key[1], 0 } };
		pthread_t threads[2];

		for (size_t i = 0; i < 2; i++)
			assert_int_equal(0, pthread_create(&threads[i], NULL, revoke_once, &r[i]));
		for (size_t i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(1, (r[0].status == 200) + (r[1].status == 200));
	}
	for (size_t i = 0; i < 2; i++) {
		free(key[i]);
		free(id[i]);
	}
}

#define ONE_MORE "{'name':'n','scopes':['policies:read']}"

static void a_tenant_has_so_many_keys_and_no_more(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	char *id;

	fixture_tenant(*state, "keycap", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 2; i < KEYS_MAX; i++)
		assert_status(201, client_post(c, KEYS("keycap"), ONE_MORE));
	free(fixture_key(*state, t.id, "policies:read", &id));
	a = client_post(c, KEYS("keycap"), ONE_MORE);
	assert_error(403, "quota_exceeded", a);
	assert_text("api_keys", a, "resource");
	assert_int(KEYS_MAX, a, "limit");
	assert_int(KEYS_MAX, a, "used");
	assert_int(KEYS_MAX, client_get(c, KEYS("keycap")), "total");
	assert_status(200, client_delete(c, KEYS("keycap") "/%s", id));
	assert_int(KEYS_MAX, client_get(c, KEYS("keycap")), "total");
	assert_status(201, client_post(c, KEYS("keycap"), ONE_MORE));
	assert_error(403, "quota_exceeded", client_post(c, KEYS("keycap"), ONE_MORE));
	free(id);
	client_close(c);
}

static void an_expired_key_makes_room(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	time_t soon;
	char at[32];

	fixture_tenant(*state, "keyroom", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 2; i < KEYS_MAX; i++)
		assert_status(201, client_post(c, KEYS("keyroom"), ONE_MORE));
	soon = soon_text(at);
	assert_status(201, client_post(c, KEYS("keyroom"),
				       "{'name':'n','scopes':['policies:read'],'expires_at':'%s'}", at));
	assert_error(403, "quota_exceeded", client_post(c, KEYS("keyroom"), ONE_MORE));
	while (time(NULL) <= soon)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_status(201, client_post(c, KEYS("keyroom"), ONE_MORE));
	assert_error(403, "quota_exceeded", client_post(c, KEYS("keyroom"), ONE_MORE));
	client_close(c);
}

static void *create_once(void *arg)
{
	struct rival *r = arg;
	struct client *c = client_open(daemon_port(r->d));

	client_key(c, r->key);
	r->status = client_post(c, r->path, ONE_MORE)->status;
	client_close(c);
	return NULL;
}

static void the_last_place_goes_to_exactly_one_key(void **state)
{
	enum { RIVALS = 16 };
	struct rival r[RIVALS];
	pthread_t threads[RIVALS];
	struct tenant_fixture t;
	struct client *c;
	int made = 0, refused = 0;

	fixture_tenant(*state, "keyrace", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 2; i < KEYS_MAX; i++)
		assert_status(201, client_post(c, KEYS("keyrace"), ONE_MORE));
	for (size_t i = 0; i < RIVALS; i++) {
		r[i] = (struct rival){ *state, KEYS("keyrace"), t.key, 0 };
		assert_int_equal(0, pthread_create(&threads[i], NULL, create_once, &r[i]));
	}
	for (size_t i = 0; i < RIVALS; i++) {
		pthread_join(threads[i], NULL);
		made += r[i].status == 201;
		refused += r[i].status == 403;
	}
	assert_int_equal(1, made);
	assert_int_equal(RIVALS - 1, refused);
	assert_int(KEYS_MAX, client_get(c, KEYS("keyrace")), "total");
	client_close(c);
}

static void what_is_no_key_is_refused_alike(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	char key[80], line[120];

	fixture_tenant(*state, "nokey", NULL, NULL, NULL, &t);
	c = client_open(daemon_port(*state));
	assert_error(401, "unauthorized", client_get(c, "/policies"));
	assert_string_equal("Bearer", answer_header(client_get(c, "/policies"), "WWW-Authenticate"));
	client_key(c, "cc_live_short");
	assert_error(401, "unauthorized", client_get(c, "/policies"));
	(void)snprintf(key, sizeof(key), "%s", t.key);
	key[20] = key[20] == 'a' ? 'b' : 'a';
	client_key(c, key);
	assert_error(401, "unauthorized", client_get(c, "/policies"));
	client_key(c, NULL);
	(void)snprintf(line, sizeof(line), "X-API-Key: %s\r\n", t.key);
	assert_status(200, client_call(c, "GET", "/api/v1/policies", line, NULL));
	client_key(c, t.key);
	assert_error(400, "invalid_request", client_call(c, "GET", "/api/v1/policies", line, NULL));
	assert_error(400, "invalid_request", client_get(c, "/policies?api_key=%s", t.key));
	client_close(c);
}

static void keys_of_others_do_not_exist(void **state)
{
	struct tenant_fixture a, b;
	struct client *c;

	fixture_tenant(*state, "keysmine", NULL, NULL, NULL, &a);
	fixture_tenant(*state, "keysyours", NULL, NULL, NULL, &b);
	c = client_of(*state, &a);
	assert_error(404, "resource_not_found", client_get(c, KEYS("keysmine") "/%s", b.key_id));
	assert_error(404, "resource_not_found", client_delete(c, KEYS("keysmine") "/%s", b.key_id));
	assert_error(403, "tenant_access_denied", client_get(c, KEYS("keysyours") "/%s", b.key_id));
	client_key(c, b.key);
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
}

/* Without trusted proxies the client is who connects, whatever it writes. */
static void nobody_says_where_it_comes_from(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "spoofing", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(201, client_post(c, KEYS("spoofing"), "{'name':'n','scopes':['policies:read'],"
								"'allowed_cidrs':['192.0.2.0/24']}"));
	client_key(c, answer_text(a, "key"));
	assert_error(403, "address_not_allowed",
		     client_call(c, "GET", "/api/v1/policies", "X-Forwarded-For: 192.0.2.1\r\n", NULL));
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_spec_comes_true),
		cmocka_unit_test(a_key_is_shown_once),
		cmocka_unit_test(a_key_grants_only_what_it_holds),
		cmocka_unit_test(every_fault_of_a_key_is_told),
		cmocka_unit_test(no_key_outlives_its_creator),
		cmocka_unit_test(an_expired_key_is_told_so),
		cmocka_unit_test(a_revoked_key_is_refused_here_at_once),
		cmocka_unit_test(a_revocation_binds_on_every_node_within_a_second),
		cmocka_unit_test(the_last_key_that_makes_keys_stays),
		cmocka_unit_test(two_keys_cannot_revoke_each_other_at_once),
		cmocka_unit_test(a_tenant_has_so_many_keys_and_no_more),
		cmocka_unit_test(an_expired_key_makes_room),
		cmocka_unit_test(the_last_place_goes_to_exactly_one_key),
		cmocka_unit_test(what_is_no_key_is_refused_alike),
		cmocka_unit_test(keys_of_others_do_not_exist),
		cmocka_unit_test(nobody_says_where_it_comes_from),
	};
	char limit[64];
	const char *const env[] = { limit, NULL };
	const struct daemon_options options = { .env = env };

	(void)snprintf(limit, sizeof(limit), "CONTROLCORE_LIMITS_API_KEYS=%d", KEYS_MAX);
	daemon_group_options(&options);
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
