/* SPDX-License-Identifier: Apache-2.0 */
/* What the database itself keeps apart, whatever SQL the daemon were to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/db/session.h"

struct fixture {
	struct plane *p;
	const char *a, *b; /* tenants */
	const char *schema_a, *schema_b;
};

static const char *schema_of(struct plane *p, const char *id)
{
	return plane_text(p, PLANE_CONTROL, "SELECT schema_id FROM cc.tenant WHERE id = '%s'", id);
}

static int start(void **state)
{
	static struct fixture fx;

	fx.p = plane_start();
	fx.a = plane_tenant(fx.p, "acme");
	fx.b = plane_tenant(fx.p, "globex");
	fx.schema_a = schema_of(fx.p, fx.a);
	fx.schema_b = schema_of(fx.p, fx.b);
	plane_sql(fx.p, PLANE_CONTROL,
		"INSERT INTO cc.api_key (id, key_id, tenant_id, name, scopes, hash, display, created_by,"
		" created_at) SELECT 'key-' || id, id, id, 'k', '{}', sha256('x'), 'x', 'x', now()"
		" FROM cc.tenant");
	plane_sql(fx.p, PLANE_CONTROL,
		"INSERT INTO cc.audit_checkpoint (tenant_id, chain, number, seq, mac, at, previous, key_id,"
		" signature) SELECT id, 'data', 1, 1, sha256('x'), now(), sha256('x'), 'k', sha512('x')"
		" FROM cc.tenant");
	plane_sql(fx.p, PLANE_CONTROL,
		"INSERT INTO cc.api_key_live (api_key_id, last_used_at) SELECT id, now() FROM cc.api_key");
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	plane_stop(fx->p);
	return 0;
}

/* One script as a login role; *ret is the first value of the last statement. */
static enum err as_role(struct fixture *fx, const char *database, const char *role, const char *before,
	const char *sql, const char **ret)
{
	struct plane *p = fx->p;
	struct ctx cx = plane_ctx(p);
	struct db_session *s = NULL;
	const char *value = NULL;
	enum err e = db_session_open(
		&cx, pg_conninfo(p->pg, database), role, role_password(cx.arena, &p->settings, role), &s);

	assert_int_equal(ERR_NONE, e);
	e = db_session_script(&cx, s, before);
	if (e == ERR_NONE)
		e = db_session_exec(&cx, s, sql, 0, NULL, &value);
	*ret = arena_strdup(p->arena, e == ERR_NONE ? value : cx.problem.cause);
	db_session_close(s);
	plane_done(&cx);
	return e;
}

static const char *bind(struct fixture *fx, const char *tenant)
{
	return arena_printf(fx->p->arena, "BEGIN; SELECT set_config('cc.tenant', '%s', true)", tenant);
}

/* SQLSTATE 42501: insufficient privilege. */
static void assert_denied(
	struct fixture *fx, const char *database, const char *role, const char *before, const char *sql)
{
	const char *why = NULL;
	enum err e = as_role(fx, database, role, before, sql, &why);

	if (e == ERR_NONE || why == NULL || strstr(why, "42501") == NULL)
		print_error("%s as %s: %s\n", sql, role, why != NULL ? why : "(nothing)");
	assert_int_not_equal(ERR_NONE, e);
	assert_non_null(strstr(why, "42501"));
}

/* The control database -------------------------------------------------------------------------------- */

static const char *const tables[] = { "cc.tenant", "cc.domain", "cc.api_key", "cc.tenant_audit", "cc.name",
	"cc.audit_checkpoint", "(SELECT substr(api_key_id, 5) AS tenant_id FROM cc.api_key_live) AS live" };
#define TABLES 7

