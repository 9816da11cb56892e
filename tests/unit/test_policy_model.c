/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/ctx.h"
#include "cc/model/audit.h"
#include "cc/model/deletion.h"
#include "cc/model/policy.h"
#include "cc/model/tally.h"
#include "cc/schema/read.h"
#include "cc/schema/write.h"

#define REGO "package controlcore.policy\\n\\ndefault allow := false\\n"
#define LEAST "{\"name\":\"p\",\"rego_code\":\"" REGO "\"}"

static int setup(void **state)
{
	*state = arena_create(65536);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static struct ctx ctx_of(void **state)
{
	return (struct ctx){ .arena = *state };
}

static bool has_fault(const struct ctx *cx, const char *field, const char *error)
{
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		if (str_eq(f->field, field) && (error == NULL || str_eq(f->error, error)))
			return true;
	return false;
}

static enum err read_policy(struct ctx *cx, const char *json, enum read_mode mode, struct policy *ret)
{
	return schema_read_json(cx, &policy_schema, json, strlen(json), mode, ret);
}

/* A create whose rego_code is this text (JSON-escaped by the caller). */
static bool rego_is_refused(struct ctx *cx, const char *rego)
{
	const char *json = arena_printf(cx->arena, "{\"name\":\"p\",\"rego_code\":\"%s\"}", rego);
	struct policy p;

	ctx_clear_problem(cx);
	return read_policy(cx, json, READ_CREATE, &p) != ERR_NONE &&
	       (has_fault(cx, "rego_code", "format") || has_fault(cx, "rego_code", "syntax"));
}

static void the_tables_are_sound(void **state)
{
	assert_null(schema_self_check(*state, &policy_schema));
	assert_null(schema_self_check(*state, &policy_refs_schema));
	assert_null(schema_self_check(*state, &test_case_schema));
	assert_null(schema_self_check(*state, &audit_row_schema));
	assert_null(schema_self_check(*state, &deletion_schema));
	assert_null(schema_self_check(*state, &deletion_query_schema));
	assert_null(schema_self_check(*state, &tally_schema));
}

static void a_new_policy_is_active_in_the_sandbox(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy p;

	assert_int_equal(ERR_NONE, read_policy(&cx, LEAST, READ_CREATE, &p));
	assert_string_equal("active", p.status);
	assert_string_equal("sandbox", p.environment);
	assert_string_equal("[]", p.test_cases);
	assert_true(p.resource_id == INT_NULL && p.bouncer_id == INT_NULL);
	assert_null(p.description);
}

static void name_and_code_are_required(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy p;

	assert_int_equal(ERR_VALIDATION, read_policy(&cx, "{}", READ_CREATE, &p));
	assert_true(has_fault(&cx, "name", "required"));
	assert_true(has_fault(&cx, "rego_code", "required"));
	assert_int_equal(2, cx.problem.nfaults);
}

static void a_blank_name_is_refused(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy p;

	assert_int_equal(ERR_VALIDATION, read_policy(&cx, "{\"name\":\"  \"}", READ_MERGE, &p));
	assert_true(has_fault(&cx, "name", "format"));
}

static void rego_without_a_package_is_refused(void **state)
{
	struct ctx cx = ctx_of(state);

	assert_true(rego_is_refused(&cx, "allow := true"));
	assert_true(rego_is_refused(&cx, " \\n\\t\\n"));
	assert_true(rego_is_refused(&cx, "# package a"));
	assert_true(rego_is_refused(&cx, "package"));
	assert_true(rego_is_refused(&cx, "package "));
	assert_true(rego_is_refused(&cx, "package 1a"));
	assert_true(rego_is_refused(&cx, "packagea b"));
	assert_false(rego_is_refused(&cx, "package a"));
	assert_false(rego_is_refused(&cx, "# c\\n\\n  package\\t_a.b # d\\nimport rego.v1"));
	assert_false(rego_is_refused(&cx, "# c\\r\\npackage a\\r\\n"));
}

static void faults_of_rego_say_where(void **state)
{
	struct ctx cx = ctx_of(state);
	const struct fault *f;
	struct policy p;

	assert_int_equal(ERR_REGO_INVALID,
		read_policy(&cx,
			"{\"name\":\"p\",\"rego_code\":\"package a\\nallow {\\n\\tx ==\\n}\\nb := 1x\"}",
			READ_CREATE, &p));
	f = cx.problem.faults;
	assert_int_equal(2, cx.problem.nfaults);
	assert_string_equal("rego_code", f->field);
	assert_string_equal("syntax", f->error);
	assert_string_equal("`rego_code` line 4, column 1: a value is missing after '=='", f->message);
	assert_int_equal(4, f->line);
	assert_int_equal(1, f->column);
	assert_int_equal(5, f->next->line);
	assert_int_equal(6, f->next->column);
	/* Beside a fault of another kind it is one of many. */
	ctx_clear_problem(&cx);
	assert_int_equal(
		ERR_VALIDATION, read_policy(&cx, "{\"name\":\"\",\"rego_code\":\"}\"}", READ_CREATE, &p));
	assert_true(has_fault(&cx, "name", "length"));
	assert_true(has_fault(&cx, "rego_code", "syntax"));
}

static void rego_ends_at_its_number_of_bytes(void **state)
{
	struct ctx cx = ctx_of(state);
	char *rego = arena_alloc(cx.arena, REGO_BYTES_MAX + 8);
	const char *two = "\xC3\xA9"; /* one character, two bytes */

	memset(rego, 'a', REGO_BYTES_MAX);
	memcpy(rego, "package a#", 10);
	assert_false(rego_is_refused(&cx, rego));
	memcpy(rego + REGO_BYTES_MAX - 1, two, 3);
	assert_true(rego_is_refused(&cx, rego));
}

static void production_is_a_value_that_the_handler_refuses(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy p;

	assert_int_equal(ERR_NONE,
		read_policy(&cx, "{\"name\":\"p\",\"rego_code\":\"" REGO "\",\"environment\":\"production\"}",
			READ_CREATE, &p));
	assert_string_equal("production", p.environment);
}

static void cases_are_checked_one_by_one(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy p;

	assert_int_equal(ERR_VALIDATION, read_policy(&cx,
						 "{\"test_cases\":[{\"name\":\"a\",\"input\":1,\"expected\":"
						 "true},{\"name\":\"\",\"expected\":3,"
						 "\"more\":1}]}",
						 READ_MERGE, &p));
	assert_true(has_fault(&cx, "test_cases[1].name", "length"));
	assert_true(has_fault(&cx, "test_cases[1].input", "required"));
	assert_true(has_fault(&cx, "test_cases[1].expected", "type"));
	assert_true(has_fault(&cx, "test_cases[1].more", "unknown"));
	assert_int_equal(4, cx.problem.nfaults);
}

static void a_case_takes_any_json_as_its_input(void **state)
{
	static const char *const inputs[] = { "null", "true", "0.1", "\"x\"", "[1,{}]",
		"{\"user\":{\"id\":7}}" };
	struct ctx cx = ctx_of(state);
	struct policy p;

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		const char *cases = arena_printf(cx.arena,
			"[{\"name\":\"a\",\"input\":%s,\"expected\":true,\"tags\":[\"t\"]}]", inputs[i]);

		assert_int_equal(
			ERR_NONE, read_policy(&cx, arena_printf(cx.arena, "{\"test_cases\":%s}", cases),
					  READ_MERGE, &p));
		assert_string_equal(cases, p.test_cases);
	}
}

