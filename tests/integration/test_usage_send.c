/* SPDX-License-Identifier: Apache-2.0 */
/* What was counted on its way into the control database: which hour it belongs to, and that it comes once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"

#include "cc/base/clock.h"
#include "cc/core/usage.h"

#define HOUR_S 3600

static const char *tenant;

static int start(void **state)
{
	struct plane *p = plane_start();

	tenant = plane_tenant(p, "meter");
	*state = p;
	return 0;
}

static int stop(void **state)
{
	plane_stop(*state);
	return 0;
}

static int open_usage(void **state)
{
	struct plane *p = *state;
	const char *error = NULL;

	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.usage_hour; DELETE FROM cc.usage_day;"
				    " DELETE FROM cc.usage_hour_total; DELETE FROM cc.usage_batch");
	p->world.usage = usage_open(p->arena, NULL, &error);
	return p->world.usage != NULL ? 0 : -1;
}

static int close_usage(void **state)
{
	struct plane *p = *state;

	usage_close(p->world.usage);
	p->world.usage = NULL;
	return 0;
}

static void send_it(struct plane *p)
{
	struct ctx cx = plane_ctx(p);

	assert_int_equal(ERR_NONE, usage_send(&cx));
	plane_done(&cx);
}

/* What is on its way was counted so many seconds ago. */
static void age(struct plane *p, int64_t seconds)
{
	struct ctx cx = plane_ctx(p);
	const int64_t at = clock_wall_us() / TIME_SECOND - seconds;
	struct usage_batch b;

	assert_true(usage_next(p->world.usage, cx.arena, &b));
	for (size_t i = 0; i < b.n; i++)
		((struct usage_line *)(uintptr_t)b.lines[i])->hour = at - at % HOUR_S;
	plane_done(&cx);
}

static const char *rows(struct plane *p)
{
	return plane_text(p, PLANE_CONTROL,
			  "SELECT coalesce(string_agg(concat_ws(' ', meter, detail, quantity,"
			  " (extract(epoch FROM date_trunc('hour', now(), 'UTC') - hour) / 3600)::int), ', '"
			  " ORDER BY meter, detail, hour), '') FROM cc.usage_hour WHERE tenant_id = '%s'",
			  tenant);
}

static void counts_come_into_their_hour(void **state)
{
	struct plane *p = *state;

	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 2);
	send_it(p);
	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 3);
	usage_count(p->world.usage, tenant, USAGE_API_FAILURES, "/policies 5xx", 1);
	usage_count(p->world.usage, tenant, USAGE_BOUNCER_REQUESTS, "sandbox", 40);
	send_it(p);
	assert_string_equal("api_calls /policies 2xx 5 0, api_failures /policies 5xx 1 0,"
			    " bouncer_requests sandbox 40 0",
			    rows(p));
	assert_int_equal(5, plane_number(p, PLANE_CONTROL, "SELECT quantity FROM cc.usage_hour_meter"
							   " WHERE meter = 'api_calls'"));
	assert_int_equal(40, plane_number(p, PLANE_CONTROL, "SELECT quantity FROM cc.usage_day"
							    " WHERE meter = 'bouncer_requests'"));
	assert_int_equal(1, plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.usage_batch"));
}

/* Three hours late: the hour is closed, and stays as it is. */
static void a_closed_hour_is_never_changed(void **state)
{
	struct plane *p = *state;

	plane_sql(p, PLANE_CONTROL,
		  "INSERT INTO cc.usage_hour VALUES ('%s', date_trunc('hour', now(), 'UTC') - interval '3 h',"
		  " 'api_calls', '/policies 2xx', 10)",
		  tenant);
	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 7);
	age(p, 3 * HOUR_S);
	send_it(p);
	assert_string_equal("api_calls /policies 2xx 10 3, api_calls /policies 2xx late 7 0", rows(p));
}

static void a_clock_that_is_ahead_counts_for_now(void **state)
{
	struct plane *p = *state;

	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 7);
	age(p, -5 * HOUR_S);
	send_it(p);
	assert_string_equal("api_calls /policies 2xx 7 0", rows(p));
}

static void a_batch_that_is_there_adds_nothing(void **state)
{
	struct plane *p = *state;

	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 7);
	age(p, 0);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.usage_batch SET seq = 1000");
	send_it(p);
	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 5);
	age(p, 0);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.usage_batch SET seq = 1000");
	send_it(p);
	assert_string_equal("api_calls /policies 2xx 7 0", rows(p));
}

static void of_a_tenant_that_is_gone_nothing_is_kept(void **state)
{
	struct plane *p = *state;

	usage_count(p->world.usage, "tenant-nobody-aaaaaa", USAGE_API_CALLS, "/policies 2xx", 7);
	usage_count(p->world.usage, tenant, USAGE_API_CALLS, "/policies 2xx", 1);
	send_it(p);
	assert_int_equal(1, plane_number(p, PLANE_CONTROL, "SELECT sum(quantity) FROM cc.usage_hour"));
}

static void a_purge_takes_it_along(void **state)
{
	struct plane *p = *state;
	const char *other = plane_tenant(p, "shortlived");

	usage_count(p->world.usage, other, USAGE_API_CALLS, "/policies 2xx", 7);
	send_it(p);
	assert_int_equal(1, plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.usage_hour"));
	plane_schedule(p, other);
	plane_expire(p);
	plane_recover(p);
	assert_int_equal(0, plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.tenant WHERE id = '%s'",
					 other));
	assert_int_equal(0, plane_number(p, PLANE_CONTROL,
					 "SELECT (SELECT count(*) FROM cc.usage_hour) + (SELECT count(*) FROM"
					 " cc.usage_day) + (SELECT count(*) FROM cc.usage_hour_total)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_come_into_their_hour, open_usage, close_usage),
		cmocka_unit_test_setup_teardown(a_closed_hour_is_never_changed, open_usage, close_usage),
		cmocka_unit_test_setup_teardown(a_clock_that_is_ahead_counts_for_now, open_usage,
						close_usage),
		cmocka_unit_test_setup_teardown(a_batch_that_is_there_adds_nothing, open_usage, close_usage),
		cmocka_unit_test_setup_teardown(of_a_tenant_that_is_gone_nothing_is_kept, open_usage,
						close_usage),
		cmocka_unit_test_setup_teardown(a_purge_takes_it_along, open_usage, close_usage),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
