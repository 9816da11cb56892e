/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/timetext.h"
#include "cc/base/clock.h"
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

static void assert_time(const char *text, int64_t expected)
{
	int64_t t = 42;

	if (!time_parse(text, false, &t))
		fail_msg("%s was refused", text);
	if (t != expected)
		fail_msg("%s was read as %lld instead of %lld", text, (long long)t, (long long)expected);
}

static void times_are_read(void **state)
{
	(void)state;
	assert_time("1970-01-01T00:00:00Z", 0);
	assert_time("1970-01-01T00:00:01Z", TIME_SECOND);
	assert_time("1969-12-31T23:59:59.999999Z", -1);
	assert_time("2001-09-09T01:46:40Z", 1000000000 * TIME_SECOND);
	assert_time("2026-01-31t12:00:00z", 1769860800 * TIME_SECOND);
	assert_time("0000-01-01T00:00:00Z", -62167219200 * TIME_SECOND);
	assert_time("9999-12-31T23:59:59Z", 253402300799 * TIME_SECOND);
}

static void decimals_are_read_to_the_microsecond(void **state)
{
	(void)state;
	assert_time("1970-01-01T00:00:00.1Z", 100000);
	assert_time("1970-01-01T00:00:00.000001Z", 1);
	assert_time("1970-01-01T00:00:00.123456Z", 123456);
}

static void offsets_are_subtracted(void **state)
{
	(void)state;
	assert_time("1970-01-01T01:00:00+01:00", 0);
	assert_time("1969-12-31T23:30:00-00:30", 0);
	assert_time("1970-01-01T00:00:00-00:00", 0);
	assert_time("1996-12-19T16:39:57-08:00", 851042397 * TIME_SECOND);
	assert_time("1970-01-01T23:59:00+23:59", 0);
}

static void leap_days_and_leap_seconds_exist_where_they_do(void **state)
{
	int64_t t;

	(void)state;
	assert_time("2000-02-29T00:00:00Z", 951782400 * TIME_SECOND);
	assert_time("2024-02-29T00:00:00Z", 1709164800 * TIME_SECOND);
	assert_false(time_parse("1900-02-29T00:00:00Z", false, &t));
	assert_false(time_parse("2100-02-29T00:00:00Z", false, &t));
	assert_false(time_parse("2025-02-29T00:00:00Z", false, &t));
	assert_time("1990-12-31T23:59:60Z", 662688000 * TIME_SECOND);
	assert_time("1990-12-31T15:59:60-08:00", 662688000 * TIME_SECOND);
	assert_false(time_parse("1990-12-31T12:00:60Z", false, &t));
	assert_false(time_parse("1990-12-31T23:59:61Z", false, &t));
}

static void what_is_no_time_is_refused_and_nothing_written(void **state)
{
	static const char *const wrong[] = {
		"", "now", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T12:00Z",
		"2026-1-31T12:00:00Z", "26-01-31T12:00:00Z", "2026-00-31T12:00:00Z", "2026-13-01T12:00:00Z",
		"2026-01-00T12:00:00Z", "2026-01-32T12:00:00Z", "2026-04-31T12:00:00Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T12:60:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.1234567Z",
		"2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00+0100", "2026-01-31T12:00:00+24:00",
		"2026-01-31T12:00:00+01:60", "2026-01-31T12:00:00+1:00", "2026-01-31T12:00:00ZZ",
		"2026-01-31T12:00:00Z ", " 2026-01-31T12:00:00Z", "+2026-01-31T12:00:00Z",
		"-026-01-31T12:00:00Z",
		"12026-01-31T12:00:00Z", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
	};
	int64_t t = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (time_parse(wrong[i], false, &t))
			fail_msg("\"%s\" was taken for a time", wrong[i]);
		assert_int_equal(t, 42);
	}
}

static void a_date_is_midnight_where_dates_are_taken(void **state)
{
	int64_t t;

	(void)state;
	assert_true(time_parse("2026-01-31", true, &t));
	assert_int_equal(t, 1769817600 * TIME_SECOND);
	assert_true(time_parse("2026-01-31T00:00:01Z", true, &t));
	assert_int_equal(t, 1769817601 * TIME_SECOND);
	assert_false(time_parse("2026-01-31Z", true, &t));
	assert_false(time_parse("2026-02-30", true, &t));
}

static void times_are_written_with_whole_seconds_rounded_down(void **state)
{
	assert_string_equal(time_format(*state, 0), "1970-01-01T00:00:00Z");
	assert_string_equal(time_format(*state, 999999), "1970-01-01T00:00:00Z");
	assert_string_equal(time_format(*state, -1), "1969-12-31T23:59:59Z");
	assert_string_equal(time_format(*state, 1769860800 * TIME_SECOND), "2026-01-31T12:00:00Z");
}

static void times_are_written_with_milliseconds(void **state)
{
	assert_string_equal(time_format_ms(*state, 1999), "1970-01-01T00:00:00.001Z");
	assert_string_equal(time_format_ms(*state, -1), "1969-12-31T23:59:59.999Z");
	assert_string_equal(time_format_ms(*state, -1000), "1969-12-31T23:59:59.999Z");
	assert_string_equal(time_format_ms(*state, -1001), "1969-12-31T23:59:59.998Z");
}

static void no_time_has_no_text(void **state)
{
	assert_null(time_format(*state, TIME_NULL));
	assert_null(time_format_ms(*state, TIME_NULL));
}

static void times_out_of_four_digit_years_are_written_as_the_nearest(void **state)
{
	assert_string_equal(time_format(*state, INT64_MAX), "9999-12-31T23:59:59Z");
	assert_string_equal(time_format(*state, INT64_MIN + 1), "0000-01-01T00:00:00Z");
}

static void what_is_written_is_read_back(void **state)
{
	/* A step that is no multiple of anything walks through all months and leap years. */
	for (int64_t s = -62167219200; s <= 253402300799; s += 86400 * 13 + 7919) {
		struct arena_mark mark = arena_mark(*state);
		int64_t t = TIME_NULL;

		assert_true(time_parse(time_format(*state, s * TIME_SECOND), false, &t));
		assert_int_equal(t, s * TIME_SECOND);
		arena_rewind(*state, mark);
	}
}

static void the_clocks_run_forwards(void **state)
{
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	(void)state;
	assert_true(ms >= us / 1000 && clock_mono_us() >= us);
	assert_true(clock_wall_us() > 1700000000 * TIME_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(decimals_are_read_to_the_microsecond),
		cmocka_unit_test(offsets_are_subtracted),
		cmocka_unit_test(leap_days_and_leap_seconds_exist_where_they_do),
		cmocka_unit_test(what_is_no_time_is_refused_and_nothing_written),
		cmocka_unit_test(a_date_is_midnight_where_dates_are_taken),
		cmocka_unit_test_setup_teardown(
			times_are_written_with_whole_seconds_rounded_down, setup, teardown),
		cmocka_unit_test_setup_teardown(times_are_written_with_milliseconds, setup, teardown),
		cmocka_unit_test_setup_teardown(no_time_has_no_text, setup, teardown),
		cmocka_unit_test_setup_teardown(
			times_out_of_four_digit_years_are_written_as_the_nearest, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_is_read_back, setup, teardown),
		cmocka_unit_test(the_clocks_run_forwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
