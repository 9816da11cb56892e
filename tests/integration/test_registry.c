/* SPDX-License-Identifier: Apache-2.0 */
/* What a node knows by heart, how it forgets, and what it does without the control database. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "plane.h"
#include "cc/base/clock.h"
#include "cc/core/apikeys.h"
#include "cc/core/registry.h"
#include "cc/core/scope.h"
#include "cc/crypto/apikey.h"

struct fixture {
	struct plane *p;
	const char *tenant;     /* "acme" */
	const char *key;        /* an operator's */
};

static int start(void **state)
{
	static struct fixture fx;
	struct ctx cx;
	const char *key;

	fx.p = plane_start();
	fx.tenant = plane_tenant(fx.p, "acme");
	cx = plane_ctx(fx.p);
	assert_int_equal(ERR_NONE, operator_key_create(&cx, "first", NULL, &key));
	fx.key = arena_strdup(fx.p->arena, key);
	plane_done(&cx);
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	plane_stop(fx->p);
	return 0;
}

static int64_t trips(struct plane *p)
{
	struct db_pool_stats stats;

	db_pool_stats(p->world.ctl, &stats);
	return stats.trips_total;
}

static void poll_feed(struct plane *p)
{
	struct ctx cx = plane_ctx(p);

	assert_int_equal(ERR_NONE, registry_poll(&cx));
	plane_done(&cx);
}

/* A node of its own on the same databases, with everything up to date. */
static struct plane *join(struct fixture *fx)
{
	struct plane *p = plane_join(fx->p->pg);

	poll_feed(p);
	return p;
}

static enum err ask_key(struct plane *p, const char *key, bool may_load)
{
	struct ctx cx = plane_ctx(p);
	const struct actor *actor = NULL;
	enum err e = cred_get(&cx, key, may_load, &actor);

	cred_put(actor);
	plane_done(&cx);
	return e;
}

static enum err ask_tenant(struct plane *p, const char *name, bool may_load)
{
	struct ctx cx = plane_ctx(p);
	const struct tenant *t = NULL;
	enum err e = strchr(name, '.') != NULL ? tenant_get_by_host(&cx, name, may_load, &t)
					       : tenant_get(&cx, name, may_load, &t);

	tenant_put(t);
	plane_done(&cx);
	return e;
}

static void nothing_is_loaded_where_nothing_may_block(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	const int64_t before = trips(p);

	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NEED_LOAD, ask_tenant(p, "acme", false));
	assert_int_equal(ERR_NEED_LOAD, ask_tenant(p, "policies.acme.org", false));
	assert_int_equal(before, trips(p));
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, true));
	assert_int_equal(ERR_NONE, ask_tenant(p, "acme", true));
	assert_int_equal(before + 2, trips(p));
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NONE, ask_tenant(p, "acme", false));
	/* by its id as well */
	assert_int_equal(ERR_NONE, ask_tenant(p, fx->tenant, false));
	assert_int_equal(before + 2, trips(p));
	plane_leave(p);
}

static void a_snapshot_tells_where_a_tenant_lives(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	struct ctx cx = plane_ctx(p);
	const struct tenant *t = NULL;
	struct db_place place;

	assert_int_equal(ERR_NONE, tenant_get(&cx, "acme", true, &t));
	assert_string_equal(fx->tenant, t->id);
	assert_string_equal("acme.controlcore.io", t->domain);
	assert_int_equal(TENANT_ACTIVE, t->status);
	assert_string_equal("pro", t->plan->name);
	assert_string_equal("us-east-1", t->region);
	assert_int_equal(ERR_NONE, tenant_place(&cx, t, &place));
	assert_string_equal(t->schema_id, place.role);
	assert_string_equal(arena_printf(cx.arena, "%s, pg_temp", t->schema_id), place.search_path);
	assert_non_null(place.pool);
	tenant_put(t);
	plane_done(&cx);
	plane_leave(p);
}

