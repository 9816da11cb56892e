/* SPDX-License-Identifier: Apache-2.0 */
/* Moves on two servers of PostgreSQL: what arrives, what is refused, what is left when somebody dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plane.h"

#include "cc/base/clock.h"
#include "cc/core/head.h"
#include "cc/core/moves.h"
#include "cc/core/registry.h"
#include "cc/db/server.h"
#include "cc/model/q_tenant.h"

#define EAST "us-east-1"
#define WEST "eu-west-1"

static const char *const tables[] = { "users", "resources", "bouncers", "policies", "policy_versions",
				      "tombstones", "audit", "idempotency" };

static struct plane *plane;
static int made;

static int start(void **state)
{
	(void)state;
	plane = plane_start_two();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	plane_stop(plane);
	return 0;
}

static const char *database_of(const char *region)
{
	return strcmp(region, EAST) == 0 ? PLANE_EAST : PLANE_WEST;
}

static const char *region_of(const char *id)
{
	return plane_text(plane, PLANE_CONTROL, "SELECT region FROM cc.tenant WHERE id = '%s'", id);
}

/* As so many writes of one object each would have left it. */
static void fill(const char *id, int n)
{
	const char *t = plane_schema(plane, id);

	plane_sql(plane, database_of(region_of(id)),
		"SET search_path = %s;"
		"INSERT INTO resources (id, name, type, environment, created_by, created_at, updated_at,"
		" changed_version) SELECT i, 'r' || i, 'api', 'sandbox', 'k', now(), now(), 1 + i"
		" FROM generate_series(1, %d) i;"
		"INSERT INTO bouncers (id, name, hostname, environment, bouncer_type, configuration,"
		" created_by, created_at, updated_at, changed_version)"
		" SELECT i, 'b' || i, 'h', 'sandbox', 'proxy', '{ \"a\" : [1, \"\\u00e9\"] }', 'k', now(),"
		" now(), 1 + i FROM generate_series(1, %d) i;"
		"INSERT INTO policies (id, name, status, environment, rego_code, resource_id, bouncer_id,"
		" created_by, created_at, updated_at, changed_version)"
		" SELECT i, 'p' || i, 'active', 'sandbox', E'package p\\n\\t\"\\\\ü,()' || i, i, i, 'k',"
		" now(), now(), 1 + i FROM generate_series(1, %d) i;"
		"INSERT INTO policy_versions (id, policy_id, version, action, author, created_at, summary,"
		" name, status, environment, rego_code, test_cases, changed_version)"
		" SELECT 1 + i, i, 1, 'create', 'k', now(), 's', 'p' || i, 'active', 'sandbox', 'x', '[]',"
		" 1 + i"
		" FROM generate_series(1, %d) i;"
		"INSERT INTO audit (seq, at, actor_kind, actor, action, category, object_type, object_id,"
		" outcome, key_version, prev_mac, mac)"
		" SELECT 1 + i, now(), 'key', 'k', 'a', 'c', 'policy', i, 'success', 1,"
		" sha256(i::text::bytea), sha256((i + 1)::text::bytea) FROM generate_series(1, %d) i;"
		"INSERT INTO idempotency (scope, key, fingerprint, status, body, changed_version)"
		" SELECT 's', 'k' || i, sha256('x'), 200, '{}', 1 + i FROM generate_series(1, %d) i;"
		"INSERT INTO bouncer_live (bouncer_id, last_heartbeat) SELECT i, now()"
		" FROM generate_series(1, %d) i;"
		"UPDATE head SET version = 1 + %d, audit_seq = 1 + %d, policies_used = %d,"
		" resources_used = %d, bouncers_used = %d, last_policy_id = %d, last_resource_id = %d,"
		" last_bouncer_id = %d",
		t, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n);
}

static const char *tenant_with(int n)
{
	char slug[24];
	const char *id;

	snprintf(slug, sizeof(slug), "mover%d", ++made);
	id = plane_tenant(plane, slug);
	if (n > 0)
		fill(id, n);
	return id;
}

static const char *begin(const char *id, const char *to, bool bare)
{
	const char *d = arena_printf(plane->arena, "deploy-%d", ++made);

	plane_sql(plane, PLANE_CONTROL,
		"INSERT INTO cc.deployment (id, tenant_id, from_region, from_schema, from_shard, epoch,"
		" to_region, bare, window_at, estimated_at, started_by) SELECT '%s', id, region, schema_id,"
		" shard, epoch, '%s', %s, now(), now(), 'test' FROM cc.tenant WHERE id = '%s'",
		d, to, bare ? "true" : "false", id);
	return d;
}

static const char *column(const char *d, const char *what)
{
	return plane_text(plane, PLANE_CONTROL, "SELECT %s FROM cc.deployment WHERE id = '%s'", what, d);
}

static enum err tick(struct plane *p, struct ctx *cx, void *arg)
{
	bool *did = arg;

