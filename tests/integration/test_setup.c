/* SPDX-License-Identifier: Apache-2.0 */
/* Set-up from nothing, again and again, and what a daemon refuses to run on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/db/migrate.h"
#include "cc/model/migrations.h"

/* The refusal list wants a server as in production. */
static int start(void **state)
{
	const struct pg_options durable = { .fsync = true };

	*state = plane_join(pg_start_with(&durable));
	return 0;
}

static int stop(void **state)
{
	plane_stop(*state);
	return 0;
}

static const char *admin(struct plane *p)
{
	return arena_printf(p->arena, "host=%s port=5432 user=%s", pg_dir(p->pg), PG_SUPERUSER);
}

static enum err setup(
	struct plane *p, const char *conninfo, bool dry, struct setup_report *ret, const char **ret_text)
{
	struct ctx cx = plane_ctx(p);
	enum err e = setup_all(&cx, conninfo, dry, ret);

	*ret_text = arena_strdup(p->arena, cx.problem.message != NULL ? cx.problem.message : "");
	if (e != ERR_NONE && cx.problem.cause != NULL)
		print_message("# %s\n", cx.problem.cause);
	plane_done(&cx);
	return e;
}

static void assert_says(const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		print_error("\"%s\" does not say \"%s\"\n", text, words);
	assert_non_null(strstr(text, words));
}

/* Order matters: each goes on from what the one before left. ------------------------------------------ */

static void without_an_administrator_nothing_can_be_made(void **state)
{
	struct setup_report r;
	const char *text;

	assert_int_equal(ERR_UNAVAILABLE, setup(*state, NULL, false, &r, &text));
	assert_says(text, "cc_prov");
	assert_int_equal(ERR_UNAVAILABLE, setup(*state, NULL, true, &r, &text));
}

/* No superuser: whoever may make roles and databases is enough. */
static void an_administrator_sets_everything_up(void **state)
{
	struct plane *p = *state;
	struct setup_report r;
	const char *text, *modest;

	plane_sql(p, "postgres", "CREATE ROLE modest LOGIN CREATEROLE CREATEDB");
	modest = arena_printf(p->arena, "host=%s port=5432 user=modest", pg_dir(p->pg));
	assert_int_equal(ERR_NONE, setup(p, modest, false, &r, &text));
	assert_int_equal(control_migrations.n, r.control_applied);
	assert_int_equal(2 * region_migrations.n, r.region_applied);
	assert_int_equal(0, r.tenants_applied);
}

static void a_second_time_there_is_nothing_to_do(void **state)
{
	struct setup_report r;
	const char *text;

	assert_int_equal(ERR_NONE, setup(*state, admin(*state), false, &r, &text));
	assert_int_equal(0, r.control_applied + r.region_applied + r.tenants_applied);
	assert_int_equal(ERR_NONE, setup(*state, NULL, false, &r, &text));
	assert_int_equal(0, r.control_applied + r.region_applied + r.tenants_applied);
	assert_int_equal(ERR_NONE, setup(*state, NULL, true, &r, &text));
	assert_int_equal(0, r.control_pending + r.region_pending + r.tenants_pending);
}

static void the_public_may_do_nothing(void **state)
{
	static const char public_rights[] =
		"SELECT concat_ws(' ', has_database_privilege('public', current_database(), 'CONNECT'),"
		" has_database_privilege('public', current_database(), 'TEMP'),"
		" has_schema_privilege('public', 'public', 'USAGE'), has_schema_privilege('public', "
		"'public', 'CREATE'))";
	static const char *const databases[] = { PLANE_CONTROL, PLANE_EAST, PLANE_WEST };

	for (size_t i = 0; i < 3; i++)
		assert_string_equal("f f f f", plane_text(*state, databases[i], "%s", public_rights));
}

static void passwords_are_kept_as_verifiers(void **state)
{
	struct plane *p = *state;

	assert_string_equal("3", plane_text(p, "postgres",
					 "SELECT count(*) FROM pg_authid WHERE rolname IN ('cc_ctl', "
					 "'cc_ctl_tenant', 'cc_prov')"
					 " AND rolpassword LIKE 'SCRAM-SHA-256$%%'"));
	assert_int_equal(64, strlen(role_password(p->arena, &p->settings, ROLE_CTL)));
	assert_string_not_equal(role_password(p->arena, &p->settings, ROLE_CTL),
		role_password(p->arena, &p->settings, ROLE_PROV));
}

static void a_conninfo_without_a_database_is_named(void **state)
{
	struct plane *p = *state;
	const char *right = p->regions[1].conninfo, *text;
	struct setup_report r;

	p->regions[1].conninfo = arena_printf(p->arena, "host=%s", pg_dir(p->pg));
	assert_int_equal(ERR_CONFLICT, setup(p, admin(p), false, &r, &text));
	p->regions[1].conninfo = right;
	assert_says(text, "region eu-west-1");
}

