/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever makes or removes a tenant may die at any point: what is left is finished or taken away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"

static int start(void **state)
{
	*state = plane_start();
	return 0;
}

static int stop(void **state)
{
	plane_stop(*state);
	return 0;
}

static int clean(void **state)
{
	plane_clean(*state);
	return 0;
}

static enum err work_create(struct plane *p, struct ctx *cx, void *slug)
{
	const struct tenant_spec spec = plane_spec(p, slug);
	const char *id;

	return tenant_create(cx, &spec, &id);
}

static enum err work_tick(struct plane *p, struct ctx *cx, void *arg)
{
	struct tick_report r;

	(void)p;
	(void)arg;
	return provision_tick(cx, &r);
}

/* Steps, and with full counts each message to PostgreSQL as well. */
static const char *nth(struct plane *p, int n)
{
	return arena_printf(p->arena, getenv("CC_LONG") != NULL ? "*:%d" : "[!d]*:%d", n);
}

/* Dies at every point of a creation in turn; then the same name can be made. Returns how many there were. */
static int die_creating(struct plane *p, int spares)
{
	int n = 1;

	for (;; n++) {
		const char *slug = arena_printf(p->arena, "victim-%d-%d", spares, n);
		const int64_t before = plane_count(p, "cc.tenant");
		bool died;

		p->settings.spare_schemas = spares;
		(void)plane_tick(p);
		died = plane_dies_at(p, nth(p, n), work_create, arena_strdup(p->arena, slug));
		plane_recover(p);
		if (!died)
			break;
		/* Only past the last commit is there a tenant, and then it is a whole one. */
		if (plane_count(p, "cc.tenant") == before)
			(void)plane_tenant(p, slug);
		plane_check_whole(p);
	}
	return n - 1;
}

static void a_creation_that_dies_anywhere_leaves_nothing_half_made(void **state)
{
	/* At least: shard, schema, tables; intent, schema, opened, active. */
	assert_true(die_creating(*state, 0) >= 7);
}

static void a_creation_on_a_spare_that_dies_leaves_nothing_half_made(void **state)
{
	assert_true(die_creating(*state, 1) >= 4);
}

static void preparing_spares_may_die_anywhere(void **state)
{
	struct plane *p = *state;
	int n = 1;

	for (;; n++) {
		p->settings.spare_schemas = n;
		if (!plane_dies_at(p, nth(p, n), work_tick, NULL))
			break;
		plane_expire(p);
		p->settings.spare_schemas = 0;
		(void)plane_tick(p);
		plane_check_whole(p);
		if (n > (getenv("CC_LONG") != NULL ? 60 : 12))
			break;
	}
	assert_true(n > 5);
}

static void a_purge_that_dies_anywhere_is_finished_by_another(void **state)
{
	struct plane *p = *state;
	const char *other = plane_tenant(p, "other"), *id;
	int n = 1;
	bool died;

	do {
		id = plane_tenant(p, "victim");
		plane_keys(p, id, 3);
		plane_schedule(p, id);
		died = plane_dies_at(p, nth(p, n++), work_tick, NULL);
		plane_recover(p);
		assert_int_equal(1, plane_count(p, "cc.tenant"));
		assert_int_equal(0, plane_count(p, "cc.api_key"));
		assert_int_equal(0, plane_count(p, "cc.tenant_audit WHERE tenant_id LIKE 'tenant-victim-%'"));
		assert_int_equal(
			0, plane_count(p, "cc.audit_checkpoint WHERE tenant_id LIKE 'tenant-victim-%'"));
		plane_check_tenant(p, other);
		plane_sql(p, PLANE_CONTROL, "UPDATE cc.name SET until = now() WHERE kind = 'retired'");
	} while (died);
	/* claimed, redis, released, schema, forgotten, its end, keys, audit, gone */
	assert_true(n > 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_creation_that_dies_anywhere_leaves_nothing_half_made, clean),
		cmocka_unit_test_setup(a_creation_on_a_spare_that_dies_leaves_nothing_half_made, clean),
		cmocka_unit_test_setup(preparing_spares_may_die_anywhere, clean),
		cmocka_unit_test_setup(a_purge_that_dies_anywhere_is_finished_by_another, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
