/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of every managed write, on a tenant's schema as the migrations make it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pg.h"
#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/audit.h"
#include "cc/core/head.h"
#include "cc/core/world.h"
#include "cc/db/query.h"
#include "cc/model/migrations.h"

#define DB "postgres"
#define SCHEMA_ID "t_aaaaaaaaaaaaaaaa"
#define THREADS 64

struct fixture {
	struct pg *pg;
	struct db_pool *pool;
	struct arena *arena;
	struct settings settings;
	struct world world;
	struct tenant tenant;
	struct actor actor;
	struct ctx cx;
};

static const char prepare[] = "CREATE ROLE owner_a NOLOGIN; CREATE ROLE " SCHEMA_ID " NOLOGIN NOINHERIT;"
			      " CREATE ROLE pool_a LOGIN NOINHERIT; GRANT " SCHEMA_ID " TO pool_a;"
			      " CREATE SCHEMA " SCHEMA_ID " AUTHORIZATION owner_a;"
			      " GRANT USAGE ON SCHEMA " SCHEMA_ID " TO " SCHEMA_ID ";"
			      " SET ROLE owner_a; SET search_path = " SCHEMA_ID "; ";

static const char fresh[] = "SET search_path = " SCHEMA_ID "; DELETE FROM audit; DELETE FROM head;"
			    " INSERT INTO head (epoch, writable) VALUES (1, true)";

static int start(void **state)
{
	static struct fixture fx;
	struct db_pool_conf conf = { .name = "a", .user = "pool_a", .max = 8, .connect_ms = 5000 };

	fx.pg = pg_start();
	fx.arena = arena_create(65536);
	pg_sql(fx.pg, DB, arena_printf(fx.arena, "%s%s", prepare, tenant_migrations.v[0].sql));
	conf.conninfo = arena_strdup(fx.arena, pg_conninfo(fx.pg, DB));
	fx.pool = db_pool_create(&conf);
	fx.settings.statement_ms = 5000;
	fx.world.settings = &fx.settings;
	fx.actor = (struct actor){ .kind = ACTOR_KEY, .id = "key-a", .tenant_id = "tenant-a" };
	fx.tenant = (struct tenant){
		.id = "tenant-a",
		.status = TENANT_ACTIVE,
		.schema_id = SCHEMA_ID,
		.search_path = SCHEMA_ID ", pg_temp",
		.epoch = 1,
		.schema_version = (int)tenant_migrations.n,
		.pool = fx.pool,
	};
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	db_pool_destroy(fx->pool);
	arena_destroy(fx->arena);
	pg_stop(fx->pg);
	return 0;
}

static int reset(void **state)
{
	struct fixture *fx = *state;

	pg_sql(fx->pg, DB, fresh);
	fx->tenant.epoch = 1;
	fx->tenant.schema_id = SCHEMA_ID;
	fx->tenant.search_path = SCHEMA_ID ", pg_temp";
	fx->tenant.limits = fx->tenant.warn = (struct limits){ 2, 2, 2, 2 };
	fx->cx = (struct ctx){
		.arena = fx->arena,
		.tenant = &fx->tenant,
		.actor = &fx->actor,
		.world = &fx->world,
		.request_id = "req-1",
		.deadline_ms = clock_mono_ms() + 60000,
	};
	return 0;
}

/* One unit of work that passes the gate and does this. */
struct write {
	enum take take;
	db_work then;
	struct head head; /* what the gate answered */
};

static enum err gate_and(struct ctx *cx, void *arg)
{
	struct write *w = arg;

	TRY(head_gate(cx, w->take));
	w->head = *cx->head;
	return w->then != NULL ? w->then(cx, arg) : ERR_NONE;
}

static enum err run(struct ctx *cx, struct write *w)
{
	struct db_place place;

	ctx_clear_problem(cx);
	TRY(tenant_place(cx, cx->tenant, &place));
	return db_unit(cx, &place, DB_WRITE, gate_and, w);
}

