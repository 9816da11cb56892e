/* SPDX-License-Identifier: Apache-2.0 */
/* Who may take which step of a move when, and what becomes of one that something comes in between. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "mover.h"

#include "cc/base/clock.h"
#include "cc/core/move_machine.h"
#include "cc/core/moves.h"
#include "cc/model/q_control.h"

static void change(const char *d, const char *what)
{
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET %s, lease_until = now() WHERE id = '%s'",
		what, d);
}

static void check(const char *expected, const char *d, const char *what)
{
	const char *is = mover_column(d, what);

	if (strcmp(expected, is) != 0)
		print_error("%s is %s; error %s\n", what, is, mover_column(d, "error"));
	assert_string_equal(expected, is);
}

/* Copied, and waiting for its window. */
static const char *begin_copied(const char *id)
{
	const char *d = mover_begin(id, WEST, false);

	change(d, "window_at = now() + interval '1 hour'");
	mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
	return d;
}

static bool turn(bool urgent)
{
	struct ctx cx = plane_ctx(plane);
	bool did = false;

	assert_int_equal(ERR_NONE, moves_tick(&cx, urgent, &did));
	plane_done(&cx);
	return did;
}

static void what_holds_a_tenant_up_is_nobody_elses_turn(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);

	(void)state;
	change(d, "step = 'fence', fenced_at = now(), attempts = 1, window_at = now()");
	assert_false(turn(false));
	assert_true(turn(true));
	mover_run(d);
}

static void a_node_that_stops_leaves_the_rest_to_others(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);

	(void)state;
	change(d, "step = 'prewarm', window_at = now()");
	atomic_store(&plane->world.stopping, true);
	assert_true(turn(false));
	atomic_store(&plane->world.stopping, false);
	check("prewarm t 0", d, "concat_ws(' ', step, lease_until <= clock_timestamp(), failures)");
	mover_run(d);
	check("completed", d, "step");
}

static void *end_later(void *pg)
{
	usleep(700000);
	PQclear(PQexec(pg, "ROLLBACK"));
	return NULL;
}

/* The comparison waits for longer than the turn was meant to take; what it found counts all the same. */
static void what_took_long_is_not_forgotten(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);
	const char *info =
		arena_printf(plane->arena, "%s user=" PG_SUPERUSER, pg_conninfo(plane->west, PLANE_WEST));
	PGconn *pg = PQconnectdb(info);
	struct ctx cx = plane_ctx(plane);
	pthread_t thread;
	bool did = false;

	(void)state;
	PQclear(PQexec(pg, "BEGIN"));
	PQclear(PQexec(
		pg, arena_printf(plane->arena, "LOCK TABLE %s.policies", mover_column(d, "to_schema"))));
	change(d, "step = 'prewarm', window_at = now()");
	assert_int_equal(0, pthread_create(&thread, NULL, end_later, pg));
	cx.deadline_ms = clock_mono_ms() + 400;
	assert_int_equal(ERR_NONE, moves_tick(&cx, false, &did));
	plane_done(&cx);
	pthread_join(thread, NULL);
	PQfinish(pg);
	check("f", d, "step = 'prewarm'");
	mover_run(d);
	check("completed", d, "step");
}

/* Somebody who cancels has locked the tenant, and wants the move next. ------------------------------- */

static PGconn *open_control(void)
{
	const char *info =
		arena_printf(plane->arena, "%s user=" PG_SUPERUSER, pg_conninfo(plane->pg, PLANE_CONTROL));
	PGconn *pg = PQconnectdb(info);

	assert_int_equal(CONNECTION_OK, PQstatus(pg));
	return pg;
}

static bool ask(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);
	const bool ok = PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK;

	PQclear(r);
	return ok;
}

static void *take_turn(void *arg)
{
	struct ctx cx = plane_ctx(plane);
	bool did = false;
	enum err *e = arg;

	*e = moves_tick(&cx, true, &did);
	plane_done(&cx);
	return NULL;
}

/* The flip waits for the tenant, with the move's row free; then its lease is given back. */
static void a_flip_locks_the_tenant_first(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);
	PGconn *pg = open_control();
	const int64_t end = clock_mono_ms() + 10000;
	enum err e = ERR_NONE;
	pthread_t thread;

	(void)state;
	change(d, "step = 'flip', fenced_at = clock_timestamp(), attempts = 1, window_at = now()");
	assert_true(ask(pg, "BEGIN"));
	assert_true(
		ask(pg, arena_printf(plane->arena, "SELECT FROM cc.tenant WHERE id = '%s' FOR UPDATE", id)));
	assert_int_equal(0, pthread_create(&thread, NULL, take_turn, &e));
	while (plane_number(plane, PLANE_CONTROL, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0 &&
		clock_mono_ms() < end)
		usleep(1000);
	assert_true(ask(pg, arena_printf(plane->arena,
				    "SELECT FROM cc.deployment WHERE id = '%s' FOR UPDATE NOWAIT", d)));
	pthread_join(thread, NULL);
	assert_true(ask(pg, "ROLLBACK"));
	assert_int_equal(ERR_UNAVAILABLE, e);
	PQfinish(pg);
	mover_run(d);
}

