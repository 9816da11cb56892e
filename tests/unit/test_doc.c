/* SPDX-License-Identifier: Apache-2.0 */
/* Objects without a table, and their canonical form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/schema/doc.h"

static int setup(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static struct doc *parse(struct arena *a, const char *text)
{
	const char *why = NULL;

	return doc_parse(a, text, strlen(text), &why);
}

static const char *canonical(void **state, const char *text)
{
	const char *why = NULL, *c = json_canonical(*state, text, &why);

	assert_true((c == NULL) == (why != NULL));
	return c;
}

static void keys_are_sorted_and_spaces_gone(void **state)
{
	assert_string_equal("{\"a\":[1,{\"x\":null,\"y\":true}],\"b\":-2,\"c\":{}}",
		canonical(state, " { \"c\" : {}, \"b\":-2,\n \"a\":[ 1, {\"y\":true,\"x\":null} ] } "));
}

static void texts_have_the_shortest_escapes(void **state)
{
	assert_string_equal("{\"k\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xf0\x9f\x98\x80\"}",
		canonical(state,
			"{\"k\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\\u007f\\u00E9\\ud83d\\ude00\"}"));
}

static void what_has_no_one_form_is_refused(void **state)
{
	static const char *const bad[] = { "", "[]", "1", "{", "{\"a\":1,\"a\":1}", "{\"a\":1.5}",
		"{\"a\":1e3}", "{\"a\":9007199254740993}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}",
		"{} {}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(canonical(state, bad[i]));
	assert_string_equal("{\"a\":9007199254740992}", canonical(state, "{\"a\":9007199254740992}"));
}

/* {"a":[[…1…]]} with this many brackets. */
static const char *nested(struct arena *a, int depth)
{
	struct str s;

	str_init(&s, a, 256);
	str_add(&s, "{\"a\":");
	for (int i = 0; i < depth; i++)
		str_add_char(&s, '[');
	str_add_char(&s, '1');
	for (int i = 0; i < depth; i++)
		str_add_char(&s, ']');
	str_add_char(&s, '}');
	return s.data;
}

static void depth_has_an_end(void **state)
{
	const char *deep = nested(*state, 31);

	assert_string_equal(deep, canonical(state, deep));
	assert_null(canonical(state, nested(*state, 32)));
}

static void members_can_be_asked_for(void **state)
{
	struct doc *d = parse(*state, "{\"t\":\"x\",\"i\":7,\"n\":null,\"l\":[{\"i\":1},{\"i\":2},3]}");
	int64_t i = 0;

	assert_string_equal("x", doc_text(d, "t"));
	assert_null(doc_text(d, "i"));
	assert_null(doc_text(d, "absent"));
	assert_true(doc_int(d, "i", &i));
	assert_int_equal(7, i);
	assert_false(doc_int(d, "t", &i));
	assert_true(doc_has(d, "n"));
	assert_false(doc_has(d, "absent"));
	assert_true(doc_int(doc_item(d, "l", 1), "i", &i));
	assert_int_equal(2, i);
	assert_null(doc_item(d, "l", 2));
	assert_null(doc_item(d, "l", 3));
	assert_null(doc_item(d, "t", 0));
	doc_free(d);
	doc_free(NULL);
}

static void members_can_be_left_out(void **state)
{
	static const char *const without[] = { "mac", "gone", NULL };
	struct doc *d = parse(*state, "{\"mac\":1,\"a\":{\"mac\":2}}");
	struct str out;

	str_init(&out, *state, 16);
	assert_true(doc_canonical(d, without, &out));
	assert_string_equal("{\"a\":{\"mac\":2}}", out.data);
	doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_are_sorted_and_spaces_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_have_the_shortest_escapes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_no_one_form_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_has_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(members_can_be_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(members_can_be_left_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
