/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client.h"

/* Long windows: nothing comes back while a test runs. */
static const char plans[] =
	"free = {\n"
	"	limits = { max_policies = 10; max_resources = 10; max_users = 5; max_bouncers = 2; };\n"
	"	tenant_rate = { limit = 40; window = 86400; };\n"
	"	key_rate = { limit = 25; window = 86400; };\n"
	"	price = { minor = 0; currency = \"USD\"; };\n"
	"	term_months = 12;\n"
	"};\n"
	"pro = {\n"
	"	limits = { max_policies = 10; max_resources = 10; max_users = 5; max_bouncers = 2; };\n"
	"	tenant_rate = { limit = 5; window = 5; };\n"
	"	key_rate = { limit = 5; window = 5; };\n"
	"	price = { minor = 0; currency = \"USD\"; };\n"
	"	term_months = 12;\n"
	"};\n"
	"enterprise = {\n"
	"	limits = { max_policies = 10; max_resources = 10; max_users = 5; max_bouncers = 2; };\n"
	"	tenant_rate = { limit = 100000; window = 60; };\n"
	"	key_rate = { limit = 100000; window = 60; };\n"
	"	price = { minor = 0; currency = \"USD\"; };\n"
	"	term_months = 12;\n"
	"};\n";

static int64_t number(const struct answer *a, const char *header)
{
	const char *text = answer_header(a, header);

	assert_non_null(text);
	return strtoll(text, NULL, 10);
}

/* What costs one. */
static const struct answer *read_one(struct client *c, const struct tenant_fixture *t)
{
	return client_get(c, "/tenants/%s", t->id);
}

static void the_429_of_the_spec(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	char message[128];

	fixture_tenant(*state, "overlimit", "free", NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 1; i <= 25; i++) {
		a = assert_status(200, read_one(c, &t));
		assert_int_equal(25, number(a, "X-RateLimit-Limit"));
		assert_int_equal(25 - i, number(a, "X-RateLimit-Remaining"));
	}
	a = read_one(c, &t);
	assert_error(429, "rate_limit_exceeded", a);
	(void)snprintf(message, sizeof(message), "Rate limit exceeded for tenant %s", t.id);
	assert_text(message, a, "message");
	assert_int(25, a, "limit");
	assert_int(0, a, "remaining");
	/* one request comes back every 3456 seconds */
	assert_true(answer_int(a, "retry_after") > 3400 && answer_int(a, "retry_after") <= 3456);
	assert_int_equal(answer_int(a, "retry_after"), number(a, "Retry-After"));
	assert_int_equal(0, number(a, "X-RateLimit-Remaining"));
	assert_string_equal("\"default\";q=25;w=86400", answer_header(a, "RateLimit-Policy"));
	assert_int_equal(0, strncmp(answer_header(a, "RateLimit"), "\"default\";r=0;t=", 16));
	client_close(c);
}

static void the_keys_of_a_tenant_share_its_rate(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	char *second;
	int passed = 0;

	fixture_tenant(*state, "sharing", "free", NULL, NULL, &t);
	second = fixture_key(*state, t.id, "tenant:read", NULL);
	c = client_of(*state, &t);
	for (int i = 0; i < 30; i++)
		passed += read_one(c, &t)->status == 200;
	assert_int_equal(25, passed);
	client_key(c, second);
	for (int i = 0; i < 30; i++)
		passed += read_one(c, &t)->status == 200;
	/* 40 for the tenant: the second key got what was left */
	assert_int_equal(40, passed);
	assert_int(40, read_one(c, &t), "limit");
	free(second);
	client_close(c);
}

static void one_tenants_limit_is_not_anothers(void **state)
{
	struct tenant_fixture loud, calm;
	struct client *c;

	fixture_tenant(*state, "loud", "free", NULL, NULL, &loud);
	fixture_tenant(*state, "calm", "free", NULL, NULL, &calm);
	c = client_of(*state, &loud);
	for (int i = 0; i < 60; i++)
		(void)read_one(c, &loud);
	assert_status(429, read_one(c, &loud));
	client_key(c, calm.key);
	assert_status(200, read_one(c, &calm));
	client_close(c);
}

static void a_refusal_costs_nothing_but_says_what_is_left(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "refused", "free", NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 0; i < 30; i++) {
		a = client_get(c, "/policies?tenant_id=nowhere");
		assert_error(403, "tenant_access_denied", a);
		assert_int_equal(25, number(a, "X-RateLimit-Remaining"));
	}
	assert_int_equal(24, number(read_one(c, &t), "X-RateLimit-Remaining"));
	/* what the handler refuses has passed the gate */
	a = client_post(c, "/policies", "{}");
	assert_status(422, a);
	assert_int_equal(23, number(a, "X-RateLimit-Remaining"));
	client_close(c);
}