/* The last letter of the secret is another, and the checksum is right again for neither. */
static void what_is_no_key_costs_no_question(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	const int64_t before = trips(p);
	char key[80];

	(void)snprintf(key, sizeof(key), "%s", fx->key);
	key[30] = key[30] == 'a' ? 'b' : 'a';
	assert_int_equal(ERR_UNAUTHORIZED, ask_key(p, key, false));
	assert_int_equal(ERR_UNAUTHORIZED, ask_key(p, "", false));
	assert_int_equal(ERR_UNAUTHORIZED, ask_key(p, "cc_op_", false));
	assert_int_equal(before, trips(p));
	plane_leave(p);
}

static void an_unknown_key_is_asked_for_once(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	struct arena *a = arena_create(512);
	const char *display, *key;
	struct apikey made;
	int64_t before;

	key = apikey_new(a, APIKEY_LIVE, &made, &display);
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, key, false));
	before = trips(p);
	assert_int_equal(ERR_UNAUTHORIZED, ask_key(p, key, true));
	assert_int_equal(before + 1, trips(p));
	for (int i = 0; i < 10; i++)
		assert_int_equal(ERR_UNAUTHORIZED, ask_key(p, key, false));
	assert_int_equal(before + 1, trips(p));
	arena_destroy(a);
	plane_leave(p);
}

static void a_foreign_host_is_asked_for_once(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	const int64_t before = trips(p);

	assert_int_equal(ERR_TENANT_NOT_FOUND, ask_tenant(p, "who.example.org", true));
	assert_int_equal(ERR_TENANT_NOT_FOUND, ask_tenant(p, "who.example.org", false));
	assert_int_equal(before + 1, trips(p));
	plane_leave(p);
}

struct crowd {
	struct plane *p;
	const char *key;
	pthread_barrier_t gate;
	atomic_int good;
};

static void *ask_together(void *arg)
{
	struct crowd *c = arg;

	pthread_barrier_wait(&c->gate);
	if (ask_key(c->p, c->key, true) == ERR_NONE && ask_tenant(c->p, "acme", true) == ERR_NONE)
		atomic_fetch_add(&c->good, 1);
	return NULL;
}

/* Something that is not found out until the lock is given up. */
static PGconn *hold(struct plane *p, const char *table)
{
	char conninfo[400], sql[100];
	PGconn *pg;

	(void)snprintf(conninfo, sizeof(conninfo), "%s user=%s", pg_conninfo(p->pg, PLANE_CONTROL),
		       PG_SUPERUSER);
	(void)snprintf(sql, sizeof(sql), "BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", table);
	pg = PQconnectdb(conninfo);
	PQclear(PQexec(pg, sql));
	assert_int_equal(PQTRANS_INTRANS, PQtransactionStatus(pg));
	return pg;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void many_who_ask_at_once_are_one_question(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	struct crowd c = { .p = p, .key = fx->key };
	const int64_t before = trips(p);
	PGconn *held = hold(p, "cc.api_key");
	pthread_t threads[16];

	assert_int_equal(0, pthread_barrier_init(&c.gate, NULL, 16));
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, ask_together, &c));
	nap(200);
	PQfinish(held);
	for (size_t i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&c.gate);
	assert_int_equal(16, atomic_load(&c.good));
	assert_int_equal(before + 2, trips(p));
	plane_leave(p);
}

static void *ask_alone(void *arg)
{
	struct crowd *c = arg;

	if (ask_key(c->p, c->key, true) == ERR_NONE)
		atomic_fetch_add(&c->good, 1);
	return NULL;
}

/* What was read before a revocation must not be remembered after it. */
static void a_load_that_was_overtaken_is_not_kept(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	struct crowd c = { .p = p, .key = fx->key };
	PGconn *held = hold(p, "cc.api_key");
	char id[11];
	pthread_t thread;

	(void)snprintf(id, sizeof(id), "%.10s", fx->key + strlen("cc_op_"));
	assert_int_equal(0, pthread_create(&thread, NULL, ask_alone, &c));
	nap(100);
	registry_forget_key(p->world.registry, id);
	PQfinish(held);
	pthread_join(thread, NULL);
	assert_int_equal(1, atomic_load(&c.good));
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	plane_leave(p);
}

