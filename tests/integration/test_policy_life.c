/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define LEAST "'rego_code':'package p'"

static const struct answer *promote(struct story *s, int64_t id, const char *body)
{
	char path[64];

	snprintf(path, sizeof(path), "/policies/%" PRId64 "/promote", id);
	return client_post(s->c, path, "%s", body);
}

/* On and off ---------------------------------------------------------------------------------------- */

static void a_policy_is_switched_on_and_off(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201, client_post(s->c, "/policies", "{'name':'p','status':'draft'," LEAST "}"));
	a = assert_status(200, client_post(s->c, "/policies/1/enable", "%s", ""));
	assert_text("active", a, "status");
	assert_int(2, a, "version");
	assert_text("package p", a, "rego_code");
	a = assert_status(200, client_post(s->c, "/policies/1/enable", "%s", ""));
	assert_int(2, a, "version");
	a = assert_status(200, client_post(s->c, "/policies/1/disable", "%s", ""));
	assert_text("inactive", a, "status");
	assert_int(3, a, "version");
	a = assert_status(200, client_get(s->c, "/policies/1/versions?full=true"));
	assert_int(3, a, "total");
	assert_text("disabled", a, "versions[0].action");
	assert_text("status from active to inactive", a, "versions[0].summary");
	assert_text("enabled", a, "versions[1].action");
	assert_text("package p", a, "versions[1].rego_code");
	assert_error(404, "resource_not_found", client_post(s->c, "/policies/2/enable", "%s", ""));
	assert_text("disablePolicy", client_get(s->c, "/audit/logs?limit=1"), "logs[0].action");
}

/* Promotion ----------------------------------------------------------------------------------------- */

static void promoting_makes_one_twin_and_then_its_versions(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char before[4000];

	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'p','description':'d'," LEAST
				   ",'test_cases':[{'name':'t','input':1,'expected':true}]}"));
	snprintf(before, sizeof(before), "%s", client_get(s->c, "/policies/1")->body);
	a = assert_status(200, promote(s, 1, "{'deployment_notes':'first','approver':'ann@acme.com'}"));
	assert_text("Policy promoted to production", a, "message");
	assert_int(2, a, "policy_id");
	assert_int(1, a, "promoted_from");
	assert_text("production", a, "environment");
	assert_text("active", a, "status");
	assert_int(1, a, "version");
	assert_text("not_run", a, "tests");
	assert_int_equal(strlen("2026-01-31T12:00:00Z"), strlen(answer_text(a, "promoted_at")));
	assert_string_equal(before, client_get(s->c, "/policies/1")->body);

	a = assert_status(200, client_get(s->c, "/policies/2"));
	assert_text("p", a, "name");
	assert_text("d", a, "description");
	assert_text("production", a, "environment");
	assert_int(1, a, "promoted_from");
	assert_text("t", a, "test_cases[0].name");
	a = assert_status(200, client_get(s->c, "/policies/2/versions/1"));
	assert_text("promoted", a, "action");
	assert_text("from version 1 of policy 1", a, "summary");
	assert_text("first", a, "deployment_notes");
	assert_text("ann@acme.com", a, "approver");
	assert_int(1, a, "source_policy_id");
	assert_int(1, a, "source_version");

	assert_status(200,
		client_patch(s->c, "/policies/1", "{'name':'q','rego_code':'package q','test_cases':[]}"));
	a = assert_status(200, promote(s, 1, ""));
	assert_int(2, a, "policy_id");
	assert_int(2, a, "version");
	assert_text("none", a, "tests");
	a = assert_status(200, client_get(s->c, "/policies/2"));
	assert_text("q", a, "name");
	assert_text("package q", a, "rego_code");
	a = assert_status(200, client_get(s->c, "/policies/2/versions/2"));
	assert_text("from version 2 of policy 1: name, rego_code, test_cases", a, "summary");
	assert_int(3, assert_status(200, promote(s, 1, "{}")), "version");
	assert_int_equal(2, story_number(s, "SELECT policies_used FROM head"));
	a = client_get(s->c, "/audit/logs?action=promotePolicy");
	assert_int(3, a, "total");
}

