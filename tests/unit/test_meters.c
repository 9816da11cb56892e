/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/meters.h"

struct fixture {
	struct arena *arena;
	struct router *router;
	struct meters meters;
};

static struct fixture fx;

static int start(void **state)
{
	static const struct route_group *const none[] = { NULL };
	const char *error = NULL;

	(void)state;
	fx = (struct fixture){ .arena = arena_create(65536) };
	fx.router = router_create(fx.arena, none, &error);
	assert_non_null(fx.router);
	meters_init(&fx.meters, fx.router);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	meters_finish(&fx.meters);
	arena_destroy(fx.arena);
	return 0;
}

static void ask(const char *id, int times)
{
	for (int i = 0; i < times; i++)
		meters_count(&fx.meters, NULL, id, 200, 1000);
}

static void ask_by_number(int number, int times)
{
	char id[32];

	snprintf(id, sizeof(id), "tenant-%d", number);
	ask(id, times);
}

/* -1: it is not there. */
static long value_of(const char *line)
{
	struct str out;
	const char *at;
	long n = -1;

	str_init(&out, fx.arena, 4096);
	meters_write(&fx.meters, fx.router, &out);
	at = strstr(out.data, line);
	if (at != NULL)
		assert_int_equal(1, sscanf(at + strlen(line), "%ld", &n));
	return n;
}

/* -1: it is one of the others. */
static long told(const char *id)
{
	char line[160];

	snprintf(line, sizeof(line), "controlcored_tenant_requests_total{tenant=\"%s\"} ", id);
	return value_of(line);
}

static int series(void)
{
	struct str out;
	int n = 0;

	str_init(&out, fx.arena, 4096);
	meters_write(&fx.meters, fx.router, &out);
	for (const char *p = out.data; (p = strstr(p, "{tenant=")) != NULL; p++)
		n++;
	return n;
}

static void tenants_have_series_up_to_a_bound(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		ask_by_number(i, 1);
	assert_int_equal(METER_TENANTS + 1, series());
	assert_true(told("other") >= 1000 - METER_TENANTS - METER_RIVALS * 40);
}

/* Whoever came first has no right to stay. */
static void the_busiest_are_shown(void **state)
{
	(void)state;
	for (int i = 0; i < METER_TENANTS; i++)
		ask_by_number(i, 10);
	assert_int_equal(-1, told("late"));
	ask("late", 5);
	assert_int_equal(-1, told("late"));
	ask("late", 500);
	assert_true(told("late") > 400);
	assert_int_equal(METER_TENANTS + 1, series());
	/* Those who are as busy as they were are shown as they were. */
	ask_by_number(99, 1);
	assert_true(told("tenant-99") == 11 || told("tenant-98") == 10);
}

static void what_was_beyond_a_rate_limit_is_counted(void **state)
{
	(void)state;
	ask("calm", 5);
	assert_int_equal(0, value_of("\ncontrolcored_rate_limited_total "));
	for (int i = 0; i < 3; i++)
		meters_count(&fx.meters, NULL, "hasty", 429, 1000);
	meters_count(&fx.meters, NULL, NULL, 429, 1000);
	assert_int_equal(4, value_of("\ncontrolcored_rate_limited_total "));
}

static void what_was_long_ago_counts_little(void **state)
{
	(void)state;
	for (int i = 0; i < METER_TENANTS; i++)
		ask_by_number(i, 5000);
	for (int i = 0; i < 20; i++)
		ask_by_number(0, METER_FADE);
	ask("late", 1000);
	assert_true(told("late") > 500);
}

/* They are counters: none goes back. */
static void a_number_only_grows(void **state)
{
	long before = 0;

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 150; i++)
			ask_by_number(i, i % 7);
		ask("steady", 100);
		assert_true(told("steady") >= before);
		before = told("steady");
	}
	assert_true(before > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tenants_have_series_up_to_a_bound, start, stop),
		cmocka_unit_test_setup_teardown(the_busiest_are_shown, start, stop),
		cmocka_unit_test_setup_teardown(what_was_beyond_a_rate_limit_is_counted, start, stop),
		cmocka_unit_test_setup_teardown(what_was_long_ago_counts_little, start, stop),
		cmocka_unit_test_setup_teardown(a_number_only_grows, start, stop),
	};

	return cmocka_run_group_tests_name("meters", tests, NULL, NULL);
}
