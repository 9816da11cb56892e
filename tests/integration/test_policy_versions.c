/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define LEAST "'rego_code':'package p'"

/* "3 saved, 2 saved, 1 created" */
static const char *history(struct story *s, const char *path)
{
	static char text[1000];
	const struct answer *a = assert_status(200, client_get(s->c, "%s/versions", path));
	const size_t total = answer_count(a, "versions");
	size_t n = 0;

	text[0] = '\0';
	assert_int((int64_t)total, a, "total");
	for (size_t i = 0; i < total; i++) {
		char at[64], what[64];

		snprintf(at, sizeof(at), "versions[%zu].version", i);
		snprintf(what, sizeof(what), "versions[%zu].action", i);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRId64 " %s", i > 0 ? ", " : "",
			answer_int(a, at), answer_text(a, what));
	}
	return text;
}

static void every_save_leaves_a_version(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'one','description':'d'," LEAST
				   ",'test_cases':[{'name':'t','input':{'a':[1]},'expected':true}]}"));
	assert_status(200, client_patch(s->c, "/policies/1", "{'name':'two','description':null}"));
	assert_status(200, client_put(s->c, "/policies/1", "{'name':'three','rego_code':'package q\\n'}"));
	assert_string_equal("3 saved, 2 saved, 1 created", history(s, "/policies/1"));

	a = assert_status(200, client_get(s->c, "/policies/1/versions/1"));
	assert_int(1, a, "version");
	assert_int(1, a, "policy_id");
	assert_text("created", a, "action");
	assert_text("created", a, "summary");
	assert_text("sandbox", a, "environment");
	assert_text(s->t.key_id, a, "author");
	assert_text("one", a, "name");
	assert_text("d", a, "description");
	assert_text("active", a, "status");
	assert_text("package p", a, "rego_code");
	assert_int(1, a, "test_cases[0].input.a[0]");
	assert_true(answer_null(a, "source_policy_id") && answer_null(a, "source_version"));
	assert_true(answer_null(a, "deployment_notes") && answer_null(a, "approver"));
	a = assert_status(200, client_get(s->c, "/policies/1/versions/3"));
	assert_text("changed name, rego_code, test_cases", a, "summary");
	assert_text("package q\n", a, "rego_code");
	assert_true(answer_null(a, "description"));

	a = assert_status(200, client_get(s->c, "/policies/1/versions?limit=1&skip=1"));
	assert_int(2, a, "versions[0].version");
	assert_int(3, a, "total");
	assert_null(answer_at(a, "versions[0].rego_code"));
	a = assert_status(200, client_get(s->c, "/policies/1/versions?sort=version&full=true"));
	assert_text("package p", a, "versions[0].rego_code");
}

static void what_changes_nothing_leaves_none(void **state)
{
	struct story *s = *state;

	story_policy(s, "p");
	assert_status(200, client_patch(s->c, "/policies/1", "{'name':'p'}"));
	assert_error(
		409, "name_taken", (story_policy(s, "q"), client_patch(s->c, "/policies/1", "{'name':'q'}")));
	assert_status(
		200, client_call(s->c, "PATCH", "/api/v1/policies/1?dry_run=true", NULL, "{\"name\":\"r\"}"));
	assert_string_equal("1 created", history(s, "/policies/1"));
}

static void what_is_not_there_is_not_found(void **state)
{
	struct story *s = *state;

	story_policy(s, "p");
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/versions/2"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/versions/0"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/versions/x"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/2/versions"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/2/versions/1"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/2/diff"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/diff?from=1&to=2"));
	assert_error(404, "resource_not_found", client_post(s->c, "/policies/2/rollback", "{'version':1}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/versions"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/versions/1"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/diff"));
}

static void two_versions_are_compared(void **state)
{
	struct story *s = *state;
	int64_t resource = story_resource(s, "r");
	const struct answer *a;

	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'p','rego_code':'package p\\n\\ndefault allow := false\\n'}"));
	a = assert_status(200, client_get(s->c, "/policies/1/diff"));
	assert_int(1, a, "from");
	assert_int(1, a, "to");
	assert_int_equal(0, answer_count(a, "changes"));
	assert_text("", a, "rego_code_diff");
	assert_status(200, client_patch(s->c, "/policies/1",
				   "{'description':'new','resource_id':%" PRId64
				   ",'test_cases':[{'name':'t','input':1,'expected':false}]}",
				   resource));
	assert_status(200, client_patch(s->c, "/policies/1",
				   "{'status':'inactive',"
				   "'rego_code':'package p\\n\\ndefault allow := true\\n'}"));
	a = assert_status(200, client_get(s->c, "/policies/1/diff?from=1&to=3"));
	assert_int(1, a, "policy_id");
	assert_int_equal(4, answer_count(a, "changes"));
	assert_text("description", a, "changes[0].field");
	assert_true(answer_null(a, "changes[0].from"));
	assert_text("new", a, "changes[0].to");
	assert_text("resource_id", a, "changes[1].field");
	assert_int(resource, a, "changes[1].to");
	assert_text("test_cases", a, "changes[2].field");
	assert_int_equal(0, answer_count(a, "changes[2].from"));
	assert_int(1, a, "changes[2].to[0].input");
	assert_text("status", a, "changes[3].field");
	assert_text("inactive", a, "changes[3].to");
	assert_text("--- version 1\n+++ version 3\n@@ -1,3 +1,3 @@\n package p\n \n-default allow := false\n"
		    "+default allow := true\n",
		a, "rego_code_diff");
	a = assert_status(200, client_get(s->c, "/policies/1/diff"));
	assert_int(2, a, "from");
	assert_int_equal(1, answer_count(a, "changes"));
	a = assert_status(200, client_get(s->c, "/policies/1/diff?from=3&to=1"));
	assert_text("active", a, "changes[3].to");
	assert_int(1, client_get(s->c, "/policies/1/diff?to=2"), "from");
	assert_fault("from", "range", client_get(s->c, "/policies/1/diff?from=0"));
}

