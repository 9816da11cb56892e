/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas: what a tenant may have of each metric, what is said beyond it, and where it ends. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"
#include "temp.h"

#define WARNING "X-Quota-Warning"

static const char *path_of(const struct story *s)
{
	static char path[120];

	(void)snprintf(path, sizeof(path), "/tenants/%s/quota", s->t.id);
	return path;
}

__attribute__((format(printf, 2, 3))) static const struct answer *put(struct story *s, const char *fmt, ...)
{
	char body[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(body, sizeof(body), fmt, ap);
	va_end(ap);
	return client_put(s->operator, path_of(s), "%s", body);
}

static const struct answer *get(struct story *s)
{
	return assert_status(200, client_get(s->c, "%s", path_of(s)));
}

static const struct answer *add(struct story *s, const char *name)
{
	return client_post(s->c, "/resources", "{'name':'%s','type':'api'}", name);
}

static void a_quota_says_what_may_be_and_what_is(void **state)
{
	static const char *const metrics[] = { "policies", "resources", "users", "bouncers", "api_keys" };
	static const int64_t limits[] = { 1000, 1000, 50, 10, 1000 };
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	a = get(s);
	assert_int_equal(5, json_object_size(a->json));
	for (size_t i = 0; i < 5; i++) {
		char at[64];

		(void)snprintf(at, sizeof(at), "%s.limit", metrics[i]);
		assert_int(limits[i], a, at);
		(void)snprintf(at, sizeof(at), "%s.hard_limit", metrics[i]);
		assert_int(limits[i], a, at);
		(void)snprintf(at, sizeof(at), "%s.enforcement", metrics[i]);
		assert_text("hard", a, at);
		(void)snprintf(at, sizeof(at), "%s.state", metrics[i]);
		assert_text("ok", a, at);
		(void)snprintf(at, sizeof(at), "%s.thresholds", metrics[i]);
		assert_int_equal(3, answer_count(a, at));
	}
	assert_int(1, a, "policies.used");
	assert_int(0, a, "resources.used");
	assert_int(1, a, "users.used");
	assert_int(1, a, "api_keys.used");
	assert_true(answer_null(a, "policies.threshold"));
	assert_string_equal(a->body, assert_status(200, client_get(s->operator, "%s", path_of(s)))->body);
}

static void only_operators_set_it(void **state)
{
	struct story *s = *state;
	char *reader = daemon_make_operator_key(s->d, "platform:read");

	assert_error(403, "insufficient_scope", client_put(s->c, path_of(s), "{'policies':{'limit':5}}"));
	client_key(s->operator, reader);
	assert_error(403, "insufficient_scope", put(s, "{'policies':{'limit':5}}"));
	client_key(s->operator, daemon_operator_key(s->d));
	assert_int(1000, get(s), "policies.limit");
	free(reader);
}

static void what_is_not_sent_stays(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(200, put(s, "{'resources':{'limit':20,'enforcement':'grace','grace_percent':50}}"));
	a = assert_status(200, put(s, "{'resources':{'thresholds':[50]},'policies':{'limit':7}}"));
	assert_int(20, a, "resources.limit");
	assert_int(30, a, "resources.hard_limit");
	assert_text("grace", a, "resources.enforcement");
	assert_int_equal(1, answer_count(a, "resources.thresholds"));
	assert_int(7, a, "policies.hard_limit");
	assert_int_equal(3, answer_count(a, "policies.thresholds"));
	assert_string_equal(answer_header(a, "ETag"),
			    answer_header(client_get(s->operator, "%s", path_of(s)), "ETag"));
	/* The limits are those of the settings. */
	a = assert_status(200, client_get(s->c, "/tenants/%s", s->t.id));
	assert_int(20, a, "settings.max_resources");
	story_limit(s, "'max_resources':40");
	a = get(s);
	assert_int(40, a, "resources.limit");
	assert_int(60, a, "resources.hard_limit");
	/* What was got may be put. */
	{
		char *body = strdup(a->body);

		for (char *p = body; *p != '\0'; p++)
			*p = *p == '"' ? '\'' : *p;
		assert_string_equal(a->body, assert_status(200, put(s, "%s", body))->body);
		free(body);
	}
}

static void a_hard_limit_refuses(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(200, put(s, "{'resources':{'limit':2,'grace_percent':100}}"));
	assert_null(answer_header(assert_status(201, add(s, "a")), WARNING));
	assert_null(answer_header(assert_status(201, add(s, "b")), WARNING));
	a = add(s, "c");
	assert_error(403, "quota_exceeded", a);
	assert_text("resources", a, "resource");
	assert_int(2, a, "limit");
	assert_int(2, a, "used");
	assert_text("full", get(s), "resources.state");
}

static void grace_warns_before_it_refuses(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(200, put(s, "{'resources':{'limit':2,'enforcement':'grace','grace_percent':50}}"));
	assert_status(201, add(s, "a"));
	assert_null(answer_header(assert_status(201, add(s, "b")), WARNING));
	assert_text("warning", get(s), "resources.state");
	assert_int(100, get(s), "resources.threshold");
	a = assert_status(201, add(s, "c"));
	assert_string_equal("resources; used=3; limit=2; hard=3", answer_header(a, WARNING));
	assert_text("full", get(s), "resources.state");
	a = add(s, "d");
	assert_error(403, "quota_exceeded", a);
	/* The numbers of the quota itself. */
	assert_text("3 of 2 resources in use, at most 3 may be", a, "message");
	assert_int(2, a, "limit");
	assert_int(3, a, "hard_limit");
	assert_int(3, a, "used");
	assert_null(answer_header(a, WARNING));
	/* Less than the limit is silent again. */
	assert_status(200, client_delete(s->c, "/resources/1"));
	assert_status(200, client_delete(s->c, "/resources/2"));
	assert_null(answer_header(assert_status(201, add(s, "e")), WARNING));
}

static void a_soft_limit_only_warns(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(200, put(s, "{'policies':{'limit':1,'enforcement':'soft','thresholds':[]}}"));
	story_policy(s, "a");
	assert_text("ok", get(s), "policies.state");
	for (int i = 2; i < 5; i++) {
		char expected[64];

		a = assert_status(201, client_post(s->c, "/policies",
						   "{'name':'p%d','rego_code':'package p'}", i));
		(void)snprintf(expected, sizeof(expected), "policies; used=%d; limit=1", i);
		assert_string_equal(expected, answer_header(a, WARNING));
	}
	a = get(s);
	assert_text("over", a, "policies.state");
	assert_true(answer_null(a, "policies.hard_limit"));
	/* A promotion finds out only later that it needs a place. */
	assert_status(200, client_post(s->c, "/policies/2/enable", "{}"));
	a = assert_status(200, client_post(s->c, "/policies/2/promote", "{}"));
	assert_string_equal("policies; used=5; limit=1", answer_header(a, WARNING));
	/* Nothing is refused that was let in. */
	assert_error(409, "below_current_usage", put(s, "{'policies':{'enforcement':'hard'}}"));
	assert_status(200, put(s, "{'policies':{'enforcement':'hard','limit':5}}"));
	assert_error(403, "quota_exceeded",
		     client_post(s->c, "/policies", "{'name':'q','rego_code':'package p'}"));
}

static void keys_have_a_quota_too(void **state)
{
	struct story *s = *state;
	char keys[120];
	const struct answer *a;

	(void)snprintf(keys, sizeof(keys), "/tenants/%s/api-keys", s->t.id);
	assert_status(200, put(s, "{'api_keys':{'limit':2,'enforcement':'grace','grace_percent':50}}"));
	a = assert_status(201, client_post(s->c, keys, "{'name':'n','scopes':['policies:read']}"));
	assert_null(answer_header(a, WARNING));
	a = assert_status(201, client_post(s->c, keys, "{'name':'n','scopes':['policies:read']}"));
	assert_string_equal("api_keys; used=3; limit=2; hard=3", answer_header(a, WARNING));
	a = client_post(s->c, keys, "{'name':'n','scopes':['policies:read']}");
	assert_error(403, "quota_exceeded", a);
	assert_text("api_keys", a, "resource");
	assert_int(2, a, "limit");
	assert_int(3, a, "hard_limit");
	assert_int(3, a, "used");
	assert_int(3, get(s), "api_keys.used");
	/* null is what the service allows. */
	a = assert_status(200, put(s, "{'api_keys':{'limit':null,'enforcement':'hard'}}"));
	assert_int(1000, a, "api_keys.limit");
	assert_status(201, client_post(s->c, keys, "{'name':'n','scopes':['policies:read']}"));
}

static void every_fault_of_a_quota_is_told(void **state)
{
	static const char *const bad[] = { "[80,80]", "[90,80]", "[0]", "[1001]", "[1.5]", "['80']", "{}",
					   "80", "[1,2,3,4,5,6,7,8,9,10,11]", "[-1]", "[[1]]", "null" };
	struct story *s = *state;
	const struct answer *a;

	a = put(s, "{'policies':{'limit':-1,'enforcement':'firm','grace_percent':1001},'rules':{},"
		   "'users':{'max':1}}");
	assert_error(422, "validation_error", a);
	assert_fault("policies.limit", "range", a);
	assert_fault("policies.enforcement", "enum", a);
	assert_fault("policies.grace_percent", "range", a);
	assert_fault("rules", "unknown", a);
	assert_fault("users.max", "unknown", a);
	assert_fault("users.limit", "range", put(s, "{'users':{'limit':0}}"));
	assert_fault("policies.used", "type", put(s, "{'policies':{'used':'many'}}"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fault("policies.thresholds", NULL, put(s, "{'policies':{'thresholds':%s}}", bad[i]));
	assert_int_equal(3, answer_count(get(s), "policies.thresholds"));
}

static void a_limit_leaves_room_for_what_there_is(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < 3; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "r%d", i);
		assert_status(201, add(s, name));
	}
	assert_error(409, "below_current_usage", put(s, "{'resources':{'limit':2}}"));
	assert_status(200, put(s, "{'resources':{'limit':2,'enforcement':'grace','grace_percent':50}}"));
	assert_error(409, "below_current_usage", put(s, "{'resources':{'grace_percent':49}}"));
	assert_status(200, put(s, "{'resources':{'limit':null}}"));
	assert_status(201, add(s, "more"));
}

static void it_is_changed_like_any_object(void **state)
{
	struct story *s = *state;
	const int64_t records = answer_int(client_get(s->c, "/audit/logs?action=setQuota"), "total");
	char target[160], line[100];
	const struct answer *a;

	(void)snprintf(target, sizeof(target), "/api/v1%s", path_of(s));
	(void)snprintf(line, sizeof(line), "If-Match: %s\r\n", answer_header(get(s), "ETag"));
	assert_status(200, client_call(s->operator, "PUT", target, line, "{\"users\":{\"limit\":9}}"));
	assert_error(412, "precondition_failed",
		     client_call(s->operator, "PUT", target, line, "{\"users\":{\"limit\":8}}"));
	a = assert_status(200, client_get(s->c, "/audit/logs?action=setQuota"));
	assert_int(records + 1, a, "total");
	assert_text("users.limit", a, "logs[0].detail.changed[0]");
	/* Once more is no change. */
	assert_status(200, put(s, "{'users':{'limit':9}}"));
	assert_int(records + 1, client_get(s->c, "/audit/logs?action=setQuota"), "total");
	(void)snprintf(target, sizeof(target), "%s?dry_run=true", path_of(s));
	a = assert_status(200, client_put(s->operator, target, "{'users':{'limit':7}}"));
	assert_int(7, a, "users.limit");
	assert_int(9, get(s), "users.limit");
}

struct rival {
	struct story *s;
	int n, made, refused;
};

static void *rush(void *arg)
{
	struct rival *r = arg;
	struct client *c = client_of(r->s->d, &r->s->t);

	for (int i = 0; i < 8; i++) {
		const struct answer *a =
			client_post(c, "/resources", "{'name':'rush-%d-%d','type':'api'}", r->n, i);

		r->made += a->status == 201;
		r->refused += a->status == 403;
	}
	client_close(c);
	return NULL;
}

/* Grace has an end that is as exact as a limit's. */
static void grace_ends_exactly_for_all_at_once(void **state)
{
	enum { RIVALS = 8 };
	struct story *s = *state;
	struct rival r[RIVALS];
	pthread_t threads[RIVALS];
	int made = 0, refused = 0;

	assert_status(200, put(s, "{'resources':{'limit':10,'enforcement':'grace','grace_percent':20}}"));
	for (int i = 0; i < RIVALS; i++) {
		r[i] = (struct rival){ s, i, 0, 0 };
		assert_int_equal(0, pthread_create(&threads[i], NULL, rush, &r[i]));
	}
	for (int i = 0; i < RIVALS; i++) {
		pthread_join(threads[i], NULL);
		made += r[i].made;
		refused += r[i].refused;
	}
	assert_int_equal(12, made);
	assert_int_equal(8 * RIVALS - 12, refused);
	assert_int(12, get(s), "resources.used");
}

/* The other node holds to it within a second of the answer. */
static void every_node_holds_to_it(void **state)
{
	struct story *s = *state;
	struct daemon *other = daemon_join(s->d, NULL);
	struct client *c = client_open(daemon_port(other));
	int64_t set, asked;
	const struct answer *a;
	int n = 0;

	client_key(c, s->t.key);
	assert_status(201, client_post(c, "/resources", "{'name':'there','type':'api'}"));
	assert_status(200, put(s, "{'resources':{'limit':1}}"));
	set = temp_now_ms();
	do {
		asked = temp_now_ms();
		a = client_post(c, "/resources", "{'name':'there-%d','type':'api'}", ++n);
	} while (a->status == 201 && asked - set <= 1000);
	assert_error(403, "quota_exceeded", a);
	client_close(c);
	daemon_finish(other);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_quota_says_what_may_be_and_what_is),
		CASE(only_operators_set_it),
		CASE(what_is_not_sent_stays),
		CASE(a_hard_limit_refuses),
		CASE(grace_warns_before_it_refuses),
		CASE(a_soft_limit_only_warns),
		CASE(keys_have_a_quota_too),
		CASE(every_fault_of_a_quota_is_told),
		CASE(a_limit_leaves_room_for_what_there_is),
		CASE(it_is_changed_like_any_object),
		CASE(grace_ends_exactly_for_all_at_once),
		CASE(every_node_holds_to_it),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
