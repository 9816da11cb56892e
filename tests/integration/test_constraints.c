/* SPDX-License-Identifier: Apache-2.0 */
/* Every constraint that a write can meet has a meaning for the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"
#include "cc/api/api.h"

/* Unique indexes and foreign keys of our own schemas; the names of cc.migration and its like are set-up's. */
#define NAMES \
	"SELECT string_agg(DISTINCT name, ' ' ORDER BY name) FROM (" \
	" SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid" \
	" JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace" \
	" WHERE i.indisunique AND %s AND t.relname <> 'migration'" \
	" UNION ALL SELECT k.conname::text FROM pg_constraint k" \
	" JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.contype = 'f' AND %s) AS all_names"

static int start(void **state)
{
	*state = plane_start();
	(void)plane_tenant(*state, "acme");
	return 0;
}

static int stop(void **state)
{
	plane_stop(*state);
	return 0;
}

static const struct db_constraint *find(const char *name, size_t n)
{
	for (const struct db_constraint *c = api_constraints; c->constraint != NULL; c++)
		if (strlen(c->constraint) == n && memcmp(c->constraint, name, n) == 0)
			return c;
	return NULL;
}

static void check_all(const char *names)
{
	int n = 0;

	for (const char *name = names; *name != '\0'; n++) {
		const size_t len = strcspn(name, " ");

		if (find(name, len) == NULL)
			fail_msg("%.*s has no meaning in api_constraints", (int)len, name);
		name += len + (name[len] == ' ');
	}
	assert_true(n > 5);
}

static void constraints_of_the_control_database_have_a_meaning(void **state)
{
	check_all(plane_text(*state, PLANE_CONTROL, NAMES, "n.nspname = 'cc'", "n.nspname = 'cc'"));
}

static void constraints_of_a_tenants_schema_have_a_meaning(void **state)
{
	check_all(plane_text(*state, PLANE_EAST, NAMES, "n.nspname ~ '^t_'", "n.nspname ~ '^t_'"));
}

static void no_constraint_is_there_twice_or_without_words(void **state)
{
	(void)state;
	for (const struct db_constraint *c = api_constraints; c->constraint != NULL; c++) {
		assert_ptr_equal(c, find(c->constraint, strlen(c->constraint)));
		assert_non_null(c->message);
		assert_true(c->err != ERR_NONE && err_info(c->err)->status >= 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constraints_of_the_control_database_have_a_meaning),
		cmocka_unit_test(constraints_of_a_tenants_schema_have_a_meaning),
		cmocka_unit_test(no_constraint_is_there_twice_or_without_words),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
