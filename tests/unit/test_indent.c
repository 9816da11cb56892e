/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "cc/base/arena.h"
#include "cc/schema/write.h"

static int setup(void **state)
{
	*state = arena_create(1024);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static const char *indented(struct arena *a, const char *json)
{
	struct str out;

	str_init(&out, a, 64);
	jw_indent(&out, json);
	return out.data;
}

static void what_fits_stays_in_a_line(void **state)
{
	assert_string_equal("{\"a\": 1, \"b\": [true, null, {}], \"c\": {\"d\": \"e\"}}",
			    indented(*state, "{\"a\":1,\"b\":[true,null,{}],\"c\":{\"d\":\"e\"}}"));
	assert_string_equal("[]", indented(*state, "[]"));
	assert_string_equal("\"x\"", indented(*state, "\"x\""));
	assert_string_equal("-1.5e3", indented(*state, "-1.5e3"));
}

#define LONG "a text of forty characters, more or less"

static void what_does_not_fit_is_broken_at_its_level_only(void **state)
{
	assert_string_equal("{\n"
			    "  \"list\": [\n"
			    "    \"" LONG "\",\n"
			    "    \"" LONG "\",\n"
			    "    {\"a\": \"" LONG "\"}\n"
			    "  ],\n"
			    "  \"b\": {\"c\": []}\n"
			    "}",
			    indented(*state, "{\"list\":[\"" LONG "\",\"" LONG "\",{\"a\":\"" LONG "\"}],"
					     "\"b\":{\"c\":[]}}"));
}

static void the_last_column_counts(void **state)
{
	const char *json;

	json = arena_printf(*state, "{\"k\":\"%0*d\"}", 100 - 9, 0); /* and a blank behind the colon */
	assert_int_equal(100, strlen(indented(*state, json)));
	assert_null(strchr(indented(*state, json), '\n'));
	json = arena_printf(*state, "{\"k\":\"%0*d\"}", 100 - 9 + 1, 0);
	assert_non_null(strchr(indented(*state, json), '\n'));
}

static void brackets_and_quotes_in_texts_are_text(void **state)
{
	static const char json[] = "{\"a\":\"}],:{[\\\"\",\"\\\\\":\"" LONG LONG "\",\"c\":\"\\\\\\\"\"}";
	const char *text = indented(*state, json);
	json_t *was = json_loads(json, 0, NULL), *is = json_loads(text, 0, NULL);

	assert_non_null(is);
	assert_int_equal(1, json_equal(was, is));
	assert_string_equal("{\n"
			    "  \"a\": \"}],:{[\\\"\",\n"
			    "  \"\\\\\": \"" LONG LONG "\",\n"
			    "  \"c\": \"\\\\\\\"\"\n"
			    "}",
			    text);
	json_decref(was);
	json_decref(is);
}

static void it_is_appended_and_counts_from_there(void **state)
{
	struct str out;

	str_init(&out, *state, 64);
	str_add(&out, "before");
	jw_indent(&out, "[1]");
	assert_string_equal("before[1]", out.data);
}

static void what_is_no_json_ends(void **state)
{
	static const char *const wrong[] = { "", "{", "[[", "\"", "\"\\", "}", "]]]", "{\"a", "{\"a\":[" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(strlen(indented(*state, wrong[i])) >= strlen(wrong[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_fits_stays_in_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_broken_at_its_level_only, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_last_column_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(brackets_and_quotes_in_texts_are_text, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_appended_and_counts_from_there, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_json_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
