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

static void a_resource_is_made_read_changed_and_deleted(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	a = assert_status(201,
		client_post(s->c, "/resources",
			"{'name':'User API','type':'api','path':'/api/v1/users/*','methods':['GET','POST'],"
			"'description':'Users','attributes':{'sensitivity':'high','compliance':['SOX']},"
			"'url':'https://api.acme.com/v1','original_host':'api.acme.com',"
			"'target_host':'10.0.0.1:8080','default_security_posture':'allow-all'}"));
	assert_int(1, a, "id");
	assert_text("/api/v1/users/*", a, "path");
	assert_text("POST", a, "methods[1]");
	assert_text("high", a, "attributes.sensitivity");
	assert_text("allow-all", a, "default_security_posture");
	assert_text("sandbox", a, "environment");
	assert_int_equal(0, answer_count(a, "policies"));
	assert_true(json_is_false(answer_at(a, "auto_discovered")));
	assert_string_equal("/api/v1/resources/1", answer_header(a, "Location"));
	assert_string_equal(a->body, assert_status(200, client_get(s->c, "/resources/1"))->body);

	a = assert_status(
		200, client_patch(s->c, "/resources/1", "{'attributes':{'owner':'x','sensitivity':null}}"));
	assert_text("x", a, "attributes.owner");
	assert_text("SOX", a, "attributes.compliance[0]");
	assert_null(answer_at(a, "attributes.sensitivity"));
	a = assert_status(200, client_patch(s->c, "/resources/1", "{'methods':['*'],'attributes':null}"));
	assert_int_equal(1, answer_count(a, "methods"));
	assert_true(answer_null(a, "attributes"));
	assert_text("Users", a, "description");
	assert_int(3, a, "version");
	assert_string_equal(a->body, client_get(s->c, "/resources/1")->body);

	a = assert_status(200, client_put(s->c, "/resources/1", "{'name':'User API','type':'webapp'}"));
	assert_text("webapp", a, "type");
	assert_int_equal(0, answer_count(a, "methods"));
	assert_text("deny-all", a, "default_security_posture");
	assert_true(answer_null(a, "url"));

	assert_text("Resource deleted", assert_status(200, client_delete(s->c, "/resources/1")), "message");
	assert_error(404, "resource_not_found", client_get(s->c, "/resources/1"));
}

static void every_fault_is_told_at_once(void **state)
{
	struct story *s = *state;
	const struct answer *a = client_post(s->c, "/resources",
		"{'name':'n','type':'printer','methods':['FETCH'],'attributes':[],'url':'acme.com',"
		"'target_host':'a b','policies':[1],'default_security_posture':'maybe'}");

	assert_error(422, "validation_error", a);
	assert_fault("type", "enum", a);
	assert_fault("methods[0]", "enum", a);
	assert_fault("attributes", "type", a);
	assert_fault("url", "format", a);
	assert_fault("target_host", "format", a);
	assert_fault("policies", "read_only", a);
	assert_fault("default_security_posture", "enum", a);
	assert_int_equal(7, answer_count(a, "details"));
}