static void a_hundred_cases_fit_and_one_more_does_not(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy p;
	struct str s;

	str_init(&s, cx.arena, 8192);
	str_add(&s, "{\"test_cases\":[");
	for (int i = 0; i < TEST_CASES_MAX; i++)
		str_addf(&s, "%s{\"name\":\"n\",\"input\":{},\"expected\":false}", i > 0 ? "," : "");
	assert_int_equal(ERR_NONE, read_policy(&cx, arena_printf(cx.arena, "%s]}", s.data), READ_MERGE, &p));
	str_add(&s, ",{\"name\":\"n\",\"input\":{},\"expected\":false}]}");
	assert_int_equal(ERR_VALIDATION, read_policy(&cx, s.data, READ_MERGE, &p));
	assert_true(has_fault(&cx, "test_cases", "items"));
}

static struct policy *current(struct ctx *cx)
{
	struct policy *p = schema_new(cx->arena, &policy_schema);

	p->id = 7;
	p->name = "p";
	p->description = "d";
	p->status = "inactive";
	p->environment = "sandbox";
	p->rego_code = "package a";
	p->resource_id = 3;
	p->bouncer_id = INT_NULL;
	p->test_cases = "[]";
	p->version = 2;
	p->created_by = "key-a";
	p->created_at = p->updated_at = 1700000000 * TIME_SECOND;
	return p;
}