static void a_query_without_a_where_sees_no_foreign_row(void **state)
{
	struct fixture *fx = *state;
	const char *ids, *column;

	for (size_t i = 0; i < TABLES; i++) {
		column = i == 0 ? "id" : "tenant_id";
		assert_int_equal(ERR_NONE,
			as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a),
				arena_printf(fx->p->arena, "SELECT string_agg(DISTINCT %s, ' ') FROM %s",
					column, tables[i]),
				&ids));
		assert_string_equal(fx->a, ids);
		assert_int_equal(2, plane_number(fx->p, PLANE_CONTROL, "SELECT count(DISTINCT %s) FROM %s",
					    column, tables[i]));
	}
}

static void without_a_tenant_no_row_is_seen(void **state)
{
	static const char *const unbound[] = { "BEGIN", "BEGIN; SELECT set_config('cc.tenant', '', true)",
		"SELECT set_config('cc.tenant', 'tenant-nobody', false)" };
	struct fixture *fx = *state;
	const char *n;

	for (size_t i = 0; i < 3 * TABLES; i++) {
		assert_int_equal(ERR_NONE,
			as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, unbound[i / TABLES],
				arena_printf(fx->p->arena, "SELECT count(*) FROM %s", tables[i % TABLES]),
				&n));
		assert_string_equal("0", n);
	}
}

static void a_write_without_a_where_touches_no_foreign_row(void **state)
{
	struct fixture *fx = *state;
	const char *n;

	assert_int_equal(ERR_NONE,
		as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a),
			"WITH t AS (UPDATE cc.tenant SET name = 'x' RETURNING id) SELECT count(*) FROM t",
			&n));
	assert_string_equal("1", n);
	assert_int_equal(ERR_NONE, as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a),
					   "WITH d AS (DELETE FROM cc.domain RETURNING domain) SELECT "
					   "string_agg(domain, ' ') FROM d",
					   &n));
	assert_string_equal("acme.controlcore.io", n);
	assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a),
		arena_printf(fx->p->arena,
			"INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token)"
			" VALUES ('%s', 'evil.example', 'pending', 'pending', 't')",
			fx->b));
	assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a),
		arena_printf(fx->p->arena, "UPDATE cc.api_key SET tenant_id = '%s'", fx->b));
}

/* What runs as the owner takes nobody at his word. */
static void nobody_takes_a_name_that_is_held_for_another(void **state)
{
	struct fixture *fx = *state;
	const char *sql = "SELECT cc.name_free('before')", *n;

	plane_sql(fx->p, PLANE_CONTROL, "INSERT INTO cc.name (name, kind, tenant_id, until)"
		  " VALUES ('before', 'retired', '%s', now() + interval '1 day')", fx->b);
	assert_int_equal(ERR_NONE, as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a), sql, &n));
	assert_string_equal("0", n);
	assert_int_equal(ERR_NONE, as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, ""), sql, &n));
	assert_string_equal("0", n);
	assert_int_equal(ERR_NONE, as_role(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->b), sql, &n));
	assert_string_equal("1", n);
	plane_sql(fx->p, PLANE_CONTROL, "DELETE FROM cc.name WHERE name = 'before'");
}

static void tenants_routes_reach_nothing_but_their_tables(void **state)
{
	static const char *const closed[] = { "cc.tenant_schema", "cc.shard", "cc.tenant_tombstone",
		"cc.identity", "cc.migration" };
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a),
			arena_printf(fx->p->arena, "SELECT count(*) FROM %s", closed[i]));
	assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a), "SET ROLE cc_ctl");
	assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, bind(fx, fx->a), "CREATE TEMP TABLE x (id int)");
	assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, "BEGIN", "CREATE TABLE public.x (id int)");
	assert_denied(fx, PLANE_CONTROL, ROLE_CTL_TENANT, "BEGIN",
		arena_printf(fx->p->arena, "SELECT cc.forget_audit('%s', 10)", fx->b));
}

