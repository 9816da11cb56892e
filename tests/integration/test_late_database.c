/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that is started before its database: it waits, for a while, and can be stopped meanwhile. */
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

static void await_line(struct daemon *d, const char *text, int before)
{
	const int64_t end = temp_now_ms() + WAIT_MS;

	while (daemon_log_lines(d, text) == before) {
		assert_true(temp_now_ms() < end);
		temp_sleep_ms(20);
	}
}

static void database_that_comes_later_is_waited_for(void **state)
{
	struct daemon *d = *state;
	const int before = daemon_log_lines(d, "it is waited for");

	assert_int_equal(0, daemon_stop(d));
	daemon_database_kill(d);
	daemon_launch(d);
	await_line(d, "it is waited for", before);
	assert_true(daemon_running(d));
	daemon_database_restart(d);
	assert_true(daemon_await_ready(d, WAIT_MS));
	/* Said once, however often it was asked. */
	assert_int_equal(before + 1, daemon_log_lines(d, "it is waited for"));
}

static void whoever_waits_can_be_stopped(void **state)
{
	struct daemon *d = *state;
	const int before = daemon_log_lines(d, "it is waited for");

	assert_int_equal(0, daemon_stop(d));
	daemon_database_kill(d);
	daemon_launch(d);
	await_line(d, "it is waited for", before);
	assert_int_equal(128 + SIGTERM, daemon_stop(d));
	daemon_database_restart(d);
	daemon_restart(d);
}

static void nobody_waits_for_ever(void **state)
{
	static const char *const env[] = { "CONTROLCORE_CONTROL_WAIT_S=1", NULL };
	struct daemon *d = *state;

	assert_int_equal(0, daemon_stop(d));
	daemon_database_kill(d);
	daemon_env(d, env);
	daemon_launch(d);
	assert_int_equal(69, daemon_await_end(d, WAIT_MS));
	daemon_database_restart(d);
	daemon_env(d, NULL);
	daemon_restart(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(database_that_comes_later_is_waited_for),
		cmocka_unit_test(whoever_waits_can_be_stopped),
		cmocka_unit_test(nobody_waits_for_ever),
	};

	return cmocka_run_group_tests_name("late_database", tests, daemon_group_setup, daemon_group_teardown);
}
