/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cc/base/str.h"

static int setup(void **state)
{
	*state = arena_create(0);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void a_new_text_is_empty(void **state)
{
	struct str s;

	str_init(&s, *state, 0);
	assert_string_equal(s.data, "");
	assert_int_equal(s.len, 0);
}

static void text_grows_and_stays_terminated(void **state)
{
	struct str s;

	str_init(&s, *state, 0);
	for (size_t i = 0; i < 3000; i++) {
		str_add_char(&s, (char)('a' + i % 26));
		assert_int_equal(s.len, i + 1);
		assert_int_equal(strlen(s.data), i + 1);
	}
	assert_int_equal(s.data[2999], 'a' + 2999 % 26);
	assert_int_equal(s.data[0], 'a');
}

static void a_reservation_is_exact(void **state)
{
	struct str s;
	const char *before;

	str_init(&s, *state, 100);
	before = s.data;
	for (int i = 0; i < 100; i++)
		str_add_char(&s, 'x');
	assert_ptr_equal(s.data, before);
	str_add_char(&s, 'y');
	assert_ptr_not_equal(s.data, before);
	assert_int_equal(s.data[100], 'y');
}

static void pieces_are_joined(void **state)
{
	struct str s;

	str_init(&s, *state, 0);
	str_add(&s, "a");
	str_add(&s, "");
	str_add_n(&s, "bcd", 2);
	str_add_n(&s, NULL, 0);
	str_addf(&s, "[%s %d]", "e", 5);
	str_add_int(&s, INT64_MIN);
	str_add_char(&s, '|');
	str_add_int(&s, INT64_MAX);
	assert_string_equal(s.data, "abc[e 5]-9223372036854775808|9223372036854775807");
}

static void printing_grows_by_what_it_needs(void **state)
{
	struct str s;

	str_init(&s, *state, 0);
	for (int n = 0; n < 200; n++)
		str_addf(&s, "%*d", n, 1);
	assert_int_equal(strlen(s.data), s.len);
	assert_int_equal(s.len, 1 + 199 * 200 / 2);
}

static void texts_are_compared_with_null_equal_to_null_only(void **state)
{
	(void)state;
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "A"));
	assert_false(str_eq("a", "ab"));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_false(str_eq("", NULL));
}

static void beginnings_and_ends_are_found(void **state)
{
	(void)state;
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_true(str_starts("abc", "abc"));
	assert_false(str_starts("abc", "abcd"));
	assert_false(str_starts("abc", "b"));
	assert_true(str_ends("abc", "bc"));
	assert_true(str_ends("abc", ""));
	assert_true(str_ends("abc", "abc"));
	assert_false(str_ends("abc", "zabc"));
	assert_false(str_ends("abc", "b"));
}

static void assert_utf8(const char *s, bool expected)
{
	if (utf8_valid(s, strlen(s)) != expected)
		fail_msg("wrong verdict on a text that begins with byte %02x", (unsigned char)s[0]);
}

