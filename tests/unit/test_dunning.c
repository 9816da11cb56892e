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

static const struct dunning fresh = { .next_at = TIME_NULL, .trouble_since = TIME_NULL, .since = TIME_NULL };

/* With the database's clock so far off Stripe's. */
static struct dunning look_off(const struct dunning *d, const char *status, int64_t at, int64_t off)
{
	return dunning_step(
		d, &(struct dunning_look){ .status = status, .at = at + off, .theirs = at }, EVIDENCE);
}

static struct dunning look(const struct dunning *d, const char *status, int64_t at)
{
	return look_off(d, status, at, 0);
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

/* Each edge: a look before it nothing has come of it, two looks behind it it has. */
static void it_gets_worse_in_its_time(void **state)
{
	static const struct {
		int64_t days;
		enum standing before, after;
	} edges[] = {
		{ 0, STANDING_ACTIVE, STANDING_PAST_DUE },
		{ 7, STANDING_PAST_DUE, STANDING_GRACE },
		{ 14, STANDING_GRACE, STANDING_SUSPENDED },
		{ 44, STANDING_SUSPENDED, STANDING_REMOVING },
		{ 74, STANDING_REMOVING, STANDING_REMOVED },
		{ 200, STANDING_REMOVED, STANDING_REMOVED },
	};
	struct dunning d = fresh;
	size_t edge = 0;

	(void)state;
	for (int64_t at = START; edge < sizeof(edges) / sizeof(edges[0]); at += EVIDENCE) {
		const int64_t due = START + edges[edge].days * DAY;

		d = look(&d, "past_due", at);
		if (at <= due)
			assert_int_equal(edges[edge].before, d.now);
		/* The thirty days are counted from when it was suspended, two looks late. */
		if (at >= due + 6 * EVIDENCE)
			assert_int_equal(edges[edge++].after, d.now);
	}
	assert_true(d.trouble_since == START);
}

static void to_pay_ends_all_of_it_at_once(void **state)
{
	(void)state;
	for (enum standing s = STANDING_PAST_DUE; s <= STANDING_REMOVED; s++) {
		const struct dunning d = {
			.now = s, .since = START, .next = s, .next_at = TIME_NULL, .trouble_since = START
		};
		/* Whatever any clock says. */
		const struct dunning paid = look_off(&d, "active", START + 100 * DAY, 900 * DAY);

		assert_int_equal(STANDING_ACTIVE, paid.now);
		assert_true(paid.trouble_since == TIME_NULL && paid.next_at == TIME_NULL);
	}
}

static void what_stripe_gave_up_is_suspended_and_no_more_for_thirty_days(void **state)
{
	struct dunning d = look(&fresh, "canceled", START);

	(void)state;
	d = look(&d, "canceled", START + EVIDENCE);
	assert_int_equal(STANDING_SUSPENDED, d.now);
	d = look(&d, "canceled", START + 29 * DAY);
	d = look(&d, "canceled", START + 30 * DAY);
	assert_int_equal(STANDING_SUSPENDED, d.now);
	d = look(&d, "canceled", START + 31 * DAY);
	d = look(&d, "canceled", START + 31 * DAY + EVIDENCE);
	assert_int_equal(STANDING_REMOVING, d.now);
}

static void a_clock_that_jumps_and_comes_back_takes_nothing(void **state)
{
	struct dunning d = look(&fresh, "past_due", START);

	(void)state;
	d = look(&d, "past_due", START + EVIDENCE);
	assert_int_equal(STANDING_PAST_DUE, d.now);
	d = look_off(&d, "past_due", START + 2 * EVIDENCE, 30 * DAY);
	assert_int_equal(STANDING_PAST_DUE, d.now);
	d = look(&d, "past_due", START + 3 * EVIDENCE);
	assert_int_equal(STANDING_PAST_DUE, d.now);
	assert_true(d.next_at == TIME_NULL);
	assert_true(d.trouble_since == START);
}

/* Nor does one that stays wrong: a thousand looks over a week agree, and none of them counts. */
static void a_clock_that_is_wrong_for_long_takes_nothing(void **state)
{
	static const int64_t offs[] = { -400 * DAY, -30 * DAY, -6 * MINUTE, 6 * MINUTE, 30 * DAY, 400 * DAY };

	(void)state;
	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		struct dunning d = look(&fresh, "past_due", START);

		d = look(&d, "past_due", START + EVIDENCE);
		for (int n = 2; n < 1000; n++)
			d = look_off(&d, "past_due", START + n * EVIDENCE, offs[i]);
		assert_int_equal(STANDING_PAST_DUE, d.now);
		assert_true(d.trouble_since == START);
		/* Nor is it evidence for the first look at a good clock. */
		d = look(&d, "unpaid", START + 1000 * EVIDENCE);
		assert_int_equal(STANDING_PAST_DUE, d.now);
	}
}

