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

static void a_policy_is_made_read_changed_and_deleted(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	a = assert_status(201,
		client_post(s->c, "/policies",
			"{'name':'Read users','description':'Who','rego_code':'package a\\n\\nallow := true',"
			"'test_cases':[{'name':'ok','input':{'user':{'id':1}},'expected':true,'tags':['fast']"
			"}]}"));
	assert_int(1, a, "id");
	assert_text("Read users", a, "name");
	assert_text("active", a, "status");
	assert_text("sandbox", a, "environment");
	assert_int(1, a, "version");
	assert_text(s->t.key_id, a, "created_by");
	assert_true(answer_null(a, "resource_id") && answer_null(a, "bouncer_id"));
	assert_int(1, a, "test_cases[0].input.user.id");
	assert_string_equal("/api/v1/policies/1", answer_header(a, "Location"));

	a = assert_status(200, client_get(s->c, "/policies/1"));
	assert_text("package a\n\nallow := true", a, "rego_code");
	assert_text("fast", a, "test_cases[0].tags[0]");

	a = assert_status(200, client_patch(s->c, "/policies/1", "{'status':'inactive','description':null}"));
	assert_text("inactive", a, "status");
	assert_true(answer_null(a, "description"));
	assert_text("Read users", a, "name");
	assert_int(2, a, "version");
	assert_int(2, client_get(s->c, "/policies/1"), "version");

	a = assert_status(200, client_delete(s->c, "/policies/1"));
	assert_int(1, a, "id");
	assert_text("Policy deleted", a, "message");
	assert_int_equal(strlen("2026-01-31T12:00:00Z"), strlen(answer_text(a, "deleted_at")));
	assert_error(404, "resource_not_found", client_get(s->c, "/policies/1"));
	assert_error(404, "resource_not_found", client_delete(s->c, "/policies/1"));
	assert_error(404, "resource_not_found", client_patch(s->c, "/policies/1", "{'name':'x'}"));
}

static void every_fault_is_told_at_once(void **state)
{
	struct story *s = *state;
	const struct answer *a = client_post(s->c, "/policies",
		"{'name':'','rego_code':'allow := true','status':'on','resource_id':'1',"
		"'version':3,'colour':'red','test_cases':[{'name':'x','expected':1}]}");

	assert_error(422, "validation_error", a);
	assert_fault("name", "length", a);
	assert_fault("rego_code", "syntax", a);
	assert_fault("status", "enum", a);
	assert_fault("resource_id", "type", a);
	assert_fault("version", "read_only", a);
	assert_fault("colour", "unknown", a);
	assert_fault("test_cases[0].input", "required", a);
	assert_fault("test_cases[0].expected", "type", a);
	assert_int_equal(8, answer_count(a, "details"));
	assert_int_equal(0, story_number(s, "SELECT count(*) FROM policies"));
}

static void faults_of_the_source_are_told_with_their_place(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	a = client_post(s->c, "/policies",
		"{'name':'p','rego_code':'package p\\n\\nallow {\\n  input.x ==\\n}\\n]'}");
	assert_error(422, "rego_invalid", a);
	assert_int_equal(2, answer_count(a, "details"));
	assert_true(answer_fault(a, "rego_code", "syntax"));
	assert_int(5, a, "details[0].line");
	assert_int(1, a, "details[0].column");
	assert_text("`rego_code` line 5, column 1: a value is missing after '=='", a, "details[0].message");
	assert_int(6, a, "details[1].line");
	assert_int_equal(0, story_number(s, "SELECT count(*) FROM policies"));
	story_policy(s, "q");
	assert_error(422, "rego_invalid", client_patch(s->c, "/policies/1", "{'rego_code':'allow := true'}"));
	a = client_put(s->c, "/policies/1", "{'name':'','rego_code':'package'}");
	assert_error(422, "validation_error", a);
	assert_fault("name", "length", a);
	assert_fault("rego_code", "syntax", a);
	assert_int(1, client_get(s->c, "/policies/1"), "version");
}

