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

static void a_change_is_told_with_all_about_it(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	a = client_call(s->c, "PATCH", "/api/v1/policies/1", "X-Request-ID: story-0001\r\n",
		"{\"name\":\"q\",\"status\":\"draft\"}");
	assert_status(200, a);
	a = assert_status(200, client_get(s->c, "/audit/logs?limit=1"));
	assert_text("data", a, "logs[0].chain");
	assert_text("api_key", a, "logs[0].actor_kind");
	assert_text(s->t.key_id, a, "logs[0].actor");
	assert_text("updatePolicy", a, "logs[0].action");
	assert_text("policy", a, "logs[0].object_type");
	assert_text("1", a, "logs[0].object_id");
	assert_text("success", a, "logs[0].outcome");
	assert_text("story-0001", a, "logs[0].request_id");
	assert_text("127.0.0.1", a, "logs[0].ip");
	assert_text("name", a, "logs[0].detail.changed[0]");
	assert_text("status", a, "logs[0].detail.changed[1]");
	assert_int_equal(2, answer_count(a, "logs[0].detail.changed"));
}

static void both_chains_are_merged_newest_first(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	bool control = false, data = false;
	const char *before = "9999";

	story_policy(s, "p");
	free(fixture_key(s->d, s->t.id, "policies:read", NULL));
	story_resource(s, "r");
	a = assert_status(200, client_get(s->c, "/audit/logs"));
	assert_int(1, a, "page");
	assert_int((int64_t)answer_count(a, "logs"), a, "total");
	for (size_t i = 0; i < answer_count(a, "logs"); i++) {
		char path[40];
		const char *at;

		snprintf(path, sizeof(path), "logs[%zu].timestamp", i);
		at = answer_text(a, path);
		assert_true(strcmp(at, before) <= 0);
		before = at;
		snprintf(path, sizeof(path), "logs[%zu].chain", i);
		control = control || strcmp(answer_text(a, path), "control") == 0;
		data = data || strcmp(answer_text(a, path), "data") == 0;
	}
	assert_true(control && data);
	assert_string_equal(a->body, client_get(s->c, "/audit")->body);
}

static void records_are_found_by_what_they_say(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "p");
	story_resource(s, "r");
	assert_status(200, client_delete(s->c, "/resources/1"));
	a = assert_status(200, client_get(s->c, "/audit/logs?action=createPolicy"));
	assert_int(1, a, "total");
	assert_text("createPolicy", a, "logs[0].action");
	assert_int(2, client_get(s->c, "/audit/logs?object=resource"), "total");
	assert_int(1, client_get(s->c, "/audit/logs?object=resource&action=deleteResource"), "total");
	assert_int(3, client_get(s->c, "/audit/logs?actor=%s", s->t.key_id), "total");
	assert_int(0, client_get(s->c, "/audit/logs?outcome=failure"), "total");
	assert_int(0, client_get(s->c, "/audit/logs?actor=nobody"), "total");
	assert_int(2, client_get(s->c, "/audit/logs?object=resource&object_id=1"), "total");
	assert_int(0, client_get(s->c, "/audit/logs?object=resource&object_id=2"), "total");
	assert_int(3, client_get(s->c, "/audit/logs?category=control_management"), "total");
	assert_int(0, client_get(s->c, "/audit/logs?category=user_management"), "total");
	assert_int(1, client_get(s->c, "/audit/logs?category=authentication&chain=control"), "total");
	assert_int(0, client_get(s->c, "/audit/logs?category=authentication&chain=data"), "total");
	assert_int(3, client_get(s->c, "/audit/logs?environment=sandbox"), "total");
	assert_int(0, client_get(s->c, "/audit/logs?environment=production"), "total");
	assert_fault("category", "enum", client_get(s->c, "/audit/logs?category=things"));
	assert_fault("chain", "enum", client_get(s->c, "/audit/logs?chain=third"));
}