static void a_schema_that_is_being_made_is_left_to_its_maker(void **state)
{
	struct plane *p = *state;
	const char *text;
	struct setup_report r;

	(void)plane_tenant(p, "acme");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant_schema SET version = 0");
	assert_int_equal(ERR_NONE, setup(p, NULL, false, &r, &text));
	assert_int_equal(0, r.tenants_applied);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant_schema SET version = 1");
}

static const struct migration steps[] = {
	{1,  "0001_one",   "CREATE TABLE one (id int)"  },
	{ 2, "0002_two",   "CREATE TABLE two (id int)"  },
	{ 3, "0003_three", "CREATE TABLE three (id int)"},
};

static enum err bring(struct plane *p, size_t n, int from)
{
	const struct migration_set set = { "tenant", steps, n };
	struct ctx cx = plane_ctx(p);
	struct db_session *s = NULL;
	enum err e = db_session_open(&cx, p->regions[0].conninfo, PG_SUPERUSER, NULL, &s);

	if (e == ERR_NONE)
		e = migrate_tenant_schema(&cx, s, &set, "t_steps", PG_SUPERUSER, from, 0);
	db_session_close(s);
	plane_done(&cx);
	return e;
}

static void a_migration_whose_record_was_lost_is_not_run_twice(void **state)
{
	struct plane *p = *state;
	static const char tables[] = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables"
				     " WHERE schemaname = 't_steps'";

	plane_sql(p, PLANE_EAST, "CREATE SCHEMA t_steps");
	assert_int_equal(ERR_NONE, bring(p, 1, 0));
	assert_int_equal(ERR_NONE, bring(p, 2, 1));
	assert_string_equal("one two", plane_text(p, PLANE_EAST, "%s", tables));
	assert_int_equal(ERR_NONE, bring(p, 2, 1));
	assert_int_equal(ERR_NONE, bring(p, 3, 1));
	assert_string_equal("one three two", plane_text(p, PLANE_EAST, "%s", tables));
	plane_sql(p, PLANE_EAST, "DROP SCHEMA t_steps CASCADE");
}

static void a_region_of_another_control_database_is_refused(void **state)
{
	struct plane *p = *state;
	const char *text;
	struct setup_report r;

	plane_sql(p, PLANE_WEST, "UPDATE cc_region.home SET control = 'somebody else'");
	assert_int_equal(ERR_CONFLICT, setup(p, NULL, false, &r, &text));
	assert_says(text, "region eu-west-1 belongs to another control database");
	plane_sql(p, PLANE_WEST, "DELETE FROM cc_region.home");
	assert_int_equal(ERR_NONE, setup(p, NULL, false, &r, &text));
}

/* Refusals -------------------------------------------------------------------------------------------- */

static enum err refusals(struct plane *p, const char **ret_text)
{
	struct ctx cx = plane_ctx(p);
	enum err e = setup_refusals(&cx);

	*ret_text = arena_strdup(p->arena, cx.problem.message != NULL ? cx.problem.message : "");
	plane_done(&cx);
	return e;
}

static void assert_refused(
	struct plane *p, const char *database, const char *make, const char *undo, const char *const *words)
{
	const char *text;
	enum err e;

	plane_sql(p, database, "%s", make);
	e = refusals(p, &text);
	plane_sql(p, database, "%s", undo);
	if (e != ERR_CONFLICT)
		print_error("not refused: %s\n", make);
	assert_int_equal(ERR_CONFLICT, e);
	for (; *words != NULL; words++)
		assert_says(text, *words);
}

#define SAYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void a_server_as_it_should_be_is_accepted(void **state)
{
	const char *text;
	enum err e = refusals(*state, &text);

	if (e != ERR_NONE)
		print_error("%s\n", text);
	assert_int_equal(ERR_NONE, e);
}

/* Another node has recorded it and makes its roles right now. */
static void a_shard_whose_roles_are_not_there_yet_is_accepted(void **state)
{
	struct plane *p = *state;
	const char *text;

	plane_sql(p, PLANE_CONTROL, "INSERT INTO cc.shard (region, shard) VALUES ('us-east-1', 63)");
	assert_int_equal(ERR_NONE, refusals(p, &text));
	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.shard WHERE shard = 63");
}

static void roles_that_break_the_walls_are_refused(void **state)
{
	static const char *const roles[] = { "cc_ctl", "cc_ctl_tenant", "cc_pool_us_east_1_00" };
	static const char *const words[] = { "SUPERUSER", "BYPASSRLS", "CREATEROLE" };
	struct plane *p = *state;

	for (size_t i = 0; i < 9; i++) {
		const char *role = roles[i / 3], *word = words[i % 3];

		assert_refused(p, "postgres", arena_printf(p->arena, "ALTER ROLE %s %s", role, word),
			arena_printf(p->arena, "ALTER ROLE %s NO%s", role, word),
			SAYS(role, i % 3 == 0 ? "superuser" : word));
	}
}