static void what_was_read_can_be_put_back(void **state)
{
	struct story *s = *state;
	int64_t resource = story_resource(s, "r");
	const struct answer *got;
	int64_t version;

	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'p','resource_id':%" PRId64 "," LEAST
				   ",'test_cases':[{'name':'n','input':[0.1,"
				   "null],'expected':false}]}",
				   resource));
	version = story_number(s, "SELECT version FROM head");
	got = assert_status(200, client_get(s->c, "/policies/1"));
	got = assert_status(200, client_call(s->c, "PUT", "/api/v1/policies/1", NULL, got->body));
	assert_int(1, got, "version");
	assert_int_equal(version, story_number(s, "SELECT version FROM head"));
	assert_string_equal(got->body, client_get(s->c, "/policies/1")->body);
}

static void replacing_resets_and_merging_keeps(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	assert_status(201,
		client_post(s->c, "/policies", "{'name':'p','description':'d','status':'draft'," LEAST "}"));
	a = assert_status(200, client_patch(s->c, "/policies/1", "{'name':'q'}"));
	assert_text("d", a, "description");
	assert_text("draft", a, "status");
	a = assert_status(200, client_put(s->c, "/policies/1", "{'name':'q'," LEAST "}"));
	assert_true(answer_null(a, "description"));
	assert_text("draft", a, "status");
	assert_int(3, a, "version");
	assert_fault("rego_code", "required", client_put(s->c, "/policies/1", "{'name':'q'}"));
}

