/* SPDX-License-Identifier: Apache-2.0 */
/* Moves on two servers of PostgreSQL: what arrives, what is refused, what is left when somebody dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mover.h"

#include "cc/base/clock.h"
#include "cc/core/head.h"
#include "cc/core/moves.h"
#include "cc/core/registry.h"
#include "cc/db/server.h"
#include "cc/model/q_tenant.h"

static void a_tenant_moves_with_all_it_has_and_back_home(void **state)
{
	const char *id = mover_tenant(3000), *before = mover_content(EAST, plane_schema(plane, id));
	const char *d = mover_begin(id, WEST, false);

	(void)state;
	mover_run(d);
	mover_check_moved(id, d, before);
	assert_int_equal(3000, plane_number(plane, PLANE_WEST, "SELECT count(*) FROM %s.bouncer_live",
				       plane_schema(plane, id)));
	print_message("# 3000 of each: froze for %s ms, %s rows, copied in %s ms\n",
		mover_column(d, "freeze_ms"), mover_column(d, "rows_copied"), mover_column(d, "copy_ms"));
	d = mover_begin(id, EAST, false);
	mover_run(d);
	mover_check_moved(id, d, before);
	assert_int_equal(
		3, plane_number(plane, PLANE_CONTROL, "SELECT epoch FROM cc.tenant WHERE id = '%s'", id));
}

static void what_is_not_wanted_is_left_behind(void **state)
{
	const char *id = mover_tenant(50), *d = mover_begin(id, WEST, true), *t;

	(void)state;
	mover_run(d);
	t = plane_schema(plane, id);
	assert_string_equal("completed", mover_column(d, "step"));
	assert_string_equal("0 0 0 1 51", plane_text(plane, PLANE_WEST,
						  "SELECT concat_ws(' ', policies_used, (SELECT count(*) "
						  "FROM %s.policies), resources_used,"
						  " users_used, audit_seq) FROM %s.head",
						  t, t));
}

/* The target is damaged after the copy, before it is compared: always found, never flipped. */
static void any_difference_is_found(void **state)
{
	static const char *const damage[] = {
		"UPDATE policies SET rego_code = overlay(rego_code placing 'x' from 3) WHERE id = 40",
		"DELETE FROM users WHERE id = 1",
		"DELETE FROM policy_versions WHERE id = 20",
		"INSERT INTO resources (id, name, type, environment, created_by, created_at, updated_at,"
		" changed_version) VALUES (100000, 'extra', 'api', 'sandbox', 'k', now(), now(), 2)",
		"UPDATE audit SET mac = sha256('x') WHERE seq = 7",
		"UPDATE idempotency SET body = '{ }' WHERE key = 'k5'",
		"UPDATE bouncers SET configuration = '{\"a\":[1]}' WHERE id = 3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		const char *id = mover_tenant(60), *before = mover_content(EAST, plane_schema(plane, id));
		const char *d = mover_begin(id, WEST, false), *t;

		plane_sql(plane, PLANE_CONTROL,
			"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
		mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
		t = mover_column(d, "to_schema");
		plane_sql(plane, PLANE_WEST, "SET search_path = %s; %s", t, damage[i]);
		plane_sql(plane, PLANE_CONTROL,
			"UPDATE cc.deployment SET window_at = now(), lease_until = now() WHERE id = '%s'", d);
		mover_run(d);
		mover_check_aborted(id, d, before);
		assert_string_equal("conflict", mover_column(d, "error->>'code'"));
	}
}

static void a_cancelled_move_leaves_nothing(void **state)
{
	const char *id = mover_tenant(50), *before = mover_content(EAST, plane_schema(plane, id));
	const char *d = mover_begin(id, WEST, false);

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET cancelled = true, lease_until = now() WHERE id = '%s'", d);
	mover_run(d);
	mover_check_aborted(id, d, before);
	(void)plane_tick(plane);
	assert_string_equal(
		"0", plane_text(plane, PLANE_WEST, "SELECT count(*) FROM pg_namespace WHERE nspname = '%s'",
			     mover_column(d, "to_schema")));
}

/* The fence opens although the target is away, and the move goes on when it is back. */
static void a_region_that_is_down_holds_nobody_up(void **state)
{
	const char *id = mover_tenant(50), *schema = plane_schema(plane, id),
		   *d = mover_begin(id, WEST, false);
	struct region *west = region_find(&plane->world, WEST);
	const int64_t end = clock_mono_ms() + 30000;
	struct db_server *server = db_server_create();

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
	west->server = server;
	assert_true(db_server_say_down(server));
	pg_kill9(plane->west);
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET step = 'fence', fenced_at = clock_timestamp(), window_at = now(),"
		" lease_until = now() WHERE id = '%s'",
		d);
	mover_run_until(d, "step = 'drain'");
	assert_string_equal("f", plane_text(plane, PLANE_EAST, "SELECT writable FROM %s.head", schema));
	mover_run_until(d, "step = 'catchup'");
	assert_string_equal("t", plane_text(plane, PLANE_EAST, "SELECT writable FROM %s.head", schema));
	assert_true(clock_mono_ms() < end);
	pg_restart(plane->west);
	assert_true(db_server_say_up(server));
	mover_run(d);
	assert_string_equal(WEST, mover_region(id));
	west->server = NULL;
	db_server_destroy(server);
}

/* The node dies at each point that the move passes in turn; another one goes on. */
static void whoever_dies_another_goes_on(void **state)
{
	const int stride = getenv("CC_LONG") != NULL ? 1 : 22;
	int kills = 0, completed = 0;

	(void)state;
	for (int nth = 1; nth < 2000; nth += stride) {
		const char *id = mover_tenant(5), *before = mover_content(EAST, plane_schema(plane, id));
		const char *d = mover_begin(id, WEST, false);
		char point[32];
		bool did = false, died = false;

		snprintf(point, sizeof(point), "move.taken+*:%d", nth);
		while (!died && !mover_is_over(d)) {
			died = plane_dies_at(plane, point, mover_tick, &did);
			plane_sql(plane, PLANE_CONTROL,
				"UPDATE cc.deployment SET lease_until = now() WHERE id = '%s'", d);
		}
		kills += died;
		mover_run(d);
		if (strcmp(mover_column(d, "step"), "completed") == 0)
			mover_check_moved(id, d, before);
		else
			mover_check_aborted(id, d, before);
		completed += strcmp(mover_column(d, "step"), "completed") == 0;
		if (!died)
			break;
	}
	print_message("# %d kills, %d completed\n", kills, completed);
	assert_true(kills >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenant_moves_with_all_it_has_and_back_home),
		cmocka_unit_test(what_is_not_wanted_is_left_behind),
		cmocka_unit_test(any_difference_is_found),
		cmocka_unit_test(a_cancelled_move_leaves_nothing),
		cmocka_unit_test(a_region_that_is_down_holds_nobody_up),
		cmocka_unit_test(whoever_dies_another_goes_on),
	};

	return cmocka_run_group_tests(tests, mover_start, mover_stop);
}