	(void)p;
	return moves_tick(cx, did);
}

/* One node at work until the move is over, or until `until`. */
static void run_until(const char *d, const char *until)
{
	const int64_t end = clock_mono_ms() + 60000;

	while (strcmp(column(d, until), "t") != 0) {
		struct ctx cx = plane_ctx(plane);
		bool did = false;
		const enum err e = tick(plane, &cx, &did);

		plane_done(&cx);
		if (e != ERR_NONE || !did)
			usleep(20000);
		if (clock_mono_ms() > end) {
			print_error("%s: %s\n", d, column(d, "concat_ws(' ', step, failures, error)"));
			fail();
		}
	}
}

static void run(const char *d)
{
	run_until(d, "completed_at IS NOT NULL");
}

static const char *content(const char *region, const char *schema)
{
	struct str all;

	str_init(&all, plane->arena, 1024);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		str_addf(&all, "%s %s\n", tables[i],
			plane_text(plane, database_of(region),
				"SELECT count(*) || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)),"
				" '') FROM %s.%s t",
				schema, tables[i]));
	str_addf(&all, "head %s\n",
		plane_text(plane, database_of(region),
			"SELECT concat_ws(' ', version, policies_used, resources_used, bouncers_used,"
			" users_used, last_policy_id, audit_seq, encode(audit_mac, 'hex')) FROM %s.head",
			schema));
	return all.data;
}

static bool is_writable(const char *region, const char *schema, int epoch)
{
	return plane_number(plane, database_of(region),
		       "SELECT count(*) FROM %s.head WHERE writable AND epoch = %d", schema, epoch) == 1;
}

/* Where it is, it is whole and takes writes; where it was, nothing does. */
static void check_moved(const char *id, const char *d, const char *before)
{
	const char *from = column(d, "from_schema"), *to = column(d, "to_schema");

	assert_string_equal("completed", column(d, "step"));
	assert_string_equal(column(d, "to_region"), region_of(id));
	assert_string_equal(before, content(region_of(id), to));
	assert_true(is_writable(region_of(id), to, (int)plane_number(plane, PLANE_CONTROL,
		"SELECT epoch FROM cc.tenant WHERE id = '%s'", id)));
	assert_int_equal(0, plane_number(plane, database_of(column(d, "from_region")),
		"SELECT count(*) FROM %s.head WHERE writable", from));
	assert_string_equal("f", plane_text(plane, database_of(column(d, "from_region")),
		"SELECT has_schema_privilege('%s', '%s', 'USAGE')", from, from));
	assert_int_equal(3, plane_number(plane, database_of(region_of(id)),
		"SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"
		" AND connamespace = '%s'::regnamespace", to));
}

static void check_aborted(const char *id, const char *d, const char *before)
{
	assert_string_equal("aborted", column(d, "step"));
	assert_string_equal(column(d, "from_region"), region_of(id));
	assert_string_equal(before, content(region_of(id), plane_schema(plane, id)));
	assert_true(is_writable(region_of(id), plane_schema(plane, id), 1));
}

static void a_tenant_moves_with_all_it_has_and_back_home(void **state)
{
	const char *id = tenant_with(3000), *before = content(EAST, plane_schema(plane, id));
	const char *d = begin(id, WEST, false);

	(void)state;
	run(d);
	check_moved(id, d, before);
	assert_int_equal(3000, plane_number(plane, PLANE_WEST, "SELECT count(*) FROM %s.bouncer_live",
		plane_schema(plane, id)));
	print_message("# 3000 of each: froze for %s ms, %s rows, copied in %s ms\n", column(d, "freeze_ms"),
		column(d, "rows_copied"), column(d, "copy_ms"));
	d = begin(id, EAST, false);
	run(d);
	check_moved(id, d, before);
	assert_int_equal(3, plane_number(plane, PLANE_CONTROL,
		"SELECT epoch FROM cc.tenant WHERE id = '%s'", id));
}

static void what_is_not_wanted_is_left_behind(void **state)
{
	const char *id = tenant_with(50), *d = begin(id, WEST, true), *t;

	(void)state;
	run(d);
	t = plane_schema(plane, id);
	assert_string_equal("completed", column(d, "step"));
	assert_string_equal("0 0 0 1 51", plane_text(plane, PLANE_WEST,
		"SELECT concat_ws(' ', policies_used, (SELECT count(*) FROM %s.policies), resources_used,"
		" users_used, audit_seq) FROM %s.head", t, t));
}