static void names_are_unique_among_live_policies(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_policy(s, "one");
	story_policy(s, "two");
	a = client_post(s->c, "/policies", "{'name':'one'," LEAST "}");
	assert_error(409, "name_taken", a);
	assert_true(answer_fault(a, "name", NULL));
	assert_error(409, "name_taken", client_patch(s->c, "/policies/2", "{'name':'one'}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_status(200, client_patch(s->c, "/policies/2", "{'name':'one'}"));
	assert_status(201, client_post(s->c, "/policies", "{'name':'two'," LEAST "}"));
}

static void production_is_reached_by_promotion_only(void **state)
{
	struct story *s = *state;

	assert_error(409, "production_immutable",
		client_post(s->c, "/policies", "{'name':'p','environment':'production'," LEAST "}"));
	story_policy(s, "p");
	assert_fault("environment", "read_only",
		client_patch(s->c, "/policies/1", "{'environment':'production'}"));
	story_value(s, "UPDATE policies SET environment = 'production'");
	assert_error(409, "production_immutable", client_patch(s->c, "/policies/1", "{'name':'q'}"));
	assert_error(409, "production_immutable", client_put(s->c, "/policies/1", "{'name':'q'," LEAST "}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
}

static void what_a_policy_names_must_be_there(void **state)
{
	struct story *s = *state;
	int64_t resource = story_resource(s, "r"), bouncer = story_bouncer(s, "b"),
		gone = story_resource(s, "g");
	const struct answer *a;

	assert_status(200, client_delete(s->c, "/resources/%" PRId64, gone));
	a = client_post(
		s->c, "/policies", "{'name':'p','resource_id':%" PRId64 ",'bouncer_id':77," LEAST "}", gone);
	assert_error(422, "validation_error", a);
	assert_fault("resource_id", "not_found", a);
	assert_fault("bouncer_id", "not_found", a);
	a = assert_status(
		201, client_post(s->c, "/policies",
			     "{'name':'p','resource_id':%" PRId64 ",'bouncer_id':%" PRId64 "," LEAST "}",
			     resource, bouncer));
	assert_int(resource, a, "resource_id");
	assert_int(bouncer, a, "bouncer_id");
	assert_fault("resource_id", "not_found",
		client_patch(s->c, "/policies/1", "{'resource_id':%" PRId64 "}", gone));
	a = assert_status(200, client_patch(s->c, "/policies/1", "{'resource_id':null}"));
	assert_true(answer_null(a, "resource_id"));
	assert_int(bouncer, a, "bouncer_id");
}

static void lists_are_filtered_sorted_and_paged(void **state)
{
	struct story *s = *state;
	int64_t resource = story_resource(s, "r");
	const struct answer *a;

	assert_status(201, client_post(s->c, "/policies", "{'name':'Beta','status':'draft'," LEAST "}"));
	assert_status(201, client_post(s->c, "/policies",
				   "{'name':'alpha','resource_id':%" PRId64 "," LEAST "}", resource));
	assert_status(201, client_post(s->c, "/policies", "{'name':'alphabet'," LEAST "}"));
	a = assert_status(200, client_get(s->c, "/policies"));
	assert_string_equal("1 2 3", story_ids(a, "policies"));
	assert_int(3, a, "total");
	assert_int(1, a, "page");
	assert_int(100, a, "page_size");
	assert_null(answer_at(a, "policies[0].rego_code"));
	assert_null(answer_at(a, "policies[0].test_cases"));
	a = assert_status(200, client_get(s->c, "/policies?full=true"));
	assert_text("package p", a, "policies[2].rego_code");
	assert_string_equal("2 3", story_ids(client_get(s->c, "/policies?name=ALPHA"), "policies"));
	assert_int(2, client_get(s->c, "/policies?name=ALPHA&limit=1"), "total");
	assert_string_equal("1", story_ids(client_get(s->c, "/policies?status=draft"), "policies"));
	assert_string_equal(
		"2", story_ids(client_get(s->c, "/policies?resource_id=%" PRId64, resource), "policies"));
	assert_string_equal("", story_ids(client_get(s->c, "/policies?bouncer_id=1"), "policies"));
	assert_string_equal("", story_ids(client_get(s->c, "/policies?environment=production"), "policies"));
	assert_string_equal("1 2 3", story_ids(client_get(s->c, "/policies?sort=name"), "policies"));
	assert_string_equal("3 2 1", story_ids(client_get(s->c, "/policies?sort=-name"), "policies"));
	assert_string_equal("2 3 1", story_ids(client_get(s->c, "/policies?sort=status,id"), "policies"));
	a = client_get(s->c, "/policies?skip=2&limit=2");
	assert_string_equal("3", story_ids(a, "policies"));
	assert_int(2, a, "page");
	assert_int(3, a, "total");
	assert_string_equal("", story_ids(client_get(s->c, "/policies?skip=3"), "policies"));
}

static void a_list_refuses_what_it_does_not_know(void **state)
{
	struct story *s = *state;
	const struct answer *a = client_get(s->c, "/policies?limit=0&skip=-1&status=on&colour=red&full=yes");

	assert_error(422, "validation_error", a);
	assert_fault("limit", "range", a);
	assert_fault("skip", "range", a);
	assert_fault("status", "enum", a);
	assert_fault("colour", "unknown", a);
	assert_fault("full", "type", a);
	assert_fault("limit", "range", client_get(s->c, "/policies?limit=1001"));
	assert_fault("sort", NULL, client_get(s->c, "/policies?sort=rego_code"));
	assert_fault("sort", NULL, client_get(s->c, "/policies?sort=name%%3Bdrop"));
	assert_fault("sort", NULL, client_get(s->c, "/policies?sort=name,name"));
	assert_fault("limit", "repeated", client_get(s->c, "/policies?limit=1&limit=2"));
}

static void a_full_tenant_is_told_so_and_a_delete_frees_the_place(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	story_limit(s, "'max_policies':2");
	story_policy(s, "one");
	story_policy(s, "two");
	a = client_post(s->c, "/policies", "{'name':'three'," LEAST "}");
	assert_error(403, "quota_exceeded", a);
	assert_text("policies", a, "resource");
	assert_int(2, a, "limit");
	assert_int(2, a, "used");
	assert_text("2 of 2 policies in use", a, "message");
	assert_text(s->t.id, a, "tenant_id");
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_int(3, client_post(s->c, "/policies", "{'name':'three'," LEAST "}"), "id");
	assert_error(403, "quota_exceeded", client_post(s->c, "/policies", "{'name':'four'," LEAST "}"));
}

static void a_hard_delete_leaves_a_tombstone_only(void **state)
{
	struct story *s = *state;

	story_policy(s, "soft");
	story_policy(s, "hard");
	assert_status(200, client_delete(s->c, "/policies/1"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM policies WHERE deleted_at IS NOT NULL"));
	assert_status(200, client_delete(s->c, "/policies/2?hard_delete=true"));
	assert_status(200, client_delete(s->c, "/policies/1?hard_delete=true"));
	assert_error(404, "resource_not_found", client_delete(s->c, "/policies/1?hard_delete=true"));
	assert_int_equal(0, story_number(s, "SELECT count(*) FROM policies"));
	assert_string_equal(
		"2 1", story_value(s, "SELECT string_agg(pk::text, ' ' ORDER BY version) FROM tombstones"
				      " WHERE tbl = 'policies'"));
	assert_int_equal(0, story_number(s, "SELECT policies_used FROM head"));
}

static void ids_that_are_none_are_not_found(void **state)
{
	static const char *const ids[] = { "0", "-1", "x", "1x", "1.0", "99999999999999999999", "%20", "+1" };
	struct story *s = *state;

	story_policy(s, "p");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_error(404, "resource_not_found", client_get(s->c, "/policies/%s", ids[i]));
		assert_error(404, "resource_not_found", client_delete(s->c, "/policies/%s", ids[i]));
	}
}

static void a_refusal_leaves_nothing_behind(void **state)
{
	struct story *s = *state;
	char before[200];

	story_policy(s, "p");
	snprintf(before, sizeof(before), "%s", story_value(s, "SELECT head::text FROM head"));
	client_post(s->c, "/policies", "{'name':'p'," LEAST "}");
	client_post(s->c, "/policies", "{'name':'q','resource_id':9," LEAST "}");
	client_post(s->c, "/policies", "{'name':'q','environment':'production'," LEAST "}");
	client_patch(s->c, "/policies/1", "{'id':2}");
	client_patch(s->c, "/policies/1", "{'bouncer_id':9}");
	client_patch(s->c, "/policies/2", "{'name':'x'}");
	client_delete(s->c, "/policies/2");
	assert_string_equal(before, story_value(s, "SELECT head::text FROM head"));
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM policies"));
}

static void changes_carry_the_version_of_the_tenant(void **state)
{
	struct story *s = *state;

	story_policy(s, "one");
	story_policy(s, "two");
	assert_status(200, client_patch(s->c, "/policies/1", "{'description':'x'}"));
	assert_string_equal(
		"t", story_value(s, "SELECT changed_version = (SELECT version FROM head) FROM policies"
				    " WHERE id = 1"));
	assert_string_equal(
		"t", story_value(s, "SELECT changed_version = (SELECT version - 1 FROM head) FROM policies"
				    " WHERE id = 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_policy_is_made_read_changed_and_deleted, story_open, story_close),
		cmocka_unit_test_setup_teardown(every_fault_is_told_at_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			faults_of_the_source_are_told_with_their_place, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_was_read_can_be_put_back, story_open, story_close),
		cmocka_unit_test_setup_teardown(replacing_resets_and_merging_keeps, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			names_are_unique_among_live_policies, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			production_is_reached_by_promotion_only, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_a_policy_names_must_be_there, story_open, story_close),
		cmocka_unit_test_setup_teardown(lists_are_filtered_sorted_and_paged, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_list_refuses_what_it_does_not_know, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_full_tenant_is_told_so_and_a_delete_frees_the_place, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_hard_delete_leaves_a_tombstone_only, story_open, story_close),
		cmocka_unit_test_setup_teardown(ids_that_are_none_are_not_found, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_refusal_leaves_nothing_behind, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			changes_carry_the_version_of_the_tenant, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
