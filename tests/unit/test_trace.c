/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void a_traceparent_is_read(void **state)
{
	static const struct {
		const char *text;
		bool sampled;
	} good[] = {
		{ "00-" ID "-" SPAN "-01", true },
		{ "00-" ID "-" SPAN "-00", false },
		{ "00-" ID "-" SPAN "-ff", true },
		{ "00-" ID "-" SPAN "-02", false },
		/* Of what is to come, as much as is known now. */
		{ "01-" ID "-" SPAN "-01", true },
		{ "cc-" ID "-" SPAN "-01-what-the-future-will-be", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct trace t;
		char text[TRACEPARENT_LEN + 1];

		assert_true(trace_read(&t, good[i].text));
		assert_string_equal(ID, t.id);
		assert_int_equal(SPAN_ID_LEN, strlen(t.span));
		assert_string_not_equal(SPAN, t.span);
		assert_int_equal(good[i].sampled, t.sampled);
		trace_write(&t, text);
		assert_memory_equal("00-" ID "-", text, 36);
		assert_string_equal(good[i].sampled ? "-01" : "-00", text + 52);
	}
}

static void what_is_none_is_none(void **state)
{
	static const char *const bad[] = {
		"", "00", "00-", "00-" ID, "00-" ID "-" SPAN, "00-" ID "-" SPAN "-", "00-" ID "-" SPAN "-0",
		"00-" ID "-" SPAN "-01-", "00-" ID "-" SPAN "-01-more", "00-" ID "-" SPAN "-011",
		"01-" ID "-" SPAN "-01more", "ff-" ID "-" SPAN "-01", "0g-" ID "-" SPAN "-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", "00-" ID "-00F067AA0BA902B7-01",
		"00-00000000000000000000000000000000-" SPAN "-01", "00-" ID "-0000000000000000-01",
		"00-" ID "-" SPAN "-0x", "00_" ID "-" SPAN "-01",
		"00-" ID "_" SPAN "-01", "00-" ID "-" SPAN "_01",
		" 00-" ID "-" SPAN "-01", "00-" ID "-" SPAN "-01 ", "00-" ID SPAN "-01-000000000000000",
	};
	const struct trace before = { .id = "as it was" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct trace t = before;

		if (trace_read(&t, bad[i]))
			fail_msg("taken: %s", bad[i]);
		assert_memory_equal(&before, &t, sizeof(t));
	}
}

static void ones_own_differ(void **state)
{
	struct trace one, two, read;
	char text[TRACEPARENT_LEN + 1];

	(void)state;
	trace_make(&one);
	trace_make(&two);
	assert_string_not_equal(one.id, two.id);
	assert_string_not_equal(one.span, two.span);
	trace_write(&one, text);
	assert_true(trace_read(&read, text));
	assert_string_equal(one.id, read.id);
}

static void a_thread_has_one_at_a_time(void **state)
{
	struct trace t;

	(void)state;
	assert_null(trace_now());
	trace_make(&t);
	trace_set(&t);
	assert_string_equal(t.id, trace_now()->id);
	trace_set(NULL);
	assert_null(trace_now());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_traceparent_is_read),
		cmocka_unit_test(what_is_none_is_none),
		cmocka_unit_test(ones_own_differ),
		cmocka_unit_test(a_thread_has_one_at_a_time),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
