/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "aborts.h"
#include "cc/schema/write.h"
#include "gadget.h"

static struct jw writer(struct ctx *cx, struct str *out)
{
	struct jw w;

	str_init(out, cx->arena, 0);
	jw_init(&w, out);
	return w;
}

static void commas_and_nesting_are_kept(void **state)
{
	struct str out;
	struct jw w = writer(*state, &out);

	jw_object(&w);
	jw_key(&w, "a");
	jw_array(&w);
	jw_int(&w, 1);
	jw_array(&w);
	jw_array_end(&w);
	jw_object(&w);
	jw_object_end(&w);
	jw_bool(&w, true);
	jw_array_end(&w);
	jw_key(&w, "b");
	jw_object(&w);
	jw_key(&w, "c");
	jw_null(&w);
	jw_key(&w, "d");
	jw_raw(&w, "[7]");
	jw_object_end(&w);
	jw_key(&w, "e");
	jw_text(&w, "x");
	jw_object_end(&w);
	assert_string_equal(out.data, "{\"a\":[1,[],{},true],\"b\":{\"c\":null,\"d\":[7]},\"e\":\"x\"}");
}

static void a_scalar_alone_is_a_document(void **state)
{
	struct str out;
	struct jw w = writer(*state, &out);

	jw_int(&w, INT64_MIN);
	assert_string_equal(out.data, "-9223372036854775808");
}