/* What fails while the tenant waits is somebody's turn again at once, not when the lease is over. */
static void a_lease_is_given_back(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);
	PGconn *pg = open_control();
	enum err e = ERR_NONE;

	(void)state;
	change(d, "step = 'flip', fenced_at = clock_timestamp(), attempts = 1, window_at = now()");
	assert_true(ask(pg, "BEGIN"));
	assert_true(
		ask(pg, arena_printf(plane->arena, "SELECT FROM cc.tenant WHERE id = '%s' FOR UPDATE", id)));
	(void)take_turn(&e);
	assert_int_equal(ERR_UNAVAILABLE, e);
	check("t", d, "lease_until < clock_timestamp() + interval '250 milliseconds'");
	assert_true(ask(pg, "ROLLBACK"));
	PQfinish(pg);
	mover_run(d);
}

/* Cancelling ----------------------------------------------------------------------------------------- */

struct cancelling {
	const char *id, *d;
	int64_t n;
};

static enum err cancel_it(struct ctx *cx, void *arg)
{
	struct cancelling *c = arg;

	return q_deployment_cancel(cx->db, &c->n, c->id, c->d, MOVE_TOO_LONG);
}

static bool cancel(const char *id, const char *d)
{
	struct cancelling c = { id, d, 0 };
	struct ctx cx = plane_ctx(plane);
	struct db_place place;

	place_platform(&plane->world, &place);
	assert_int_equal(ERR_NONE, db_unit(&cx, &place, DB_WRITE, cancel_it, &c));
	plane_done(&cx);
	return c.n == 1;
}

static void one_that_will_try_again_can_be_cancelled(void **state)
{
	const char *id = mover_tenant(5), *before = mover_content(EAST, plane_schema(plane, id));
	const char *d = begin_copied(id);

	(void)state;
	change(d, arena_printf(plane->arena,
			  "step = 'aborting', reason = %d, attempts = 1, fenced_at = now()", MOVE_TOO_LONG));
	assert_true(cancel(id, d));
	mover_run(d);
	mover_check_aborted(id, d, before);
	check("t", d, arena_printf(plane->arena, "reason = %d", MOVE_CANCELLED));
}

static void one_that_goes_back_for_good_cannot(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);

	(void)state;
	change(d, arena_printf(plane->arena,
			  "step = 'aborting', reason = %d, attempts = 1, fenced_at = now()", MOVE_DIFFERS));
	assert_false(cancel(id, d));
	mover_run(d);
	check("aborted", d, "step");
}

/* Meanwhile ------------------------------------------------------------------------------------------ */

static void upgrade(const char *region, const char *schema)
{
	plane_sql(plane, mover_database(region), "ALTER TABLE %s.policies ADD COLUMN more int DEFAULT 7",
		schema);
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.tenant_schema SET version = version + 1 WHERE schema_id = '%s'", schema);
}

/* One side has the new columns first: no reason to end, and it goes on when both have. */
static void an_upgrade_is_no_difference(void **state)
{
	const char *id = mover_tenant(20), *d = begin_copied(id);
	const char *from = mover_column(d, "from_schema"), *to = mover_column(d, "to_schema");

	(void)state;
	upgrade(WEST, to);
	change(d, "window_at = now()");
	mover_run_until(d, "failures > 0");
	check("prewarm service_unavailable", d, "concat_ws(' ', step, error->>'code')");
	upgrade(EAST, from);
	change(d, "not_before = now()");
	mover_run(d);
	check("completed", d, "step");
}

/* … but other columns that no upgrade explains are one. */
static void other_columns_are_a_difference(void **state)
{
	const char *id = mover_tenant(20), *d = begin_copied(id), *to = mover_column(d, "to_schema");

	(void)state;
	plane_sql(plane, PLANE_WEST, "ALTER TABLE %s.policies ADD COLUMN more int DEFAULT 7", to);
	change(d, "window_at = now()");
	mover_run(d);
	check("aborted conflict", d, "concat_ws(' ', step, error->>'code')");
}

static int64_t mark_of(const char *schema)
{
	return plane_number(plane, PLANE_WEST, "SELECT version FROM %s.head", schema);
}

