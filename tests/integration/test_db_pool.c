/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: shares of tenants, budgets of servers, turns of waiters, ages of connections. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/things.h"
#include "cc/base/clock.h"

static void nap_ms(int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static struct db_pool *pool_of(struct things *fx, int max, int share, struct db_budget *budget)
{
	const struct db_pool_conf conf = {
		.name = "pool",
		.conninfo = pg_conninfo(fx->pg, "postgres"),
		.user = "app",
		.max = max,
		.share = share,
		.connect_ms = 20000,
		.idle_close_ms = 60,
		.lifetime_ms = 60000,
		.budget = budget,
	};

	return db_pool_create(&conf);
}

static struct db_pool_stats stats(struct db_pool *p)
{
	struct db_pool_stats s;

	db_pool_stats(p, &s);
	return s;
}

static enum err lease(struct db_pool *p, const char *tenant, int ms, struct db **ret)
{
	return db_lease(p, tenant, clock_mono_ms() + ms, ret);
}

static struct db *must_lease(struct db_pool *p, const char *tenant)
{
	struct db *db = NULL;

	assert_int_equal(ERR_NONE, lease(p, tenant, 2000, &db));
	return db;
}

static void the_connection_that_came_back_last_is_leased_first(void **state)
{
	struct db_pool *p = pool_of(*state, 3, 0, NULL);
	struct db *a = must_lease(p, NULL), *b = must_lease(p, NULL);

	db_return(a);
	db_return(b);
	assert_ptr_equal(b, must_lease(p, NULL));
	assert_int_equal(2, stats(p).open);
	assert_int_equal(1, stats(p).leased);
	db_return(b);
	db_pool_destroy(p);
}

static void a_full_pool_is_overloaded_at_the_deadline(void **state)
{
	struct db_pool *p = pool_of(*state, 1, 0, NULL);
	struct db *a = must_lease(p, NULL), *b = NULL;
	int64_t start = clock_mono_ms();

	assert_int_equal(ERR_OVERLOADED, lease(p, NULL, 100, &b));
	assert_true(clock_mono_ms() - start >= 95);
	assert_int_equal(0, stats(p).waiting);
	db_return(a);
	db_pool_destroy(p);
}

static void a_tenant_over_its_share_waits_while_others_are_served(void **state)
{
	struct db_pool *p = pool_of(*state, 4, 2, NULL);
	struct db *a = must_lease(p, "greedy"), *b = must_lease(p, "greedy"), *c = NULL, *d;

	assert_int_equal(ERR_OVERLOADED, lease(p, "greedy", 50, &c));
	d = must_lease(p, "modest");
	db_return(a);
	a = must_lease(p, "greedy");
	db_return(a);
	db_return(b);
	db_return(d);
	db_pool_destroy(p);
}

struct turn {
	pthread_t thread;
	struct db_pool *pool;
	const char *tenant;
	int ms;
	enum err result;
	int *next, place;
};

static void *take_turn(void *arg)
{
	struct turn *t = arg;
	struct db *db = NULL;

	t->result = lease(t->pool, t->tenant, t->ms, &db);
	if (t->result == ERR_NONE) {
		t->place = __atomic_fetch_add(t->next, 1, __ATOMIC_SEQ_CST);
		nap_ms(2);
		db_return(db);
	}
	return NULL;
}

static void start_turn(struct turn *t, int waiting)
{
	assert_int_equal(0, pthread_create(&t->thread, NULL, take_turn, t));
	while (stats(t->pool).waiting < waiting)
		nap_ms(1);
}

static void waiters_are_served_in_the_order_they_came(void **state)
{
	struct db_pool *p = pool_of(*state, 1, 0, NULL);
	struct db *a = must_lease(p, NULL);
	struct turn turns[8];
	int next = 0;

	for (int i = 0; i < 8; i++) {
		turns[i] = (struct turn){ .pool = p, .ms = 5000, .next = &next };
		start_turn(&turns[i], i + 1);
	}
	db_return(a);
	for (int i = 0; i < 8; i++) {
		pthread_join(turns[i].thread, NULL);
		assert_int_equal(ERR_NONE, turns[i].result);
		assert_int_equal(i, turns[i].place);
	}
	assert_int_equal(1, stats(p).opened_total);
	/* Each waited for those before it, and the first lease for nobody. */
	assert_int_equal(8, stats(p).waits_total);
	assert_true(stats(p).waited_us >= (1 + 2 + 3 + 4 + 5 + 6 + 7) * 2000);
	db_pool_destroy(p);
}

static void a_waiter_behind_a_greedy_one_is_not_held_up_by_it(void **state)
{
	struct db_pool *p = pool_of(*state, 2, 1, NULL);
	struct db *a = must_lease(p, "greedy"), *b = must_lease(p, "other");
	int next = 0;
	struct turn greedy = { .pool = p, .tenant = "greedy", .ms = 5000, .next = &next };
	struct turn modest = { .pool = p, .tenant = "modest", .ms = 5000, .next = &next };

	start_turn(&greedy, 1);
	start_turn(&modest, 2);
	db_return(b);
	pthread_join(modest.thread, NULL);
	assert_int_equal(ERR_NONE, modest.result);
	assert_int_equal(0, modest.place);
	db_return(a);
	pthread_join(greedy.thread, NULL);
	assert_int_equal(1, greedy.place);
	db_pool_destroy(p);
}

static void pools_of_one_budget_take_idle_places_from_each_other(void **state)
{
	struct db_budget *budget = db_budget_create(2);
	struct db_pool *p = pool_of(*state, 2, 0, budget), *q = pool_of(*state, 2, 0, budget);
	struct db *a = must_lease(p, NULL), *b = must_lease(p, NULL), *c = NULL;

	assert_int_equal(ERR_OVERLOADED, lease(q, NULL, 50, &c));
	db_return(a);
	c = must_lease(q, NULL);
	assert_int_equal(1, stats(p).open);
	assert_int_equal(1, stats(q).open);
	db_return(b);
	db_return(c);
	db_pool_destroy(p);
	db_pool_destroy(q);
	db_budget_destroy(budget);
}

static void a_waiter_gets_the_place_that_another_pool_gives_back(void **state)
{
	struct db_budget *budget = db_budget_create(1);
	struct db_pool *p = pool_of(*state, 1, 0, budget), *q = pool_of(*state, 1, 0, budget);
	struct db *a = must_lease(p, NULL);
	int next = 0;
	struct turn t = { .pool = q, .ms = 5000, .next = &next };

	start_turn(&t, 1);
	db_return(a);
	pthread_join(t.thread, NULL);
	assert_int_equal(ERR_NONE, t.result);
	assert_int_equal(0, stats(p).open);
	db_pool_destroy(p);
	db_pool_destroy(q);
	db_budget_destroy(budget);
}

static void idle_connections_are_swept(void **state)
{
	struct db_pool *p = pool_of(*state, 2, 0, NULL);

	db_return(must_lease(p, NULL));
	db_pool_sweep(p);
	assert_int_equal(1, stats(p).open);
	nap_ms(80);
	db_pool_sweep(p);
	assert_int_equal(0, stats(p).open);
	db_pool_destroy(p);
}

static void a_connection_past_its_lifetime_is_replaced(void **state)
{
	struct things *fx = *state;
	const struct db_pool_conf conf = { .name = "short",
		.conninfo = pg_conninfo(fx->pg, "postgres"),
		.user = "app",
		.max = 1,
		.connect_ms = 2000,
		.lifetime_ms = 30 };
	struct db_pool *p = db_pool_create(&conf);
	struct db *a = must_lease(p, NULL);

	nap_ms(40);
	db_return(a);
	assert_int_equal(0, stats(p).open);
	db_return(must_lease(p, NULL));
	assert_int_equal(2, stats(p).opened_total);
	db_pool_destroy(p);
}

static enum err ask_one(struct ctx *cx, void *arg)
{
	(void)arg;
	return thing_sleep(cx, 0);
}

static enum err ask_nothing(struct ctx *cx, void *arg)
{
	(void)cx;
	(void)arg;
	return ERR_NONE;
}

static void visit(struct things *fx, struct db_pool *p, const char *path, db_work work)
{
	const struct db_place place = { .pool = p, .search_path = path, .statement_ms = 20000 };

	assert_int_equal(ERR_NONE, db_unit(&fx->cx, &place, DB_READ, work, NULL));
}

static void a_connection_that_served_more_schemas_than_it_may_is_replaced(void **state)
{
	struct things *fx = *state;
	const struct db_pool_conf conf = { .name = "visitor",
		.conninfo = pg_conninfo(fx->pg, "postgres"),
		.user = "app",
		.max = 1,
		.connect_ms = 20000,
		.schemas_max = 2 };
	struct db_pool *p = db_pool_create(&conf);

	assert_int_equal(0, things_open(state));
	for (int i = 0; i < 3; i++) {
		visit(fx, p, "t_a, pg_temp", ask_one);
		visit(fx, p, "t_b, pg_temp", ask_one);
		visit(fx, p, "t_c, pg_temp", ask_nothing);
	}
	assert_int_equal(1, stats(p).opened_total);
	assert_int_equal(1, stats(p).open);
	visit(fx, p, "t_c, pg_temp", ask_one);
	assert_int_equal(0, stats(p).open);
	visit(fx, p, "t_c, pg_temp", ask_one);
	visit(fx, p, "t_a, pg_temp", ask_one);
	assert_int_equal(2, stats(p).opened_total);
	assert_int_equal(1, stats(p).open);
	db_pool_destroy(p);
	assert_int_equal(0, things_close(state));
}

static void an_unreachable_server_is_told_and_not_stormed(void **state)
{
	const struct db_pool_conf conf = { .name = "nowhere",
		.conninfo = "host=/nonexistent dbname=x",
		.user = "app",
		.max = 8,
		.connect_ms = 2000 };
	struct db_pool *p = db_pool_create(&conf);
	struct db *db = NULL;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ERR_UNAVAILABLE, lease(p, NULL, 2000, &db));
		nap_ms(1);
	}
	/* Most of them were told by the pause after the first ones. */
	assert_in_range(stats(p).failed_total, 1, 50);
	assert_int_equal(0, stats(p).open);
	assert_int_equal(0, stats(p).leased);
	db_pool_destroy(p);
}

