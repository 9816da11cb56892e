/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis dies, stops answering, forgets everything, under load: no client notices. Only what is promised of
 * Redis itself waits, the removal of a tenant's keys there, and with it the end of the tenant's purge.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "load.h"
#include "temp.h"

enum { ROUNDS = 1, ROUNDS_LONG = 60, LOAD_MS = 300, GAP_MS = 800, PROGRESS = 20, LEASE_S = 30 };

static struct crash crash;
static struct load *load;

static int start(void **state)
{
	static const struct load_rules rules = { .unavailable = false };

	crash = (struct crash){ 0 };
	crash_start(&crash, &(struct daemon_options){
				    .spare_schemas = 1, .undo_window_s = 1, .provision_lease_s = LEASE_S });
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

static void await_redis_status(struct crash *x, const char *status)
{
	const int64_t end = temp_now_ms() + 60000;

	while (strcmp(answer_text(assert_status(200, ask(x, "/api/v1/health")), "components.redis.status"),
		       status) != 0) {
		assert_true(temp_now_ms() < end);
		temp_sleep_ms(50);
	}
	assert_status(200, ask(x, "/readyz"));
}

/* The purge may have claimed a tenant just when Redis was away: another tries when that lease is over. */
static void check_all(struct crash *x)
{
	const int64_t end = temp_now_ms() + 2000;

	while (whole_pending(x) > 0 && temp_now_ms() < end)
		temp_sleep_ms(10);
	crash_expire(x);
	crash_settle(x);
	whole_check(x);
	ledger_check(load, true);
}

/* Something happens to Redis while clients work, and later it is undone. */
static void try_under_load(struct crash *x, void (*harm)(struct crash *x), void (*mend)(struct crash *x))
{
	for (int i = 0; i < (x->full ? ROUNDS_LONG : ROUNDS); i++) {
		x->rounds++;
		load_start(load);
		temp_sleep_ms(20 + (int)crash_pick(x, LOAD_MS));
		harm(x);
		load_await_progress(load, PROGRESS);
		temp_sleep_ms((int)crash_pick(x, GAP_MS));
		mend(x);
		load_await_progress(load, PROGRESS);
		load_stop(load);
		await_redis_status(x, "healthy");
		check_all(x);
	}
}

static void kill_redis(struct crash *x)
{
	daemon_redis_kill(x->d);
	x->kills++;
	await_redis_status(x, "unhealthy");
}

static void restart_redis(struct crash *x)
{
	daemon_redis_restart(x->d);
}

static void stop_redis(struct crash *x)
{
	kill(daemon_redis_pid(x->d), SIGSTOP);
	await_redis_status(x, "unhealthy");
}

static void continue_redis(struct crash *x)
{
	kill(daemon_redis_pid(x->d), SIGCONT);
}

static void flush_redis(struct crash *x)
{
	assert_string_equal("+OK", crash_redis(x, "FLUSHALL"));
}

static void nobody_misses_a_killed_redis(void **state)
{
	try_under_load(*state, kill_redis, restart_redis);
}

static void nobody_waits_for_a_stopped_redis(void **state)
{
	try_under_load(*state, stop_redis, continue_redis);
}

static void nothing_is_lost_with_what_redis_forgets(void **state)
{
	try_under_load(*state, flush_redis, flush_redis);
}

/* A tenant deleted while Redis is away keeps its place until its keys there are gone as well. */
static void a_purge_waits_for_redis(void **state)
{
	struct crash *x = *state;
	struct tenant_fixture t;
	char command[160];

	fixture_tenant(x->d, "patient", NULL, NULL, NULL, &t);
	snprintf(command, sizeof(command), "SET cc:{%s}:tests 1", t.id);
	assert_string_equal("+OK", crash_redis(x, command));
	stop_redis(x);
	assert_status(202, client_delete(x->operator, "/tenants/%s", t.id));
	while (crash_number(x, NULL, "SELECT count(*) FROM cc.tenant WHERE id = '%s' AND status = 'deleting'",
		       t.id) == 0)
		temp_sleep_ms(20);
	assert_int_equal(
		0, crash_number(x, NULL, "SELECT count(*) FROM cc.tenant_tombstone WHERE id = '%s'", t.id));
	continue_redis(x);
	await_redis_status(x, "healthy");
	check_all(x);
	assert_int_equal(
		1, crash_number(x, NULL, "SELECT count(*) FROM cc.tenant_tombstone WHERE id = '%s'", t.id));
	snprintf(command, sizeof(command), "EXISTS cc:{%s}:tests", t.id);
	assert_string_equal(":0", crash_redis(x, command));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_misses_a_killed_redis),
		cmocka_unit_test(nobody_waits_for_a_stopped_redis),
		cmocka_unit_test(nothing_is_lost_with_what_redis_forgets),
		cmocka_unit_test(a_purge_waits_for_redis),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
