/* SPDX-License-Identifier: Apache-2.0 */
/* Units of work: what they cost, what they undo, as whom they run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../support/things.h"

static void a_read_that_waits_for_nothing_is_one_round_trip(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };
	int64_t before;

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	before = things_stats(fx).trips_total;
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, things_read_later, &job));
		assert_int_equal(before + i, things_stats(fx).trips_total);
	}
	assert_string_equal("one", job.thing.name);
	assert_int_equal(2, job.rows.n);
	assert_string_equal("two", DB_ROW(&job.rows, struct thing, 1)->name);
	assert_int_equal(1, things_stats(fx).opened_total);
}

static enum err gate_then_write(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	enum err e = thing_find(cx, &job->thing, &job->found, 1);

	thing_add_later(cx, 1, "one");
	thing_add_later(cx, 2, "two");
	return e;
}

static void a_write_behind_a_gate_is_two_round_trips(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, gate_then_write, &job));
	assert_int_equal(2, things_stats(fx).trips_total);
	assert_string_equal("2", things_count(fx));
}

static enum err look_twice(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	struct db_rows before;
	enum err e = thing_list(cx, &before, NULL);

	if (e != ERR_NONE)
		return e;
	pg_sql(job->fx->pg, "postgres", "INSERT INTO t_a.thing (id, name) VALUES (3, 'three')");
	e = thing_list(cx, &job->rows, NULL);
	job->n = (int64_t)before.n;
	return e;
}

/* A list, its total and the version that it is tagged with belong together. */
static void all_of_a_read_is_of_one_moment(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, look_twice, &job));
	assert_int_equal(2, job.n);
	assert_int_equal(2, job.rows.n);
	assert_string_equal("3", things_count(fx));
}

static enum err ask_nothing(struct ctx *cx, void *arg)
{
	(void)cx;
	(void)arg;
	return ERR_NONE;
}

static void work_that_asks_nothing_costs_no_round_trip(void **state)
{
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(*state, DB_WRITE, ask_nothing, &job));
	assert_int_equal(0, things_stats(*state).trips_total);
}

static const struct db_query look = { .name = "look",
	.sql = "SELECT current_setting('search_path') AS name, current_setting('cc.tenant', true) AS status",
	.card = DB_ONE,
	.row = &thing_schema };

static enum err look_now(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	job->runs++;
	return db_query_now(cx->db, &look, NULL, (struct db_result){ .row = &job->thing }, NULL);
}

static enum err look_later(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	db_query_later(cx->db, &look, NULL, (struct db_result){ .row = &job->thing }, NULL);
	return ERR_NONE;
}

/* The server's own account of the last thing that the connection sent. */
static const char *last_statement(struct things *fx)
{
	return pg_value(fx->pg, "postgres",
			"SELECT query || ' ' || state FROM pg_stat_activity"
			" WHERE application_name = 'controlcored' AND pid <> pg_backend_pid()");
}

static void a_glance_is_its_statement_and_nothing_else(void **state)
{
	struct things *fx = *state;
	const struct db_place bare = { .pool = fx->pool };
	const char *sent = arena_printf(fx->arena, "%s idle", look.sql);
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, db_glance(&fx->cx, &bare, look_now, &job));
	assert_string_equal("\"$user\", public", job.thing.name);
	assert_null(job.thing.status);
	assert_string_equal(sent, last_statement(fx));
	assert_int_equal(1, things_stats(fx).trips_total);
	job.thing.name = NULL;
	assert_int_equal(ERR_NONE, db_glance(&fx->cx, &bare, look_later, &job));
	assert_string_equal("\"$user\", public", job.thing.name);
	assert_string_equal(sent, last_statement(fx));
	assert_int_equal(2, things_stats(fx).trips_total);
	assert_int_equal(ERR_NONE, db_glance(&fx->cx, &bare, ask_nothing, NULL));
	assert_int_equal(2, things_stats(fx).trips_total);
	assert_int_equal(1, things_stats(fx).opened_total);
}

static enum err fail_at_once(struct ctx *cx, void *arg)
{
	(void)arg;
	return thing_raise(cx, "22012");
}

