/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cc/core/limiter.h"

#define SECOND INT64_C(1000000)
#define START (INT64_C(86400) * SECOND)

static int open_limiter(void **state)
{
	*state = limiter_create();
	return 0;
}

static int close_limiter(void **state)
{
	limiter_destroy(*state);
	return 0;
}

/* As limiter_take_pair() with nothing shared. */
static void take_two(struct limiter *l, const char *tenant, const struct rate *tenant_rate, const char *key,
		     const struct rate *key_rate, int64_t cost, int64_t now, struct limit_verdict *ret)
{
	const struct limit_pair pair = { tenant, tenant_rate, key, key_rate };

	assert_int_equal(ERR_NONE, limiter_take_pair(l, &pair, cost, false, now, ret));
}

/* How many of n takes at once are allowed. */
static int64_t burst(struct limiter *l, const char *key, const struct rate *rate, int64_t now, int64_t n)
{
	struct limit_verdict v;
	int64_t allowed = 0;

	for (int64_t i = 0; i < n; i++) {
		limiter_take(l, key, rate, 1, now, &v);
		allowed += v.allowed;
	}
	return allowed;
}

static void a_burst_is_exactly_the_limit(void **state)
{
	static const int64_t limits[] = { 1, 2, 3, 7, 60, 97, 1000, 6000, 99991 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct rate rate = { limits[i], 60 };
		char key[32];

		(void)snprintf(key, sizeof(key), "t:%zu", i);
		assert_int_equal(limits[i], burst(*state, key, &rate, START, limits[i] + 100));
		assert_int_equal(0, burst(*state, key, &rate, START, 100));
	}
}

static void remaining_counts_down_to_nothing(void **state)
{
	const struct rate rate = { 7, 60 };
	struct limit_verdict v;

	for (int64_t left = 6; left >= 0; left--) {
		limiter_take(*state, "t:a", &rate, 1, START, &v);
		assert_true(v.allowed);
		assert_int_equal(left, v.remaining);
		assert_int_equal(7, v.limit);
		assert_int_equal(60, v.window);
	}
	assert_int_equal(60, v.reset_s);
	limiter_take(*state, "t:a", &rate, 1, START, &v);
	assert_false(v.allowed);
	assert_int_equal(0, v.remaining);
	/* 60 / 7 seconds, rounded up */
	assert_int_equal(9, v.retry_after_s);
}

static void who_waits_retry_after_gets_one(void **state)
{
	static const struct rate rates[] = { { 1, 60 }, { 7, 60 }, { 1000, 60 }, { 3, 1 }, { 600, 3600 } };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct limit_verdict v;
		char key[32];

		(void)snprintf(key, sizeof(key), "t:%zu", i);
		(void)burst(*state, key, &rates[i], START, rates[i].limit);
		limiter_take(*state, key, &rates[i], 1, START, &v);
		assert_false(v.allowed);
		assert_true(v.retry_after_s >= 1);
		limiter_take(*state, key, &rates[i], 1, START + v.retry_after_s * SECOND, &v);
		assert_true(v.allowed);
	}
}

/* Odd limits have periods that are no whole number of microseconds: nothing may add up over a day. */
static void no_rounding_adds_up_over_a_day(void **state)
{
	static const int64_t limits[] = { 7, 11, 97, 333, 1009 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct rate rate = { limits[i], 60 };
		const int64_t minutes = 1440;
		int64_t allowed = 0;
		char key[32];

		(void)snprintf(key, sizeof(key), "t:%zu", i);
		for (int64_t t = 0; t <= minutes * 60; t += 5)
			allowed += burst(*state, key, &rate, START + t * SECOND, limits[i]);
		/* the burst, and what came in since */
		assert_int_equal(limits[i] + minutes * limits[i], allowed);
	}
}

static void a_meter_fills_up_steadily(void **state)
{
	const struct rate rate = { 60, 60 };

	assert_int_equal(60, burst(*state, "t:a", &rate, START, 100));
	assert_int_equal(0, burst(*state, "t:a", &rate, START + SECOND - 1, 1));
	assert_int_equal(1, burst(*state, "t:a", &rate, START + SECOND, 100));
	assert_int_equal(10, burst(*state, "t:a", &rate, START + 11 * SECOND, 100));
	assert_int_equal(60, burst(*state, "t:a", &rate, START + 1000 * SECOND, 100));
}

static void meters_do_not_know_each_other(void **state)
{
	const struct rate rate = { 5, 60 };

	assert_int_equal(5, burst(*state, "t:a", &rate, START, 10));
	assert_int_equal(5, burst(*state, "t:b", &rate, START, 10));
	assert_int_equal(5, burst(*state, "k:a", &rate, START, 10));
}

static void two_meters_are_charged_both_or_none(void **state)
{
	const struct rate tenant = { 10, 60 }, key = { 4, 60 };
	struct limit_verdict v;
	int allowed = 0;

	for (int i = 0; i < 20; i++) {
		take_two(*state, "t:a", &tenant, "k:1", &key, 1, START, &v);
		allowed += v.allowed;
	}
	assert_int_equal(4, allowed);
	assert_int_equal(4, v.limit);   /* the key's fired */
	assert_int_equal(15, v.retry_after_s);
	/* The sixteen refused did not touch the tenant: six are left for others. */
	allowed = 0;
	for (int k = 2; k < 6; k++)
		for (int i = 0; i < 4; i++) {
			char name[8];

			(void)snprintf(name, sizeof(name), "k:%d", k);
			take_two(*state, "t:a", &tenant, name, &key, 1, START, &v);
			allowed += v.allowed;
		}
	assert_int_equal(6, allowed);
	assert_int_equal(10, v.limit);  /* the tenant's fired */
}