static void the_audit_can_only_grow(void **state)
{
	static const char *const roles[] = { ROLE_CTL, ROLE_CTL_TENANT };
	struct fixture *fx = *state;
	const char *n;

	for (size_t i = 0; i < 2; i++) {
		assert_denied(fx, PLANE_CONTROL, roles[i], bind(fx, fx->a),
			"UPDATE cc.tenant_audit SET actor = 'nobody'");
		assert_denied(fx, PLANE_CONTROL, roles[i], bind(fx, fx->a), "DELETE FROM cc.tenant_audit");
		assert_denied(fx, PLANE_CONTROL, roles[i], bind(fx, fx->a), "TRUNCATE cc.tenant_audit");
		assert_denied(fx, PLANE_CONTROL, roles[i], bind(fx, fx->a),
			"UPDATE cc.audit_checkpoint SET seq = 0");
		assert_denied(
			fx, PLANE_CONTROL, roles[i], bind(fx, fx->a), "DELETE FROM cc.audit_checkpoint");
		assert_denied(fx, PLANE_CONTROL, roles[i], bind(fx, fx->a), "TRUNCATE cc.audit_checkpoint");
	}
	/* Nor by the door that the purge has, while the tenant is there. */
	assert_int_equal(
		ERR_NONE, as_role(fx, PLANE_CONTROL, ROLE_CTL, "BEGIN",
				  arena_printf(fx->p->arena, "SELECT cc.forget_audit('%s', 10)", fx->a), &n));
	assert_string_equal("0", n);
	assert_int_equal(2, plane_number(fx->p, PLANE_CONTROL, "SELECT count(*) FROM cc.tenant_audit"));
}

/* The region ------------------------------------------------------------------------------------------- */

#define POOL "cc_pool_us_east_1_00"

static const char *in_tenant(struct fixture *fx, const char *schema, const char *path)
{
	return arena_printf(fx->p->arena,
		"BEGIN; SELECT set_config('role', '%s', true), set_config('search_path', '%s, pg_temp',"
		" true)",
		schema, path);
}

static void a_tenant_reads_its_own_schema(void **state)
{
	struct fixture *fx = *state;
	const char *n;

	assert_int_equal(ERR_NONE, as_role(fx, PLANE_EAST, POOL, in_tenant(fx, fx->schema_a, fx->schema_a),
					   "SELECT count(*) FROM users", &n));
	assert_string_equal("1", n);
}

static void a_tenant_selecting_from_another_is_denied(void **state)
{
	static const char *const all[] = { "head", "users", "user_live", "resources", "bouncers",
		"bouncer_live", "policies", "policy_versions", "tombstones", "objects", "bundle_trouble",
		"storing", "audit" };
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_denied(fx, PLANE_EAST, POOL, in_tenant(fx, fx->schema_a, fx->schema_a),
			arena_printf(fx->p->arena, "SELECT count(*) FROM %s.%s", fx->schema_b, all[i]));
}

/* Where there is no right to look, there is no table. */
static void a_wrong_search_path_finds_nothing(void **state)
{
	struct fixture *fx = *state;
	const char *why;

	assert_int_not_equal(
		ERR_NONE, as_role(fx, PLANE_EAST, POOL, in_tenant(fx, fx->schema_a, fx->schema_b),
				  "SELECT count(*) FROM users", &why));
	assert_non_null(strstr(why, "42P01"));
}

static void the_pool_role_has_no_rights_of_its_own(void **state)
{
	struct fixture *fx = *state;

	assert_denied(fx, PLANE_EAST, POOL, "BEGIN",
		arena_printf(fx->p->arena, "SELECT count(*) FROM %s.users", fx->schema_a));
	assert_denied(fx, PLANE_EAST, POOL, "BEGIN", "SET ROLE cc_o_us_east_1_00");
	assert_denied(fx, PLANE_EAST, POOL, "BEGIN", "SET ROLE cc_prov");
	assert_denied(fx, PLANE_EAST, POOL, "BEGIN",
		arena_printf(fx->p->arena, "SELECT cc_region.drop_tenant('%s')", fx->schema_b));
	assert_denied(fx, PLANE_EAST, POOL, "BEGIN", "CREATE TEMP TABLE users (id int)");
	assert_denied(fx, PLANE_EAST, POOL, "BEGIN", "CREATE SCHEMA mine");
}