static void who_waits_as_told_is_let_in(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "patient", "pro", NULL, NULL, &t);
	c = client_of(*state, &t);
	do {
		a = read_one(c, &t);
	} while (a->status == 200);
	assert_status(429, a);
	assert_int(1, a, "retry_after");
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 50000000 }, NULL);
	assert_status(200, read_one(c, &t));
	client_close(c);
}

struct shooter {
	struct daemon *d;
	const struct tenant_fixture *t;
	atomic_int *passed;
};

static void *shoot(void *arg)
{
	const struct shooter *s = arg;
	struct client *c = client_of(s->d, s->t);

	for (int i = 0; i < 10; i++)
		if (read_one(c, s->t)->status == 200)
			atomic_fetch_add(s->passed, 1);
	client_close(c);
	return NULL;
}

static void together_they_get_exactly_the_limit(void **state)
{
	struct tenant_fixture t;
	atomic_int passed = 0;
	struct shooter s = { *state, &t, &passed };
	pthread_t threads[8];

	fixture_tenant(*state, "crowd", "free", NULL, NULL, &t);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, shoot, &s));
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(25, atomic_load(&passed));
}

static void a_bad_credential_has_no_meter(void **state)
{
	static const char count[] = "X-API-Key: cc_live_%010d00000000000000000000000000000000000000\r\n";
	struct client *c = client_open(daemon_port(*state));
	char header[120];

	for (int i = 0; i < 50; i++) {
		const struct answer *a;

		(void)snprintf(header, sizeof(header), count, i);
		a = client_call(c, "GET", "/api/v1/policies", header, NULL);
		assert_error(401, "unauthorized", a);
		assert_null(answer_header(a, "X-RateLimit-Limit"));
	}
	client_close(c);
}

static void what_makes_more_work_costs_more(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "costly", "free", NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_int_equal(20, number(assert_status(200, client_get(c, "/policies")), "X-RateLimit-Remaining"));
	assert_int_equal(19, number(assert_status(200, read_one(c, &t)), "X-RateLimit-Remaining"));
	a = client_post(c, "/policies", "{'name':'p','rego_code':'package p'}");
	assert_int_equal(18, number(assert_status(201, a), "X-RateLimit-Remaining"));
	for (int left = 13; left >= 3; left -= 5)
		assert_int_equal(left, number(assert_status(200, client_get(c, "/resources")),
					      "X-RateLimit-Remaining"));
	/* Three are left: not enough for a list. */
	a = client_get(c, "/policies");
	assert_error(429, "rate_limit_exceeded", a);
	assert_int(0, a, "remaining");
	assert_true(answer_int(a, "retry_after") > 3456 && answer_int(a, "retry_after") <= 2 * 3456);
	assert_int_equal(2, number(assert_status(200, read_one(c, &t)), "X-RateLimit-Remaining"));
	client_close(c);
}

/* A plan with five, a list takes all of them, and then again. */
static void a_small_plan_can_still_ask_for_what_costs_most(void **state)
{
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "small", "pro", NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_status(200, client_get(c, "/policies"));
	assert_status(429, client_get(c, "/policies"));
	client_close(c);
}

static void operators_have_the_rate_that_is_set(void **state)
{
	struct client *op = client_operator(*state);
	struct client *c = client_operator(*state);
	const struct answer *a =
		client_post(op, "/operator-keys", "{'name':'runaway','scopes':['platform:read']}");
	int status = 200, asked = 0;

	client_key(c, answer_text(assert_status(201, a), "key"));
	for (; status == 200 && asked < 1000; asked++) {
		a = client_get(c, "/tenants?limit=1");
		status = a->status;
	}
	assert_error(429, "rate_limit_exceeded", a);
	assert_int(400, a, "limit");
	assert_true(asked > 400 / 5); /* a list costs up to five */
	assert_status(200, client_get(op, "/tenants?limit=1"));
	client_close(op);
	client_close(c);
}

int main(void)
{
	static const char *const env[] = { "CONTROLCORE_LIMITS_OPERATOR_RATE=400", NULL };
	static const struct daemon_options options = { .plans = plans, .env = env };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_429_of_the_spec),
		cmocka_unit_test(the_keys_of_a_tenant_share_its_rate),
		cmocka_unit_test(one_tenants_limit_is_not_anothers),
		cmocka_unit_test(a_refusal_costs_nothing_but_says_what_is_left),
		cmocka_unit_test(who_waits_as_told_is_let_in),
		cmocka_unit_test(together_they_get_exactly_the_limit),
		cmocka_unit_test(a_bad_credential_has_no_meter),
		cmocka_unit_test(what_makes_more_work_costs_more),
		cmocka_unit_test(a_small_plan_can_still_ask_for_what_costs_most),
		cmocka_unit_test(operators_have_the_rate_that_is_set),
	};

	daemon_group_options(&options);
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
