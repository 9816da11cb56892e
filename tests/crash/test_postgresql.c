/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL dies under load, all of its processes at once, and comes back some time later. The daemon says
 * 503 in between, never anything else and never nothing; afterwards it works again by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "load.h"
#include "temp.h"

enum { KILLS = 4, KILLS_LONG = 200, LOAD_MS = 500, GAP_MS = 1500, PROGRESS = 20 };

static struct crash crash;
static struct load *load;

static int start(void **state)
{
	static const struct load_rules rules = { .unavailable = true };

	crash = (struct crash){ 0 };
	crash_start(&crash,
		&(struct daemon_options){ .spare_schemas = 1, .undo_window_s = 1, .provision_lease_s = 2 });
	load = load_create(&crash, &rules);
	*state = &crash;
	return 0;
}

static int stop(void **state)
{
	load_destroy(load);
	crash_stop(*state);
	return 0;
}

static const struct answer *ask(struct crash *x, const char *target)
{
	client_forget(x->operator);
	return client_call(x->operator, "GET", target, NULL, NULL);
}

/* Every node is without it: a balancer that sent nobody here would have nobody left. */
static void expect_degraded(struct crash *x)
{
	while (strcmp("ok", answer_text(assert_status(200, ask(x, "/readyz")), "status")) == 0)
		temp_sleep_ms(20);
	assert_text("degraded", assert_status(200, ask(x, "/readyz")), "status");
	assert_text("unhealthy", assert_status(503, ask(x, "/api/v1/health")), "status");
	assert_status(200, ask(x, "/livez"));
}

static void kill_under_load(struct crash *x, bool look)
{
	load_start(load);
	load_await_progress(load, 5);
	temp_sleep_ms((int)crash_pick(x, LOAD_MS));
	daemon_database_kill(x->d);
	x->kills++;
	if (look)
		expect_degraded(x);
	temp_sleep_ms((int)crash_pick(x, GAP_MS));
	daemon_database_restart(x->d);
	load_await_progress(load, PROGRESS);
	load_stop(load);
	assert_text("ok", assert_status(200, ask(x, "/readyz")), "status");
}

static void nothing_acknowledged_is_lost_with_postgresql(void **state)
{
	struct crash *x = *state;
	const int kills = x->full ? KILLS_LONG : KILLS;

	while (x->rounds++ < kills) {
		kill_under_load(x, x->rounds == 1);
		crash_settle(x);
		whole_check(x);
		ledger_check(load, true);
	}
	assert_true(atomic_load(&load->acknowledged) > kills);
	assert_true(atomic_load(&load->refused) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost_with_postgresql),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