static enum err refuse_what_is_queued(struct ctx *cx, void *arg)
{
	assert_int_equal(ERR_NONE, look_later(cx, arg));
	return ERR_CONFLICT;
}

static void a_glance_that_fails_leaves_a_clean_connection_or_none(void **state)
{
	struct things *fx = *state;
	const struct db_place bare = { .pool = fx->pool };
	struct job job = { 0 };

	assert_int_equal(ERR_INTERNAL, db_glance(&fx->cx, &bare, fail_at_once, NULL));
	assert_int_equal(ERR_NONE, db_glance(&fx->cx, &bare, look_now, &job));
	assert_int_equal(1, things_stats(fx).opened_total);
	assert_int_equal(ERR_CONFLICT, db_glance(&fx->cx, &bare, refuse_what_is_queued, &job));
	assert_int_equal(0, things_stats(fx).open);
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_int_equal(0, things_stats(fx).faults_total);
}

static enum err add_then_collide(struct ctx *cx, void *arg)
{
	enum err e = thing_add(cx, 1, "same");

	(void)arg;
	return e == ERR_NONE ? thing_add(cx, 2, "same") : e;
}

static void a_failure_in_the_middle_rolls_back_and_leaves_a_clean_connection(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NAME_TAKEN, things_unit(fx, DB_WRITE, add_then_collide, &job));
	assert_string_equal("0", things_count(fx));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_int_equal(1, things_stats(fx).opened_total);
}

static void a_constraint_becomes_the_error_the_field_and_the_sentence_of_the_model(void **state)
{
	struct things *fx = *state;
	const struct problem *p = &fx->cx.problem;
	struct job job = { 0 };

	assert_int_equal(ERR_NAME_TAKEN, things_unit(fx, DB_WRITE, add_then_collide, &job));
	assert_string_equal("a thing has this name", p->message);
	assert_int_equal(1, p->nfaults);
	assert_string_equal("name", p->faults->field);
	assert_string_equal("taken", p->faults->error);
	assert_non_null(strstr(p->cause, "23505"));
}

static enum err collide_later(struct ctx *cx, void *arg)
{
	(void)arg;
	thing_add_later(cx, 1, "same");
	thing_add_later(cx, 2, "same");
	return ERR_NONE;
}

static void a_failure_beside_commit_is_reported_and_nothing_stays(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NAME_TAKEN, things_unit(fx, DB_WRITE, collide_later, &job));
	assert_string_equal("0", things_count(fx));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
}

static enum err rename_nothing_later(struct ctx *cx, void *arg)
{
	enum err e = thing_add(cx, 3, "three");

	(void)arg;
	thing_rename_later(cx, 99, "x");
	return e;
}

static void a_later_write_that_touches_no_row_undoes_the_unit(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NOT_FOUND, things_unit(fx, DB_WRITE, rename_nothing_later, &job));
	assert_string_equal("0", things_count(fx));
}

static enum err look_for_what_is_not_there(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	job->found = true;
	if (thing_get(cx, &job->thing, 404) != ERR_NOT_FOUND)
		return ERR_INTERNAL;
	return thing_find(cx, &job->thing, &job->found, 404);
}

static void a_missing_row_is_an_answer_and_the_work_goes_on(void **state)
{
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(*state, DB_READ, look_for_what_is_not_there, &job));
	assert_false(job.found);
}

static void a_read_cannot_write(void **state)
{
	struct job job = { 0 };

	assert_int_equal(ERR_INTERNAL, things_unit(*state, DB_READ, things_add_two, &job));
	assert_int_equal(1, things_stats(*state).open);
}

static enum err refuse_with_something_queued(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	struct thing gone;

	/* Its result would go to a stack that is no more. */
	thing_find_later(cx, &gone, &job->found, 1);
	return refuse(cx, ERR_QUOTA, "full");
}

static void a_refusal_forgets_what_was_queued(void **state)
{
	struct job job = { .found = true };

	assert_int_equal(ERR_QUOTA, things_unit(*state, DB_WRITE, refuse_with_something_queued, &job));
	assert_int_equal(1, things_stats(*state).trips_total);
	assert_true(job.found);
}