static void records_are_found_by_time(void **state)
{
	struct story *s = *state;
	char restore[200];
	int64_t all;

	story_policy(s, "p");
	all = answer_int(client_get(s->c, "/audit/logs"), "total");
	snprintf(restore, sizeof(restore), "UPDATE audit SET at = '%s' WHERE action = 'createPolicy'",
		story_value(s, "SELECT at FROM audit WHERE action = 'createPolicy'"));
	story_value(s, "UPDATE audit SET at = '2020-02-03T23:59:59.5Z' WHERE action = 'createPolicy'");
	assert_int(1, client_get(s->c, "/audit/logs?end_date=2020-02-03"), "total");
	assert_int(0, client_get(s->c, "/audit/logs?end_date=2020-02-02"), "total");
	assert_int(1,
		client_get(s->c, "/audit/logs?start_date=2020-02-03&end_date=2020-02-04T00:00:00%%2B00:00"),
		"total");
	assert_int(0, client_get(s->c, "/audit/logs?end_date=2020-02-03T23:59:59Z"), "total");
	assert_int(all - 1, client_get(s->c, "/audit/logs?start_date=2020-02-04"), "total");
	assert_fault("start_date", "format", client_get(s->c, "/audit/logs?start_date=yesterday"));
	assert_fault("end_date", "format", client_get(s->c, "/audit/logs?end_date=2020-02-30"));
	assert_fault("end_date", "range",
		client_get(s->c, "/audit/logs?start_date=2020-02-03&end_date=2020-02-01"));
	story_value(s, restore);
}

static void pages_meet_without_a_gap(void **state)
{
	struct story *s = *state;
	const struct answer *whole;
	int64_t total;

	for (int i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "p%d", i);
		story_policy(s, name);
	}
	whole = assert_status(200, client_get(s->c, "/audit/logs"));
	total = answer_int(whole, "total");
	for (int64_t i = 0; i < total; i++) {
		char path[40];
		const struct answer *one = client_get(s->c, "/audit/logs?skip=%" PRId64 "&limit=1", i);

		snprintf(path, sizeof(path), "logs[%" PRId64 "]", i);
		assert_int_equal(1, answer_count(one, "logs"));
		assert_true(json_equal(answer_at(whole, path), answer_at(one, "logs[0]")));
		assert_int(total, one, "total");
	}
	assert_int_equal(0, answer_count(client_get(s->c, "/audit/logs?skip=%" PRId64, total), "logs"));
	assert_fault("skip", "range", client_get(s->c, "/audit/logs?skip=9901&limit=100"));
	assert_status(200, client_get(s->c, "/audit/logs?skip=9900&limit=100"));
}

static void refusals_and_reads_are_not_recorded(void **state)
{
	struct story *s = *state;
	int64_t before;

	story_policy(s, "p");
	before = answer_int(client_get(s->c, "/audit/logs"), "total");
	client_get(s->c, "/policies");
	client_post(s->c, "/policies", "{'name':'p','rego_code':'package p'}");
	client_patch(s->c, "/policies/1", "{'name':'p'}");
	client_delete(s->c, "/policies/9");
	assert_int(before, client_get(s->c, "/audit/logs"), "total");
}

static void values_stay_out_of_the_audit(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201,
		client_post(s->c, "/policies", "{'name':'canary-7f3a','rego_code':'package canary_7f3a'}"));
	assert_status(200, client_patch(s->c, "/policies/1", "{'description':'canary-7f3a'}"));
	a = client_get(s->c, "/audit/logs");
	assert_null(strstr(a->body, "canary"));
}

static void the_audit_needs_its_scope(void **state)
{
	struct story *s = *state;
	char *key = fixture_key(s->d, s->t.id, "policies:read,policies:write", NULL);

	client_key(s->c, key);
	assert_error(403, "insufficient_scope", client_get(s->c, "/audit/logs"));
	assert_error(403, "insufficient_scope", client_get(s->c, "/audit"));
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_is_told_with_all_about_it, story_open, story_close),
		cmocka_unit_test_setup_teardown(both_chains_are_merged_newest_first, story_open, story_close),
		cmocka_unit_test_setup_teardown(records_are_found_by_what_they_say, story_open, story_close),
		cmocka_unit_test_setup_teardown(records_are_found_by_time, story_open, story_close),
		cmocka_unit_test_setup_teardown(pages_meet_without_a_gap, story_open, story_close),
		cmocka_unit_test_setup_teardown(refusals_and_reads_are_not_recorded, story_open, story_close),
		cmocka_unit_test_setup_teardown(values_stay_out_of_the_audit, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_audit_needs_its_scope, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
