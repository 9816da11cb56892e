/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/db/conninfo.h"

static int start(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int stop(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void keywords_are_read_with_their_quotes(void **state)
{
	assert_string_equal("a b'c", conninfo_get(*state, "host=/tmp dbname='a b\\'c' port=1", "dbname"));
	assert_string_equal("x", conninfo_get(*state, "postgresql://someone@/x?host=/tmp", "dbname"));
}

static void what_is_absent_or_no_connection_string_is_null(void **state)
{
	assert_null(conninfo_get(*state, "host=/tmp", "dbname"));
	assert_null(conninfo_get(*state, "dbname='unfinished", "dbname"));
	assert_null(conninfo_get(*state, "no_such_keyword=1", "dbname"));
	assert_null(conninfo_join(*state, "host=/tmp", "no_such_keyword=1"));
	assert_null(conninfo_join(*state, "=", "host=/tmp"));
}

static void the_second_wins_where_both_have_a_keyword(void **state)
{
	const char *both = conninfo_join(*state, "host=/a user=admin password='p\\' q'",
					 "host=/b port=7 dbname=x");

	assert_non_null(both);
	assert_string_equal("/b", conninfo_get(*state, both, "host"));
	assert_string_equal("7", conninfo_get(*state, both, "port"));
	assert_string_equal("admin", conninfo_get(*state, both, "user"));
	assert_string_equal("p' q", conninfo_get(*state, both, "password"));
	assert_string_equal("x", conninfo_get(*state, both, "dbname"));
}

static void an_empty_string_adds_nothing(void **state)
{
	assert_string_equal("", conninfo_join(*state, "", ""));
	assert_string_equal("/a", conninfo_get(*state, conninfo_join(*state, "host=/a", ""), "host"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keywords_are_read_with_their_quotes),
		cmocka_unit_test(what_is_absent_or_no_connection_string_is_null),
		cmocka_unit_test(the_second_wins_where_both_have_a_keyword),
		cmocka_unit_test(an_empty_string_adds_nothing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