static enum err ask_who(struct ctx *cx, void *arg)
{
	static const struct db_query q = { .name = "who",
		.sql = "SELECT current_user::text AS name, current_setting('search_path') AS status,"
		       " current_setting('cc.tenant') AS body",
		.card = DB_ONE,
		.row = &thing_schema };
	struct job *job = arg;

	return db_query_now(cx->db, &q, NULL, (struct db_result){ .row = &job->thing }, NULL);
}

static void role_path_and_tenant_end_with_the_unit(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, ask_who, &job));
	assert_string_equal("t_a", job.thing.name);
	assert_string_equal("t_a, public, pg_temp", job.thing.status);
	assert_string_equal("tenant-a", job.thing.body);
	fx->place.role = NULL;
	fx->place.tenant = NULL;
	fx->place.search_path = "pg_temp";
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, ask_who, &job));
	assert_string_equal("app", job.thing.name);
	assert_string_equal("pg_temp", job.thing.status);
	assert_string_equal("", job.thing.body);
	assert_int_equal(1, things_stats(fx).opened_total);
}

static void each_tenant_sees_its_own_rows_through_the_same_statement(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	fx->place.role = "t_b";
	fx->place.search_path = "t_b, pg_temp";
	assert_int_equal(ERR_NOT_FOUND, things_unit(fx, DB_READ, things_read_later, &job));
	fx->place.role = "t_a";
	fx->place.search_path = "t_a, pg_temp";
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, things_read_later, &job));
	assert_int_equal(1, things_stats(fx).opened_total);
}

static void a_wrong_path_or_role_is_a_moved_tenant_never_data(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	fx->place.role = "t_b";
	assert_int_equal(ERR_TENANT_MOVING, things_unit(fx, DB_READ, things_read_later, &job));
	assert_null(fx->cx.problem.message);
	fx->place.search_path = "t_nowhere, pg_temp";
	assert_int_equal(ERR_TENANT_MOVING, things_unit(fx, DB_READ, things_read_later, &job));
	fx->place.role = "t_nobody";
	assert_int_equal(ERR_TENANT_MOVING, things_unit(fx, DB_READ, things_read_later, &job));
	fx->place.role = PG_SUPERUSER;
	assert_int_equal(ERR_TENANT_MOVING, things_unit(fx, DB_READ, things_read_later, &job));
}

static void a_column_that_changed_under_a_prepared_statement_is_read_anew(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, things_read_later, &job));
	pg_sql(fx->pg, "postgres", "ALTER TABLE t_a.thing ALTER name TYPE text");
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, things_read_later, &job));
	assert_string_equal("one", job.thing.name);
	assert_int_equal(2, things_stats(fx).opened_total);
	pg_sql(fx->pg, "postgres", "ALTER TABLE t_a.thing ALTER name TYPE varchar(100)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_read_that_waits_for_nothing_is_one_round_trip, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_write_behind_a_gate_is_two_round_trips, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_glance_is_its_statement_and_nothing_else, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_glance_that_fails_leaves_a_clean_connection_or_none, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			work_that_asks_nothing_costs_no_round_trip, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_failure_in_the_middle_rolls_back_and_leaves_a_clean_connection, things_open,
			things_close),
		cmocka_unit_test_setup_teardown(
			a_constraint_becomes_the_error_the_field_and_the_sentence_of_the_model, things_open,
			things_close),
		cmocka_unit_test_setup_teardown(
			a_failure_beside_commit_is_reported_and_nothing_stays, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_later_write_that_touches_no_row_undoes_the_unit, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_missing_row_is_an_answer_and_the_work_goes_on, things_open, things_close),
		cmocka_unit_test_setup_teardown(all_of_a_read_is_of_one_moment, things_open, things_close),
		cmocka_unit_test_setup_teardown(a_read_cannot_write, things_open, things_close),
		cmocka_unit_test_setup_teardown(a_refusal_forgets_what_was_queued, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			role_path_and_tenant_end_with_the_unit, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			each_tenant_sees_its_own_rows_through_the_same_statement, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_wrong_path_or_role_is_a_moved_tenant_never_data, things_open, things_close),
		cmocka_unit_test_setup_teardown(a_column_that_changed_under_a_prepared_statement_is_read_anew,
			things_open, things_close),
	};

	return cmocka_run_group_tests(tests, things_start, things_stop);
}