/* The target is damaged after the copy, before it is compared: always found, never flipped. */
static void any_difference_is_found(void **state)
{
	static const char *const damage[] = {
		"UPDATE policies SET rego_code = overlay(rego_code placing 'x' from 3) WHERE id = 40",
		"DELETE FROM users WHERE id = 1",
		"DELETE FROM policy_versions WHERE id = 20",
		"INSERT INTO resources (id, name, type, environment, created_by, created_at, updated_at,"
		" changed_version) VALUES (100000, 'extra', 'api', 'sandbox', 'k', now(), now(), 2)",
		"UPDATE audit SET mac = sha256('x') WHERE seq = 7",
		"UPDATE idempotency SET body = '{ }' WHERE key = 'k5'",
		"UPDATE bouncers SET configuration = '{\"a\":[1]}' WHERE id = 3",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		const char *id = tenant_with(60), *before = content(EAST, plane_schema(plane, id));
		const char *d = begin(id, WEST, false), *t;

		plane_sql(plane, PLANE_CONTROL,
			"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
		run_until(d, "step = 'catchup' AND lag_rows = 0");
		t = column(d, "to_schema");
		plane_sql(plane, PLANE_WEST, "SET search_path = %s; %s", t, damage[i]);
		plane_sql(plane, PLANE_CONTROL,
			"UPDATE cc.deployment SET window_at = now(), lease_until = now() WHERE id = '%s'", d);
		run(d);
		check_aborted(id, d, before);
		assert_string_equal("conflict", column(d, "error->>'code'"));
	}
}

static void a_cancelled_move_leaves_nothing(void **state)
{
	const char *id = tenant_with(50), *before = content(EAST, plane_schema(plane, id));
	const char *d = begin(id, WEST, false);

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	run_until(d, "step = 'catchup' AND lag_rows = 0");
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET cancelled = true, lease_until = now() WHERE id = '%s'", d);
	run(d);
	check_aborted(id, d, before);
	(void)plane_tick(plane);
	assert_string_equal("0", plane_text(plane, PLANE_WEST,
		"SELECT count(*) FROM pg_namespace WHERE nspname = '%s'", column(d, "to_schema")));
}

/* The fence opens although the target is away, and the move goes on when it is back. */
static void a_region_that_is_down_holds_nobody_up(void **state)
{
	const char *id = tenant_with(50), *schema = plane_schema(plane, id), *d = begin(id, WEST, false);
	struct region *west = region_find(&plane->world, WEST);
	const int64_t end = clock_mono_ms() + 30000;
	struct db_server *server = db_server_create();

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	run_until(d, "step = 'catchup' AND lag_rows = 0");
	west->server = server;
	assert_true(db_server_say_down(server));
	pg_kill9(plane->west);
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET step = 'fence', fenced_at = clock_timestamp(), window_at = now(),"
		" lease_until = now() WHERE id = '%s'",
		d);
	run_until(d, "step = 'drain'");
	assert_string_equal("f", plane_text(plane, PLANE_EAST, "SELECT writable FROM %s.head", schema));
	run_until(d, "step = 'catchup'");
	assert_string_equal("t", plane_text(plane, PLANE_EAST, "SELECT writable FROM %s.head", schema));
	assert_true(clock_mono_ms() < end);
	pg_restart(plane->west);
	assert_true(db_server_say_up(server));
	run(d);
	assert_string_equal(WEST, region_of(id));
	west->server = NULL;
	db_server_destroy(server);
}

static bool is_over(const char *d)
{
	return strcmp(column(d, "completed_at IS NOT NULL"), "t") == 0;
}

/* The node dies at each point that the move passes in turn; another one goes on. */
static void whoever_dies_another_goes_on(void **state)
{
	const int stride = getenv("CC_LONG") != NULL ? 1 : 17;
	int kills = 0, completed = 0;

	(void)state;
	for (int nth = 1; nth < 2000; nth += stride) {
		const char *id = tenant_with(5), *before = content(EAST, plane_schema(plane, id));
		const char *d = begin(id, WEST, false);
		char point[32];
		bool did = false, died = false;

		snprintf(point, sizeof(point), "move.taken+*:%d", nth);
		while (!died && !is_over(d)) {
			died = plane_dies_at(plane, point, tick, &did);
			plane_sql(plane, PLANE_CONTROL,
				"UPDATE cc.deployment SET lease_until = now() WHERE id = '%s'", d);
		}
		kills += died;
		run(d);
		if (strcmp(column(d, "step"), "completed") == 0)
			check_moved(id, d, before);
		else
			check_aborted(id, d, before);
		completed += strcmp(column(d, "step"), "completed") == 0;
		if (!died)
			break;
	}
	print_message("# %d kills, %d completed\n", kills, completed);
	assert_true(kills >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenant_moves_with_all_it_has_and_back_home),
		cmocka_unit_test(what_is_not_wanted_is_left_behind),
		cmocka_unit_test(any_difference_is_found),
		cmocka_unit_test(a_cancelled_move_leaves_nothing),
		cmocka_unit_test(a_region_that_is_down_holds_nobody_up),
		cmocka_unit_test(whoever_dies_another_goes_on),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