static void well_formed_utf8_is_valid(void **state)
{
	static const char *const fine[] = {
		"", "ascii", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
		"\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
		"a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_utf8(fine[i], true);
}

static void malformed_utf8_is_not(void **state)
{
	static const char *const wrong[] = {
		"\x80", "\xBF", "\xC0\x80", "\xC1\xBF",         /* stray; overlong in two bytes */
		"\xE0\x80\x80", "\xE0\x9F\xBF",                 /* overlong in three */
		"\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",         /* overlong in four */
		"\xED\xA0\x80", "\xED\xBF\xBF",                 /* surrogates */
		"\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", /* beyond U+10FFFF */
		"\xC3", "\xE2\x82", "\xF0\x9F\x98",             /* cut off */
		"\xC3(", "\xE2(\xA1", "\xE2\x82(", "\xF0(\x8C\xBC", "\xF0\x9F\x98(", "ok\xFE",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_utf8(wrong[i], false);
}

static void nul_is_a_character_and_the_length_counts(void **state)
{
	(void)state;
	assert_true(utf8_valid("a\0b", 3));
	assert_false(utf8_valid("\xE2\x82\xAC", 2));
	assert_int_equal(utf8_step("\xE2\x82\xAC", 3), 3);
	assert_int_equal(utf8_step("\xE2\x82\xAC", 2), 0);
	assert_int_equal(utf8_step("", 0), 0);
}

static void length_is_counted_in_code_points(void **state)
{
	(void)state;
	assert_int_equal(utf8_length(""), 0);
	assert_int_equal(utf8_length("abc"), 3);
	assert_int_equal(utf8_length("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), 3);
}

static void lower_case_leaves_all_but_ascii_alone(void **state)
{
	assert_string_equal(str_lower(*state, "AbZ@[`{09\xC3\x84"), "abz@[`{09\xC3\x84");
	assert_null(str_lower(*state, NULL));
}

static void integers_are_read_to_their_limits(void **state)
{
	int64_t v = 1;

	(void)state;
	assert_true(parse_int64("0", &v) && v == 0);
	assert_true(parse_int64("-0", &v) && v == 0);
	assert_true(parse_int64("007", &v) && v == 7);
	assert_true(parse_int64("-1", &v) && v == -1);
	assert_true(parse_int64("9223372036854775807", &v) && v == INT64_MAX);
	assert_true(parse_int64("-9223372036854775808", &v) && v == INT64_MIN);
}

static void what_is_no_integer_is_refused_and_nothing_written(void **state)
{
	static const char *const wrong[] = {
		"", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "--1", "a", "1a", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999", "18446744073709551616", "\xD9\xA1",
	};
	int64_t v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (parse_int64(wrong[i], &v))
			fail_msg("\"%s\" was taken for an integer", wrong[i]);
		assert_int_equal(v, 42);
	}
}

static void only_true_and_false_are_truth_values(void **state)
{
	static const char *const wrong[] = { "", "True", "FALSE", "1", "0", "yes", "truee", "tru" };
	bool v = false;

	(void)state;
	assert_true(parse_bool("true", &v) && v);
	assert_true(parse_bool("false", &v) && !v);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(parse_bool(wrong[i], &v));
}

static void a_cell_keeps_its_table_whole(void **state)
{
	struct str s;

	str_init(&s, *state, 0);
	str_add_cell(&s, "a | b of <c>");
	assert_string_equal("a \\| b of \\<c>", s.data);
}

static void what_a_terminal_would_obey_is_taken_out(void **state)
{
	static const struct {
		const char *wild, *tame;
	} texts[] = {
		{ "a \xc3\xbc \xe2\x80\xa6 \xf0\x9f\x8c\x8d", "a \xc3\xbc \xe2\x80\xa6 \xf0\x9f\x8c\x8d" },
		{ "\x1b[2J\n\x7f", "?[2J??" },
		{ "a\xc2\x9b" "2Jb", "a?2Jb" },
		{ "a\xe2\x80\xae" "b\xe2\x81\xa6" "c\xd8\x9c" "d\xe2\x80\xa8", "a?b?c?d?" },
		{ "a\xff\xc3", "a??" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[64];

		memcpy(text, texts[i].wild, strlen(texts[i].wild) + 1);
		str_tame(text);
		assert_string_equal(texts[i].tame, text);
	}
}

static void a_list_is_searched(void **state)
{
	static const char *const items[] = { "a", "b" };
	const struct strv list = { items, 2 }, none = { NULL, 0 };

	(void)state;
	assert_true(strv_has(&list, "b"));
	assert_false(strv_has(&list, "c"));
	assert_false(strv_has(&none, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_text_is_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(text_grows_and_stays_terminated, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reservation_is_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_are_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(printing_grows_by_what_it_needs, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cell_keeps_its_table_whole, setup, teardown),
		cmocka_unit_test(texts_are_compared_with_null_equal_to_null_only),
		cmocka_unit_test(beginnings_and_ends_are_found),
		cmocka_unit_test(well_formed_utf8_is_valid),
		cmocka_unit_test(malformed_utf8_is_not),
		cmocka_unit_test(nul_is_a_character_and_the_length_counts),
		cmocka_unit_test(length_is_counted_in_code_points),
		cmocka_unit_test_setup_teardown(lower_case_leaves_all_but_ascii_alone, setup, teardown),
		cmocka_unit_test(integers_are_read_to_their_limits),
		cmocka_unit_test(what_is_no_integer_is_refused_and_nothing_written),
		cmocka_unit_test(only_true_and_false_are_truth_values),
		cmocka_unit_test(what_a_terminal_would_obey_is_taken_out),
		cmocka_unit_test(a_list_is_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