static void change(struct plane *p, const char *tenant, const char *kind, const char *subject)
{
	plane_sql(p, PLANE_CONTROL,
		  "WITH next AS (UPDATE cc.change_head SET version = version + 1 RETURNING version)"
		  " INSERT INTO cc.change (version, tenant_id, kind, subject)"
		  " SELECT version, '%s', '%s', '%s' FROM next", tenant, kind, subject);
}

static void know(struct fixture *fx, struct plane *p)
{
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, true));
	assert_int_equal(ERR_NONE, ask_tenant(p, "acme", true));
}

static void the_feed_says_what_to_forget(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	char id[15];

	(void)snprintf(id, sizeof(id), "key-%.10s", fx->key + strlen("cc_op_"));
	know(fx, p);
	change(p, "somebody", "tenant", "somebody");
	poll_feed(p);
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NONE, ask_tenant(p, "acme", false));
	change(p, fx->tenant, "tenant", fx->tenant);
	poll_feed(p);
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NEED_LOAD, ask_tenant(p, "acme", false));
	know(fx, p);
	change(p, "", "key", id);
	poll_feed(p);
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NONE, ask_tenant(p, "acme", false));
	plane_leave(p);
}

static void a_poll_is_one_round_trip_with_news_or_without(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	struct db_pool_stats before, after;

	know(fx, p);
	db_pool_stats(p->world.ctl, &before);
	poll_feed(p);
	change(p, fx->tenant, "tenant", fx->tenant);
	poll_feed(p);
	db_pool_stats(p->world.ctl, &after);
	assert_int_equal(2, after.trips_total - before.trips_total);
	assert_int_equal(ERR_NEED_LOAD, ask_tenant(p, "acme", false));
	plane_leave(p);
}

static void a_gap_in_the_feed_drops_everything(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);

	know(fx, p);
	change(p, "x", "tenant", "x");
	change(p, "y", "tenant", "y");
	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.change WHERE tenant_id = 'x'");
	poll_feed(p);
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NEED_LOAD, ask_tenant(p, "acme", false));
	/* all of it trimmed: nothing newer is listed, but the head has moved */
	know(fx, p);
	change(p, "z", "tenant", "z");
	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.change");
	poll_feed(p);
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	know(fx, p);
	poll_feed(p);
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, false));
	plane_leave(p);
}

static void too_many_changes_drop_everything(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);

	know(fx, p);
	plane_sql(p, PLANE_CONTROL,
		  "WITH n AS (UPDATE cc.change_head SET version = version + 1500"
		  " RETURNING version - 1500 AS v) INSERT INTO cc.change (version, kind, subject)"
		  " SELECT v + i, 'key', 'none' FROM n, generate_series(1, 1500) i");
	poll_feed(p);
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	know(fx, p);
	poll_feed(p);
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, false));
	plane_leave(p);
}

static void a_renamed_tenant_leaves_its_name(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	const char *id = plane_tenant(fx->p, "before");

	assert_int_equal(ERR_NONE, ask_tenant(p, "before", true));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.name SET name = 'after' WHERE name = 'before'");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET slug = 'after' WHERE id = '%s'", id);
	registry_forget_tenant(p->world.registry, id);
	assert_int_equal(ERR_TENANT_NOT_FOUND, ask_tenant(p, "before", true));
	assert_int_equal(ERR_NONE, ask_tenant(p, "after", true));
	assert_int_equal(ERR_NONE, ask_tenant(p, id, false));
	plane_leave(p);
}

