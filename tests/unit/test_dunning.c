/* SPDX-License-Identifier: Apache-2.0 */
/* What an unpaid subscription comes to, and what no single look and no clock brings about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "cc/core/dunning.h"

#define MINUTE (INT64_C(60) * 1000000)
#define DAY (24 * 60 * MINUTE)
#define EVIDENCE (10 * MINUTE)
#define START (INT64_C(1700000000) * 1000000)

static const struct dunning fresh = { STANDING_ACTIVE, STANDING_ACTIVE, TIME_NULL, TIME_NULL };

static struct dunning look(const struct dunning *d, const char *status, int64_t at)
{
	return dunning_step(d, status, at, EVIDENCE);
}

static void one_look_takes_nothing(void **state)
{
	static const char *const words[] = { "past_due", "unpaid", "canceled" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct dunning d = look(&fresh, words[i], START);

		assert_int_equal(STANDING_ACTIVE, d.now);
		for (int n = 1; n < 100; n++)
			d = look(&d, words[i], START + EVIDENCE * n / 100);
		assert_int_equal(STANDING_ACTIVE, d.now);
		d = look(&d, words[i], START + EVIDENCE);
		assert_int_not_equal(STANDING_ACTIVE, d.now);
	}
}

static void it_gets_worse_in_its_time(void **state)
{
	struct dunning d = fresh;

	(void)state;
	for (int64_t at = START; at <= START + 20 * DAY; at += EVIDENCE) {
		const int64_t lasts = at - START;

		d = look(&d, "past_due", at);
		if (lasts == 6 * DAY)
			assert_int_equal(STANDING_PAST_DUE, d.now);
		if (lasts == 8 * DAY)
			assert_int_equal(STANDING_GRACE, d.now);
		if (lasts == 13 * DAY)
			assert_int_equal(STANDING_GRACE, d.now);
		if (lasts == 15 * DAY)
			assert_int_equal(STANDING_SUSPENDED, d.now);
	}
	d = look(&d, "active", START + 21 * DAY);
	assert_int_equal(STANDING_ACTIVE, d.now);
	assert_true(d.trouble_since == TIME_NULL);
}

static void a_clock_that_jumps_and_comes_back_takes_nothing(void **state)
{
	struct dunning d = look(&fresh, "past_due", START);

	(void)state;
	d = look(&d, "past_due", START + EVIDENCE);
	assert_int_equal(STANDING_PAST_DUE, d.now);
	d = look(&d, "past_due", START + 30 * DAY);
	assert_int_equal(STANDING_PAST_DUE, d.now);
	d = look(&d, "past_due", START + 2 * EVIDENCE);
	assert_int_equal(STANDING_PAST_DUE, d.now);
	assert_true(d.next_at == TIME_NULL);
	/* A first look at the wrong time does not count from then. */
	d = look(&fresh, "past_due", START + 30 * DAY);
	d = look(&d, "past_due", START);
	assert_true(d.trouble_since == START);
	assert_int_equal(STANDING_ACTIVE, d.now);
}

static void looks_that_differ_are_no_evidence(void **state)
{
	struct dunning d = fresh;

	(void)state;
	for (int n = 0; n < 50; n++)
		d = look(&d, n % 2 == 0 ? "past_due" : "active", START + n * EVIDENCE);
	assert_int_equal(STANDING_ACTIVE, d.now);
	d = look(&fresh, "unpaid", START);
	d = look(&d, "past_due", START + EVIDENCE);
	assert_int_equal(STANDING_ACTIVE, d.now);
}

static void words_that_are_not_known_take_nothing(void **state)
{
	static const char *const words[] = { "active", "trialing", "incomplete", "paused", "brand_new", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct dunning d = look(&fresh, words[i], START);

		d = look(&d, words[i], START + 40 * DAY);
		assert_int_equal(STANDING_ACTIVE, d.now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_look_takes_nothing),
		cmocka_unit_test(it_gets_worse_in_its_time),
		cmocka_unit_test(a_clock_that_jumps_and_comes_back_takes_nothing),
		cmocka_unit_test(looks_that_differ_are_no_evidence),
		cmocka_unit_test(words_that_are_not_known_take_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
