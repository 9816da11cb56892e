/* SPDX-License-Identifier: Apache-2.0 */
/* A policy engine beside the daemon: what it says is passed on, and what it leaves undone is not believed. */
#include <inttypes.h>
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

#include "opa_peer.h"
#include "story.h"

#define GOOD "'rego_code':'package app.authz\\ndefault allow = false\\nallow { input.user }'"
#define CASES \
	"'test_cases':[{'name':'yes','input':{'answer':true},'expected':true}," \
	"{'name':'no','input':{'answer':false},'expected':false}," \
	"{'name':'nothing','input':{},'expected':false}]"

static struct opa_peer *opa;
static char url_setting[120];
static const char *const engine_env[] = { url_setting, "CONTROLCORE_ENGINE_TOKEN=open sesame",
	"CONTROLCORE_ENGINE_TIMEOUT_MS=1000", "CONTROLCORE_ENGINE_TEST_MS=1500",
	"CONTROLCORE_ENGINE_CONCURRENT=1", NULL };

static int setup(void **state)
{
	opa = opa_start("open sesame");
	snprintf(url_setting, sizeof(url_setting), "CONTROLCORE_ENGINE_URL=%s", opa_url(opa));
	*state = daemon_start(&(struct daemon_options){ .env = engine_env });
	return 0;
}

static int teardown(void **state)
{
	daemon_finish(*state);
	opa_stop(opa);
	return 0;
}

static int open_well(void **state)
{
	opa_feel(opa, OPA_WELL);
	return story_open(state);
}

/* Nothing that was loaded is left, whatever a test did. */
static int close_clean(void **state)
{
	assert_int_equal(0, opa_modules(opa));
	return story_close(state);
}

static const struct answer *validate(struct story *s, const char *rego)
{
	return client_post(s->c, "/policies/validate", "{'rego_code':'%s'}", rego);
}

static const struct answer *test(struct story *s, const char *body)
{
	return client_post(s->c, "/policies/1/test", "%s", body);
}

static void make(struct story *s, const char *cases)
{
	assert_status(201, client_post(s->c, "/policies", "{'name':'p'," GOOD ",%s}", cases));
}

static void insist(struct story *s)
{
	char path[120];

	snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	assert_status(200, client_patch(s->c, path, "{'settings':{'require_tests':true}}"));
}

/* Validation ---------------------------------------------------------------------------------------- */

static void a_policy_is_compiled_and_nothing_kept(void **state)
{
	struct story *s = *state;
	const int loads = opa_loads(opa);
	const struct answer *a = assert_status(200, validate(s, "package app.authz\\nallow { true }"));

	assert_true(answer_at(a, "valid") == json_true());
	assert_text("Policy is valid", a, "message");
	assert_int_equal(0, answer_count(a, "errors"));
	assert_int_equal(0, answer_count(a, "warnings"));
	assert_int_equal(loads + 1, opa_loads(opa));
	assert_int(0, client_get(s->c, "/policies"), "total");
	a = assert_status(200, validate(s, "package app\\ndeny { true }"));
	assert_true(answer_at(a, "valid") == json_true());
	assert_text("warning", a, "warnings[0].severity");
	assert_fault("rego_code", "required",
		assert_status(422, client_post(s->c, "/policies/validate", "%s", "{}")));
}

static void what_the_compiler_says_is_placed_in_the_tenants_text(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, validate(s, "package a\\n\\nallow { unsafe_x }"));

	assert_true(answer_at(a, "valid") == json_false());
	assert_int(3, a, "errors[0].line");
	assert_int(9, a, "errors[0].column");
	assert_text("var unsafe_x is unsafe", a, "errors[0].message");
	assert_text("error", a, "errors[0].severity");
	/* Behind the package's name the engine's columns are those of its own, longer name. */
	a = assert_status(200, validate(s, "package a; allow { unsafe_x }"));
	assert_int(1, a, "errors[0].line");
	assert_int(20, a, "errors[0].column");
}

static void what_is_no_policy_is_not_sent_on(void **state)
{
	struct story *s = *state;
	const int loads = opa_loads(opa);
	const struct answer *a = assert_status(200, validate(s, "package a\\nallow { ( }"));

	assert_true(answer_at(a, "valid") == json_false());
	assert_int(2, a, "errors[0].line");
	assert_int_equal(loads, opa_loads(opa));
}

