/* SPDX-License-Identifier: Apache-2.0 */
/* Statements that a connection keeps prepared for single search paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "things.h"

static enum err ask_one(struct ctx *cx, void *arg)
{
	(void)arg;
	return thing_sleep(cx, 0);
}

static enum err ask_in_many_orders(struct ctx *cx, void *arg)
{
	(void)arg;
	for (int i = 0; i < 32; i++) {
		struct db_rows rows;
		struct db_order o = { .n = 2,
			.by[0] = { .field = &thing_fields[i % 2], .descending = (i & 2) != 0 },
			.by[1] = { .field = &thing_fields[1 - i % 2], .descending = (i & 4) != 0 } };
		enum err e = thing_list(cx, &rows, &o);

		if (e != ERR_NONE)
			return e;
	}
	return ERR_NONE;
}

/* One connection that keeps so many statements. */
static struct db_pool *keeper(struct things *fx, int statements)
{
	const struct db_pool_conf conf = { .name = "keeper",
		.conninfo = pg_conninfo(fx->pg, "postgres"),
		.user = "app",
		.max = 1,
		.connect_ms = 20000,
		.schemas_max = 10,
		.statements_max = statements };

	return db_pool_create(&conf);
}

/* tenant: the role, which is the schema too. */
static void visit(struct things *fx, struct db_pool *p, const char *tenant, db_work work, int times)
{
	const struct db_place place = { .pool = p, .role = tenant,
		.search_path = arena_printf(fx->arena, "%s, pg_temp", tenant), .statement_ms = 20000 };

	for (int i = 0; i < times; i++)
		assert_int_equal(ERR_NONE, db_unit(&fx->cx, &place, DB_READ, work, NULL));
}

static int64_t opened(struct db_pool *p)
{
	struct db_pool_stats s;

	db_pool_stats(p, &s);
	return s.opened_total;
}

static void a_connection_whose_kept_statements_are_not_asked_is_replaced(void **state)
{
	struct db_pool *p = keeper(*state, 1);

	visit(*state, p, "t_a", ask_one, 100);
	assert_int_equal(1, opened(p));
	visit(*state, p, "t_b", ask_one, 100);
	assert_int_equal(2, opened(p));
	db_pool_destroy(p);
}

static void one_paths_orders_leave_places_to_the_others(void **state)
{
	struct db_pool *p = keeper(*state, 8);

	visit(*state, p, "t_a", ask_in_many_orders, 1);
	visit(*state, p, "t_b", ask_one, 500);
	assert_int_equal(1, opened(p));
	db_pool_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_connection_whose_kept_statements_are_not_asked_is_replaced, things_open,
			things_close),
		cmocka_unit_test_setup_teardown(
			one_paths_orders_leave_places_to_the_others, things_open, things_close),
	};

	return cmocka_run_group_tests(tests, things_start, things_stop);
}
