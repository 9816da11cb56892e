/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations, and the sessions and set-up they stand on. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pg.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/db/migrate.h"

struct fixture {
	struct pg *pg;
	struct ctx cx;
	struct db_session *s;
};

static const struct migration steps[] = {
	{1,  "0001_one",   "CREATE TABLE one (n int); INSERT INTO one VALUES (1);"},
	{ 2, "0002_two",   "CREATE TABLE two (n int);"                            },
	{ 3, "0003_three", "ALTER TABLE one ADD m int;"                           },
};
static const struct migration broken_steps[] = {
	{1,  "0001_one", "CREATE TABLE one (n int); INSERT INTO one VALUES (1);"},
	{ 2, "0002_bad", "CREATE TABLE half (n int); SELECT 1 / 0;"             },
};
static const struct migration changed_steps[] = {
	{1, "0001_one", "CREATE TABLE one (n bigint);"},
};
static const struct migration_set set = { "test", steps, 3 };
static const struct migration_set first = { "test", steps, 1 };
static const struct migration_set broken = { "test", broken_steps, 2 };
static const struct migration_set changed = { "test", changed_steps, 1 };

static int start(void **state)
{
	static struct fixture fx;

	fx.pg = pg_start();
	fx.cx.arena = arena_create(16384);
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	arena_destroy(fx->cx.arena);
	pg_stop(fx->pg);
	return 0;
}

static int open_session(void **state)
{
	struct fixture *fx = *state;

	ctx_clear_problem(&fx->cx);
	fx->cx.deadline_ms = clock_mono_ms() + 60000;
	return db_session_open(&fx->cx, pg_conninfo(fx->pg, "postgres"), PG_SUPERUSER, NULL, &fx->s) ==
			       ERR_NONE
		       ? 0
		       : -1;
}

static int close_session(void **state)
{
	struct fixture *fx = *state;

	db_session_close(fx->s);
	return 0;
}

static const char *value(struct fixture *fx, const char *sql)
{
	return pg_value(fx->pg, "postgres", sql);
}

static void migrations_run_once_and_in_order(void **state)
{
	struct fixture *fx = *state;
	int n = -1;

	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &first, "once", false, &n));
	assert_int_equal(1, n);
	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "once", false, &n));
	assert_int_equal(2, n);
	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "once", false, &n));
	assert_int_equal(0, n);
	assert_string_equal("1", value(fx, "SELECT count(*) FROM once.one"));
	assert_string_equal("1,2,3",
		value(fx, "SELECT string_agg(version::text, ',' ORDER BY applied_at) FROM once.migration"));
	assert_string_equal("64", value(fx, "SELECT length(checksum) FROM once.migration WHERE version = 1"));
}

static void a_dry_run_counts_and_touches_nothing(void **state)
{
	struct fixture *fx = *state;
	int n = -1;

	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "dry", true, &n));
	assert_int_equal(3, n);
	assert_string_equal("0", value(fx, "SELECT count(*) FROM pg_namespace WHERE nspname = 'dry'"));
	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &first, "dry", false, &n));
	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "dry", true, &n));
	assert_int_equal(2, n);
}

static void a_migration_that_fails_leaves_those_before_it_and_nothing_of_itself(void **state)
{
	struct fixture *fx = *state;
	int n = -1;

	assert_int_equal(ERR_INTERNAL, migrate_database(&fx->cx, fx->s, &broken, "broken", false, &n));
	assert_non_null(strstr(fx->cx.problem.cause, "migration test/0002_bad"));
	assert_non_null(strstr(fx->cx.problem.cause, "22012"));
	assert_int_equal(-1, n);
	assert_string_equal("1", value(fx, "SELECT max(version) FROM broken.migration"));
	assert_string_equal("", value(fx, "SELECT to_regclass('broken.half')"));
	ctx_clear_problem(&fx->cx);
	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "broken", false, &n));
	assert_int_equal(2, n);
}

static void a_migration_that_was_changed_after_the_fact_is_refused_by_name(void **state)
{
	struct fixture *fx = *state;
	int n = -1;

	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "changed", false, &n));
	assert_int_equal(ERR_CONFLICT, migrate_database(&fx->cx, fx->s, &changed, "changed", false, &n));
	assert_non_null(strstr(fx->cx.problem.message, "test/0001_one.sql"));
}

static void a_database_ahead_of_the_program_is_left_alone(void **state)
{
	struct fixture *fx = *state;
	int n = -1;

	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &set, "ahead", false, &n));
	assert_int_equal(ERR_NONE, migrate_database(&fx->cx, fx->s, &first, "ahead", false, &n));
	assert_int_equal(0, n);
}

struct racer {
	pthread_t thread;
	struct fixture *fx;
	const char *conninfo;
	int applied;
	enum err result;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct ctx cx = { .arena = arena_create(4096), .deadline_ms = clock_mono_ms() + 60000 };
	struct db_session *s = NULL;

	r->result = db_session_open(&cx, r->conninfo, PG_SUPERUSER, NULL, &s);
	if (r->result == ERR_NONE)
		r->result = migrate_database(&cx, s, &set, "raced", false, &r->applied);
	db_session_close(s);
	arena_destroy(cx.arena);
	return NULL;
}