static void texts_are_escaped_so_that_any_parser_gives_them_back(void **state)
{
	struct ctx *cx = *state;

	for (int c = 1; c < 0x80; c++) {
		const char text[] = { 'a', (char)c, 'b', '\0' };
		struct str out;
		struct jw w = writer(cx, &out);
		json_t *v;

		jw_text(&w, text);
		v = json_loads(out.data, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_string_equal(json_string_value(v), text);
		json_decref(v);
	}
}

static void escapes_are_the_short_ones(void **state)
{
	struct str out;
	struct jw w = writer(*state, &out);

	jw_text(&w, "\"\\/\b\f\n\r\t\v\x01\x1f\x7F\xC3\xA4");
	assert_string_equal(out.data, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\\u0001\\u001f\x7F\xC3\xA4\"");
}

static void keys_are_escaped_too(void **state)
{
	struct str out;
	struct jw w = writer(*state, &out);

	jw_object(&w);
	jw_key(&w, "a\"b");
	jw_text(&w, NULL);
	jw_object_end(&w);
	assert_string_equal(out.data, "{\"a\\\"b\":null}");
}

static void assert_num(struct ctx *cx, double v, const char *expected)
{
	struct str out;
	struct jw w = writer(cx, &out);

	jw_num(&w, v);
	assert_string_equal(out.data, expected);
}

static void numbers_are_as_short_as_they_can_be(void **state)
{
	assert_num(*state, 99, "99");
	assert_num(*state, 0, "0");
	assert_num(*state, 0.1, "0.1");
	assert_num(*state, 99.95, "99.95");
	assert_num(*state, -2.5, "-2.5");
	assert_num(*state, 1.0 / 3, "0.3333333333333333");
	assert_num(*state, 0.1 + 0.2, "0.30000000000000004");
	assert_num(*state, 1e22, "1e+22");
	assert_num(*state, NAN, "null");
	assert_num(*state, INFINITY, "null");
	assert_num(*state, -INFINITY, "null");
}

static void numbers_read_back_the_same(void **state)
{
	const double values[] = {
		DBL_MAX, DBL_MIN, DBL_EPSILON, 5e-324, 9007199254740993.0, 123456.789, -1e-7,
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct str out;
		struct jw w = writer(*state, &out);
		double v;
		json_t *j;

		jw_num(&w, values[i]);
		j = json_loads(out.data, JSON_DECODE_ANY, NULL);
		v = json_number_value(j);
		assert_memory_equal(&v, &values[i], sizeof(v));
		json_decref(j);
	}
}

static void times_have_whole_seconds_and_a_z(void **state)
{
	struct str out;
	struct jw w = writer(*state, &out);

	jw_array(&w);
	jw_time(&w, 1769860800 * TIME_SECOND + 999999);
	jw_time(&w, TIME_NULL);
	jw_array_end(&w);
	assert_string_equal(out.data, "[\"2026-01-31T12:00:00Z\",null]");
}

static void open_many(void *cx)
{
	struct str out;
	struct jw w = writer(cx, &out);

	for (int i = 0; i < 33; i++)
		jw_array(&w);
}

static void close_too_many(void *cx)
{
	struct str out;
	struct jw w = writer(cx, &out);

	jw_array(&w);
	jw_array_end(&w);
	jw_array_end(&w);
}

static void nesting_ends_at_32_levels(void **state)
{
	struct str out;
	struct jw w = writer(*state, &out);

	for (int i = 0; i < 32; i++)
		jw_array(&w);
	jw_int(&w, 1);
	for (int i = 0; i < 32; i++)
		jw_array_end(&w);
	assert_int_equal(out.len, 65);
	assert_true(aborts(open_many, *state));
	assert_true(aborts(close_too_many, *state));
}

static const char *written(struct ctx *cx, const struct gadget *g, enum write_mode mode)
{
	struct str out;
	struct jw w = writer(cx, &out);

	schema_write(&w, &gadget_schema, g, mode);
	return out.data;
}

static void an_object_is_written_field_by_field(void **state)
{
	static const char *const tags[] = { "a", "b" };
	struct ctx *cx = *state;
	struct gadget *g = schema_new(cx->arena, &gadget_schema);

	g->id = "g-1";
	g->name = "n";
	g->secret = "never shown";
	g->quota = 3;
	g->ratio = 0.5;
	g->created_at = 0;
	g->tags = (struct strv){ tags, 2 };
	g->config = "{\"a\":1}";
	g->examples = "[]";
	assert_string_equal(written(cx, g, WRITE_FULL),
		"{\"id\":\"g-1\",\"revision\":0,\"created_at\":\"1970-01-01T00:00:00Z\",\"name\":\"n\","
		"\"kind\":\"sidecar\",\"url\":null,\"code\":null,\"size\":0,\"quota\":3,\"ratio\":0.5,"
		"\"enabled\":false,\"expires_at\":null,\"mode\":\"plain\",\"tags\":[\"a\",\"b\"],"
		"\"scopes\":[],\"config\":{\"a\":1},\"anything\":null,\"examples\":[],"
		"\"limits\":{\"max_users\":0,\"note\":null}}");
}

static void lists_leave_out_full_fields_and_optional_ones_while_null(void **state)
{
	struct ctx *cx = *state;
	struct gadget *g = schema_new(cx->arena, &gadget_schema);

	assert_non_null(strstr(written(cx, g, WRITE_FULL), "\"config\":null"));
	assert_null(strstr(written(cx, g, WRITE_LIST), "config"));
	assert_null(strstr(written(cx, g, WRITE_FULL), "examples"));
	assert_non_null(strstr(written(cx, g, WRITE_LIST), "\"limits\""));
}

static void what_is_written_can_be_read_as_a_replacement(void **state)
{
	struct ctx *cx = *state;
	struct gadget *g = schema_new(cx->arena, &gadget_schema), sent;
	struct strv changed;

	g->id = "g-1";
	g->url = "http://x/\t";
	g->scopes = (struct strv){ (const char *const[]){ "read" }, 1 };
	g->anything = "[1.5,null]";
	g->examples = "[{\"expected\":\"x\"}]";
	g->created_at = 1234567;
	g->name = "name";
	assert_int_equal(gadget_read(cx, READ_REPLACE, written(cx, g, WRITE_FULL), &sent), ERR_NONE);
	assert_int_equal(schema_overlay(cx, &gadget_schema, g, &sent, READ_REPLACE, &changed), ERR_NONE);
	assert_int_equal(changed.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commas_and_nesting_are_kept, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(a_scalar_alone_is_a_document, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			texts_are_escaped_so_that_any_parser_gives_them_back, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(escapes_are_the_short_ones, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(keys_are_escaped_too, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(numbers_are_as_short_as_they_can_be, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(numbers_read_back_the_same, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(times_have_whole_seconds_and_a_z, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(nesting_ends_at_32_levels, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(an_object_is_written_field_by_field, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			lists_leave_out_full_fields_and_optional_ones_while_null, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_written_can_be_read_as_a_replacement, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