static void production_changes_by_promotion_only(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	assert_status(200, promote(s, 1, ""));
	assert_error(409, "production_immutable", client_patch(s->c, "/policies/2", "{'description':'x'}"));
	assert_error(409, "production_immutable", client_put(s->c, "/policies/2", "{'name':'q'," LEAST "}"));
	a = promote(s, 2, "");
	assert_error(409, "production_immutable", a);
	assert_text("policy 2 is in production; what is promoted is the sandbox policy 1", a, "message");
	/* But it is switched, put back and deleted. */
	assert_status(200, client_patch(s->c, "/policies/1", "{'description':'x'}"));
	assert_status(200, promote(s, 1, ""));
	assert_status(200, client_post(s->c, "/policies/2/disable", "%s", ""));
	a = assert_status(200, client_post(s->c, "/policies/2/rollback", "{'version':1}"));
	assert_int(4, a, "version");
	assert_true(answer_null(a, "description"));
	assert_text("inactive", a, "status");
	/* What is off stays off. */
	a = assert_status(200, promote(s, 1, ""));
	assert_text("inactive", a, "status");
	assert_int(5, a, "version");
	assert_status(200, client_delete(s->c, "/policies/2"));
	/* The next promotion makes another. */
	a = assert_status(200, promote(s, 1, ""));
	assert_int(3, a, "policy_id");
	assert_int(1, a, "version");
	assert_text("active", a, "status");
}

static void only_active_policies_are_promoted(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201, client_post(s->c, "/policies", "{'name':'p','status':'draft'," LEAST "}"));
	a = promote(s, 1, "");
	assert_error(409, "conflict", a);
	assert_text("policy 1 is draft; only active policies are promoted", a, "message");
	assert_status(200, client_post(s->c, "/policies/1/disable", "%s", ""));
	assert_error(409, "conflict", promote(s, 1, ""));
	assert_status(200, client_post(s->c, "/policies/1/enable", "%s", ""));
	assert_error(409, "conflict", promote(s, 1, "{'version':2}"));
	assert_status(200, promote(s, 1, "{'version':3}"));
	assert_error(404, "resource_not_found", promote(s, 7, ""));
	assert_fault("approver", "length",
		promote(s, 1,
			"{'approver':'"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}"));
}

static void the_twin_takes_a_place_once(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_limit(s, "'max_policies':2");
	story_policy(s, "one");
	story_policy(s, "two");
	a = promote(s, 1, "");
	assert_error(403, "quota_exceeded", a);
	assert_text("policies", a, "resource");
	assert_int(2, a, "limit");
	assert_int(2, a, "used");
	assert_status(200, client_delete(s->c, "/policies/2"));
	assert_int(3, assert_status(200, promote(s, 1, "")), "policy_id");
	assert_int(2, assert_status(200, promote(s, 1, "")), "version");
	assert_error(403, "quota_exceeded", client_post(s->c, "/policies", "{'name':'x'," LEAST "}"));
}

static void names_in_production_are_unique_too(void **state)
{
	struct story *s = *state;

	story_policy(s, "one");
	story_policy(s, "two");
	assert_status(200, promote(s, 1, ""));
	assert_status(200, client_patch(s->c, "/policies/1", "{'name':'uno'}"));
	assert_status(200, client_patch(s->c, "/policies/2", "{'name':'one'}"));
	/* The production policy of the first still has that name. */
	assert_error(409, "name_taken", promote(s, 2, ""));
	assert_status(200, promote(s, 1, ""));
	assert_int(4, assert_status(200, promote(s, 2, "")), "policy_id");
}

static void a_production_policy_without_its_sandbox_is_taken_over(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	assert_status(200, promote(s, 1, ""));
	assert_status(200, client_delete(s->c, "/policies/1"));
	story_policy(s, "p");
	a = assert_status(200, promote(s, 3, ""));
	assert_int(2, a, "policy_id");
	assert_int(2, a, "version");
	assert_int(3, client_get(s->c, "/policies/2"), "promoted_from");
	/* The first one, back from its deletion, has no production policy any more. */
	assert_error(409, "name_taken", client_post(s->c, "/policies/1/restore", "%s", ""));
}

static int64_t made(const struct answer *a)
{
	return answer_int(assert_status(201, a), "id");
}

static void what_it_names_is_replaced_by_its_counterpart(void **state)
{
	struct story *s = *state;
	int64_t here = story_resource(s, "orders"), edge = story_bouncer(s, "edge"), there, far;
	const struct answer *a;

	assert_status(
		201, client_post(s->c, "/policies",
			     "{'name':'p','resource_id':%" PRId64 ",'bouncer_id':%" PRId64 "," LEAST "}",
			     here, edge));
	assert_status(200, promote(s, 1, ""));
	a = client_get(s->c, "/policies/2");
	assert_int(here, a, "resource_id");
	assert_int(edge, a, "bouncer_id");
	there = made(
		client_post(s->c, "/resources", "{'name':'orders','type':'api','environment':'production'}"));
	far = made(client_post(
		s->c, "/bouncers", "{'name':'edge','hostname':'e.acme.com','environment':'production'}"));
	assert_status(200, promote(s, 1, ""));
	a = client_get(s->c, "/policies/2");
	assert_int(there, a, "resource_id");
	assert_int(far, a, "bouncer_id");
	a = client_get(s->c, "/policies/1");
	assert_int(here, a, "resource_id");
	assert_int(edge, a, "bouncer_id");
}

