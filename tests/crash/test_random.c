/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon dies at times that chance names, while clients work with it: also while it starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "load.h"
#include "temp.h"

#define MEAN_MS 250
#define STEP_MS 5
#define START_MS 400 /* within so long a start is cut */
#define LEASE_S 2
#define STALE_MS 1000 /* what another node wrote, and could not tell of any more, is seen after so long */
enum { KILLS = 14, KILLS_LONG = 800, JOINS = 2, JOINS_LONG = 40, ROUNDS_TO_SETTLE = 7 };

static const struct daemon_options options = {
	.spare_schemas = 1, .undo_window_s = 1, .provision_lease_s = LEASE_S
};
static struct crash crash;
static struct load *load;

static int start(void **state)
{
	static const struct load_rules rules = { .breaks = true, .unavailable = true };

	crash = (struct crash){ 0 };
	crash_start(&crash, &options);
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

/* At any moment as probably as at any other. */
static void wait_for_it(struct crash *x)
{
	do {
		temp_sleep_ms(STEP_MS);
	} while (crash_pick(x, MEAN_MS / STEP_MS) != 0);
}

/* One start in four does all that a start does, and dies on the way. */
static void die_starting(struct crash *x)
{
	x->env[1] = NULL;
	daemon_launch(x->d);
	temp_sleep_ms((int)crash_pick(x, START_MS));
	crash_kill(x);
	x->env[1] = CRASH_QUICK_START;
}

static void kill_under_load(struct crash *x)
{
	load_start(load);
	wait_for_it(x);
	crash_kill(x);
	load_stop(load);
	if (crash_pick(x, 4) == 0)
		die_starting(x);
	crash_restart(x);
}

static void nothing_acknowledged_is_lost(void **state)
{
	struct crash *x = *state;
	const int kills = x->full ? KILLS_LONG : KILLS;

	while (x->kills < kills) {
		const bool settle = ++x->rounds % ROUNDS_TO_SETTLE == 0 || x->kills + 2 >= kills;

		kill_under_load(x);
		if (settle) {
			crash_settle(x);
			whole_check(x);
		}
		ledger_check(load, settle);
	}
	crash_settle(x);
	whole_check(x);
	ledger_check(load, true);
	assert_true(atomic_load(&load->acknowledged) > kills);
}

/* Nobody starts the dead one again: what it left is done by the other. */
static void another_node_finishes_what_the_dead_one_began(void **state)
{
	struct crash *x = *state;
	struct daemon *first = x->d, *second = daemon_join(first, &options);

	for (int i = 0; i < (x->full ? JOINS_LONG : JOINS); i++) {
		x->rounds++;
		load_start(load);
		wait_for_it(x);
		daemon_kill(first);
		x->kills++;
		load_stop(load);
		crash_cut_sessions(x);
		x->d = second;
		client_port(x->operator, daemon_port(second));
		crash_settle(x);
		whole_check(x);
		temp_sleep_ms(STALE_MS);
		ledger_check(load, true);
		x->d = first;
		crash_restart(x);
	}
	daemon_finish(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost),
		cmocka_unit_test(another_node_finishes_what_the_dead_one_began),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
