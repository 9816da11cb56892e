/* SPDX-License-Identifier: Apache-2.0 */
/* What units of work do when something gives way: runs that collide, deadlines, connections, the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../support/things.h"
#include "cc/base/clock.h"

static enum err raise_it(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	job->runs++;
	return thing_raise(cx, job->text);
}

static void a_serialization_failure_runs_the_work_again_three_times(void **state)
{
	struct job job = { .text = "40001" };

	assert_int_equal(ERR_UNAVAILABLE, things_unit(*state, DB_WRITE, raise_it, &job));
	assert_int_equal(4, job.runs);
}

static void any_other_failure_runs_the_work_once(void **state)
{
	struct job job = { .text = "23514" };

	assert_int_equal(ERR_CONFLICT, things_unit(*state, DB_WRITE, raise_it, &job));
	assert_int_equal(1, job.runs);
}

static enum err fail_twice_then_add(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	if (++job->runs > 2)
		return thing_add(cx, 5, "five");
	(void)refuse_field(cx, "name", "taken", "noise of a run that does not count");
	(void)arena_alloc(cx->arena, 100000);
	return thing_raise(cx, "40P01");
}

static void what_a_failed_run_said_and_held_is_forgotten(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };
	size_t before = arena_bytes(fx->arena);

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, fail_twice_then_add, &job));
	assert_int_equal(3, job.runs);
	assert_int_equal(0, fx->cx.problem.nfaults);
	assert_null(fx->cx.problem.message);
	assert_true(arena_bytes(fx->arena) - before < 100000);
	assert_int_equal(1, things_stats(fx).opened_total);
}

static enum err sleep_long(struct ctx *cx, void *arg)
{
	(void)arg;
	return thing_sleep(cx, 600);
}

static void a_wait_ends_at_the_deadline_and_closes_the_connection(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };
	int64_t start = clock_mono_ms();

	fx->cx.deadline_ms = start + 200;
	assert_int_equal(ERR_UNAVAILABLE, things_unit(fx, DB_WRITE, sleep_long, &job));
	assert_true(clock_mono_ms() - start >= 190);
	assert_int_equal(0, things_stats(fx).open);
	assert_true(fx->cx.db_us > 100000);
	fx->cx.deadline_ms = clock_mono_ms() + 60000;
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
}

static void a_statement_over_its_time_is_unavailable_and_the_connection_stays(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	fx->place.statement_ms = 100;
	assert_int_equal(ERR_UNAVAILABLE, things_unit(fx, DB_WRITE, sleep_long, &job));
	assert_non_null(strstr(fx->cx.problem.cause, "57014"));
	assert_int_equal(1, things_stats(fx).open);
}

static void a_connection_that_ended_while_idle_is_replaced(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	things_kill_backends(fx);
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_read_later, &job));
	assert_int_equal(2, things_stats(fx).opened_total);
}

static enum err killed_at_first(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	if (job->runs++ == 0) {
		/* Queued, not sent: the connection ends before anything was asked. */
		thing_find_later(cx, &job->thing, &job->found, 1);
		things_kill_backends(job->fx);
	}
	return thing_add(cx, 1, "one");
}

static void a_connection_lost_before_the_first_answer_is_tried_once_more(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, killed_at_first, &job));
	assert_int_equal(2, job.runs);
	assert_null(fx->cx.problem.cause);
}

static enum err killed_each_time(struct ctx *cx, void *arg)
{
	struct job *job = arg;

	job->runs++;
	things_kill_backends(job->fx);
	return thing_add(cx, 1, "one");
}

static void but_not_twice(void **state)
{
	struct job job = { 0 };

	assert_int_equal(ERR_UNAVAILABLE, things_unit(*state, DB_WRITE, killed_each_time, &job));
	assert_int_equal(2, job.runs);
}

static enum err killed_between(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	enum err e = thing_add(cx, 1, "one");

	job->runs++;
	things_kill_backends(job->fx);
	return e == ERR_NONE ? thing_add(cx, 2, "two") : e;
}

