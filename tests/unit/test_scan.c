/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gadget.h"

/* The place is there for programs, too. */
static void assert_place(const struct fault *f, const char *message)
{
	char place[64];

	assert_non_null(f);
	assert_null(f->next);
	assert_string_equal(f->field, "body");
	assert_string_equal(f->error, "syntax");
	assert_string_equal(f->message, message);
	(void)snprintf(place, sizeof(place), "line %zu, column %zu: ", f->line, f->column);
	assert_memory_equal(place, message, strlen(place));
}

/* The body must be refused as a whole, with exactly this sentence. */
static void assert_refused_n(struct ctx *cx, const char *text, size_t len, const char *message)
{
	struct gadget g;

	ctx_clear_problem(cx);
	assert_int_equal(schema_read_json(cx, &gadget_schema, text, len, READ_CREATE, &g),
			 ERR_INVALID_REQUEST);
	assert_string_equal(cx->problem.message, message);
	assert_place(cx->problem.faults, message);
}

static void assert_refused(struct ctx *cx, const char *body, const char *message)
{
	const char *text = with_quotes(cx->arena, body);

	assert_refused_n(cx, text, strlen(text), message);
}

static void assert_invalid(struct ctx *cx, enum read_mode mode, const char *body)
{
	struct gadget g;

	assert_int_equal(gadget_read(cx, mode, body, &g), ERR_INVALID_REQUEST);
}

static void an_empty_body_is_refused(void **state)
{
	assert_refused(*state, "", "line 1, column 1: the body is empty; it must be a JSON object");
	assert_refused(*state, " \n ", "line 2, column 2: the body is empty; it must be a JSON object");
}

