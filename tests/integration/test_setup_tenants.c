/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants' schemas behind the newest migration: brought up one by one, resumed, stopped by what fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/core/tenant.h"
#include "cc/model/migrations.h"

#define TENANTS 6

/* In place of the embedded set: the first migration as it is in the sources, and one after it. */
static struct migration list[] = {
	{1,  "0001_init",  NULL				     },
	{ 2, "0002_extra", "ALTER TABLE users ADD COLUMN extra text"},
};
const struct migration_set tenant_migrations = { .name = "tenant", .v = list, .n = 2 };

static const char *read_first(struct arena *a)
{
	const char *root = getenv("CC_SOURCE_DIR");
	char *text = arena_alloc(a, 65536);
	FILE *f = fopen(
		arena_printf(a, "%s/sql/tenant/migrations/0001_init.sql", root != NULL ? root : "."), "r");

	assert_non_null(f);
	text[fread(text, 1, 65535, f)] = '\0';
	fclose(f);
	return text;
}

struct fixture {
	struct arena *arena;
	struct plane *p;
};

static int start(void **state)
{
	static struct fixture fx;

	fx.arena = arena_create(65536);
	list[0].sql = read_first(fx.arena);
	fx.p = plane_start();
	for (int i = 0; i < TENANTS; i++)
		(void)plane_tenant(fx.p, arena_printf(fx.arena, "tenant%d", i));
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	plane_stop(fx->p);
	arena_destroy(fx->arena);
	return 0;
}

/* All are as they were before the second migration. */
static int age(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;

	plane_sql(p, PLANE_EAST,
		"DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname LIKE "
		"'t\\_%%'"
		" LOOP EXECUTE format('ALTER TABLE %%I.users DROP COLUMN IF EXISTS extra', s);"
		" EXECUTE format('COMMENT ON SCHEMA %%I IS %%L', s, 'version 1'); END LOOP; END $$");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant_schema SET version = 1, lease_until = now()");
	return 0;
}

static enum err setup(struct plane *p, struct ctx *cx, void *arg)
{
	(void)p;
	return setup_all(cx, NULL, false, arg);
}

static int64_t with_column(struct plane *p)
{
	return plane_number(p, PLANE_EAST, "SELECT count(*) FROM pg_attribute WHERE attname = 'extra'");
}

static void all_are_brought_up_and_recorded(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;
	struct ctx cx = plane_ctx(p);
	struct setup_report r;

	assert_int_equal(ERR_NONE, setup_all(&cx, NULL, true, &r));
	assert_int_equal(TENANTS, r.tenants_pending);
	assert_int_equal(ERR_NONE, setup_all(&cx, NULL, false, &r));
	assert_int_equal(TENANTS, r.tenants_applied);
	assert_int_equal(TENANTS, with_column(p));
	assert_int_equal(TENANTS, plane_count(p, "cc.tenant_schema WHERE version = 2"));
	/* Nodes that had the older version in memory are told. */
	assert_int_equal(TENANTS,
		plane_number(p, PLANE_CONTROL,
			"SELECT count(DISTINCT tenant_id) FROM cc.change WHERE version > %d", TENANTS));
	plane_done(&cx);
}

static void a_tick_does_the_same(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;

	assert_int_equal(TENANTS, plane_tick(p).migrated);
	assert_int_equal(0, plane_tick(p).migrated);
	assert_int_equal(TENANTS, with_column(p));
}

static void whoever_dies_in_between_is_followed_by_another(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;
	struct setup_report r;
	int n = 1;

	/* Each schema passes two points: its tables are there, and that is recorded. */
	while (plane_dies_at(p, arena_printf(p->arena, "schema.migrate.*:%d", n), setup, &r)) {
		struct ctx cx = plane_ctx(p);

		assert_int_equal((n + 1) / 2, with_column(p));
		assert_int_equal(n / 2, plane_count(p, "cc.tenant_schema WHERE version = 2"));
		plane_expire(p);
		assert_int_equal(ERR_NONE, setup_all(&cx, NULL, false, &r));
		assert_int_equal(TENANTS - n / 2, r.tenants_applied);
		assert_int_equal(TENANTS, with_column(p));
		assert_int_equal(TENANTS, plane_count(p, "cc.tenant_schema WHERE version = 2"));
		plane_done(&cx);
		age(state);
		n++;
	}
	assert_int_equal(2 * TENANTS + 1, n);
}

static void a_schema_that_is_further_than_its_record_is_not_migrated_again(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;

	assert_int_equal(TENANTS, plane_tick(p).migrated);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant_schema SET version = 1");
	assert_int_equal(TENANTS, plane_tick(p).migrated);
	assert_int_equal(TENANTS, plane_count(p, "cc.tenant_schema WHERE version = 2"));
}

static void a_failure_stops_the_rest_and_says_so(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;
	struct ctx cx = plane_ctx(p);
	struct setup_report r;

	plane_sql(p, PLANE_EAST,
		"DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname LIKE "
		"'t\\_%%'"
		" LOOP EXECUTE format('ALTER TABLE %%I.users ADD COLUMN extra text', s); END LOOP; END $$");
	assert_int_not_equal(ERR_NONE, setup_all(&cx, NULL, false, &r));
	assert_int_equal(0, r.tenants_applied);
	assert_non_null(strstr(cx.problem.message, "0 are done, 1 failed"));
	assert_int_equal(TENANTS, plane_count(p, "cc.tenant_schema WHERE version = 1"));
	plane_done(&cx);
}

static void one_version_behind_is_served_and_further_behind_is_not(void **state)
{
	struct plane *p = ((struct fixture *)*state)->p;
	struct tenant t = {
		.id = "tenant-a", .status = TENANT_ACTIVE, .schema_id = "t_a", .search_path = "t_a, pg_temp"
	};
	struct ctx cx = plane_ctx(p);
	struct db_place place;

	t.pool = p->world.ctl;
	for (t.schema_version = 2; t.schema_version >= 1; t.schema_version--)
		assert_int_equal(ERR_NONE, tenant_place(&cx, &t, &place));
	t.schema_version = 0;
	assert_int_equal(ERR_TENANT_MIGRATING, tenant_place(&cx, &t, &place));
	plane_done(&cx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_are_brought_up_and_recorded, age),
		cmocka_unit_test_setup(a_tick_does_the_same, age),
		cmocka_unit_test_setup(whoever_dies_in_between_is_followed_by_another, age),
		cmocka_unit_test_setup(a_schema_that_is_further_than_its_record_is_not_migrated_again, age),
		cmocka_unit_test_setup(a_failure_stops_the_rest_and_says_so, age),
		cmocka_unit_test_setup(one_version_behind_is_served_and_further_behind_is_not, age),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