/* Test cases ---------------------------------------------------------------------------------------- */

static void cases_are_evaluated_one_by_one(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	make(s, CASES);
	a = assert_status(200, test(s, "{}"));
	assert_int(1, a, "policy_id");
	assert_int(3, a, "summary.total");
	assert_int(3, a, "summary.passed");
	assert_int(0, a, "summary.failed");
	assert_true(answer_at(a, "results[0].passed") == json_true());
	assert_true(answer_at(a, "results[0].actual") == json_true());
	assert_true(answer_null(a, "results[2].actual"));
	a = assert_status(200, test(s, "{'test_cases':[{'name':'x','input':{'answer':[1]},'expected':true},"
				       "{'name':'y','input':{'fail':1},'expected':false}]}"));
	assert_int(2, a, "summary.failed");
	assert_int(1, a, "results[0].actual[0]");
	assert_text("complete rules must not produce multiple outputs", a, "results[1].error");
	assert_true(answer_at(a, "results[1].passed") == json_false());
	assert_int(3, assert_status(200, test(s, "{}")), "summary.total");
	assert_error(404, "resource_not_found", client_post(s->c, "/policies/9/test", "%s", "{}"));
	assert_fault("test_cases[0].input", "required",
		assert_status(422, test(s, "{'test_cases':[{'name':'x'}]}")));
}

static void a_module_that_does_not_compile_is_told_by_line(void **state)
{
	struct story *s = *state;

	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'p','rego_code':'package a\\nallow { unsafe_x }'," CASES "}"));
	assert_error(422, "rego_invalid", test(s, "{}"));
	insist(s);
	assert_error(409, "tests_failed", client_post(s->c, "/policies/1/promote", "%s", "{}"));
}

/* Promotion ----------------------------------------------------------------------------------------- */

static void what_fails_its_cases_is_not_promoted(void **state)
{
	struct story *s = *state;

	make(s, "'test_cases':[{'name':'wrong','input':{'answer':false},'expected':true}]");
	assert_error(409, "tests_failed", client_post(s->c, "/policies/1/promote", "%s", "{}"));
	assert_non_null(strstr(client_post(s->c, "/policies/1/promote", "%s", "{}")->body, "'wrong'"));
	assert_int(1, client_get(s->c, "/policies"), "total");
	assert_status(200, client_patch(s->c, "/policies/1", "{" CASES "}"));
	assert_text("passed",
		assert_status(200, client_post(s->c, "/policies/1/promote", "%s", "{}")), "tests");
}

/* Without an engine that answers, only who insists on tests is held up. */
static void an_engine_that_fails_holds_up_who_insists(void **state)
{
	static const enum opa_mood moods[] = { OPA_BROKEN, OPA_NONSENSE };
	struct story *s = *state;
	const struct answer *a;

	make(s, CASES);
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		opa_feel(opa, moods[i]);
		a = assert_error(503, "policy_engine_unavailable", test(s, "{}"));
		assert_non_null(answer_header(a, "Retry-After"));
		assert_null(strstr(a->body, "127.0.0.1"));
		assert_error(503, "policy_engine_unavailable", validate(s, "package a\\nallow { true }"));
	}
	assert_text("not_run",
		assert_status(200, client_post(s->c, "/policies/1/promote", "%s", "{}")), "tests");
	insist(s);
	assert_error(503, "policy_engine_unavailable", client_post(s->c, "/policies/1/promote", "%s", "{}"));
	opa_feel(opa, OPA_WELL);
	assert_text("passed",
		assert_status(200, client_post(s->c, "/policies/1/promote", "%s", "{}")), "tests");
}

static void its_time_is_bounded(void **state)
{
	struct story *s = *state;

	make(s, CASES);
	opa_feel(opa, OPA_SILENT);
	assert_error(408, "evaluation_budget_exceeded", test(s, "{}"));
	/* Each call is in time, all of them are not. */
	opa_feel(opa, OPA_SLOW);
	assert_error(408, "evaluation_budget_exceeded", test(s, "{}"));
	/* What the policy itself can bring about is no way past the tests. */
	assert_error(408, "evaluation_budget_exceeded", client_post(s->c, "/policies/1/promote", "%s", "{}"));
	opa_feel(opa, OPA_WELL);
	assert_status(200, test(s, "{}"));
}

