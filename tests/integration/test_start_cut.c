/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that is stopped while it sets the databases up, whatever it waits for there. */
#include <libpq-fe.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define WAIT_MS 30000
#define PROMPT_MS 5000
#define REGION_DB "region_us_east_1"
#define WAITS "waiting for another node's migration"

static int lines_with(struct daemon *d, const char *text)
{
	char *log = temp_read(daemon_log_path(d));
	int n = 0;

	for (const char *p = log; p != NULL && (p = strstr(p, text)) != NULL; p++)
		n++;
	free(log);
	return n;
}

/* A session of the superuser that has run this. */
static PGconn *session(struct daemon *d, const char *database, const char *sql)
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r = PQexec(pg, sql);

	free(conninfo);
	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(pg));
	PQclear(r);
	return pg;
}

static int waiters(struct daemon *d)
{
	char *conninfo = daemon_conninfo(d, DAEMON_CONTROL_DB);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r = PQexec(pg, "SELECT count(*) FROM pg_locks WHERE NOT granted");
	const int n = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);

	free(conninfo);
	PQclear(r);
	PQfinish(pg);
	return n;
}

static void await_waiter(struct daemon *d)
{
	for (const int64_t end = temp_now_ms() + WAIT_MS; waiters(d) == 0; temp_sleep_ms(20))
		assert_true(temp_now_ms() < end);
}

static void whoever_sets_up_can_be_stopped(void **state)
{
	struct daemon *d = *state;
	const int before = lines_with(d, "\"listening\"");

	assert_int_equal(0, daemon_stop(d));
	PGconn *pg = session(d, DAEMON_CONTROL_DB, "BEGIN; LOCK TABLE cc.migration IN ACCESS EXCLUSIVE MODE");
	daemon_launch(d);
	await_waiter(d);
	const int64_t from = temp_now_ms();
	assert_int_equal(128 + SIGTERM, daemon_stop(d));
	assert_true(temp_now_ms() - from < PROMPT_MS);
	assert_int_equal(before, lines_with(d, "\"listening\""));
	PQfinish(pg);
	/* What was cut off holds nobody up. */
	daemon_restart(d);
}

/* Cut off between its BEGIN and its COMMIT: the next start finds it not done, and does it. */
static void a_migration_that_was_cut_off_is_done_by_the_next(void **state)
{
	struct daemon *d = *state;

	assert_int_equal(0, daemon_stop(d));
	/* All of a region's are new, and the first waits for a name that a transaction is about to take. */
	PQfinish(session(d, REGION_DB, "DROP SCHEMA cc_region CASCADE; "
		"CREATE SCHEMA cc_region AUTHORIZATION cc_prov"));
	PGconn *pg = session(d, REGION_DB, "BEGIN; CREATE TABLE cc_region.home (id int)");
	daemon_launch(d);
	await_waiter(d);
	assert_int_equal(128 + SIGTERM, daemon_stop(d));
	PQfinish(pg);
	daemon_restart(d);
}

static void a_reload_meanwhile_is_made_up_for(void **state)
{
	struct daemon *d = *state;
	const int before = lines_with(d, "settings were read again");

	assert_int_equal(0, daemon_stop(d));
	PGconn *pg = session(d, DAEMON_CONTROL_DB, "BEGIN; LOCK TABLE cc.migration IN ACCESS EXCLUSIVE MODE");
	daemon_launch(d);
	await_waiter(d);
	kill(daemon_pid(d), SIGHUP);
	temp_sleep_ms(200);
	assert_true(daemon_running(d));
	PQfinish(pg);
	assert_true(daemon_await_ready(d, WAIT_MS));
	for (const int64_t end = temp_now_ms() + WAIT_MS;
		lines_with(d, "settings were read again") == before; temp_sleep_ms(20))
		assert_true(temp_now_ms() < end);
}

static void another_node_that_migrates_is_told_of_once(void **state)
{
	struct daemon *d = *state;

	assert_int_equal(0, daemon_stop(d));
	PGconn *pg = session(d, DAEMON_CONTROL_DB,
		"SELECT pg_advisory_lock(hashtextextended('controlcored migrate cc', 0))");
	const int before = lines_with(d, WAITS);
	daemon_launch(d);
	await_waiter(d);
	assert_int_equal(before + 1, lines_with(d, WAITS));
	temp_sleep_ms(500);
	PQfinish(pg);
	assert_true(daemon_await_ready(d, WAIT_MS));
	assert_int_equal(before + 1, lines_with(d, WAITS));
}

static void roles_that_another_node_makes_are_told_of(void **state)
{
	struct daemon *d = *state;

	assert_int_equal(0, daemon_stop(d));
	PGconn *pg = session(d, "postgres", "SELECT pg_advisory_lock(hashtext('controlcored roles'))");
	const int before = lines_with(d, WAITS);
	daemon_launch(d);
	await_waiter(d);
	assert_int_equal(before + 1, lines_with(d, WAITS));
	PQfinish(pg);
	assert_true(daemon_await_ready(d, WAIT_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_sets_up_can_be_stopped),
		cmocka_unit_test(a_migration_that_was_cut_off_is_done_by_the_next),
		cmocka_unit_test(a_reload_meanwhile_is_made_up_for),
		cmocka_unit_test(another_node_that_migrates_is_told_of_once),
		cmocka_unit_test(roles_that_another_node_makes_are_told_of),
	};

	return cmocka_run_group_tests_name("start_cut", tests, daemon_group_setup, daemon_group_teardown);
}
