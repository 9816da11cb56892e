/* SPDX-License-Identifier: Apache-2.0 */
/* The background threads of a node, with and without Redis. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/base/clock.h"
#include "cc/cache/redis.h"
#include "cc/core/registry.h"
#include "cc/jobs/jobs.h"

#define SOON_MS 60000 /* far more than anything here takes */

struct fixture {
	struct plane *p;
	pid_t redis;
	char address[80];
	struct redis_conf conf;
	struct jobs *jobs;
};

static void start_redis(struct fixture *fx)
{
	const char *path = fx->address + strlen("unix:");
	struct redis *r;
	int64_t us;

	fx->redis = fork();
	if (fx->redis == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stdout) != NULL)
			execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save",
				"", "--appendonly", "no", "--dir", "/", (char *)NULL);
		_exit(127);
	}
	r = redis_create(&fx->conf);
	for (int64_t end = clock_mono_ms() + SOON_MS; redis_ping(r, &us) != ERR_NONE; usleep(20000))
		assert_true(clock_mono_ms() < end);
	redis_destroy(r);
}

static void stop_redis(struct fixture *fx)
{
	if (fx->redis > 0) {
		kill(fx->redis, SIGKILL);
		waitpid(fx->redis, NULL, 0);
	}
	fx->redis = 0;
}

static int start(void **state)
{
	static struct fixture fx;

	signal(SIGPIPE, SIG_IGN);
	fx.p = plane_start();
	snprintf(fx.address, sizeof(fx.address), "unix:/tmp/cc-jobs-%d.sock", (int)getpid());
	fx.conf = (struct redis_conf){ .address = fx.address, .connect_ms = 1000, .command_ms = 1000 };
	start_redis(&fx);
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	stop_redis(fx);
	unlink(fx->address + strlen("unix:"));
	plane_stop(fx->p);
	return 0;
}

static int begin(void **state)
{
	struct fixture *fx = *state;

	fx->p->settings.spare_schemas = 0;
	fx->p->settings.poll_ms = 500;
	fx->p->settings.undo_window_s = 60;
	fx->p->world.redis = &fx->conf;
	return 0;
}

static int end(void **state)
{
	struct fixture *fx = *state;

	jobs_stop(fx->jobs);
	fx->jobs = NULL;
	return 0;
}

static void await(struct plane *p, int64_t expected, const char *sql)
{
	int64_t n;

	for (int64_t until = clock_mono_ms() + SOON_MS;
		(n = plane_number(p, PLANE_CONTROL, "%s", sql)) != expected; usleep(20000))
		if (clock_mono_ms() > until) {
			print_error("%s: %d, not %d\n", sql, (int)n, (int)expected);
			fail();
		}
}

static void the_stock_fills_and_is_refilled_after_a_claim(void **state)
{
	struct fixture *fx = *state;

	fx->p->settings.spare_schemas = 2;
	fx->jobs = jobs_start(&fx->p->world);
	assert_non_null(fx->jobs);
	await(fx->p, 4, "SELECT count(*) FROM cc.tenant_schema WHERE state = 'ready'");
	(void)plane_tenant(fx->p, "acme");
	await(fx->p, 4, "SELECT count(*) FROM cc.tenant_schema WHERE state = 'ready'");
}

static void a_tick_with_nothing_to_do_is_one_statement(void **state)
{
	struct fixture *fx = *state;
	struct db_pool_stats before, after;
	struct plane *p = fx->p;

	p->settings.spare_schemas = 1;
	(void)plane_tenant(p, "idle");
	while (plane_tick(p).prepared > 0)
		;
	db_pool_stats(p->world.ctl, &before);
	(void)plane_tick(p);
	db_pool_stats(p->world.ctl, &after);
	assert_int_equal(1, after.trips_total - before.trips_total);
	assert_string_equal("SELECT EXISTS", plane_text(p, PLANE_CONTROL,
						     "SELECT left(query, 13) FROM pg_stat_activity"
						     " WHERE usename = 'cc_ctl' AND state = 'idle'"
						     " ORDER BY state_change DESC LIMIT 1"));
}

static void what_is_due_is_purged_with_its_redis_keys_and_no_others(void **state)
{
	struct fixture *fx = *state;
	const char *id = plane_tenant(fx->p, "victim"), *other = plane_tenant(fx->p, "other"), *value;
	struct redis *r = redis_create(&fx->conf);
	struct arena *a = fx->p->arena;

	assert_int_equal(ERR_NONE, redis_set(r, redis_key(a, id, "x"), "1", 0));
	assert_int_equal(ERR_NONE, redis_set(r, redis_key(a, other, "x"), "1", 0));
	plane_sql(fx->p, PLANE_CONTROL,
		"UPDATE cc.tenant SET status = 'deletion_scheduled', purge_at = now(), deleted_at = now()"
		" WHERE id = '%s'",
		id);
	fx->jobs = jobs_start(&fx->p->world);
	await(fx->p, 0, "SELECT count(*) FROM cc.tenant WHERE slug = 'victim'");
	assert_int_equal(ERR_NONE, redis_get(r, a, redis_key(a, id, "x"), &value));
	assert_null(value);
	assert_int_equal(ERR_NONE, redis_get(r, a, redis_key(a, other, "x"), &value));
	assert_string_equal("1", value);
	redis_destroy(r);
}

