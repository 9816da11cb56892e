/* SPDX-License-Identifier: Apache-2.0 */
#include "mover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "cc/core/moves.h"

static const char *const tables[] = { "users", "resources", "bouncers", "policies", "policy_versions",
	"tombstones", "audit", "idempotency" };

struct plane *plane;
static int made;

int mover_start(void **state)
{
	plane = plane_start_two();
	*state = plane;
	return 0;
}

int mover_stop(void **state)
{
	(void)state;
	plane_stop(plane);
	return 0;
}

const char *mover_database(const char *region)
{
	return strcmp(region, EAST) == 0 ? PLANE_EAST : PLANE_WEST;
}

const char *mover_region(const char *id)
{
	return plane_text(plane, PLANE_CONTROL, "SELECT region FROM cc.tenant WHERE id = '%s'", id);
}

/* As so many writes of one object each would have left it. */
static void fill(const char *id, int n)
{
	const char *t = plane_schema(plane, id);

	plane_sql(plane, mover_database(mover_region(id)),
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

const char *mover_tenant(int n)
{
	char slug[24];
	const char *id;

	snprintf(slug, sizeof(slug), "mover%d", ++made);
	id = plane_tenant(plane, slug);
	if (n > 0)
		fill(id, n);
	return id;
}

const char *mover_begin(const char *id, const char *to, bool bare)
{
	const char *d = arena_printf(plane->arena, "deploy-%d", ++made);

	plane_sql(plane, PLANE_CONTROL,
		"INSERT INTO cc.deployment (id, tenant_id, from_region, from_schema, from_shard, epoch,"
		" to_region, bare, window_at, estimated_at, started_by) SELECT '%s', id, region, schema_id,"
		" shard, epoch, '%s', %s, now(), now(), 'test' FROM cc.tenant WHERE id = '%s'",
		d, to, bare ? "true" : "false", id);
	return d;
}

const char *mover_column(const char *d, const char *what)
{
	return plane_text(plane, PLANE_CONTROL, "SELECT %s FROM cc.deployment WHERE id = '%s'", what, d);
}

enum err mover_tick(struct plane *p, struct ctx *cx, void *arg)
{
	bool *did = arg;
	const enum err e = moves_tick(cx, true, did);

	(void)p;
	return e != ERR_NONE || *did ? e : moves_tick(cx, false, did);
}

/* One node at work until the move is over, or until `until`. */
void mover_run_until(const char *d, const char *until)
{
	const int64_t end = clock_mono_ms() + 60000;

	while (strcmp(mover_column(d, until), "t") != 0) {
		struct ctx cx = plane_ctx(plane);
		bool did = false;
		const enum err e = mover_tick(plane, &cx, &did);

		plane_done(&cx);
		if (e != ERR_NONE || !did)
			usleep(20000);
		if (clock_mono_ms() > end) {
			print_error("%s: %s\n", d, mover_column(d, "concat_ws(' ', step, failures, error)"));
			fail();
		}
	}
}

void mover_run(const char *d)
{
	mover_run_until(d, "completed_at IS NOT NULL");
}

const char *mover_content(const char *region, const char *schema)
{
	struct str all;

	str_init(&all, plane->arena, 1024);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		str_addf(&all, "%s %s\n", tables[i],
			plane_text(plane, mover_database(region),
				"SELECT count(*) || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)),"
				" '') FROM %s.%s t",
				schema, tables[i]));
	str_addf(&all, "head %s\n",
		plane_text(plane, mover_database(region),
			"SELECT concat_ws(' ', version, policies_used, resources_used, bouncers_used,"
			" users_used, last_policy_id, audit_seq, encode(audit_mac, 'hex')) FROM %s.head",
			schema));
	return all.data;
}

bool mover_is_writable(const char *region, const char *schema, int epoch)
{
	return plane_number(plane, mover_database(region),
		       "SELECT count(*) FROM %s.head WHERE writable AND epoch = %d", schema, epoch) == 1;
}

/* Where it is, it is whole and takes writes; where it was, nothing does. */
void mover_check_moved(const char *id, const char *d, const char *before)
{
	const char *from = mover_column(d, "from_schema"), *to = mover_column(d, "to_schema");

	assert_string_equal("completed", mover_column(d, "step"));
	assert_string_equal(mover_column(d, "to_region"), mover_region(id));
	assert_string_equal(before, mover_content(mover_region(id), to));
	assert_true(mover_is_writable(mover_region(id), to,
		(int)plane_number(plane, PLANE_CONTROL, "SELECT epoch FROM cc.tenant WHERE id = '%s'", id)));
	assert_int_equal(0, plane_number(plane, mover_database(mover_column(d, "from_region")),
				    "SELECT count(*) FROM %s.head WHERE writable", from));
	assert_string_equal("f", plane_text(plane, mover_database(mover_column(d, "from_region")),
					 "SELECT has_schema_privilege('%s', '%s', 'USAGE')", from, from));
	assert_int_equal(3, plane_number(plane, mover_database(mover_region(id)),
				    "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"
				    " AND connamespace = '%s'::regnamespace",
				    to));
}

void mover_check_aborted(const char *id, const char *d, const char *before)
{
	assert_string_equal("aborted", mover_column(d, "step"));
	assert_string_equal(mover_column(d, "from_region"), mover_region(id));
	assert_string_equal(before, mover_content(mover_region(id), plane_schema(plane, id)));
	assert_true(mover_is_writable(mover_region(id), plane_schema(plane, id), 1));
}

bool mover_is_over(const char *d)
{
	return strcmp(mover_column(d, "completed_at IS NOT NULL"), "t") == 0;
}