static void a_member_of_too_many_roles_is_refused(void **state)
{
	assert_refused(*state, "postgres",
		"DO $$ BEGIN FOR i IN 1..513 LOOP EXECUTE format('CREATE ROLE many_%s', i);"
		" EXECUTE format('GRANT many_%s TO cc_ctl', i); END LOOP; END $$",
		"DO $$ BEGIN FOR i IN 1..513 LOOP EXECUTE format('DROP ROLE many_%s', i); END LOOP; END $$",
		SAYS("cc_ctl", "513", "512"));
}

static void rights_that_let_tables_be_hidden_are_refused(void **state)
{
	struct plane *p = *state;

	assert_refused(p, PLANE_CONTROL, "GRANT TEMP ON DATABASE " PLANE_CONTROL " TO PUBLIC",
		"REVOKE TEMP ON DATABASE " PLANE_CONTROL " FROM PUBLIC",
		SAYS("cc_ctl", "TEMP", PLANE_CONTROL));
	assert_refused(p, PLANE_EAST, "GRANT TEMP ON DATABASE " PLANE_EAST " TO cc_pool_us_east_1_00",
		"REVOKE TEMP ON DATABASE " PLANE_EAST " FROM cc_pool_us_east_1_00",
		SAYS("cc_pool_us_east_1_00", "TEMP", "region us-east-1"));
	assert_refused(p, PLANE_EAST, "GRANT CREATE ON SCHEMA public TO PUBLIC",
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		SAYS("cc_pool_us_east_1_00", "public", PLANE_EAST));
}

static void roles_and_servers_that_lose_commits_are_refused(void **state)
{
	static const char *const roles[] = { "cc_ctl", "cc_ctl_tenant", "cc_pool_us_east_1_00" };
	struct plane *p = *state, *fresh;

	for (size_t i = 0; i < 3; i++)
		assert_refused(p, "postgres",
			arena_printf(p->arena, "ALTER ROLE %s SET synchronous_commit = off", roles[i]),
			arena_printf(p->arena, "ALTER ROLE %s RESET ALL", roles[i]),
			SAYS(roles[i], "synchronous_commit"));
	assert_refused(p, PLANE_EAST, "ALTER DATABASE " PLANE_EAST " SET synchronous_commit = off",
		"ALTER DATABASE " PLANE_EAST " RESET ALL", SAYS("region us-east-1", "synchronous_commit"));
	/* What a server says holds for connections that are opened afterwards. */
	fresh = plane_join(p->pg);
	assert_refused(fresh, "postgres", "ALTER ROLE cc_prov SET synchronous_commit = off",
		"ALTER ROLE cc_prov RESET ALL", SAYS("PostgreSQL at region us-east-1", "synchronous_commit"));
	plane_leave(fresh);
}

static void more_connections_than_the_server_has_are_refused(void **state)
{
	struct plane *p = *state;
	const char *text;

	p->settings.region_connections = 60;
	assert_int_equal(ERR_CONFLICT, refusals(p, &text));
	p->settings.region_connections = 8;
	assert_says(text, "max_connections");
	assert_says(text, "region eu-west-1");
}

static void a_server_without_fsync_is_refused(void **state)
{
	struct plane *p = plane_start(); /* throw-away servers have it off */
	const char *text;

	(void)state;
	assert_int_equal(ERR_CONFLICT, refusals(p, &text));
	assert_says(text, "fsync = off");
	plane_stop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_administrator_nothing_can_be_made),
		cmocka_unit_test(an_administrator_sets_everything_up),
		cmocka_unit_test(a_second_time_there_is_nothing_to_do),
		cmocka_unit_test(the_public_may_do_nothing),
		cmocka_unit_test(passwords_are_kept_as_verifiers),
		cmocka_unit_test(a_conninfo_without_a_database_is_named),
		cmocka_unit_test(a_schema_that_is_being_made_is_left_to_its_maker),
		cmocka_unit_test(a_migration_whose_record_was_lost_is_not_run_twice),
		cmocka_unit_test(a_region_of_another_control_database_is_refused),
		cmocka_unit_test(a_server_as_it_should_be_is_accepted),
		cmocka_unit_test(a_shard_whose_roles_are_not_there_yet_is_accepted),
		cmocka_unit_test(roles_that_break_the_walls_are_refused),
		cmocka_unit_test(a_member_of_too_many_roles_is_refused),
		cmocka_unit_test(rights_that_let_tables_be_hidden_are_refused),
		cmocka_unit_test(roles_and_servers_that_lose_commits_are_refused),
		cmocka_unit_test(more_connections_than_the_server_has_are_refused),
		cmocka_unit_test(a_server_without_fsync_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