static enum err take(struct fixture *fx, enum take kind)
{
	struct write w = { .take = kind };

	return run(&fx->cx, &w);
}

static int64_t head_now(struct fixture *fx, const char *column)
{
	int64_t v = -1;

	assert_true(parse_int64(
		pg_value(fx->pg, DB, arena_printf(fx->arena, "SELECT %s FROM " SCHEMA_ID ".head", column)),
		&v));
	return v;
}

static void a_write_takes_a_version_and_a_place_in_the_audit(void **state)
{
	struct fixture *fx = *state;
	struct write w = { .take = TAKE_NOTHING };

	assert_int_equal(ERR_NONE, run(&fx->cx, &w));
	assert_int_equal(ERR_NONE, run(&fx->cx, &w));
	assert_int_equal(2, w.head.version);
	assert_int_equal(2, w.head.audit_seq);
	assert_int_equal(1, w.head.epoch);
	assert_int_equal(0, w.head.now % TIME_SECOND);
	assert_true(clock_wall_us() - w.head.now < 60 * TIME_SECOND);
	assert_int_equal(2, head_now(fx, "version"));
}

static void each_kind_has_ids_and_places_of_its_own(void **state)
{
	static const enum take kinds[] = { TAKE_POLICY, TAKE_RESOURCE, TAKE_BOUNCER, TAKE_USER };
	struct fixture *fx = *state;

	for (size_t i = 0; i < 4; i++) {
		struct write w = { .take = kinds[i] };

		assert_int_equal(ERR_NONE, run(&fx->cx, &w));
		assert_int_equal(1, w.head.last_id);
		assert_int_equal(ERR_NONE, run(&fx->cx, &w));
		assert_int_equal(2, w.head.last_id);
		assert_int_equal(ERR_QUOTA, run(&fx->cx, &w));
	}
	assert_int_equal(8, head_now(fx, "policies_used + resources_used + bouncers_used + users_used"));
	assert_int_equal(8, head_now(fx, "version"));
}

static void a_full_tenant_is_told_its_numbers(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_NONE, take(fx, TAKE_BOUNCER));
	assert_int_equal(ERR_NONE, take(fx, TAKE_BOUNCER));
	assert_int_equal(ERR_QUOTA, take(fx, TAKE_BOUNCER));
	assert_string_equal("bouncers", fx->cx.problem.resource);
	assert_int_equal(2, fx->cx.problem.limit);
	assert_int_equal(2, fx->cx.problem.used);
	assert_string_equal("2 of 2 bouncers in use", fx->cx.problem.message);
	assert_int_equal(ERR_NONE, take(fx, TAKE_NOTHING));
}

static void zero_allows_none_and_null_is_unlimited(void **state)
{
	struct fixture *fx = *state;

	fx->tenant.limits.max_policies = fx->tenant.warn.max_policies = 0;
	assert_int_equal(ERR_QUOTA, take(fx, TAKE_POLICY));
	assert_string_equal("0 of 0 policies in use", fx->cx.problem.message);
	fx->tenant.limits.max_policies = INT_NULL;
	for (int i = 0; i < 5; i++)
		assert_int_equal(ERR_NONE, take(fx, TAKE_POLICY));
}

static void a_limit_below_what_is_in_use_refuses(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_NONE, take(fx, TAKE_POLICY));
	assert_int_equal(ERR_NONE, take(fx, TAKE_POLICY));
	fx->tenant.limits.max_policies = 1;
	assert_int_equal(ERR_QUOTA, take(fx, TAKE_POLICY));
	assert_int_equal(2, fx->cx.problem.used);
}

static void a_stale_epoch_finds_the_tenant_moving(void **state)
{
	struct fixture *fx = *state;

	fx->tenant.epoch = 2;
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_POLICY));
	assert_int_equal(1, fx->cx.problem.retry_after);
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_NOTHING));
	assert_int_equal(0, head_now(fx, "version"));
}