static void without_an_engine_nothing_is_evaluated(void **state)
{
	struct story *s = *state;

	assert_status(201, client_post(s->c, "/policies", "{'name':'p'," LEAST "}"));
	assert_error(501, "policy_engine_not_configured",
		client_post(s->c, "/policies/validate", "%s", "{" LEAST "}"));
	assert_error(501, "policy_engine_not_configured",
		client_post(s->c, "/policies/1/test", "%s", "{}"));
}

static void a_tenant_may_require_tests(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char path[120];

	story_policy(s, "p");
	snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	assert_status(200, client_patch(s->c, path, "{'settings':{'require_tests':true}}"));
	a = promote(s, 1, "");
	assert_error(409, "tests_failed", a);
	assert_text("policy 1 has no test cases, and the tenant requires them", a, "message");
	assert_status(200,
		client_patch(s->c, "/policies/1", "{'test_cases':[{'name':'t','input':1,'expected':true}]}"));
	a = promote(s, 1, "");
	assert_error(409, "tests_failed", a);
	assert_non_null(strstr(answer_text(a, "message"), "without a policy engine"));
	assert_status(200, client_patch(s->c, path, "{'settings':{'require_tests':false}}"));
	assert_text("not_run", assert_status(200, promote(s, 1, "")), "tests");
}