static void nodes_that_start_together_apply_each_migration_once(void **state)
{
	struct fixture *fx = *state;
	const char *conninfo = pg_conninfo(fx->pg, "postgres");
	struct racer racers[6];
	int total = 0;

	for (int i = 0; i < 6; i++) {
		racers[i] = (struct racer){ .fx = fx, .conninfo = conninfo };
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	for (int i = 0; i < 6; i++) {
		pthread_join(racers[i].thread, NULL);
		assert_int_equal(ERR_NONE, racers[i].result);
		total += racers[i].applied;
	}
	assert_int_equal(3, total);
	assert_string_equal("1", value(fx, "SELECT count(*) FROM raced.one"));
}

static void make_tenant(struct fixture *fx, const char *schema)
{
	pg_sql(fx->pg, "postgres",
		arena_printf(fx->cx.arena,
			"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'owner') THEN"
			" CREATE ROLE owner; END IF; END $$; CREATE SCHEMA %s AUTHORIZATION owner",
			schema));
}

static void a_tenants_schema_is_brought_up_in_one_transaction_as_its_owner(void **state)
{
	struct fixture *fx = *state;

	make_tenant(fx, "t_one");
	assert_int_equal(ERR_NONE, migrate_tenant_schema(&fx->cx, fx->s, &set, "t_one", "owner", 0, 2));
	assert_string_equal("owner",
		value(fx,
			"SELECT tableowner FROM pg_tables WHERE schemaname = 't_one' AND tablename = 'two'"));
	assert_string_equal("", value(fx, "SELECT attname FROM pg_attribute WHERE attrelid = "
					  "'t_one.one'::regclass AND attname = 'm'"));
	assert_int_equal(ERR_NONE, migrate_tenant_schema(&fx->cx, fx->s, &set, "t_one", "owner", 2, 0));
	assert_string_equal("m", value(fx, "SELECT attname FROM pg_attribute WHERE attrelid = "
					   "'t_one.one'::regclass AND attname = 'm'"));
	/* Whoever recorded it died before doing so: what was done is not done again. */
	assert_int_equal(ERR_NONE, migrate_tenant_schema(&fx->cx, fx->s, &set, "t_one", "owner", 0, 0));
}

static void a_tenants_schema_keeps_nothing_of_a_migration_that_failed(void **state)
{
	struct fixture *fx = *state;

	make_tenant(fx, "t_two");
	assert_int_equal(
		ERR_INTERNAL, migrate_tenant_schema(&fx->cx, fx->s, &broken, "t_two", "owner", 0, 0));
	assert_string_equal("0", value(fx, "SELECT count(*) FROM pg_tables WHERE schemaname = 't_two'"));
	ctx_clear_problem(&fx->cx);
	assert_int_equal(ERR_NONE, migrate_tenant_schema(&fx->cx, fx->s, &set, "t_two", "owner", 0, 0));
}

static void databases_and_roles_are_made_once_with_odd_names_too(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			ERR_NONE, db_session_login_role(&fx->cx, fx->s, "odd \"'name", "sécret", false));
		assert_int_equal(ERR_NONE, db_session_login_role(&fx->cx, fx->s, "maker", NULL, true));
		assert_int_equal(ERR_NONE, db_session_create_database(&fx->cx, fx->s, "Odd\"base", "maker"));
	}
	assert_string_equal("SCRAM-SHA-256",
		value(fx, "SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname LIKE 'odd%'"));
	assert_string_equal(
		"maker", value(fx, "SELECT datdba::regrole FROM pg_database WHERE datname = 'Odd\"base'"));
	assert_string_equal("true true",
		value(fx, "SELECT rolcreaterole || ' ' || rolinherit FROM pg_roles WHERE rolname = 'maker'"));
}

static void a_session_answers_tables_with_nulls_as_null(void **state)
{
	static const char *const params[] = { "a", NULL };
	struct fixture *fx = *state;
	struct db_table t;

	assert_int_equal(ERR_NONE,
		db_session_table(&fx->cx, fx->s,
			"SELECT $1::text, $2::text UNION ALL SELECT 'b', 'c' ORDER BY 1", 2, params, &t));
	assert_int_equal(2, t.nrows);
	assert_int_equal(2, t.ncols);
	assert_string_equal("a", t.cell[0]);
	assert_null(t.cell[1]);
	assert_string_equal("c", t.cell[3]);
}

static void a_session_waits_no_longer_than_the_deadline(void **state)
{
	struct fixture *fx = *state;
	int64_t start_ms = clock_mono_ms();

	fx->cx.deadline_ms = start_ms + 100;
	assert_int_equal(ERR_UNAVAILABLE, db_session_script(&fx->cx, fx->s, "SELECT pg_sleep(600)"));
	assert_true(clock_mono_ms() - start_ms >= 95);
}

static void what_is_missing_is_an_internal_error_to_a_session(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_INTERNAL, db_session_script(&fx->cx, fx->s, "SELECT * FROM nowhere"));
	assert_null(fx->cx.problem.message);
	assert_non_null(strstr(fx->cx.problem.cause, "42P01"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			migrations_run_once_and_in_order, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			a_dry_run_counts_and_touches_nothing, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			a_migration_that_fails_leaves_those_before_it_and_nothing_of_itself, open_session,
			close_session),
		cmocka_unit_test_setup_teardown(
			a_migration_that_was_changed_after_the_fact_is_refused_by_name, open_session,
			close_session),
		cmocka_unit_test_setup_teardown(
			a_database_ahead_of_the_program_is_left_alone, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			nodes_that_start_together_apply_each_migration_once, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			a_tenants_schema_is_brought_up_in_one_transaction_as_its_owner, open_session,
			close_session),
		cmocka_unit_test_setup_teardown(a_tenants_schema_keeps_nothing_of_a_migration_that_failed,
			open_session, close_session),
		cmocka_unit_test_setup_teardown(
			databases_and_roles_are_made_once_with_odd_names_too, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			a_session_answers_tables_with_nulls_as_null, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			a_session_waits_no_longer_than_the_deadline, open_session, close_session),
		cmocka_unit_test_setup_teardown(
			what_is_missing_is_an_internal_error_to_a_session, open_session, close_session),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
