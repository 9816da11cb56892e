/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys that are a day old go, and with a tenant all of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/model/q_control.h"

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
	plane_sql(*state, PLANE_CONTROL, "DELETE FROM cc.idempotency");
	return 0;
}

/* n keys of this age, in seconds, in the tenant's schema. */
static void add_keys(struct plane *p, const char *schema, const char *name, int n, int age_s)
{
	plane_sql(p, PLANE_EAST,
		"INSERT INTO %s.idempotency (scope, key, fingerprint, status, body, changed_version, "
		"created_at)"
		" SELECT 'api_key', '%s' || i, sha256('x'), 200, '{}', i, now() - make_interval(secs => %d)"
		" FROM generate_series(1, %d) i",
		schema, name, age_s, n);
}

static const char *keys(struct plane *p, const char *schema)
{
	return plane_text(p, PLANE_EAST, "SELECT count(*) FROM %s.idempotency", schema);
}

static void add_control_keys(struct plane *p, const char *tenant, int n, int age_s)
{
	plane_sql(p, PLANE_CONTROL,
		"INSERT INTO cc.idempotency (tenant_id, scope, key, fingerprint, status, body, created_at)"
		" SELECT '%s', 'api_key', i::text || ' ' || %d, sha256('x'), 200, '{}',"
		" now() - make_interval(secs => %d) FROM generate_series(1, %d) i",
		tenant, age_s, age_s, n);
}

/* Expunging is due again. */
static void due(struct plane *p)
{
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET expunge_at = now()");
}

static void old_keys_go_and_leave_neither_version_nor_audit(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *schema = plane_schema(p, id);

	add_keys(p, schema, "old-", 7, 86401);
	add_keys(p, schema, "young-", 3, 86100);
	assert_int_equal(7, plane_tick(p).expunged);
	assert_string_equal("3", keys(p, schema));
	assert_string_equal(
		"1 1 0", plane_text(p, PLANE_EAST,
				 "SELECT concat_ws(' ', version, audit_seq, (SELECT count(*) FROM "
				 "%s.tombstones)) FROM %s.head",
				 schema, schema));
	due(p);
	assert_int_equal(0, plane_tick(p).expunged);
}

/* What does not fit into one transaction is taken up at once. */
static void many_old_keys_go_in_steps(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *schema = plane_schema(p, id);

	add_keys(p, schema, "old-", 2500, 90000);
	assert_int_equal(2500, plane_tick(p).expunged);
	assert_string_equal("0", keys(p, schema));
}

/* A mover has the schema: nothing may change there. */
static void nothing_goes_while_the_tenant_is_fenced(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *schema = plane_schema(p, id);

	add_keys(p, schema, "old-", 5, 90000);
	plane_sql(p, PLANE_EAST, "UPDATE %s.head SET writable = false", schema);
	assert_int_equal(0, plane_tick(p).expunged);
	assert_string_equal("5", keys(p, schema));
	plane_sql(p, PLANE_EAST, "UPDATE %s.head SET writable = true, epoch = 2", schema);
	due(p);
	assert_int_equal(0, plane_tick(p).expunged);
	plane_sql(p, PLANE_EAST, "UPDATE %s.head SET epoch = 1", schema);
	due(p);
	assert_int_equal(5, plane_tick(p).expunged);
}

static void one_tenants_keys_are_no_others(void **state)
{
	struct plane *p = *state;
	const char *one = plane_schema(p, plane_tenant(p, "acme"));
	const char *other = plane_schema(p, plane_tenant(p, "other"));

	add_keys(p, one, "old-", 4, 90000);
	add_keys(p, other, "young-", 4, 10);
	assert_int_equal(4, plane_tick(p).expunged);
	assert_string_equal("0", keys(p, one));
	assert_string_equal("4", keys(p, other));
}

static enum err purge(struct ctx *cx, void *arg)
{
	q_idem_control_purge_later(cx->db, arg, 4);
	return ERR_NONE;
}

static void old_keys_of_the_control_database_go_in_steps(void **state)
{
	struct plane *p = *state;
	struct ctx cx = plane_ctx(p);
	struct db_place place;
	int64_t n = 0;

	add_control_keys(p, "", 5, 86401);
	add_control_keys(p, "tenant-a-aaaaaa", 1, 90000);
	add_control_keys(p, "tenant-a-aaaaaa", 2, 86100);
	place_platform(cx.world, &place);
	assert_int_equal(ERR_NONE, db_unit(&cx, &place, DB_WRITE, purge, &n));
	assert_int_equal(4, n);
	assert_int_equal(ERR_NONE, db_unit(&cx, &place, DB_WRITE, purge, &n));
	assert_int_equal(2, n);
	assert_int_equal(2, plane_count(p, "cc.idempotency"));
	plane_done(&cx);
}

static void a_tenant_that_is_removed_takes_its_keys_along(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *other = plane_tenant(p, "other");

	add_control_keys(p, id, 1100, 10);
	add_control_keys(p, other, 2, 10);
	plane_sql(p, PLANE_CONTROL,
		"INSERT INTO cc.idempotency (tenant_id, scope, key, fingerprint, subject)"
		" VALUES ('', 'operator:x', 'made', sha256('x'), '%s')",
		id);
	plane_schedule(p, id);
	assert_int_equal(1, plane_tick(p).purged);
	assert_int_equal(2, plane_count(p, "cc.idempotency"));
	plane_check_tenant(p, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(old_keys_go_and_leave_neither_version_nor_audit, clean),
		cmocka_unit_test_setup(many_old_keys_go_in_steps, clean),
		cmocka_unit_test_setup(nothing_goes_while_the_tenant_is_fenced, clean),
		cmocka_unit_test_setup(one_tenants_keys_are_no_others, clean),
		cmocka_unit_test_setup(old_keys_of_the_control_database_go_in_steps, clean),
		cmocka_unit_test_setup(a_tenant_that_is_removed_takes_its_keys_along, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
