/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gadget.h"

#define T struct gadget
#define FIELD(...) (struct field)__VA_ARGS__

static const char *check_fields(struct ctx *cx, const struct field *fields, size_t n)
{
	const struct schema s = { .name = "S", .fields = fields, .nfields = n, .size = sizeof(T),
				  .seen_at = SEEN_NONE };

	return schema_self_check(cx->arena, &s);
}

static void assert_wrong(struct ctx *cx, struct field f, const char *expected)
{
	assert_string_equal(check_fields(cx, &f, 1), expected);
}

static void assert_fine(struct ctx *cx, struct field f)
{
	const char *wrong = check_fields(cx, &f, 1);

	if (wrong != NULL)
		fail_msg("%s", wrong);
}

static void good_tables_pass(void **state)
{
	struct ctx *cx = *state;

	assert_null(schema_self_check(cx->arena, &gadget_schema));
	assert_null(schema_self_check(cx->arena, &limits_schema));
	assert_null(schema_self_check(cx->arena, &example_schema));
}

static void a_name_is_there_once_and_can_stand_in_a_path(void **state)
{
	const struct field twice[] = { TEXT(T, name, F_OUT, 0, 0, ""), TEXT(T, name, F_OUT, 0, 0, "") };
	struct field f = TEXT(T, name, F_OUT, 0, 0, "");

	assert_string_equal(check_fields(*state, twice, 2), "S.name: is there twice");
	f.name = "a.b";
	assert_wrong(*state, f, "S.a.b: has a name that cannot be written in a path");
	f.name = "";
	assert_wrong(*state, f, "S.: has a name that cannot be written in a path");
}

static void there_are_at_most_64_fields(void **state)
{
	struct field fields[65];
	struct ctx *cx = *state;

	for (int i = 0; i < 65; i++) {
		fields[i] = FIELD(TEXT(T, name, F_OUT, 0, 0, ""));
		fields[i].name = arena_printf(cx->arena, "f%d", i);
	}
	assert_null(check_fields(cx, fields, 64));
	assert_string_equal(check_fields(cx, fields, 65), "S: has more than 64 fields");
}

static void what_can_be_sent_is_bounded(void **state)
{
	assert_wrong(*state, FIELD(TEXT(T, name, F_RW, 0, 0, "")),
		     "S.name: is text that can be sent and has no maximum");
	assert_wrong(*state, FIELD(STRS(T, tags, F_RW, 0, 0, NULL, 5, "")),
		     "S.tags: is a list that can be sent and has no maximum");
	assert_wrong(*state, FIELD(STRS(T, tags, F_RW, 0, 5, NULL, 0, "")),
		     "S.tags: is a list that can be sent and has no maximum");
	assert_wrong(*state, FIELD(JSON_LIST(T, examples, F_RW, 0, &example_schema, "")),
		     "S.examples: is a list that can be sent and has no maximum");
	assert_fine(*state, FIELD(TEXT(T, name, F_OUT, 0, 0, "")));
	assert_fine(*state, FIELD(TEXT(T, name, F_RW, 1, 1, "")));
}

static void bounds_are_in_order(void **state)
{
	assert_wrong(*state, FIELD(TEXT(T, name, F_RW, 2, 1, "")), "S.name: has a minimum above its maximum");
	assert_wrong(*state, FIELD(INT(T, size, F_RW, 1, 0, "")), "S.size: has a minimum above its maximum");
	assert_fine(*state, FIELD(INT(T, size, F_RW, -1, 0, "")));
}