static void references_outlive_the_cache(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = join(fx);
	struct ctx cx = plane_ctx(p);
	const struct tenant *t = NULL, *fresh = NULL;
	const struct actor *actor = NULL;

	assert_int_equal(ERR_NONE, tenant_get(&cx, "acme", true, &t));
	assert_int_equal(ERR_NONE, cred_get(&cx, fx->key, true, &actor));
	assert_int_equal(ERR_NONE, tenant_reload(&cx, fx->tenant, &fresh));
	assert_ptr_not_equal(t, fresh);
	registry_forget_tenant(p->world.registry, fx->tenant);
	registry_forget_key(p->world.registry, actor->id);
	assert_string_equal("acme", t->slug);
	assert_string_equal("acme", fresh->slug);
	assert_int_equal(ACTOR_OPERATOR, actor->kind);
	assert_true(actor->scopes == scope_all_platform());
	tenant_put(t);
	tenant_put(fresh);
	cred_put(actor);
	plane_done(&cx);
	plane_leave(p);
}

static enum err confirm(struct plane *p, bool may_load, bool *ret_degraded)
{
	struct ctx cx = plane_ctx(p);
	enum err e = registry_confirm(&cx, may_load, ret_degraded);

	plane_done(&cx);
	return e;
}

/* Within a second of a poll, or a moment after a failed one, nobody asks: a slow machine may be too late. */
static bool is_told_without_asking(struct plane *p, bool *ret_degraded)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ERR_NONE, confirm(p, true, ret_degraded));
		if (confirm(p, false, ret_degraded) == ERR_NONE)
			return true;
	}
	return false;
}

/* Last: the server dies. */
static void without_the_database_memory_serves_for_a_while(void **state)
{
	struct fixture *fx = *state;
	struct plane *p = plane_join(fx->p->pg);
	bool degraded = true;

	p->settings.stale_max_s = 3600;
	/* never read: nothing is decided from memory */
	assert_int_equal(ERR_NEED_LOAD, confirm(p, false, &degraded));
	assert_true(is_told_without_asking(p, &degraded));
	assert_false(degraded);
	know(fx, p);
	pg_kill9(fx->p->pg);
	nap(1100);
	assert_int_equal(ERR_NEED_LOAD, confirm(p, false, &degraded));
	assert_int_equal(ERR_NONE, confirm(p, true, &degraded));
	assert_true(degraded);
	assert_true(is_told_without_asking(p, &degraded));
	assert_true(degraded);
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, false));
	assert_int_equal(ERR_NONE, ask_tenant(p, "acme", false));
	p->settings.stale_max_s = 1;
	assert_int_equal(ERR_UNAVAILABLE, confirm(p, true, &degraded));
	assert_int_equal(ERR_NEED_LOAD, ask_key(p, fx->key, false));
	assert_int_equal(ERR_UNAVAILABLE, ask_key(p, fx->key, true));
	pg_restart(fx->p->pg);
	while (confirm(p, true, &degraded) != ERR_NONE)
		nap(50);
	assert_false(degraded);
	assert_int_equal(ERR_NONE, ask_key(p, fx->key, true));
	plane_leave(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_loaded_where_nothing_may_block),
		cmocka_unit_test(a_snapshot_tells_where_a_tenant_lives),
		cmocka_unit_test(what_is_no_key_costs_no_question),
		cmocka_unit_test(an_unknown_key_is_asked_for_once),
		cmocka_unit_test(a_foreign_host_is_asked_for_once),
		cmocka_unit_test(many_who_ask_at_once_are_one_question),
		cmocka_unit_test(a_load_that_was_overtaken_is_not_kept),
		cmocka_unit_test(the_feed_says_what_to_forget),
		cmocka_unit_test(a_poll_is_one_round_trip_with_news_or_without),
		cmocka_unit_test(a_gap_in_the_feed_drops_everything),
		cmocka_unit_test(too_many_changes_drop_everything),
		cmocka_unit_test(a_renamed_tenant_leaves_its_name),
		cmocka_unit_test(references_outlive_the_cache),
		cmocka_unit_test(without_the_database_memory_serves_for_a_while),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