static void a_fence_finds_the_tenant_moving_even_when_it_is_full(void **state)
{
	struct fixture *fx = *state;

	fx->tenant.limits.max_policies = fx->tenant.warn.max_policies = 0;
	pg_sql(fx->pg, DB, "UPDATE " SCHEMA_ID ".head SET writable = false");
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_POLICY));
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_NOTHING));
}

static void a_schema_that_is_gone_finds_the_tenant_moving(void **state)
{
	struct fixture *fx = *state;

	fx->tenant.search_path = "t_bbbbbbbbbbbbbbbb, pg_temp";
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_NOTHING));
}

static void a_role_that_is_gone_finds_the_tenant_moving(void **state)
{
	struct fixture *fx = *state;

	fx->tenant.schema_id = "t_bbbbbbbbbbbbbbbb";
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_NOTHING));
	fx->tenant.schema_id = "owner_a";
	assert_int_equal(ERR_TENANT_MOVING, take(fx, TAKE_NOTHING));
}

static enum err refuse_it(struct ctx *cx, void *arg)
{
	(void)arg;
	return refuse(cx, ERR_CONFLICT, "no");
}

static void a_refusal_rolls_the_gate_back(void **state)
{
	struct fixture *fx = *state;
	struct write w = { .take = TAKE_POLICY, .then = refuse_it };

	assert_int_equal(ERR_CONFLICT, run(&fx->cx, &w));
	assert_int_equal(1, w.head.last_id);
	assert_int_equal(0, head_now(fx, "version + policies_used + last_policy_id + audit_seq"));
}

static enum err give_back(struct ctx *cx, void *arg)
{
	(void)arg;
	head_release_later(cx, TAKE_POLICY);
	return ERR_NONE;
}

static void a_place_given_back_can_be_taken_again(void **state)
{
	struct fixture *fx = *state;
	struct write release = { .take = TAKE_NOTHING, .then = give_back }, again = { .take = TAKE_POLICY };

	assert_int_equal(ERR_NONE, take(fx, TAKE_POLICY));
	assert_int_equal(ERR_NONE, take(fx, TAKE_POLICY));
	assert_int_equal(ERR_NONE, run(&fx->cx, &release));
	assert_int_equal(ERR_NONE, run(&fx->cx, &again));
	assert_int_equal(3, again.head.last_id);
	assert_int_equal(2, head_now(fx, "policies_used"));
}

static const struct audit_entry entry = {
	.action = "createPolicy", .object_type = "policy", .object_id = "7", .changed = {.v = NULL, .n = 0}
};

static enum err record_it(struct ctx *cx, void *arg)
{
	static const char *const names[] = { "name", "status" };
	struct audit_entry e = entry;

	(void)arg;
	e.changed = (struct strv){ names, 2 };
	return audit_data_later(cx, cx->tenant->id, &e);
}

static enum err undo_and_record(struct ctx *cx, void *arg)
{
	head_undo_later(cx);
	return record_it(cx, arg);
}

static void a_write_that_changes_nothing_leaves_no_trace(void **state)
{
	struct fixture *fx = *state;
	struct write w = { .take = TAKE_NOTHING, .then = undo_and_record };

	assert_int_equal(ERR_NONE, run(&fx->cx, &w));
	assert_int_equal(0, head_now(fx, "version + audit_seq"));
	assert_string_equal("0", pg_value(fx->pg, DB, "SELECT count(*) FROM " SCHEMA_ID ".audit"));
}