static void flags_do_not_contradict_each_other(void **state)
{
	assert_wrong(*state, FIELD(TEXT(T, name, F_OUT | F_REQUIRED, 0, 0, "")),
		     "S.name: is required and cannot be sent");
	assert_wrong(*state, FIELD(INT(T, size, F_RW | F_VOLATILE, 0, 9, "")),
		     "S.size: is volatile and can be sent");
	assert_wrong(*state, FIELD(BOOL(T, enabled, F_RW | F_NULLABLE, "")),
		     "S.enabled: is of a kind that has no null");
	assert_wrong(*state, FIELD(OBJ(T, limits, F_RW | F_NULLABLE, struct limits, &limits_schema, "")),
		     "S.limits: is of a kind that has no null");
	assert_wrong(*state, FIELD(STRS(T, tags, F_OUT | F_SORT, 0, 0, NULL, 0, "")),
		     "S.tags: can be sorted by and has no order");
	assert_wrong(*state, FIELD(INT(T, size, F_SORT, 0, 0, "")),
		     "S.size: can be sorted by and is not shown");
}

static void kinds_have_what_they_need(void **state)
{
	static const char *const none[] = { NULL };
	struct field bytes = BYTES(T, digest);

	assert_wrong(*state, FIELD(ENUM(T, kind, F_OUT, NULL, NULL, "")), "S.kind: has no values");
	assert_wrong(*state, FIELD(ENUM(T, kind, F_OUT, none, NULL, "")), "S.kind: has no values");
	assert_wrong(*state, FIELD(OBJ(T, limits, F_RW, struct limits, NULL, "")), "S.limits: has no table");
	assert_fine(*state, bytes);
	bytes.flags = F_OUT;
	assert_wrong(*state, bytes, "S.digest: is bytes, which have no JSON form");
}

static void defaults_pass_the_checks_of_their_field(void **state)
{
	static const char *const values[] = { "a", "b", NULL };
	struct field f = INT(T, size, F_RW, 0, 9, "");
	struct field json = JSON(T, config, F_RW, 0, "");

	assert_fine(*state, FIELD(ENUM(T, kind, F_RW, values, "b", "")));
	assert_wrong(*state, FIELD(ENUM(T, kind, F_RW, values, "c", "")),
		     "S.kind: `kind` must be one of: a, b; is \"c\"");
	f.def = "9";
	assert_fine(*state, f);
	f.def = "10";
	assert_wrong(*state, f, "S.size: `size` must be 0 to 9, is 10");
	f.def = "x";
	assert_wrong(*state, f, "S.size: `size` must be an integer");
	json.def = "{}";
	assert_fine(*state, json);
	json.def = "{";
	assert_wrong(*state, json, "S.config: has a default that is not JSON");
}

static void members_lie_inside_their_struct(void **state)
{
	struct field f = TEXT(T, name, F_OUT, 0, 0, "");

	f.offset = sizeof(T) - sizeof(char *);
	assert_fine(*state, f);
	f.offset++;
	assert_wrong(*state, f, "S.name: lies outside its struct");
	f.offset = SIZE_MAX;
	assert_wrong(*state, f, "S.name: lies outside its struct");
}

static void faults_of_inner_tables_are_found(void **state)
{
	static const struct field bad[] = { TEXT(struct limits, note, F_RW, 0, 0, "") };
	static SCHEMA_IN(inner, struct limits, "Inner", bad);

	assert_wrong(*state, FIELD(OBJ(T, limits, F_RW, struct limits, &inner, "")),
		     "S.limits: Inner.note: is text that can be sent and has no maximum");
}

static void a_table_inside_itself_is_found(void **state)
{
	struct field f = JSON_LIST(T, examples, F_RW, 1, NULL, "");
	struct schema s = { .name = "S", .fields = &f, .nfields = 1, .size = sizeof(T),
			    .seen_at = SEEN_NONE };
	struct ctx *cx = *state;

	f.sub = &s;
	assert_non_null(strstr(schema_self_check(cx->arena, &s), "tables are nested too deeply"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_tables_pass, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_name_is_there_once_and_can_stand_in_a_path, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(there_are_at_most_64_fields, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(what_can_be_sent_is_bounded, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(bounds_are_in_order, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(flags_do_not_contradict_each_other, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(kinds_have_what_they_need, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			defaults_pass_the_checks_of_their_field, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(members_lie_inside_their_struct, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(faults_of_inner_tables_are_found, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(a_table_inside_itself_is_found, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