static void going_back_is_a_step_forward(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "first");
	assert_status(200, client_patch(s->c, "/policies/1",
				   "{'name':'second','rego_code':'package q','description':'x'}"));
	assert_status(200, client_patch(s->c, "/policies/1", "{'status':'inactive'}"));
	a = assert_status(200, client_post(s->c, "/policies/1/rollback", "{'version':1}"));
	assert_int(4, a, "version");
	assert_text("first", a, "name");
	assert_text("package p", a, "rego_code");
	assert_true(answer_null(a, "description"));
	assert_text("inactive", a, "status");
	a = assert_status(200, client_get(s->c, "/policies/1/versions/4"));
	assert_text("rolled_back", a, "action");
	assert_text("back to version 1: name, description, rego_code", a, "summary");
	assert_int(1, a, "source_policy_id");
	assert_int(1, a, "source_version");
	assert_string_equal("4 rolled_back, 3 saved, 2 saved, 1 created", history(s, "/policies/1"));
	/* What it has already is nothing to go back to. */
	a = assert_status(200, client_post(s->c, "/policies/1/rollback", "{'version':1}"));
	assert_int(4, a, "version");
	assert_error(404, "resource_not_found", client_post(s->c, "/policies/1/rollback", "{'version':5}"));
	assert_fault("version", "required", client_post(s->c, "/policies/1/rollback", "{}"));
	assert_text("rollbackPolicy", client_get(s->c, "/audit/logs?limit=1"), "logs[0].action");
}

static void going_back_meets_what_is_there_now(void **state)
{
	struct story *s = *state;
	int64_t resource = story_resource(s, "r");

	assert_status(201,
		client_post(s->c, "/policies", "{'name':'p','resource_id':%" PRId64 "," LEAST "}", resource));
	assert_status(200, client_patch(s->c, "/policies/1", "{'name':'q','resource_id':null}"));
	story_policy(s, "p");
	assert_error(409, "name_taken", client_post(s->c, "/policies/1/rollback", "{'version':1}"));
	assert_status(200, client_delete(s->c, "/policies/2"));
	assert_status(200, client_delete(s->c, "/resources/%" PRId64, resource));
	assert_error(409, "conflict", client_post(s->c, "/policies/1/rollback", "{'version':1}"));
	assert_string_equal("2 saved, 1 created", history(s, "/policies/1"));
}

static void versions_carry_marks_and_leave_tombstones(void **state)
{
	struct story *s = *state;

	story_policy(s, "p");
	assert_status(200, client_patch(s->c, "/policies/1", "{'name':'q'}"));
	story_policy(s, "r");
	assert_string_equal(
		"t", story_value(s, "SELECT bool_and(v.id = v.changed_version) AND max(v.changed_version) ="
				    " (SELECT version FROM head) FROM policy_versions v"));
	assert_string_equal("1 1, 1 2, 2 1", story_value(s, "SELECT string_agg(policy_id || ' ' || version, "
							    "', ' ORDER BY id) FROM policy_versions"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_int_equal(3, story_number(s, "SELECT count(*) FROM policy_versions"));
	assert_status(200, client_delete(s->c, "/policies/1?hard_delete=true"));
	assert_string_equal("policies 1, policy_versions 2",
		story_value(s,
			"SELECT string_agg(t, ', ' ORDER BY t) FROM (SELECT tbl || ' ' || count(*) AS t"
			" FROM tombstones WHERE version = (SELECT version FROM head) GROUP BY tbl) AS x"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM policy_versions"));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1/versions"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_save_leaves_a_version, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_changes_nothing_leaves_none, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, story_open, story_close),
		cmocka_unit_test_setup_teardown(two_versions_are_compared, story_open, story_close),
		cmocka_unit_test_setup_teardown(going_back_is_a_step_forward, story_open, story_close),
		cmocka_unit_test_setup_teardown(going_back_meets_what_is_there_now, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			versions_carry_marks_and_leave_tombstones, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