/* A socket that accepts and says nothing. */
static int silent_server(const char *dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/.s.PGSQL.6000", dir);
	assert_int_equal(0, bind(fd, (const struct sockaddr *)&at, sizeof(at)));
	assert_int_equal(0, listen(fd, 8));
	return fd;
}

static void a_server_that_says_nothing_costs_the_time_to_connect(void **state)
{
	struct things *fx = *state;
	char conninfo[128];
	int fd = silent_server(pg_dir(fx->pg));
	struct db_pool_conf conf = {
		.name = "silent", .conninfo = conninfo, .user = "app", .max = 1, .connect_ms = 100
	};
	int64_t start = clock_mono_ms();
	struct db *db = NULL;
	struct db_pool *p;

	snprintf(conninfo, sizeof(conninfo), "host=%s port=6000 dbname=x", pg_dir(fx->pg));
	p = db_pool_create(&conf);
	assert_int_equal(ERR_UNAVAILABLE, lease(p, NULL, 5000, &db));
	assert_true(clock_mono_ms() - start >= 95);
	db_pool_destroy(p);
	close(fd);
}

static enum err ask_settings(struct ctx *cx, void *arg)
{
	static const struct db_query q = { .name = "settings",
		.sql = "SELECT current_setting('enable_seqscan') || ' ' || current_setting('lock_timeout') "
		       "|| ' ' ||"
		       " current_setting('idle_in_transaction_session_timeout') || ' ' || "
		       "current_setting('TimeZone') || ' ' ||"
		       " current_setting('client_encoding') || ' ' || current_setting('application_name') AS "
		       "name",
		.card = DB_ONE,
		.row = &thing_schema };
	struct job *job = arg;

