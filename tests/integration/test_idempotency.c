/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: one effect, one answer, however often and by how many a request is sent. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "story.h"
#include "temp.h"

#define JSON "Content-Type: application/json\r\n"

static const struct answer *ask(
	struct client *c, const char *key, const char *method, const char *path, const char *body)
{
	char header[400], target[300], text[2000];

	snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n" JSON, key);
	snprintf(target, sizeof(target), "/api/v1%s", path);
	snprintf(text, sizeof(text), "%s", body != NULL ? body : "");
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return client_call(c, method, target, header, body != NULL ? text : NULL);
}

static const struct answer *create(struct client *c, const char *key, const char *name)
{
	char body[200];

	snprintf(body, sizeof(body), "{'name':'%s','rego_code':'package p'}", name);
	return ask(c, key, "POST", "/policies", body);
}

static bool is_replay(const struct answer *a)
{
	const char *replayed = answer_header(a, "Idempotent-Replayed");

	return replayed != NULL && strcmp(replayed, "true") == 0;
}

static void assert_replay(const struct answer *first, const struct answer *again)
{
	assert_status(first->status, again);
	assert_true(is_replay(again));
	assert_string_equal(first->body, again->body);
}

static void the_second_time_is_the_first_again(void **state)
{
	struct story *s = *state;
	const struct answer *first = assert_status(201, create(s->c, "k", "a"));
	const int64_t audit = story_number(s, "SELECT audit_seq FROM head");
	const int64_t version = story_number(s, "SELECT version FROM head");

	assert_false(is_replay(first));
	for (int i = 0; i < 3; i++)
		assert_replay(first, create(s->c, "k", "a"));
	assert_int(1, client_get(s->c, "/policies"), "total");
	assert_int_equal(audit, story_number(s, "SELECT audit_seq FROM head"));
	assert_int_equal(version, story_number(s, "SELECT version FROM head"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM idempotency"));
}

static void a_replay_needs_no_place_in_the_quota(void **state)
{
	struct story *s = *state;

	story_limit(s, "'max_policies':1");
	const struct answer *first = assert_status(201, create(s->c, "k", "a"));

	assert_replay(first, create(s->c, "k", "a"));
	assert_error(403, "quota_exceeded", create(s->c, "other", "b"));
}

static void what_was_refused_is_tried_again(void **state)
{
	struct story *s = *state;

	story_limit(s, "'max_policies':0");
	assert_error(403, "quota_exceeded", create(s->c, "k", "a"));
	assert_error(422, "validation_error", ask(s->c, "k", "POST", "/policies", "{}"));
	story_limit(s, "'max_policies':1");
	assert_false(is_replay(assert_status(201, create(s->c, "k", "a"))));
}

static void another_request_with_the_key_is_refused_and_harms_nothing(void **state)
{
	struct story *s = *state;
	const struct answer *first = assert_status(201, create(s->c, "k", "a"));

	assert_error(422, "idempotency_key_reused", create(s->c, "k", "b"));
	assert_error(422, "idempotency_key_reused",
		ask(s->c, "k", "POST", "/resources", "{'name':'r','type':'api'}"));
	assert_error(422, "idempotency_key_reused", ask(s->c, "k", "PATCH", "/policies/1", "{'name':'c'}"));
	assert_error(422, "idempotency_key_reused", ask(s->c, "k", "DELETE", "/policies/1", NULL));
	assert_replay(first, create(s->c, "k", "a"));
	assert_int(1, client_get(s->c, "/policies"), "total");
	assert_int(0, client_get(s->c, "/resources"), "total");
	assert_text("a", client_get(s->c, "/policies/1"), "name");
}

/* What names the context is no part of what is asked; every other parameter is. */
static void the_query_counts_as_far_as_it_asks_for_something(void **state)
{
	struct story *s = *state;
	char path[200];

	story_policy(s, "a");
	snprintf(path, sizeof(path), "/policies/1?tenant_id=%s&dry_run=false", s->t.id);
	const struct answer *first = assert_status(200, ask(s->c, "k", "DELETE", "/policies/1", NULL));

	assert_replay(first, ask(s->c, "k", "DELETE", path, NULL));
	assert_error(422, "idempotency_key_reused",
		ask(s->c, "k", "DELETE", "/policies/1?hard_delete=true", NULL));
}

/* Without the key each of these would be 404, 412 or a further version. */
static void changes_and_deletions_are_repeated_too(void **state)
{
	struct story *s = *state;
	char conditional[200];
	const struct answer *first, *again;

	story_policy(s, "a");
	first = assert_status(200, ask(s->c, "k1", "PATCH", "/policies/1", "{'status':'inactive'}"));
	assert_int(2, first, "version");
	assert_replay(first, ask(s->c, "k1", "PATCH", "/policies/1", "{'status':'inactive'}"));
	snprintf(conditional, sizeof(conditional), "Idempotency-Key: k2\r\nIf-Match: \"2\"\r\n" JSON);
	first = assert_status(
		200, client_call(s->c, "PATCH", "/api/v1/policies/1", conditional, "{\"status\":\"draft\"}"));
	again = client_call(s->c, "PATCH", "/api/v1/policies/1", conditional, "{\"status\":\"draft\"}");
	assert_replay(first, again);
	assert_string_equal(answer_header(first, "ETag"), answer_header(again, "ETag"));
	/* Nothing to change is an answer as well. */
	first = assert_status(200, ask(s->c, "k3", "PATCH", "/policies/1", "{'status':'draft'}"));
	assert_int(3, first, "version");
	assert_replay(first, ask(s->c, "k3", "PATCH", "/policies/1", "{'status':'draft'}"));
	first = assert_status(200, ask(s->c, "k4", "DELETE", "/policies/1", NULL));
	assert_replay(first, ask(s->c, "k4", "DELETE", "/policies/1", NULL));
}

static void the_replay_of_a_new_key_never_shows_it(void **state)
{
	struct story *s = *state;
	char path[128];
	const struct answer *first, *again;
	const char *body = "{'name':'k','scopes':['policies:read']}";

	snprintf(path, sizeof(path), "/tenants/%s/api-keys", s->t.id);
	first = assert_status(201, ask(s->c, "k", "POST", path, body));
	again = assert_status(201, ask(s->c, "k", "POST", path, body));
	assert_true(is_replay(again));
	assert_null(answer_at(again, "key"));
	assert_text(answer_text(first, "id"), again, "id");
	assert_string_equal(answer_header(first, "Location"), answer_header(again, "Location"));
	assert_int(2, client_get(s->c, "/tenants/%s/api-keys", s->t.id), "total");
	/* It is nowhere at rest. */
	char sql[300];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM cc.idempotency WHERE body LIKE '%%%s%%'",
		answer_text(first, "key"));
	assert_string_equal("0", story_control_value(s, sql));
}

static void keys_belong_to_a_tenant_or_to_an_operator(void **state)
{
	struct story *s = *state;
	struct tenant_fixture other;
	char *second = fixture_key(s->d, s->t.id, "policies:write", NULL);
	struct client *c = client_open(daemon_port(s->d)), *foreign;
	const struct answer *first;
	char slug[80];

	snprintf(slug, sizeof(slug), "%s-other", s->t.slug);
	fixture_tenant(s->d, slug, NULL, NULL, NULL, &other);
	foreign = client_of(s->d, &other);
	client_key(c, second);
	first = assert_status(201, create(s->c, "k", "a"));
	assert_replay(first, create(c, "k", "a"));
	assert_false(is_replay(assert_status(201, create(foreign, "k", "a"))));
	client_tenant(s->operator, s->t.id);
	assert_false(is_replay(assert_status(201, create(s->operator, "k", "b"))));
	assert_true(is_replay(assert_status(201, create(s->operator, "k", "b"))));
	assert_int(2, client_get(s->c, "/policies"), "total");
	client_close(c);
	client_close(foreign);
	free(second);
}

static void after_a_day_the_key_is_a_new_one(void **state)
{
	struct story *s = *state;
	char path[128];

	snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	assert_status(201, create(s->c, "k", "a"));
	assert_status(200, ask(s->operator, "k", "PATCH", path, "{'name':'One'}"));
	story_value(s, "UPDATE idempotency SET created_at = now() - interval '23 hours 59 minutes'");
	story_control_value(s, "UPDATE idempotency SET created_at = now() - interval '23 hours 59 minutes'");
	assert_error(422, "idempotency_key_reused", create(s->c, "k", "b"));
	assert_error(422, "idempotency_key_reused", ask(s->operator, "k", "PATCH", path, "{'name':'Two'}"));
	story_value(s, "UPDATE idempotency SET created_at = now() - interval '24 hours 1 second'");
	story_control_value(s, "UPDATE idempotency SET created_at = now() - interval '24 hours 1 second'");
	assert_false(is_replay(assert_status(201, create(s->c, "k", "b"))));
	assert_true(is_replay(assert_status(201, create(s->c, "k", "b"))));
	assert_false(is_replay(assert_status(200, ask(s->operator, "k", "PATCH", path, "{'name':'Two'}"))));
	assert_true(is_replay(assert_status(200, ask(s->operator, "k", "PATCH", path, "{'name':'Two'}"))));
}

/* Many at once -------------------------------------------------------------------------------------- */

enum { CROWD = 16 };

struct one {
	struct story *s;
	const char *key, *body;
	const struct tenant_fixture *t;
	int status;
	bool replayed;
	int64_t us;
	char text[2000];
};

static void *ask_once(void *arg)
{
	struct one *o = arg;
	struct client *c = o->t != NULL ? client_of(o->s->d, o->t) : client_operator(o->s->d);
	const struct answer *a = ask(c, o->key, "POST", o->t != NULL ? "/policies" : "/tenants", o->body);

	o->status = a->status;
	o->replayed = a->status != 0 && is_replay(a);
	o->us = a->us;
	snprintf(o->text, sizeof(o->text), "%s", a->body);
	client_close(c);
	return NULL;
}

static void run_crowd(struct one *crowd)
{
	pthread_t threads[CROWD];

	for (int i = 0; i < CROWD; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, ask_once, &crowd[i]));
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
}