static void a_clock_that_nobody_vouches_for_takes_nothing(void **state)
{
	struct dunning d = fresh;

	(void)state;
	for (int n = 0; n < 1000; n++)
		d = dunning_step(&d,
			&(struct dunning_look){
				.status = "canceled", .at = START + n * EVIDENCE, .theirs = TIME_NULL },
			EVIDENCE);
	assert_int_equal(STANDING_ACTIVE, d.now);
}

/* One that turns up between two looks takes their agreement away. */
static void a_jump_between_two_looks_is_no_ten_minutes(void **state)
{
	struct dunning d = look(&fresh, "unpaid", START);

	(void)state;
	d = look_off(&d, "unpaid", START + MINUTE, 60 * MINUTE);
	assert_int_equal(STANDING_ACTIVE, d.now);
	d = look(&d, "unpaid", START + 2 * MINUTE);
	assert_int_equal(STANDING_ACTIVE, d.now);
	d = look(&d, "unpaid", START + 2 * MINUTE + EVIDENCE);
	assert_int_equal(STANDING_SUSPENDED, d.now);
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

/* However long: nothing is added, and nothing more is taken. */
static void what_never_began_adds_nothing(void **state)
{
	struct dunning d = look(&fresh, "incomplete_expired", START);

	(void)state;
	assert_int_equal(STANDING_ACTIVE, d.now);
	d = look(&d, "incomplete_expired", START + EVIDENCE);
	assert_int_equal(STANDING_GRACE, d.now);
	for (int n = 1; n < 400; n++)
		d = look(&d, "incomplete_expired", START + n * DAY);
	assert_int_equal(STANDING_GRACE, d.now);
	d = look(&d, "active", START + 400 * DAY);
	assert_int_equal(STANDING_ACTIVE, d.now);
}

/* Another subscription takes the place of one that is owed for: only one that is paid ends that. */
static void a_debt_ends_with_what_is_paid(void **state)
{
	static const char *const silent[] = { "incomplete", "paused", "brand_new" };
	static const char *const paid[] = { "active", "trialing" };
	struct dunning_look l = { .status = "canceled", .at = START, .theirs = START, .debt = true };
	struct dunning d = look(&fresh, "canceled", START), owed;

	(void)state;
	d = look(&d, "canceled", START + EVIDENCE);
	assert_int_equal(STANDING_SUSPENDED, d.now);
	owed = d;
	l.at = l.theirs = START + 2 * EVIDENCE;
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		l.status = silent[i];
		d = dunning_step(&owed, &l, EVIDENCE);
		assert_int_equal(STANDING_SUSPENDED, d.now);
		assert_true(d.trouble_since == START && d.since == owed.since);
	}
	for (int n = 0; n < 3; n++) {
		l.status = "incomplete_expired";
		l.at = l.theirs = l.at + EVIDENCE;
		d = dunning_step(&d, &l, EVIDENCE);
		assert_int_equal(STANDING_SUSPENDED, d.now);
	}
	for (size_t i = 0; i < 2; i++) {
		l.status = paid[i];
		d = dunning_step(&owed, &l, EVIDENCE);
		assert_int_equal(STANDING_ACTIVE, d.now);
		assert_true(d.trouble_since == TIME_NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_look_takes_nothing),
		cmocka_unit_test(it_gets_worse_in_its_time),
		cmocka_unit_test(to_pay_ends_all_of_it_at_once),
		cmocka_unit_test(what_stripe_gave_up_is_suspended_and_no_more_for_thirty_days),
		cmocka_unit_test(a_clock_that_jumps_and_comes_back_takes_nothing),
		cmocka_unit_test(a_clock_that_is_wrong_for_long_takes_nothing),
		cmocka_unit_test(a_clock_that_nobody_vouches_for_takes_nothing),
		cmocka_unit_test(a_jump_between_two_looks_is_no_ten_minutes),
		cmocka_unit_test(looks_that_differ_are_no_evidence),
		cmocka_unit_test(words_that_are_not_known_take_nothing),
		cmocka_unit_test(what_never_began_adds_nothing),
		cmocka_unit_test(a_debt_ends_with_what_is_paid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