static void a_tenant_changes_neither_its_fence_nor_its_audit_nor_its_tables(void **state)
{
	static const char *const forbidden[] = {
		"UPDATE head SET epoch = 2",
		"UPDATE head SET writable = true",
		"DELETE FROM head",
		"INSERT INTO head (one) VALUES (true)",
		"UPDATE audit SET actor = 'x'",
		"DELETE FROM audit",
		"TRUNCATE audit",
		"DELETE FROM tombstones",
		"ALTER TABLE head ADD COLUMN x int",
		"DROP TABLE users",
		"CREATE TABLE mine (id int)",
		"CREATE TEMP TABLE users (id int)",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		const char *why;

		assert_int_not_equal(
			ERR_NONE, as_role(fx, PLANE_EAST, POOL, in_tenant(fx, fx->schema_a, fx->schema_a),
					  forbidden[i], &why));
		if (strstr(why, "42501") == NULL)
			print_error("%s: %s\n", forbidden[i], why);
		assert_non_null(strstr(why, "42501"));
	}
}

/* A GRANT of what one may not give is a warning of PostgreSQL's, not an error: what counts is its effect. */
static void a_tenant_gives_nobody_a_right(void **state)
{
	struct fixture *fx = *state;
	const char *none;

	assert_int_equal(ERR_NONE,
		as_role(fx, PLANE_EAST, POOL,
			arena_printf(fx->p->arena,
				"%s; GRANT ALL ON users TO PUBLIC; GRANT USAGE ON SCHEMA %s TO PUBLIC",
				in_tenant(fx, fx->schema_a, fx->schema_a), fx->schema_a),
			"COMMIT", &none));
	assert_denied(fx, PLANE_EAST, POOL, in_tenant(fx, fx->schema_b, fx->schema_b),
		arena_printf(fx->p->arena, "SELECT count(*) FROM %s.users", fx->schema_a));
}

static void pool_roles_of_one_region_do_not_enter_another(void **state)
{
	struct fixture *fx = *state;
	struct ctx cx = plane_ctx(fx->p);
	struct db_session *s = NULL;

	assert_int_equal(ERR_UNAVAILABLE, db_session_open(&cx, pg_conninfo(fx->p->pg, PLANE_WEST), POOL,
						  role_password(cx.arena, &fx->p->settings, POOL), &s));
	assert_non_null(strstr(cx.problem.cause, "CONNECT"));
	assert_int_equal(ERR_UNAVAILABLE, db_session_open(&cx, pg_conninfo(fx->p->pg, PLANE_EAST), ROLE_CTL,
						  role_password(cx.arena, &fx->p->settings, ROLE_CTL), &s));
	assert_non_null(strstr(cx.problem.cause, "CONNECT"));
	plane_done(&cx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_without_a_where_sees_no_foreign_row),
		cmocka_unit_test(without_a_tenant_no_row_is_seen),
		cmocka_unit_test(a_write_without_a_where_touches_no_foreign_row),
		cmocka_unit_test(nobody_takes_a_name_that_is_held_for_another),
		cmocka_unit_test(tenants_routes_reach_nothing_but_their_tables),
		cmocka_unit_test(the_audit_can_only_grow),
		cmocka_unit_test(a_tenant_reads_its_own_schema),
		cmocka_unit_test(a_tenant_selecting_from_another_is_denied),
		cmocka_unit_test(a_wrong_search_path_finds_nothing),
		cmocka_unit_test(the_pool_role_has_no_rights_of_its_own),
		cmocka_unit_test(a_tenant_changes_neither_its_fence_nor_its_audit_nor_its_tables),
		cmocka_unit_test(a_tenant_gives_nobody_a_right),
		cmocka_unit_test(pool_roles_of_one_region_do_not_enter_another),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