static const char *printed(struct ctx *cx, const struct policy *p, enum write_mode mode)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	schema_write(&w, &policy_schema, p, mode);
	return out.data;
}

static void what_was_read_can_be_sent_back(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy *p = current(&cx), sent;
	const char *before = printed(&cx, p, WRITE_FULL);
	struct strv changed;

	assert_int_equal(ERR_NONE, read_policy(&cx, before, READ_REPLACE, &sent));
	assert_int_equal(ERR_NONE, schema_overlay(&cx, &policy_schema, p, &sent, READ_REPLACE, &changed));
	assert_int_equal(0, changed.n);
	assert_string_equal(before, printed(&cx, p, WRITE_FULL));
}

static void replacing_resets_what_is_not_sent(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy *p = current(&cx), sent;
	struct strv changed;

	assert_int_equal(ERR_NONE, read_policy(&cx, LEAST, READ_REPLACE, &sent));
	assert_int_equal(ERR_NONE, schema_overlay(&cx, &policy_schema, p, &sent, READ_REPLACE, &changed));
	assert_null(p->description);
	assert_string_equal("inactive", p->status);
	assert_true(p->resource_id == INT_NULL);
	assert_int_equal(7, p->id);
	assert_true(strv_has(&changed, "description") && !strv_has(&changed, "status"));
	assert_true(strv_has(&changed, "resource_id") && strv_has(&changed, "rego_code"));
	assert_false(strv_has(&changed, "test_cases"));
}

static void merging_keeps_what_is_not_sent(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy *p = current(&cx), sent;
	struct strv changed;

	assert_int_equal(ERR_NONE, read_policy(&cx, "{\"resource_id\":null}", READ_MERGE, &sent));
	assert_int_equal(ERR_NONE, schema_overlay(&cx, &policy_schema, p, &sent, READ_MERGE, &changed));
	assert_true(p->resource_id == INT_NULL);
	assert_string_equal("d", p->description);
	assert_int_equal(1, changed.n);
}

static void the_environment_is_fixed(void **state)
{
	struct ctx cx = ctx_of(state);
	struct policy *p = current(&cx), sent;

	assert_int_equal(
		ERR_NONE, read_policy(&cx, "{\"environment\":\"production\",\"id\":8}", READ_MERGE, &sent));
	assert_int_equal(ERR_VALIDATION, schema_overlay(&cx, &policy_schema, p, &sent, READ_MERGE, NULL));
	assert_true(has_fault(&cx, "environment", "read_only"));
	assert_true(has_fault(&cx, "id", "read_only"));
}

static void lists_leave_out_the_long_fields(void **state)
{
	struct ctx cx = ctx_of(state);
	const char *text = printed(&cx, current(&cx), WRITE_LIST);

	assert_null(strstr(text, "rego_code"));
	assert_null(strstr(text, "test_cases"));
	assert_null(strstr(text, "deleted_at"));
	assert_non_null(strstr(text, "\"name\":\"p\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_tables_are_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_policy_is_active_in_the_sandbox, setup, teardown),
		cmocka_unit_test_setup_teardown(name_and_code_are_required, setup, teardown),
		cmocka_unit_test_setup_teardown(a_blank_name_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(rego_without_a_package_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_of_rego_say_where, setup, teardown),
		cmocka_unit_test_setup_teardown(rego_ends_at_its_number_of_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			production_is_a_value_that_the_handler_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(cases_are_checked_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_case_takes_any_json_as_its_input, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hundred_cases_fit_and_one_more_does_not, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_read_can_be_sent_back, setup, teardown),
		cmocka_unit_test_setup_teardown(replacing_resets_what_is_not_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(merging_keeps_what_is_not_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(the_environment_is_fixed, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_leave_out_the_long_fields, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