static void a_purge_waits_for_redis(void **state)
{
	struct fixture *fx = *state;
	const char *id = plane_tenant(fx->p, "patient");
	struct ctx cx = plane_ctx(fx->p);
	struct tick_report r;

	stop_redis(fx);
	plane_sql(fx->p, PLANE_CONTROL,
		"UPDATE cc.tenant SET status = 'deletion_scheduled', purge_at = now(), deleted_at = now()"
		" WHERE id = '%s'",
		id);
	plane_sql(fx->p, PLANE_CONTROL,
		"INSERT INTO cc.operation (id, tenant_id, kind, exclusive, step, started_by)"
		" VALUES ('op-patient', '%s', 'tenant_deletion', true, 'scheduled', 'x')",
		id);
	assert_int_equal(ERR_UNAVAILABLE, provision_tick(&cx, &r));
	assert_non_null(strstr(cx.problem.message, "Redis"));
	plane_done(&cx);
	assert_string_equal("running redis service_unavailable",
		plane_text(fx->p, PLANE_CONTROL,
			"SELECT concat_ws(' ', status, step, error->>'code')"
			" FROM cc.operation WHERE id = 'op-patient'"));
	start_redis(fx);
	plane_expire(fx->p);
	fx->jobs = jobs_start(&fx->p->world);
	await(fx->p, 0, "SELECT count(*) FROM cc.tenant WHERE slug = 'patient'");
	assert_string_equal("completed 100 t", plane_text(fx->p, PLANE_CONTROL,
						       "SELECT concat_ws(' ', status, percent, error IS NULL)"
						       " FROM cc.operation WHERE id = 'op-patient'"));
}

/* What the registry of a node says of the tenant's name. */
static const char *name_of(struct plane *p, const char *id)
{
	const struct tenant *t = NULL;
	struct ctx cx = plane_ctx(p);
	const char *name;

	assert_int_equal(ERR_NONE, tenant_get(&cx, id, true, &t));
	name = arena_strdup(p->arena, t->name);
	tenant_put(t);
	plane_done(&cx);
	return name;
}

static void rename_tenant(struct plane *p, const char *id, const char *name)
{
	plane_sql(p, PLANE_CONTROL,
		"UPDATE cc.tenant SET name = '%s' WHERE id = '%s';"
		" WITH n AS (UPDATE cc.change_head SET version = version + 1 RETURNING version)"
		" INSERT INTO cc.change (version, tenant_id, kind, subject) SELECT version, '%s', 'tenant', "
		"'%s'"
		" FROM n",
		name, id, id, id);
}

static void await_name(struct plane *p, const char *id, const char *name)
{
	for (int64_t until = clock_mono_ms() + SOON_MS; strcmp(name_of(p, id), name) != 0; usleep(10000))
		assert_true(clock_mono_ms() < until);
}

static void a_change_is_known_without_redis_after_a_poll(void **state)
{
	struct fixture *fx = *state;
	const char *id = plane_tenant(fx->p, "polled");

	fx->p->world.redis = NULL;
	fx->p->settings.poll_ms = 100;
	fx->jobs = jobs_start(&fx->p->world);
	await_name(fx->p, id, "Acme Corporation");
	rename_tenant(fx->p, id, "Polled");
	await_name(fx->p, id, "Polled");
}

static void a_push_shortens_the_wait_of_other_nodes(void **state)
{
	struct fixture *fx = *state;
	const char *id = plane_tenant(fx->p, "pushed");
	struct plane *second = plane_join(fx->p->pg);
	struct jobs *jobs;

	second->world.redis = &fx->conf;
	second->settings.poll_ms = 3600000;
	jobs = jobs_start(&second->world);
	fx->jobs = jobs_start(&fx->p->world);
	await_name(second, id, "Acme Corporation");
	rename_tenant(fx->p, id, "Pushed");
	for (int64_t until = clock_mono_ms() + SOON_MS; strcmp(name_of(second, id), "Pushed") != 0;
		usleep(50000)) {
		assert_true(clock_mono_ms() < until);
		fx->p->world.changed(&fx->p->world); /* the subscription may just have begun */
	}
	jobs_stop(jobs);
	plane_leave(second);
}

static void jobs_end_soon_when_nothing_can_be_reached(void **state)
{
	struct fixture *fx = *state;
	int64_t before;

	stop_redis(fx);
	pg_kill9(fx->p->pg);
	fx->jobs = jobs_start(&fx->p->world);
	usleep(300000);
	before = clock_mono_ms();
	jobs_stop(fx->jobs);
	fx->jobs = NULL;
	assert_true(clock_mono_ms() - before < SOON_MS);
	pg_restart(fx->p->pg);
	start_redis(fx);
}

static void jobs_go_on_when_the_server_is_back(void **state)
{
	struct fixture *fx = *state;

	fx->p->settings.spare_schemas = 3;
	fx->jobs = jobs_start(&fx->p->world);
	pg_kill9(fx->p->pg);
	usleep(300000);
	pg_restart(fx->p->pg);
	await(fx->p, 6, "SELECT count(*) FROM cc.tenant_schema WHERE state = 'ready'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_stock_fills_and_is_refilled_after_a_claim, begin, end),
		cmocka_unit_test_setup_teardown(a_tick_with_nothing_to_do_is_one_statement, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_due_is_purged_with_its_redis_keys_and_no_others, begin, end),
		cmocka_unit_test_setup_teardown(a_purge_waits_for_redis, begin, end),
		cmocka_unit_test_setup_teardown(a_change_is_known_without_redis_after_a_poll, begin, end),
		cmocka_unit_test_setup_teardown(a_push_shortens_the_wait_of_other_nodes, begin, end),
		cmocka_unit_test_setup_teardown(jobs_end_soon_when_nothing_can_be_reached, begin, end),
		cmocka_unit_test_setup_teardown(jobs_go_on_when_the_server_is_back, begin, end),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