static void a_repeated_promotion_needs_no_engine(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	make(s, CASES);
	insist(s);
	a = client_call(s->c, "POST", "/api/v1/policies/1/promote", "Idempotency-Key: once\r\n", "{}");
	assert_status(200, a);
	opa_feel(opa, OPA_BROKEN);
	a = client_call(s->c, "POST", "/api/v1/policies/1/promote", "Idempotency-Key: once\r\n", "{}");
	assert_status(200, a);
	assert_non_null(answer_header(a, "Idempotent-Replayed"));
}

static void *ask_in_thread(void *client)
{
	const struct answer *a = client_post(client, "/policies/validate", "%s", "{'rego_code':'package a'}");

	return (void *)(uintptr_t)a->status;
}

static void no_more_than_allowed_are_at_it_at_once(void **state)
{
	struct story *s = *state;
	struct client *c = client_of(s->d, &s->t);
	uintptr_t mine;
	void *other;
	pthread_t thread;

	opa_feel(opa, OPA_SLOW);
	assert_int_equal(0, pthread_create(&thread, NULL, ask_in_thread, c));
	mine = (uintptr_t)ask_in_thread(s->c);
	assert_int_equal(0, pthread_join(thread, &other));
	client_close(c);
	assert_true((mine == 200 && (uintptr_t)other == 503) || (mine == 503 && (uintptr_t)other == 200));
}

/* What is left behind ------------------------------------------------------------------------------- */

static void what_could_not_be_removed_is_removed_later(void **state)
{
	struct story *s = *state;

	opa_feel(opa, OPA_KEEPS);
	assert_status(200, validate(s, "package a\\nallow { true }"));
	assert_int_equal(1, opa_modules(opa));
	assert_string_equal("t", story_control_value(s, "SELECT count(*) > 0 FROM cc.engine_module"));
	opa_feel(opa, OPA_WELL);
	for (int i = 0; i < 600 && opa_modules(opa) > 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	assert_int_equal(0, opa_modules(opa));
}

static void what_a_killed_daemon_loaded_is_removed(void **state)
{
	static const char *dying[8];
	struct story *s = *state;
	char request[600];
	size_t n = 0;

	while (engine_env[n] != NULL) {
		dying[n] = engine_env[n];
		n++;
	}
	dying[n] = "CC_FAILPOINT=engine.loaded:1";
	assert_int_equal(0, daemon_stop(s->d));
	daemon_env(s->d, dying);
	daemon_restart(s->d);
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
	snprintf(request, sizeof(request),
		"POST /api/v1/policies/validate HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n"
		"Content-Type: application/json\r\nContent-Length: 25\r\n\r\n{\"rego_code\":\"package a\"}",
		s->t.key);
	assert_int_equal(0, client_raw(s->c, request, strlen(request))->status);
	assert_true(daemon_await_end(s->d, 20000) > 0);
	assert_int_equal(1, opa_modules(opa));
	daemon_env(s->d, engine_env);
	daemon_restart(s->d);
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
	for (int i = 0; i < 600 && opa_modules(opa) > 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	assert_int_equal(0, opa_modules(opa));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_policy_is_compiled_and_nothing_kept, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			what_the_compiler_says_is_placed_in_the_tenants_text, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			what_is_no_policy_is_not_sent_on, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			cases_are_evaluated_one_by_one, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			a_module_that_does_not_compile_is_told_by_line, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			what_fails_its_cases_is_not_promoted, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			an_engine_that_fails_holds_up_who_insists, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			its_time_is_bounded, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			a_repeated_promotion_needs_no_engine, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			no_more_than_allowed_are_at_it_at_once, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			what_could_not_be_removed_is_removed_later, open_well, close_clean),
		cmocka_unit_test_setup_teardown(
			what_a_killed_daemon_loaded_is_removed, open_well, close_clean),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