static void a_trial_promotion_leaves_nothing(void **state)
{
	struct story *s = *state;
	char before[500];

	story_policy(s, "p");
	snprintf(before, sizeof(before), "%s", story_value(s, "SELECT head::text FROM head"));
	assert_status(200, client_call(s->c, "POST", "/api/v1/policies/1/promote?dry_run=true", NULL, NULL));
	assert_string_equal(before, story_value(s, "SELECT head::text FROM head"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM policy_versions"));
}

/* Who may -------------------------------------------------------------------------------------------- */

static struct client *client_with(struct story *s, const char *scopes)
{
	char *key = fixture_key(s->d, s->t.id, scopes, NULL);
	struct client *c = client_open(daemon_port(s->d));

	client_key(c, key);
	free(key);
	return c;
}

static void production_needs_the_scope_to_promote(void **state)
{
	static const char *const actions[] = { "/enable", "/disable", "/rollback" };
	struct story *s = *state;
	struct client *writer = client_with(s, "policies:read,policies:write"),
		      *promoter = client_with(s, "policies:read,policies:promote");
	char path[64];

	story_policy(s, "p");
	assert_error(403, "insufficient_scope", client_post(writer, "/policies/1/promote", "%s", ""));
	assert_status(200, client_post(promoter, "/policies/1/promote", "%s", ""));
	for (size_t i = 0; i < 3; i++) {
		const char *body = i == 2 ? "{'version':1}" : "";

		snprintf(path, sizeof(path), "/policies/1%s", actions[i]);
		assert_error(403, "insufficient_scope", client_post(promoter, path, "%s", body));
		assert_status(200, client_post(writer, path, "%s", body));
		snprintf(path, sizeof(path), "/policies/2%s", actions[i]);
		assert_error(403, "insufficient_scope", client_post(writer, path, "%s", body));
		assert_status(200, client_post(promoter, path, "%s", body));
	}
	assert_error(403, "insufficient_scope", client_delete(writer, "/policies/2"));
	assert_status(200, client_delete(promoter, "/policies/2"));
	assert_error(403, "insufficient_scope", client_post(writer, "/policies/2/restore", "%s", ""));
	assert_error(403, "insufficient_scope", client_delete(writer, "/policies/2?hard_delete=true"));
	assert_status(200, client_post(promoter, "/policies/2/restore", "%s", ""));
	client_close(writer);
	client_close(promoter);
}

static void the_state_that_was_seen_is_the_one_promoted_or_restored(void **state)
{
	struct story *s = *state;
	const char *old = "If-Match: \"99-x\"\r\n", *own = "If-Match: \"1-x\"\r\n";

	story_policy(s, "p");
	assert_error(412, "precondition_failed",
		client_call(s->c, "POST", "/api/v1/policies/1/promote", old, "{}"));
	assert_int(1, client_get(s->c, "/policies"), "total");
	assert_status(200, client_call(s->c, "POST", "/api/v1/policies/1/promote", own, "{}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_error(412, "precondition_failed",
		client_call(s->c, "POST", "/api/v1/policies/1/restore", old, NULL));
	assert_status(200, client_call(s->c, "POST", "/api/v1/policies/1/restore", own, NULL));
}

/* Back ----------------------------------------------------------------------------------------------- */

static void a_deleted_policy_comes_back(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	assert_error(409, "not_deleted", client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_status(200, client_delete(s->c, "/policies/1"));
	a = assert_status(200, client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_int(1, a, "id");
	assert_int(2, a, "version");
	assert_text("active", a, "status");
	assert_text("package p", a, "rego_code");
	assert_status(200, client_get(s->c, "/policies/1"));
	a = assert_status(200, client_get(s->c, "/policies/1/versions"));
	assert_int(2, a, "total");
	assert_text("restored", a, "versions[0].action");
	assert_int(2, client_post(s->c, "/policies", "{'name':'q'," LEAST "}"), "id");
	assert_error(404, "resource_not_found", client_post(s->c, "/policies/3/restore", "%s", ""));
}

static void coming_back_takes_a_place_and_the_name(void **state)
{
	struct story *s = *state;

	story_limit(s, "'max_policies':1");
	story_policy(s, "p");
	assert_status(200, client_delete(s->c, "/policies/1"));
	story_policy(s, "p");
	assert_error(403, "quota_exceeded", client_post(s->c, "/policies/1/restore", "%s", ""));
	story_limit(s, "'max_policies':2");
	assert_error(409, "name_taken", client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_status(200, client_patch(s->c, "/policies/2", "{'name':'q'}"));
	assert_status(200, client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_int_equal(2, story_number(s, "SELECT policies_used FROM head"));
}

static void what_is_gone_for_good_does_not_come_back(void **state)
{
	struct story *s = *state;

	story_policy(s, "p");
	assert_status(200, client_delete(s->c, "/policies/1?hard_delete=true"));
	assert_error(410, "undo_window_over", client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_error(404, "resource_not_found", client_post(s->c, "/policies/2/restore", "%s", ""));
}

static void without_what_it_named_it_comes_back_switched_off(void **state)
{
	struct story *s = *state;
	int64_t resource = story_resource(s, "r"), bouncer = story_bouncer(s, "b");
	const struct answer *a;

	assert_status(
		201, client_post(s->c, "/policies",
			     "{'name':'p','resource_id':%" PRId64 ",'bouncer_id':%" PRId64 "," LEAST "}",
			     resource, bouncer));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_status(200, client_delete(s->c, "/resources/%" PRId64, resource));
	a = assert_status(200, client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_true(answer_null(a, "resource_id"));
	assert_int(bouncer, a, "bouncer_id");
	assert_text("inactive", a, "status");
	assert_text("restored inactive without the resource that it named, which is deleted",
		client_get(s->c, "/policies/1/versions/2"), "summary");
	/* The same when what it named is not even there any more. */
	assert_status(200, client_patch(s->c, "/policies/1", "{'status':'active'}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_status(200, client_delete(s->c, "/bouncers/%" PRId64 "?hard_delete=true", bouncer));
	a = assert_status(200, client_post(s->c, "/policies/1/restore", "%s", ""));
	assert_true(answer_null(a, "bouncer_id"));
	assert_text("inactive", a, "status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_policy_is_switched_on_and_off, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			promoting_makes_one_twin_and_then_its_versions, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			production_changes_by_promotion_only, story_open, story_close),
		cmocka_unit_test_setup_teardown(only_active_policies_are_promoted, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_twin_takes_a_place_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(names_in_production_are_unique_too, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_production_policy_without_its_sandbox_is_taken_over, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			what_it_names_is_replaced_by_its_counterpart, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			without_an_engine_nothing_is_evaluated, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_tenant_may_require_tests, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			the_state_that_was_seen_is_the_one_promoted_or_restored, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_trial_promotion_leaves_nothing, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			production_needs_the_scope_to_promote, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_deleted_policy_comes_back, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			coming_back_takes_a_place_and_the_name, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			what_is_gone_for_good_does_not_come_back, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			without_what_it_named_it_comes_back_switched_off, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