/* 3000 versions, of which the node that dies brought a part: the next one begins behind it. */
static void catching_up_keeps_what_it_brought(void **state)
{
	const char *id = mover_tenant(3000), *d = begin_copied(id), *from = mover_column(d, "from_schema");
	const char *to = mover_column(d, "to_schema"), *before;
	const int64_t was = mark_of(to);
	int64_t part;
	bool did;

	(void)state;
	plane_sql(plane, PLANE_EAST,
		"SET search_path = %s; UPDATE policies SET name = 'q' || (3001 - id), changed_version = %lld "
		"+ id;"
		" UPDATE head SET version = version + 3000",
		from, (long long)was);
	before = mover_content(EAST, from);
	change(d, "window_at = now()");
	assert_true(plane_dies_at(plane, "move.taken+move.catchup.done:1", mover_tick, &did));
	part = mark_of(to) - was;
	assert_true(part > 0 && part < 3000);
	change(d, "failures = failures");
	mover_run(d);
	mover_check_moved(id, d, before);
}

static int64_t open_alerts(const char *d)
{
	return plane_number(plane, PLANE_CONTROL,
		"SELECT count(*) FROM cc.alert WHERE type = 'move_unfinished' AND subject = '%s'"
		" AND resolved_at IS NULL",
		d);
}

/* The tenant works where it is now; of what it left somebody is told, until it is closed. */
static void a_region_that_is_gone_behind_the_flip_is_told_of(void **state)
{
	const char *id = mover_tenant(5), *d = mover_begin(id, WEST, false);
	bool did;

	(void)state;
	mover_run(d);
	d = mover_begin(id, EAST, false);
	while (!plane_dies_at(plane, "move.taken+move.retire.opened:1", mover_tick, &did))
		change(d, "failures = failures");
	pg_kill9(plane->west);
	change(d, "failures = 98");
	assert_int_equal(0, open_alerts(d));
	mover_run_until(d, "failures >= 100");
	assert_int_equal(1, open_alerts(d));
	pg_restart(plane->west);
	mover_run(d);
	check("completed", d, "step");
	assert_int_equal(0, open_alerts(d));
}

/* It is not in force anywhere else either: but the move says so, and waits, before it holds anybody up. */
static void a_certificate_that_cannot_be_shown_holds_the_fence_up(void **state)
{
	const char *id = mover_tenant(5), *d = begin_copied(id);

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token) VALUES"
		" ('%s', 'shown.example', 'verified', 'active', 't'); INSERT INTO cc.certificate (tenant_id, "
		"domain,"
		" source, serial, fingerprint, issuer, key_type, not_before, not_after, chain, sealed_key,"
		" wrapped_dek, kek_id) VALUES ('%s', 'shown.example', 'supplied', '1', 'f', 'i', 'k', now(),"
		" now() + interval '1 day', 'x', 'x', 'x', 'gone')",
		id, id);
	change(d, "window_at = now()");
	mover_run_until(d, "failures > 0");
	check("prewarm service_unavailable t", d,
		"concat_ws(' ', step, error->>'code', error->>'message' LIKE"
		" '%shown.example%')");
	plane_sql(plane, PLANE_CONTROL, "DELETE FROM cc.certificate");
	change(d, "not_before = now()");
	mover_run(d);
	check("completed", d, "step");
}

/* As a client reads it: no blanks; and who had the lease. */
static void a_move_tells_its_steps_and_who_did_them(void **state)
{
	const char *id = mover_tenant(5), *d;

	(void)state;
	plane->settings.node = "here/1";
	d = mover_begin(id, WEST, false);
	mover_run(d);
	check("t", d,
		"steps::text LIKE '[{\"step\":\"prepare\",\"at\":\"2%\"},{\"step\":\"copy\",\"at\":%}]'");
	check("here/1", d, "lease_owner");
	plane->settings.node = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_holds_a_tenant_up_is_nobody_elses_turn),
		cmocka_unit_test(a_node_that_stops_leaves_the_rest_to_others),
		cmocka_unit_test(what_took_long_is_not_forgotten),
		cmocka_unit_test(a_flip_locks_the_tenant_first),
		cmocka_unit_test(a_lease_is_given_back),
		cmocka_unit_test(one_that_will_try_again_can_be_cancelled),
		cmocka_unit_test(one_that_goes_back_for_good_cannot),
		cmocka_unit_test(an_upgrade_is_no_difference),
		cmocka_unit_test(other_columns_are_a_difference),
		cmocka_unit_test(catching_up_keeps_what_it_brought),
		cmocka_unit_test(a_region_that_is_gone_behind_the_flip_is_told_of),
		cmocka_unit_test(a_certificate_that_cannot_be_shown_holds_the_fence_up),
		cmocka_unit_test(a_move_tells_its_steps_and_who_did_them),
	};

	return cmocka_run_group_tests(tests, mover_start, mover_stop);
}