static void the_audit_row_is_in_the_place_that_was_taken(void **state)
{
	struct fixture *fx = *state;
	struct write w = { .take = TAKE_NOTHING, .then = record_it };

	assert_int_equal(ERR_NONE, run(&fx->cx, &w));
	fx->cx.actor = NULL;
	fx->cx.request_id = NULL;
	assert_int_equal(ERR_NONE, run(&fx->cx, &w));
	assert_string_equal(
		"1 api_key key-a createPolicy policy 7 success req-1 {\"changed\":[\"name\",\"status\"]}",
		pg_value(fx->pg, DB,
			"SELECT concat_ws(' ', seq, actor_kind, actor, action, object_type,"
			" object_id, outcome, request_id, detail) FROM " SCHEMA_ID ".audit WHERE seq = 1"));
	assert_string_equal(
		"2 system system", pg_value(fx->pg, DB,
					   "SELECT concat_ws(' ', seq, actor_kind, actor,"
					   " request_id) FROM " SCHEMA_ID ".audit WHERE seq = 2"));
}

static enum err raise_fence(struct ctx *cx, void *arg)
{
	return head_gate(cx, ((struct write *)arg)->take);
}

static void the_gate_can_be_passed_twice_in_a_write(void **state)
{
	struct fixture *fx = *state;
	struct write w = { .take = TAKE_POLICY, .then = raise_fence };

	fx->tenant.limits.max_policies = 1;
	assert_int_equal(ERR_QUOTA, run(&fx->cx, &w));
	assert_int_equal(0, head_now(fx, "policies_used"));
	fx->tenant.limits.max_policies = 2;
	assert_int_equal(ERR_NONE, run(&fx->cx, &w));
	assert_int_equal(2, head_now(fx, "policies_used"));
}

struct racer {
	struct fixture *fx;
	pthread_t thread;
	enum err e;
	int64_t id;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct arena *a = arena_create(8192);
	struct ctx cx = r->fx->cx;
	struct write w = { .take = TAKE_POLICY };

	cx.arena = a;
	r->e = run(&cx, &w);
	r->id = w.head.last_id;
	arena_destroy(a);
	return NULL;
}

static void of_64_takers_of_the_last_place_one_wins(void **state)
{
	struct fixture *fx = *state;
	struct racer racers[THREADS];
	int won = 0, full = 0;

	fx->tenant.limits.max_policies = 4;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ERR_NONE, take(fx, TAKE_POLICY));
	for (int i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ .fx = fx };
		assert_int_equal(0, pthread_create(&racers[i].thread, NULL, race, &racers[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(0, pthread_join(racers[i].thread, NULL));
		won += racers[i].e == ERR_NONE;
		full += racers[i].e == ERR_QUOTA;
		assert_true(racers[i].e != ERR_NONE || racers[i].id == 4);
	}
	assert_int_equal(1, won);
	assert_int_equal(THREADS - 1, full);
	assert_int_equal(4, head_now(fx, "policies_used"));
	assert_int_equal(4, head_now(fx, "last_policy_id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_write_takes_a_version_and_a_place_in_the_audit, reset),
		cmocka_unit_test_setup(each_kind_has_ids_and_places_of_its_own, reset),
		cmocka_unit_test_setup(a_full_tenant_is_told_its_numbers, reset),
		cmocka_unit_test_setup(zero_allows_none_and_null_is_unlimited, reset),
		cmocka_unit_test_setup(a_limit_below_what_is_in_use_refuses, reset),
		cmocka_unit_test_setup(a_stale_epoch_finds_the_tenant_moving, reset),
		cmocka_unit_test_setup(a_fence_finds_the_tenant_moving_even_when_it_is_full, reset),
		cmocka_unit_test_setup(a_schema_that_is_gone_finds_the_tenant_moving, reset),
		cmocka_unit_test_setup(a_role_that_is_gone_finds_the_tenant_moving, reset),
		cmocka_unit_test_setup(a_refusal_rolls_the_gate_back, reset),
		cmocka_unit_test_setup(a_place_given_back_can_be_taken_again, reset),
		cmocka_unit_test_setup(a_write_that_changes_nothing_leaves_no_trace, reset),
		cmocka_unit_test_setup(the_audit_row_is_in_the_place_that_was_taken, reset),
		cmocka_unit_test_setup(the_gate_can_be_passed_twice_in_a_write, reset),
		cmocka_unit_test_setup(of_64_takers_of_the_last_place_one_wins, reset),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