static void the_tighter_of_two_is_shown(void **state)
{
	const struct rate wide = { 10, 60 }, narrow = { 4, 60 };
	struct limit_verdict v;

	take_two(*state, "t:a", &wide, "k:1", &narrow, 1, START, &v);
	assert_int_equal(4, v.limit);
	assert_int_equal(3, v.remaining);
	take_two(*state, "t:b", &narrow, "k:2", &wide, 1, START, &v);
	assert_int_equal(4, v.limit);
}

static void a_look_costs_nothing(void **state)
{
	const struct rate rate = { 3, 60 };
	struct limit_verdict v;

	for (int i = 0; i < 10; i++) {
		limiter_take(*state, "t:a", &rate, 0, START, &v);
		assert_true(v.allowed);
		assert_int_equal(3, v.remaining);
		assert_int_equal(0, v.reset_s);
	}
	assert_int_equal(3, burst(*state, "t:a", &rate, START, 5));
}

static void what_costs_more_than_the_limit_takes_all_of_it(void **state)
{
	const struct rate rate = { 3, 60 }, none = { 0, 60 };
	struct limit_verdict v;

	limiter_take(*state, "t:a", &rate, 4, START, &v);
	assert_true(v.allowed);
	assert_int_equal(0, v.remaining);
	limiter_take(*state, "t:a", &rate, 4, START + 59 * SECOND, &v);
	assert_false(v.allowed);
	assert_int_equal(1, v.retry_after_s);
	limiter_take(*state, "t:a", &rate, 4, START + 60 * SECOND, &v);
	assert_true(v.allowed);
	limiter_take(*state, "t:b", &none, 1, START, &v);
	assert_false(v.allowed);
	assert_int_equal(60, v.retry_after_s);
}

static void another_plan_keeps_what_was_used(void **state)
{
	const struct rate before = { 10, 60 }, after = { 20, 60 };

	assert_int_equal(10, burst(*state, "t:a", &before, START, 10));
	assert_int_equal(0, burst(*state, "t:a", &after, START, 10));
	assert_int_equal(10, burst(*state, "t:a", &after, START + 30 * SECOND, 30));
}

/* A hundred thousand more keys than there is room for: the one in use keeps its place in the count. */
/* Limit times window is more than 64 bits hold. */
static void the_largest_limits_of_a_plan_are_exact(void **state)
{
	static const struct rate rates[] = { { 1000000000, 86400 }, { 999999937, 86400 }, { 1000000000, 1 } };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const int64_t limit = rates[i].limit;
		struct limit_verdict v;
		char key[32];

		(void)snprintf(key, sizeof(key), "t:%zu", i);
		for (int64_t k = 1; k <= 200; k++) {
			limiter_take(*state, key, &rates[i], 1, START, &v);
			assert_true(v.allowed);
			assert_int_equal(limit - k, v.remaining);
		}
		limiter_take(*state, key, &rates[i], limit - 200, START, &v);
		assert_true(v.allowed);
		assert_int_equal(0, v.remaining);
		assert_int_equal(rates[i].window, v.reset_s);
		limiter_take(*state, key, &rates[i], limit, START, &v);
		assert_false(v.allowed);
		assert_int_equal(rates[i].window, v.retry_after_s);
		limiter_take(*state, key, &rates[i], limit / 2, START + rates[i].window * SECOND / 2, &v);
		assert_true(v.allowed);
		assert_int_equal(0, v.remaining);
	}
}

static void idle_meters_make_room(void **state)
{
	const struct rate rate = { 5, 60 };
	int64_t now = START;
	char key[32];

	for (int i = 0; i < 400000; i++) {
		(void)snprintf(key, sizeof(key), "t:%d", i);
		assert_int_equal(1, burst(*state, key, &rate, now, 1));
		now += 1000;
	}
	assert_int_equal(5, burst(*state, "t:last", &rate, now, 10));
	assert_int_equal(0, burst(*state, "t:last", &rate, now, 10));
}

struct racer {
	struct limiter *l;
	atomic_long *allowed;
};

static void *race(void *arg)
{
	const struct rate tenant = { 5000, 60 }, key = { 5000, 60 };
	const struct racer *r = arg;
	struct limit_verdict v;

	for (int i = 0; i < 2000; i++) {
		take_two(r->l, "t:a", &tenant, "k:a", &key, 1, START, &v);
		if (v.allowed)
			atomic_fetch_add(r->allowed, 1);
	}
	return NULL;
}

static void threads_together_get_exactly_the_limit(void **state)
{
	atomic_long allowed = 0;
	struct racer r = { *state, &allowed };
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, race, &r));
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(5000, atomic_load(&allowed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_burst_is_exactly_the_limit, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(remaining_counts_down_to_nothing, open_limiter,
						close_limiter),
		cmocka_unit_test_setup_teardown(who_waits_retry_after_gets_one, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(no_rounding_adds_up_over_a_day, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(a_meter_fills_up_steadily, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(meters_do_not_know_each_other, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(two_meters_are_charged_both_or_none, open_limiter,
						close_limiter),
		cmocka_unit_test_setup_teardown(the_tighter_of_two_is_shown, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(a_look_costs_nothing, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(what_costs_more_than_the_limit_takes_all_of_it,
						open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(another_plan_keeps_what_was_used, open_limiter,
						close_limiter),
		cmocka_unit_test_setup_teardown(the_largest_limits_of_a_plan_are_exact, open_limiter,
						close_limiter),
		cmocka_unit_test_setup_teardown(idle_meters_make_room, open_limiter, close_limiter),
		cmocka_unit_test_setup_teardown(threads_together_get_exactly_the_limit, open_limiter,
						close_limiter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