static void a_connection_lost_in_the_middle_is_not_tried_again(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_UNAVAILABLE, things_unit(fx, DB_WRITE, killed_between, &job));
	assert_int_equal(1, job.runs);
	assert_string_equal("0", things_count(fx));
	assert_int_equal(0, things_stats(fx).open);
}

static enum err killed_before_commit(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	enum err e = thing_add(cx, 1, "one");

	job->runs++;
	things_kill_backends(job->fx);
	return e;
}

static void a_connection_lost_at_commit_is_never_tried_again(void **state)
{
	struct job job = { 0 };

	assert_int_equal(ERR_UNAVAILABLE, things_unit(*state, DB_WRITE, killed_before_commit, &job));
	assert_int_equal(1, job.runs);
}

static void a_crashed_server_is_unavailable_at_once_and_served_again_when_back(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };
	int64_t until;

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	pg_kill9(fx->pg);
	for (int i = 0; i < 50; i++)
		assert_int_equal(ERR_UNAVAILABLE, things_unit(fx, DB_READ, things_read_later, &job));
	/* Most of them were told by the pause after the first ones. */
	assert_true(things_stats(fx).failed_total < 25);
	assert_null(fx->cx.problem.message);
	pg_restart(fx->pg);
	until = clock_mono_ms() + 60000;
	fx->cx.deadline_ms = until;
	while (things_unit(fx, DB_READ, things_read_later, &job) != ERR_NONE)
		assert_true(clock_mono_ms() < until);
	assert_string_equal("one", job.thing.name);
}

/* What a full disk says is for the client to retry; the connection is as good as before. */
static void a_server_without_resources_is_unavailable(void **state)
{
	static const char *const states[] = { "53100", "53200", "58030" };
	struct things *fx = *state;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct job job = { .text = states[i] };

		assert_int_equal(ERR_UNAVAILABLE, things_unit(fx, DB_WRITE, raise_it, &job));
		assert_int_equal(1, job.runs);
		assert_int_equal(1, things_stats(fx).open);
	}
}

/* As a primary that became a standby: the way to the new one begins with a new connection. */
static void a_connection_that_only_reads_is_given_up(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	pg_sql(fx->pg, "postgres", "ALTER ROLE app SET default_transaction_read_only = on");
	assert_int_equal(ERR_UNAVAILABLE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_non_null(strstr(fx->cx.problem.cause, "25006"));
	assert_int_equal(0, things_stats(fx).open);
	pg_sql(fx->pg, "postgres", "ALTER ROLE app RESET default_transaction_read_only");
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_string_equal("2", things_count(fx));
}

static enum err write_in_a_read(struct ctx *cx, void *arg)
{
	(void)arg;
	return thing_add(cx, 1, "one");
}

static void a_write_in_a_read_is_a_mistake_of_ours(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_INTERNAL, things_unit(fx, DB_READ, write_in_a_read, &job));
	assert_int_equal(1, things_stats(fx).open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_serialization_failure_runs_the_work_again_three_times, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			any_other_failure_runs_the_work_once, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			what_a_failed_run_said_and_held_is_forgotten, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_wait_ends_at_the_deadline_and_closes_the_connection, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_statement_over_its_time_is_unavailable_and_the_connection_stays, things_open,
			things_close),
		cmocka_unit_test_setup_teardown(
			a_connection_that_ended_while_idle_is_replaced, things_open, things_close),
		cmocka_unit_test_setup_teardown(a_connection_lost_before_the_first_answer_is_tried_once_more,
			things_open, things_close),
		cmocka_unit_test_setup_teardown(but_not_twice, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_connection_lost_in_the_middle_is_not_tried_again, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_connection_lost_at_commit_is_never_tried_again, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_server_without_resources_is_unavailable, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_connection_that_only_reads_is_given_up, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_write_in_a_read_is_a_mistake_of_ours, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_crashed_server_is_unavailable_at_once_and_served_again_when_back, things_open,
			things_close),
	};

	return cmocka_run_group_tests(tests, things_start, things_stop);
}
