/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cc/base/bytes.h"

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

static void hexadecimals_are_written_in_lower_case(void **state)
{
	const unsigned char in[] = { 0x00, 0x09, 0xAF, 0xFF };

	assert_string_equal(hex_encode(*state, in, sizeof(in)), "0009afff");
	assert_string_equal(hex_encode(*state, in, 0), "");
}

static void hexadecimals_of_both_cases_are_read(void **state)
{
	unsigned char out[3];

	(void)state;
	assert_true(hex_decode("00aFFa", out, 3));
	assert_memory_equal(out, "\x00\xAF\xFA", 3);
	assert_true(hex_decode("", out, 0));
}

static void hexadecimals_of_another_length_or_alphabet_are_refused(void **state)
{
	static const char *const wrong[] = { "", "00aFF", "00aFFa0", "00aFFg", "00 aFF", "0x0011",
					     "001\xC3\xA4g" };
	unsigned char out[3] = { 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(hex_decode(wrong[i], out, 3));
	assert_memory_equal(out, "\x01\x02\x03", 3);
}

static char *decoded(void *arena, const char *s, bool plus)
{
	return percent_decode(arena, s, strlen(s), plus);
}

static void percent_escapes_are_decoded(void **state)
{
	assert_string_equal(decoded(*state, "", false), "");
	assert_string_equal(decoded(*state, "a%20b%2Fc%2fd", false), "a b/c/d");
	assert_string_equal(decoded(*state, "%C3%A4", false), "\xC3\xA4");
	assert_string_equal(decoded(*state, "%2541", false), "%41");
	assert_string_equal(decoded(*state, "%7F%ff", false), "\x7F\xFF");
}

static void a_plus_is_a_space_only_where_asked(void **state)
{
	assert_string_equal(decoded(*state, "a+b%2B", true), "a b+");
	assert_string_equal(decoded(*state, "a+b", false), "a+b");
}

static void broken_escapes_and_nul_are_refused(void **state)
{
	static const char *const wrong[] = { "%", "a%", "%4", "%4g", "%g4", "%%41", "a%00b", "%-1", "% 1" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(decoded(*state, wrong[i], false));
	assert_null(percent_decode(*state, "a\0b", 3, false));
}

static void an_escape_is_not_read_beyond_the_length(void **state)
{
	assert_null(percent_decode(*state, "ab%41", 4, false));
	assert_string_equal(percent_decode(*state, "ab%41cd", 5, false), "abA");
}

static void equality_in_constant_time_is_equality(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(bytes_equal_ct(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] = (unsigned char)(1 << bit);
			assert_false(bytes_equal_ct(a, b, sizeof(a)));
		}
		b[i] = 0;
	}
	assert_true(bytes_equal_ct("a", "b", 0));
}

static void a_wipe_leaves_zeros_and_stays_in_its_bounds(void **state)
{
	unsigned char p[4] = { 1, 2, 3, 4 };

	(void)state;
	bytes_wipe(p + 1, 2);
	assert_memory_equal(p, "\x01\x00\x00\x04", 4);
}

static void all_but_plain_letters_is_percent_encoded(void **state)
{
	assert_string_equal(percent_encode(*state, "aZ09-._~", ""), "aZ09-._~");
	assert_string_equal(percent_encode(*state, "a b&c=d/%+\xc3\xbc<>\"\n", ""),
		"a%20b%26c%3Dd%2F%25%2B%C3%BC%3C%3E%22%0A");
	assert_string_equal(percent_encode(*state, "/a,b", "/"), "/a%2Cb");
	assert_string_equal(percent_encode(*state, "", ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hexadecimals_are_written_in_lower_case, setup, teardown),
		cmocka_unit_test(hexadecimals_of_both_cases_are_read),
		cmocka_unit_test(hexadecimals_of_another_length_or_alphabet_are_refused),
		cmocka_unit_test_setup_teardown(percent_escapes_are_decoded, setup, teardown),
		cmocka_unit_test_setup_teardown(a_plus_is_a_space_only_where_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_escapes_and_nul_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(an_escape_is_not_read_beyond_the_length, setup, teardown),
		cmocka_unit_test_setup_teardown(all_but_plain_letters_is_percent_encoded, setup, teardown),
		cmocka_unit_test(equality_in_constant_time_is_equality),
		cmocka_unit_test(a_wipe_leaves_zeros_and_stays_in_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