/* Exactly one made it; the others got its answer, or were told that it is under way. */
static void check_crowd(const struct one *crowd)
{
	const struct one *first = NULL;

	for (int i = 0; i < CROWD; i++)
		if (crowd[i].status == 201 && !crowd[i].replayed) {
			assert_null(first);
			first = &crowd[i];
		}
	assert_non_null(first);
	for (int i = 0; i < CROWD; i++) {
		if (crowd[i].status == 409)
			assert_non_null(strstr(crowd[i].text, "idempotency_in_progress"));
		else
			assert_string_equal(first->text, crowd[i].text);
	}
}

static void of_many_at_once_one_has_the_effect(void **state)
{
	struct story *s = *state;
	struct one crowd[CROWD];
	char key[32], body[100];

	for (int round = 0; round < 5; round++) {
		snprintf(key, sizeof(key), "crowd-%d", round);
		snprintf(body, sizeof(body), "{'name':'p%d','rego_code':'package p'}", round);
		for (int i = 0; i < CROWD; i++)
			crowd[i] = (struct one){ .s = s, .key = key, .body = body, .t = &s->t };
		run_crowd(crowd);
		check_crowd(crowd);
		assert_int(round + 1, client_get(s->c, "/policies"), "total");
	}
}

static void of_many_at_once_one_makes_the_tenant(void **state)
{
	struct story *s = *state;
	struct one crowd[CROWD];
	const char *body = "{'name':'Crowd','domain':'crowd.controlcore.io','region':'us-east-1'}";

	for (int i = 0; i < CROWD; i++)
		crowd[i] = (struct one){ .s = s, .key = "crowd", .body = body };
	run_crowd(crowd);
	for (int i = 0; i < CROWD; i++)
		assert_true(crowd[i].status == 201 || crowd[i].status == 409);
	assert_int(1, client_get(s->operator, "/tenants?name=Crowd"), "total");
	const struct answer *a = assert_status(201, ask(s->operator, "crowd", "POST", "/tenants", body));
	assert_true(is_replay(a));
	assert_int(1, a, "limits.users_used");
}

