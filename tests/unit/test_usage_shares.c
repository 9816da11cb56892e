/* SPDX-License-Identifier: Apache-2.0 */
/* Which shares of a limit are told of, and when one is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/core/alerts.h"
#include "cc/core/usage_watch.h"

static const struct alert_rule all = { .enabled = true, .thresholds = "[50,80,90,100,120]" };

static int setup(void **state)
{
	*state = arena_create(8192);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static struct alert_set shares(struct arena *a, const struct alert_rule *r, int64_t used, int64_t limit)
{
	struct alert_set s;

	alert_set_init(a, &s, ALERT_USAGE_LIMIT, 20);
	usage_shares(a, &s, "policies", r, used, limit);
	return s;
}

static void the_message_is_the_specifications(void **state)
{
	const struct alert_set s = shares(*state, &all, 800, 1000);

	assert_int_equal(2, s.n);
	assert_string_equal("Approaching policy limit (50% of 1000)", s.messages[0]);
	assert_string_equal("Approaching policy limit (80% of 1000)", s.messages[1]);
	assert_string_equal("policies:80", s.subjects[1]);
	assert_string_equal("info", s.severities[0]);
	assert_string_equal("warning", s.severities[1]);
}

static void beyond_the_limit_it_is_critical(void **state)
{
	const struct alert_set s = shares(*state, &all, 12, 10);

	assert_int_equal(5, s.n);
	assert_string_equal("Reached policy limit (100% of 10)", s.messages[3]);
	assert_string_equal("Exceeded policy limit (120% of 10)", s.messages[4]);
	assert_string_equal("critical", s.severities[3]);
}

/* At 80 it begins, at 76 it may stay, at 74 it is over: 75 is where it is kept last. */
static void a_share_is_over_five_percents_below(void **state)
{
	static const struct alert_rule eighty = { .enabled = true, .thresholds = "[80]" };

	assert_int_equal(1, shares(*state, &eighty, 80, 100).n);
	assert_int_equal(0, shares(*state, &eighty, 79, 100).n);
	assert_int_equal(1, shares(*state, &eighty, 79, 100).nkeep);
	assert_int_equal(1, shares(*state, &eighty, 75, 100).nkeep);
	assert_int_equal(0, shares(*state, &eighty, 74, 100).nkeep);
}

/* What is not limited has what the plan includes, or what the tenant says instead. */
static void beyond_what_is_included_it_costs(void **state)
{
	struct alert_budget b = { .limit = INT_NULL, .enabled = true, .thresholds = "[80,100]" };
	struct alert_set s;

	alert_set_init(*state, &s, ALERT_USAGE_LIMIT, 20);
	usage_budget(*state, &s, "bouncer_requests", &b, 1000, 1000);
	assert_int_equal(2, s.n);
	assert_string_equal("Approaching included bouncer requests (80% of 1000)", s.messages[0]);
	assert_string_equal("Reached included bouncer requests (100% of 1000)", s.messages[1]);
	assert_string_equal("warning", s.severities[1]);
	b.limit = 100;
	usage_budget(*state, &s, "api_calls", &b, 100, 1000);
	assert_int_equal(4, s.n);
	assert_string_equal("Reached API call limit (100% of 100)", s.messages[3]);
	assert_string_equal("critical", s.severities[3]);
	b.limit = INT_NULL;
	usage_budget(*state, &s, "api_calls", &b, 100, INT_NULL);
	assert_int_equal(4, s.n);
}

static void without_a_limit_nothing_is_told(void **state)
{
	static const struct alert_rule off = { .thresholds = "[50]" };

	assert_int_equal(0, shares(*state, &all, 1000, INT_NULL).nkeep);
	assert_int_equal(0, shares(*state, &all, 0, 0).nkeep);
	assert_int_equal(0, shares(*state, &all, INT_NULL, 10).nkeep);
	assert_int_equal(0, shares(*state, &off, 10, 10).nkeep);
}

static void large_numbers_do_not_overflow(void **state)
{
	assert_int_equal(4, shares(*state, &all, INT64_C(1000000000000000), INT64_C(1000000000000000)).n);
	assert_int_equal(5, shares(*state, &all, INT64_MAX, 3).n);
	assert_int_equal(0, shares(*state, &all, 1, INT64_MAX).n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_message_is_the_specifications, setup, teardown),
		cmocka_unit_test_setup_teardown(beyond_the_limit_it_is_critical, setup, teardown),
		cmocka_unit_test_setup_teardown(a_share_is_over_five_percents_below, setup, teardown),
		cmocka_unit_test_setup_teardown(beyond_what_is_included_it_costs, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_limit_nothing_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(large_numbers_do_not_overflow, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