static void what_was_read_can_be_put_back(void **state)
{
	struct story *s = *state;
	const struct answer *got;

	assert_status(201, client_post(s->c, "/resources",
				   "{'name':'r','type':'database','environment':'production','attributes':{'"
				   "b':1,'a':[]}}"));
	assert_status(
		201, client_post(s->c, "/policies", "{'name':'p','rego_code':'package p','resource_id':1}"));
	got = assert_status(200, client_get(s->c, "/resources/1"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_int(1, assert_status(200, client_call(s->c, "PUT", "/api/v1/resources/1", NULL, got->body)),
		"version");
}

static void a_resource_shows_the_live_policies_that_name_it(void **state)
{
	struct story *s = *state;
	int64_t r = story_resource(s, "r");
	const struct answer *a;

	for (int i = 0; i < 3; i++)
		assert_status(201,
			client_post(s->c, "/policies",
				"{'name':'p%d','rego_code':'package p','resource_id':%" PRId64 "}", i, r));
	assert_status(200, client_delete(s->c, "/policies/2"));
	a = client_get(s->c, "/resources/%" PRId64, r);
	assert_int_equal(2, answer_count(a, "policies"));
	assert_int(1, a, "policies[0]");
	assert_int(3, a, "policies[1]");
	assert_int(3, client_get(s->c, "/resources"), "resources[0].policies[1]");
	assert_int(3, client_patch(s->c, "/resources/1", "{'path':'/'}"), "policies[1]");
}

static void a_resource_in_use_stays(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_resource(s, "r");
	assert_status(
		201, client_post(s->c, "/policies", "{'name':'p','rego_code':'package p','resource_id':1}"));
	a = client_delete(s->c, "/resources/1");
	assert_error(409, "in_use", a);
	assert_text("1 policy names resource 1", a, "message");
	assert_error(409, "in_use", client_delete(s->c, "/resources/1?hard_delete=true"));
	assert_status(
		201, client_post(s->c, "/policies", "{'name':'q','rego_code':'package p','resource_id':1}"));
	assert_text("2 policies name resource 1", client_delete(s->c, "/resources/1"), "message");
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_status(200, client_patch(s->c, "/policies/2", "{'resource_id':null}"));
	assert_status(200, client_delete(s->c, "/resources/1"));
}

static void a_hard_delete_unlinks_deleted_policies(void **state)
{
	struct story *s = *state;

	story_resource(s, "r");
	assert_status(
		201, client_post(s->c, "/policies", "{'name':'p','rego_code':'package p','resource_id':1}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_status(200, client_delete(s->c, "/resources/1?hard_delete=true"));
	assert_string_equal("t",
		story_value(s, "SELECT resource_id IS NULL AND changed_version = (SELECT version FROM head)"
			       " FROM policies WHERE id = 1"));
	assert_string_equal("resources 1", story_value(s, "SELECT concat_ws(' ', tbl, pk) FROM tombstones"));
}

static void names_pair_the_environments(void **state)
{
	struct story *s = *state;

	story_resource(s, "r");
	assert_error(409, "name_taken", client_post(s->c, "/resources", "{'name':'r','type':'api'}"));
	assert_status(
		201, client_post(s->c, "/resources", "{'name':'r','type':'api','environment':'production'}"));
	assert_fault("environment", "read_only",
		client_patch(s->c, "/resources/1", "{'environment':'production'}"));
}

static void lists_are_filtered_and_sorted(void **state)
{
	struct story *s = *state;

	assert_status(201, client_post(s->c, "/resources", "{'name':'b','type':'webapp'}"));
	assert_status(
		201, client_post(s->c, "/resources", "{'name':'a','type':'api','environment':'production'}"));
	assert_status(201, client_post(s->c, "/resources", "{'name':'AB','type':'api'}"));
	assert_int(3, client_get(s->c, "/resources?limit=1"), "total");
	assert_string_equal("2 3", story_ids(client_get(s->c, "/resources?type=api"), "resources"));
	assert_string_equal(
		"3", story_ids(client_get(s->c, "/resources?type=api&environment=sandbox"), "resources"));
	assert_string_equal("1 3", story_ids(client_get(s->c, "/resources?name=b"), "resources"));
	assert_string_equal(
		"1 3 2", story_ids(client_get(s->c, "/resources?sort=-environment,-type,id"), "resources"));
	assert_fault("type", "enum", client_get(s->c, "/resources?type=printer"));
}

static void a_full_tenant_is_told_so(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_limit(s, "'max_resources':1");
	story_resource(s, "one");
	a = client_post(s->c, "/resources", "{'name':'two','type':'api'}");
	assert_error(403, "quota_exceeded", a);
	assert_text("resources", a, "resource");
	assert_int(1, a, "limit");
	assert_status(200, client_delete(s->c, "/resources/1"));
	story_resource(s, "two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_resource_is_made_read_changed_and_deleted, story_open, story_close),
		cmocka_unit_test_setup_teardown(every_fault_is_told_at_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_was_read_can_be_put_back, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_resource_shows_the_live_policies_that_name_it, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_resource_in_use_stays, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_hard_delete_unlinks_deleted_policies, story_open, story_close),
		cmocka_unit_test_setup_teardown(names_pair_the_environments, story_open, story_close),
		cmocka_unit_test_setup_teardown(lists_are_filtered_and_sorted, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_full_tenant_is_told_so, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