/* The first takes two seconds to commit: the second waits for one, and is then told so. */
static void a_duplicate_waits_for_a_second_at_most(void **state)
{
	struct story *s = *state;
	struct one slow = {
		.s = s, .key = "slow", .t = &s->t, .body = "{'name':'slow','rego_code':'package p'}"
	};
	pthread_t thread;
	const struct answer *a;

	story_value(s, "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS "
		       "'BEGIN PERFORM pg_catalog.pg_sleep(2.5); RETURN NEW; END'");
	story_value(s, "CREATE TRIGGER nap BEFORE INSERT ON policies FOR EACH ROW WHEN (NEW.name = 'slow') "
		       "EXECUTE FUNCTION nap()");
	assert_int_equal(0, pthread_create(&thread, NULL, ask_once, &slow));
	while (strcmp("1", story_value(s, "SELECT count(*) FROM pg_stat_activity "
					  "WHERE wait_event = 'PgSleep'")) != 0)
		temp_sleep_ms(5);
	a = assert_error(409, "idempotency_in_progress", ask(s->c, "slow", "POST", "/policies", slow.body));
	assert_true(a->us >= 900000);
	pthread_join(thread, NULL);
	assert_int_equal(201, slow.status);
	a = assert_status(201, ask(s->c, "slow", "POST", "/policies", slow.body));
	assert_true(is_replay(a));
	assert_string_equal(slow.text, a->body);
	assert_int(1, client_get(s->c, "/policies"), "total");
	story_value(s, "DROP TRIGGER nap ON policies");
	story_value(s, "DROP FUNCTION nap()");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_second_time_is_the_first_again, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_replay_needs_no_place_in_the_quota, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_was_refused_is_tried_again, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			another_request_with_the_key_is_refused_and_harms_nothing, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			the_query_counts_as_far_as_it_asks_for_something, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			changes_and_deletions_are_repeated_too, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			the_replay_of_a_new_key_never_shows_it, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			keys_belong_to_a_tenant_or_to_an_operator, story_open, story_close),
		cmocka_unit_test_setup_teardown(after_a_day_the_key_is_a_new_one, story_open, story_close),
		cmocka_unit_test_setup_teardown(of_many_at_once_one_has_the_effect, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			of_many_at_once_one_makes_the_tenant, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_duplicate_waits_for_a_second_at_most, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
