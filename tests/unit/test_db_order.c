/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/conn.h"

struct part {
	int64_t weight;
};
static const struct field part_fields[] = { INT(struct part, weight, F_RW | F_SORT, 0, 9, "weight") };
static SCHEMA(part_schema, struct part, "Part", part_fields);

struct item {
	int64_t id, rank, size, age;
	const char *name, *secret;
	struct part part;
};
static const struct field item_fields[] = {
	INT(struct item, id, F_OUT | F_SORT, 0, 9, "id"),
	INT(struct item, rank, F_RW | F_SORT, 0, 9, "rank"),
	INT(struct item, size, F_RW | F_SORT, 0, 9, "size"),
	INT(struct item, age, F_RW | F_SORT, 0, 9, "age"),
	TEXT(struct item, name, F_RW | F_SORT, 0, 9, "name"),
	TEXT(struct item, secret, F_RW, 0, 9, "secret"),
	OBJ(struct item, part, F_RW, struct part, &part_schema, "part"),
};
static SCHEMA(item_schema, struct item, "Item", item_fields);

static const struct db_query items = { .name = "items", .sql = "", .sql_tail = "", .row = &item_schema };
static const struct db_query parts = { .name = "parts", .sql = "", .sql_tail = "", .row = &part_schema };

static int start(void **state)
{
	*state = arena_create(1024);
	return 0;
}

static int stop(void **state)
{
	arena_destroy(*state);
	return 0;
}

static const char *sql_of(struct arena *a, const char *text)
{
	struct db_order o;
	const char *bad = NULL;

	assert_true(db_order_parse(a, &item_schema, text, &o, &bad));
	return stmt_order_text(a, &items, &o);
}

static void an_order_ends_with_the_id(void **state)
{
	assert_string_equal("\"id\"", sql_of(*state, NULL));
	assert_string_equal("\"name\", \"id\"", sql_of(*state, "name"));
	assert_string_equal("\"rank\" DESC, \"name\", \"id\"", sql_of(*state, "-rank,name"));
	assert_string_equal("\"rank\", \"id\" DESC", sql_of(*state, "rank,-id"));
	assert_string_equal(
		"\"rank\", \"size\", \"age\", \"name\", \"id\"", sql_of(*state, "rank,size,age,name"));
}

static void a_table_without_id_needs_none(void **state)
{
	assert_string_equal("1", stmt_order_text(*state, &parts, NULL));
}

static void what_is_no_order_is_named(void **state)
{
	static const char *const cases[][2] = {
		{ "", "cannot be by " },
		{ "secret", "cannot be by secret" },
		{ "name,-nothing", "cannot be by -nothing" },
		{ "name,", "cannot be by " },
		{ "name,name", "names twice name" },
		{ "name,-name", "names twice -name" },
		{ "--name", "cannot be by --name" },
		{ "name desc", "cannot be by name desc" },
		{ "part.weight", "cannot be by part.weight" },
		{ "part", "cannot be by part" },
		{ "id,rank,size,age,name", "names too many fields with name" },
		{ "Name", "cannot be by Name" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct db_order o = { .n = 77 };
		const char *why = NULL;

		assert_false(db_order_parse(*state, &item_schema, cases[i][0], &o, &why));
		assert_string_equal(cases[i][1], why);
		assert_int_equal(77, o.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_ends_with_the_id),
		cmocka_unit_test(a_table_without_id_needs_none),
		cmocka_unit_test(what_is_no_order_is_named),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
