/* SPDX-License-Identifier: Apache-2.0 */
/* What bouncers had counted when their tenant moved: the region that hears from them next must know it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mover.h"

enum { BOUNCERS = 5000 };

static void beat(const char *database, const char *schema, int bouncer, int total, const char *ago)
{
	plane_sql(plane, database,
		"INSERT INTO %s.bouncer_live (bouncer_id, last_heartbeat, requests_total, requests_at)"
		" VALUES (%d, now() - interval '%s', %d, now() - interval '%s') ON CONFLICT (bouncer_id) DO"
		" UPDATE SET last_heartbeat = excluded.last_heartbeat,"
		" requests_total = excluded.requests_total, requests_at = excluded.requests_at",
		schema, bouncer, ago, total, ago);
}

static int64_t counted(const char *database, const char *schema, int bouncer)
{
	return plane_number(plane, database,
		"SELECT coalesce((SELECT requests_total FROM %s.bouncer_live WHERE bouncer_id = %d), -1)",
		schema, bouncer);
}

static void stop_at(const char *point)
{
	bool did;
	int turns = 0;

	while (!plane_dies_at(plane, point, mover_tick, &did) && turns++ < 100)
		plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET lease_until = now()");
	assert_true(turns < 100);
}

/* The target opens with what was last said, also what was said while the move was under way. */
static void the_target_opens_with_what_was_counted(void **state)
{
	const char *id = mover_tenant(5), *before = plane_schema(plane, id);
	const char *d = mover_begin(id, WEST, false), *t;

	(void)state;
	beat(PLANE_EAST, before, 1, 100, "2 hours");
	beat(PLANE_EAST, before, 2, 200, "20 seconds");
	stop_at("move.taken+move.fence.closed:1");
	beat(PLANE_EAST, before, 2, 260, "0 seconds");
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET lease_until = now()");
	stop_at("move.taken+move.retire.opened:1");
	t = mover_column(d, "to_schema");
	assert_int_equal(100, counted(PLANE_WEST, t, 1));
	assert_int_equal(260, counted(PLANE_WEST, t, 2));
	/* What the bouncer says there stays, whatever is tidied up behind it. */
	beat(PLANE_WEST, t, 2, 300, "0 seconds");
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET lease_until = now()");
	mover_run(d);
	assert_string_equal("completed", mover_column(d, "step"));
	assert_int_equal(300, counted(PLANE_WEST, t, 2));
}

/* More than one page of them. */
static void all_of_many_come_along(void **state)
{
	const char *id = mover_tenant(BOUNCERS), *before = plane_schema(plane, id);
	const char *d = mover_begin(id, WEST, false);

	(void)state;
	plane_sql(plane, PLANE_EAST,
		"UPDATE %s.bouncer_live SET requests_total = bouncer_id, requests_at = now()", before);
	stop_at("move.taken+move.retire.opened:1");
	assert_int_equal(BOUNCERS,
		plane_number(plane, PLANE_WEST,
			"SELECT count(*) FROM %s.bouncer_live WHERE requests_total = bouncer_id",
			mover_column(d, "to_schema")));
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET lease_until = now()");
	mover_run(d);
	assert_string_equal("completed", mover_column(d, "step"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_target_opens_with_what_was_counted),
		cmocka_unit_test(all_of_many_come_along),
	};

	return cmocka_run_group_tests(tests, mover_start, mover_stop);
}