	return db_query_now(cx->db, &q, NULL, (struct db_result){ .row = &job->thing }, NULL);
}

static void connections_have_our_settings(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(0, things_open(state));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, ask_settings, &job));
	assert_string_equal("off 1s 10s UTC UTF8 controlcored", job.thing.name);
	assert_int_equal(0, things_close(state));
}

/* Threads of many tenants on two pools of one budget; the race detector looks on. */
struct crowd {
	pthread_t thread;
	struct db_place place;
	int done;
};

static void *work_in_crowd(void *arg)
{
	struct crowd *c = arg;
	struct ctx cx = { .arena = arena_create(4096) };

	for (int i = 0; i < 60; i++) {
		struct job job = { 0 };
		enum err e;

		cx.deadline_ms = clock_mono_ms() + 20000;
		e = db_unit(&cx, &c->place, i % 2 == 0 ? DB_READ : DB_WRITE, things_read_later, &job);
		c->done += e == ERR_NONE && strcmp(job.thing.name, "one") == 0;
		arena_reset(cx.arena);
	}
	arena_destroy(cx.arena);
	return NULL;
}

static void many_threads_share_two_pools_under_one_budget(void **state)
{
	struct things *fx = *state;
	struct db_budget *budget = db_budget_create(4);
	struct db_pool *pools[2] = { pool_of(fx, 3, 2, budget), pool_of(fx, 3, 2, budget) };
	static const char *const tenants[] = { "a", "b", "c", NULL };
	struct job job = { 0 };
	struct crowd crowd[12];

	assert_int_equal(0, things_open(state));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	for (int i = 0; i < 12; i++) {
		crowd[i] = (struct crowd){ .place = fx->place };
		crowd[i].place.pool = pools[i % 2];
		crowd[i].place.tenant = tenants[i % 4];
		pthread_create(&crowd[i].thread, NULL, work_in_crowd, &crowd[i]);
	}
	for (int i = 0; i < 12; i++) {
		pthread_join(crowd[i].thread, NULL);
		assert_int_equal(60, crowd[i].done);
	}
	assert_true(stats(pools[0]).open + stats(pools[1]).open <= 4);
	assert_int_equal(0, stats(pools[0]).faults_total + stats(pools[1]).faults_total);
	db_pool_destroy(pools[0]);
	db_pool_destroy(pools[1]);
	db_budget_destroy(budget);
	assert_int_equal(0, things_close(state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_connection_that_came_back_last_is_leased_first),
		cmocka_unit_test(a_full_pool_is_overloaded_at_the_deadline),
		cmocka_unit_test(a_tenant_over_its_share_waits_while_others_are_served),
		cmocka_unit_test(waiters_are_served_in_the_order_they_came),
		cmocka_unit_test(a_waiter_behind_a_greedy_one_is_not_held_up_by_it),
		cmocka_unit_test(pools_of_one_budget_take_idle_places_from_each_other),
		cmocka_unit_test(a_waiter_gets_the_place_that_another_pool_gives_back),
		cmocka_unit_test(idle_connections_are_swept),
		cmocka_unit_test(a_connection_past_its_lifetime_is_replaced),
		cmocka_unit_test(a_connection_that_served_more_schemas_than_it_may_is_replaced),
		cmocka_unit_test(an_unreachable_server_is_told_and_not_stormed),
		cmocka_unit_test(a_server_that_says_nothing_costs_the_time_to_connect),
		cmocka_unit_test(connections_have_our_settings),
		cmocka_unit_test(many_threads_share_two_pools_under_one_budget),
	};

	return cmocka_run_group_tests(tests, things_start, things_stop);
}