static void only_an_object_is_a_body(void **state)
{
	static const char *const bodies[] = { "[]", "1", "'x'", "null", "true", "}", "x", "\xEF\xBB\xBF{}" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_refused(*state, bodies[i], "line 1, column 1: the body must be a JSON object");
}

static void broken_json_is_refused_with_its_place(void **state)
{
	assert_refused(*state, "{", "line 1, column 2: the body ends in the middle");
	assert_refused(*state, "{'a':", "line 1, column 6: the body ends in the middle");
	assert_refused(*state, "{'a", "line 1, column 4: the body ends in the middle");
	assert_refused(*state, "{}{", "line 1, column 4: there is more after the end of the object");
	assert_refused(*state, "{} x", "line 1, column 5: there is more after the end of the object");
	assert_refused(*state, "{'a':tru}", "line 1, column 9: the body is not JSON");
	assert_refused(*state, "{'a':1,}", "line 1, column 9: the body is not JSON");
	assert_refused(*state, "{\n  'a':1\n  'b':2}", "line 3, column 6: the body is not JSON");
	assert_refused(*state, "{a:1}", "line 1, column 3: the body is not JSON");
	assert_refused(*state, "{'a':[1}", "line 1, column 9: the body is not JSON");
	assert_refused(*state, "{'a':01}", "line 1, column 7: the body is not JSON");
	assert_refused(*state, "{'a':NaN}", "line 1, column 9: the body is not JSON");
}

static void numbers_beyond_64_bits_are_refused(void **state)
{
	assert_refused(*state, "{'size':9223372036854775808}", "line 1, column 28: the number is too large");
	assert_refused(*state, "{'ratio':1e999}", "line 1, column 15: the number is too large");
}

static void a_key_that_is_there_twice_is_refused_at_any_depth(void **state)
{
	assert_refused(*state, "{'name':'a',\n'name':'a'}", "line 2, column 7: the key is there twice");
	assert_invalid(*state, READ_CREATE, "{'name':'n','config':{'a':1,'a':1}}");
	assert_invalid(*state, READ_CREATE, "{'name':'n','n\\u0061me':'n'}");
}

static void what_is_not_utf8_is_refused_with_its_place(void **state)
{
	assert_refused(*state, "{'name':'\xC3\xA4\xFF'}", "line 1, column 11: the body is not UTF-8");
	assert_refused(*state, "{'name':'\xED\xA0\x80'}", "line 1, column 10: the body is not UTF-8");
	assert_refused(*state, "{}\xC3", "line 1, column 3: the body is not UTF-8");
}

static void half_a_surrogate_pair_is_refused(void **state)
{
	struct gadget g;

	assert_invalid(*state, READ_CREATE, "{'name':'\\ud800'}");
	assert_invalid(*state, READ_CREATE, "{'name':'\\udc00\\ud800'}");
	assert_int_equal(gadget_read(*state, READ_CREATE, "{'name':'\\ud83d\\ude00'}", &g), ERR_NONE);
	assert_string_equal(g.name, "\xF0\x9F\x98\x80");
}

static void a_nul_byte_in_the_body_is_refused(void **state)
{
	assert_refused_n(*state, "{}\0", 3, "line 1, column 4: there is more after the end of the object");
	assert_refused_n(*state, "\0{}", 3, "line 1, column 1: the body must be a JSON object");
}

static const char *nested(struct ctx *cx, int depth, char open, char close)
{
	struct str s;

	/* The body itself is the first level. */
	str_init(&s, cx->arena, 0);
	str_add(&s, "{\"anything\":");
	for (int i = 1; i < depth; i++)
		str_addf(&s, open == '{' && i > 1 ? "\"a\":%c" : "%c", open);
	for (int i = 1; i < depth; i++)
		str_add_char(&s, close);
	str_add(&s, "}");
	return s.data;
}

static void nesting_is_bounded(void **state)
{
	struct gadget g;

	assert_int_equal(gadget_read(*state, READ_MERGE, nested(*state, 32, '[', ']'), &g), ERR_NONE);
	assert_int_equal(gadget_read(*state, READ_MERGE, nested(*state, 32, '{', '}'), &g), ERR_NONE);
	assert_refused(*state, nested(*state, 33, '[', ']'),
		       "line 1, column 44: the body is nested more than 32 levels deep");
	assert_invalid(*state, READ_MERGE, nested(*state, 33, '{', '}'));
	assert_invalid(*state, READ_MERGE, nested(*state, 200000, '[', ']'));
}

static void brackets_and_colons_in_texts_do_not_count(void **state)
{
	struct ctx *cx = *state;
	struct gadget g;
	struct str s;

	str_init(&s, cx->arena, 0);
	str_add(&s, "{\"anything\":\"\\\\\\\"");
	for (int i = 0; i < 2000; i++)
		str_add(&s, "[{:,\\\"");
	str_add(&s, "\"}");
	assert_int_equal(gadget_read(cx, READ_MERGE, s.data, &g), ERR_NONE);
}

static const char *many(struct ctx *cx, int n, const char *open, const char *item, const char *close)
{
	struct str s;

	str_init(&s, cx->arena, 0);
	str_addf(&s, "{'anything':%s", open);
	for (int i = 0; i < n; i++)
		str_addf(&s, "%s'%d'%s", i ? "," : "", i, item);
	str_addf(&s, "%s}", close);
	return s.data;
}

static void keys_and_items_are_bounded(void **state)
{
	struct gadget g;

	/* With the key of the body there are 1024. */
	assert_int_equal(gadget_read(*state, READ_MERGE, many(*state, 1023, "{", ":1", "}"), &g), ERR_NONE);
	assert_invalid(*state, READ_MERGE, many(*state, 1024, "{", ":1", "}"));
	assert_int_equal(gadget_read(*state, READ_MERGE, many(*state, 1024, "[", "", "]"), &g), ERR_NONE);
	assert_invalid(*state, READ_MERGE, many(*state, 1025, "[", "", "]"));
}

static void messages_do_not_quote_the_body(void **state)
{
	struct ctx *cx = *state;

	assert_invalid(cx, READ_CREATE, "{'secret':'hunter2' 'hunter2'}");
	assert_null(strstr(cx->problem.message, "hunter2"));
}

/* Whatever is cut off or changed, the reader ends and says something. */
static void every_prefix_and_every_changed_byte_is_survived(void **state)
{
	static const char body[] = "{\"name\":\"n\\u00e4\",\"config\":{\"a\":[1,2.5,{\"b\":null}]},"
				   "\"tags\":[\"x\"],"
				   "\"limits\":{\"max_users\":1},\"examples\":[{\"expected\":\"\xC3\xA4\"}]}";
	struct ctx *cx = *state;
	const size_t len = sizeof(body) - 1;
	struct gadget g;

	for (size_t n = 0; n < len; n++) {
		ctx_clear_problem(cx);
		assert_int_equal(schema_read_json(cx, &gadget_schema, arena_memdup(cx->arena, body, n), n,
						  READ_CREATE, &g), ERR_INVALID_REQUEST);
	}
	for (size_t i = 0; i < len; i++) {
		for (int c = 0; c < 256; c += 5) {
			struct arena_mark mark = arena_mark(cx->arena);
			char *text = arena_memdup(cx->arena, body, len);
			enum err e;

			text[i] = (char)c;
			ctx_clear_problem(cx);
			e = schema_read_json(cx, &gadget_schema, text, len, READ_CREATE, &g);
			assert_true(e == ERR_NONE || e == ERR_INVALID_REQUEST || e == ERR_VALIDATION);
			ctx_clear_problem(cx);
			arena_rewind(cx->arena, mark);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_body_is_refused, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(only_an_object_is_a_body, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			broken_json_is_refused_with_its_place, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(numbers_beyond_64_bits_are_refused, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_key_that_is_there_twice_is_refused_at_any_depth, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_utf8_is_refused_with_its_place, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(half_a_surrogate_pair_is_refused, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(a_nul_byte_in_the_body_is_refused, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(nesting_is_bounded, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			brackets_and_colons_in_texts_do_not_count, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(keys_and_items_are_bounded, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(messages_do_not_quote_the_body, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			every_prefix_and_every_changed_byte_is_survived, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
