/* SPDX-License-Identifier: Apache-2.0 */
/* serve --embedded: whatever dies, nothing is left behind, and the next start finds its data. */
#define _GNU_SOURCE /* asprintf */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "instance.h"
#include "temp.h"

static void killed_daemon_leaves_no_orphan(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	instance_tenant(in, "survivor", "eu-west-1");
	const pid_t supervisor = instance_supervisor(in);
	instance_kill(in);
	instance_await_none(in);
	for (int64_t end = temp_now_ms() + WAIT_MS; kill(supervisor, 0) == 0; temp_sleep_ms(10)) {
		char path[64];

		/* Somebody else's zombie is gone enough. */
		snprintf(path, sizeof path, "/proc/%d/cwd", (int)supervisor);
		if (access(path, F_OK) != 0)
			break;
		assert_true(temp_now_ms() < end);
	}
	instance_launch(in);
	instance_expect(in, "survivor");
	instance_stop(in);
}

/* The next start waits for what the last one is still stopping. */
static void killed_daemon_starts_again_at_once(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	instance_tenant(in, "hasty", "eu-west-1");
	for (int i = 0; i < 3; i++) {
		instance_kill(in);
		instance_launch(in);
		instance_expect(in, "hasty");
	}
	instance_stop(in);
}

/* It still drains and stops its servers: whoever comes now is next. */
static void start_while_the_last_one_stops_waits_for_it(void **state)
{
	struct instance *in = *state;
	pid_t before;

	instance_launch(in);
	instance_tenant(in, "handover", "eu-west-1");
	before = in->pid;
	assert_int_equal(0, kill(before, SIGTERM));
	instance_launch(in);
	assert_int_equal(0, temp_wait(before, WAIT_MS));
	instance_expect(in, "handover");
	instance_stop(in);
}

static void killed_daemon_and_supervisor_start_again(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	instance_tenant(in, "lazarus", "us-west-2");
	const pid_t supervisor = instance_supervisor(in);
	kill(in->pid, SIGSTOP);
	kill(supervisor, SIGKILL);
	instance_kill(in);
	instance_launch(in);
	instance_expect(in, "lazarus");
	instance_stop(in);
}

/* Orphans that nothing stopped: the parent-death signal was lost, say. */
static void leftovers_of_a_crash_are_stopped(void **state)
{
	struct instance *in = *state;
	pid_t postgres[PIDS_MAX], now[PIDS_MAX];

	instance_launch(in);
	instance_tenant(in, "debris", "ca-central-1");
	const pid_t supervisor = instance_supervisor(in);
	const pid_t redis = instance_child_of(supervisor, "redis-server");
	const int n = instance_find(in->dir, "postgres", postgres);
	assert_true(n > 0 && redis > 0);
	/* Stopped processes keep the signal that tells of the parent's death waiting. */
	for (int i = 0; i < n; i++)
		kill(postgres[i], SIGSTOP);
	kill(redis, SIGSTOP);
	kill(supervisor, SIGKILL);
	instance_kill(in);
	assert_true(instance_count(in) > 0);
	instance_launch(in);
	instance_expect(in, "debris");
	const int alive = instance_find(in->dir, "postgres", now);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < alive; k++)
			assert_int_not_equal(postgres[i], now[k]);
	instance_stop(in);
}

static void stale_pid_file_does_not_stop_the_start(void **state)
{
	struct instance *in = *state;
	char *path = temp_path(in->dir, "postgres/postmaster.pid"), *text = NULL;

	instance_launch(in);
	instance_stop(in);
	/* The number is a living process that is no PostgreSQL: ours. */
	assert_true(asprintf(&text, "%d\n%s/postgres\n1\n5432\n%s/run\n\n 1 1\nready   \n", (int)getpid(),
			    in->dir, in->dir) > 0);
	temp_write(path, text);
	instance_launch(in);
	instance_stop(in);
	free(path);
	free(text);
}

/* Until then what the dead one left may still answer: its backends notice a moment later. */
static void await_successor(pid_t supervisor, const char *name, pid_t was)
{
	pid_t is = 0;

	for (int64_t end = temp_now_ms() + WAIT_MS; is <= 0 || is == was; temp_sleep_ms(20)) {
		is = instance_child_of(supervisor, name);
		assert_true(temp_now_ms() < end);
	}
}

static bool has_argument(pid_t pid, const char *text)
{
	char path[64], line[8192];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(line, 1, sizeof line - 1, f);
	fclose(f);
	line[n] = '\0';
	for (const char *p = line; p < line + n; p += strlen(p) + 1)
		if (strcmp(p, text) == 0)
			return true;
	return false;
}

static void killed_postgresql_is_started_again(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	instance_tenant(in, "phoenix", "us-east-1");
	const pid_t supervisor = instance_supervisor(in), was = instance_child_of(supervisor, "postgres");
	assert_true(was > 0);
	kill(was, SIGKILL);
	await_successor(supervisor, "postgres", was);
	/* Its files are many by now, and to sync each of them took most of the time until it was back. */
	assert_true(has_argument(
		instance_child_of(supervisor, "postgres"), "recovery_init_sync_method=syncfs"));
	instance_await_writes(in, "phoenix");
	char *out = temp_read(in->out);
	assert_non_null(strstr(out, "a supervised process ended and will be started again"));
	free(out);
	instance_stop(in);
}

static void killed_redis_is_started_again(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	const pid_t supervisor = instance_supervisor(in), was = instance_child_of(supervisor, "redis-server");
	assert_true(was > 0);
	kill(was, SIGKILL);
	await_successor(supervisor, "redis-server", was);
	instance_stop(in);
}

static void lost_supervisor_ends_the_daemon(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	kill(instance_supervisor(in), SIGKILL);
	assert_int_equal(70, temp_wait(in->pid, WAIT_MS));
	in->pid = 0;
	instance_await_none(in);
	instance_launch(in);
	instance_stop(in);
}

static void second_signal_ends_it_at_once(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	kill(in->pid, SIGTERM);
	kill(in->pid, SIGTERM);
	const int status = temp_wait(in->pid, WAIT_MS);
	assert_true(status == 0 || status == 128 + SIGTERM);
	in->pid = 0;
	instance_await_none(in);
	instance_launch(in);
	instance_stop(in);
}

static void signal_while_starting_leaves_nothing(void **state)
{
	struct instance *in = *state;

	for (int ms = 0, i = 0; ms < 1500; ms = ms * 2 + 20, i++) {
		instance_launch_in(in, in->dir);
		temp_sleep_ms(ms);
		kill(in->pid, i % 2 == 0 ? SIGINT : SIGKILL);
		assert_int_not_equal(-1, temp_wait(in->pid, WAIT_MS));
		in->pid = 0;
	}
	instance_launch(in);
	instance_tenant(in, "patient", "us-east-1");
	instance_stop(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			killed_daemon_leaves_no_orphan, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			killed_daemon_starts_again_at_once, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			start_while_the_last_one_stops_waits_for_it, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			killed_daemon_and_supervisor_start_again, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			leftovers_of_a_crash_are_stopped, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			stale_pid_file_does_not_stop_the_start, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			killed_postgresql_is_started_again, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			killed_redis_is_started_again, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			lost_supervisor_ends_the_daemon, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			second_signal_ends_it_at_once, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			signal_while_starting_leaves_nothing, instance_setup, instance_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
