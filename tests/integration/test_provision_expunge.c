/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that were deleted long ago go for good and leave tombstones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "store/objstore_in.h"

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

/* However many they are: a step takes so many versions, and a policy only without any. */
static void versions_of_purged_policies_go_with_them(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *schema = plane_schema(p, id);

	plane_sql(p, PLANE_EAST,
		"SET search_path = %s; INSERT INTO policies (id, name, status, environment, rego_code, "
		"created_by,"
		" created_at, updated_at, deleted_at, changed_version) VALUES"
		" (1, 'a', 'draft', 'sandbox', '', 'x', now(), now(), now() - interval '31 d', 1),"
		" (2, 'b', 'draft', 'sandbox', '', 'x', now(), now(), now() - interval '29 d', 1);"
		" INSERT INTO policy_versions (id, policy_id, version, action, author, created_at, summary, "
		"name,"
		" status, environment, rego_code, test_cases, changed_version)"
		" SELECT n, 1 + n / 2500, n, 'saved', 'x', now(), '', 'a', 'draft', 'sandbox', '', '[]', n"
		" FROM generate_series(1, 2600) AS n",
		schema);
	for (int i = 0; i < 10 && plane_tick(p).expunged == 0; i++)
		plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET expunge_at = now()");
	assert_string_equal("2/101", plane_text(p, PLANE_EAST,
					     "SELECT string_agg(id::text, ' ') || '/' ||"
					     " (SELECT count(*) FROM %s.policy_versions) FROM %s.policies",
					     schema, schema));
	assert_string_equal("policies 1, policy_versions 2499",
		plane_text(p, PLANE_EAST,
			"SELECT string_agg(t, ', ' ORDER BY t) FROM (SELECT concat(tbl, ' ', count(*)) AS t"
			" FROM %s.tombstones GROUP BY tbl) AS x",
			schema));
}

static void rows_deleted_long_ago_leave_tombstones(void **state)
{
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme"), *schema = plane_schema(p, id);

	plane_sql(p, PLANE_EAST,
		"SET search_path = %s; INSERT INTO resources (id, name, type, environment, created_by, "
		"created_at, updated_at,"
		" deleted_at, changed_version) VALUES (1, 'a', 'api', 'sandbox', 'x', now(), now(), now() - "
		"interval '31 d', 1),"
		" (2, 'b', 'api', 'sandbox', 'x', now(), now(), now() - interval '29 d', 1),"
		" (3, 'c', 'api', 'sandbox', 'x', now(), now(), now() - interval '31 d', 1);"
		" INSERT INTO policies (id, name, status, environment, rego_code, resource_id, created_by, "
		"created_at, updated_at,"
		" deleted_at, changed_version) VALUES (1, 'a', 'draft', 'sandbox', '', 1, 'x', now(), now(),"
		" now() - interval '31 d', 1), (2, 'b', 'draft', 'sandbox', '', 3, 'x', now(), now(), NULL, "
		"1)",
		schema);
	assert_int_equal(2, plane_tick(p).expunged);
	assert_string_equal(
		"2 3", plane_text(p, PLANE_EAST,
			       "SELECT string_agg(id::text, ' ' ORDER BY id) FROM %s.resources", schema));
	assert_string_equal(
		"policies/1/2 resources/1/2", plane_text(p, PLANE_EAST,
						      "SELECT string_agg(concat_ws('/', tbl, pk, version), ' "
						      "' ORDER BY tbl) FROM %s.tombstones",
						      schema));
	assert_string_equal("2 expunge system", plane_text(p, PLANE_EAST,
							"SELECT concat_ws(' ', seq, action, actor_kind) FROM "
							"%s.audit ORDER BY seq DESC LIMIT 1",
							schema));
	assert_int_equal(0, plane_tick(p).expunged);
	assert_string_equal("2", plane_text(p, PLANE_EAST, "SELECT version FROM %s.head", schema));
}

/* A store that notes for whom it is swept. */
struct swept {
	struct objstore store;
	char prefix[200];
	int64_t older_s;
	int times;
};

static enum obj_result note_sweep(struct objstore *s, const char *prefix, int64_t older_s, bool remove,
	int64_t deadline_ms, int64_t *ret_n, struct obj_got *ret)
{
	struct swept *w = (struct swept *)s;

	(void)deadline_ms;
	(void)ret;
	assert_true(remove);
	(void)snprintf(w->prefix, sizeof(w->prefix), "%s", prefix);
	w->older_s = older_s;
	w->times++;
	*ret_n = 1;
	return OBJ_OK;
}

/* Nobody has to ask for it: with a tenant's turn go the uploads that it did not finish. */
static void uploads_that_nobody_finished_go(void **state)
{
	static const struct objstore_kind kind = { .sweep = note_sweep };
	struct swept store = { .store.kind = &kind };
	struct plane *p = *state;
	const char *id = plane_tenant(p, "acme");

	p->world.store = &store.store;
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET expunge_at = now()");
	plane_tick(p);
	p->world.store = NULL;
	assert_int_equal(1, store.times);
	assert_int_equal(86400, store.older_s);
	assert_non_null(strstr(store.prefix, id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(versions_of_purged_policies_go_with_them, clean),
		cmocka_unit_test_setup(uploads_that_nobody_finished_go, clean),
		cmocka_unit_test_setup(rows_deleted_long_ago_leave_tombstones, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
