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
	int64_t due;
	const char *name, *secret;
	struct part part;
};
static const struct field item_fields[] = {
	INT(struct item, id, F_OUT | F_SORT, 0, 9, "id"),
	INT(struct item, rank, F_RW | F_SORT, 0, 9, "rank"),
	INT(struct item, size, F_RW | F_SORT, 0, 9, "size"),
	INT(struct item, age, F_RW | F_SORT, 0, 9, "age"),
	TEXT(struct item, name, F_RW | F_SORT, 0, 9, "name"),
	TIME(struct item, due, F_RW | F_SORT | F_NULLABLE, "due"),
	TEXT(struct item, secret, F_RW, 0, 9, "secret"),
	OBJ(struct item, part, F_RW, struct part, &part_schema, "part"),
};
static SCHEMA(item_schema, struct item, "Item", item_fields);

static const struct db_query items = {
	.name = "items", .sql = "", .sql_middle = "", .sql_tail = "", .nargs = 2, .row = &item_schema
};
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
	return order_text(a, &items, &o);
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

static void equal_rows_follow_their_ids_the_same_way(void **state)
{
	assert_string_equal("\"name\" DESC, \"id\" DESC", sql_of(*state, "-name"));
	assert_string_equal("\"rank\", \"name\" DESC, \"id\" DESC", sql_of(*state, "rank,-name"));
}

static const struct db_arg values[DB_ORDER_MAX + 1];

static const char *after_of(struct arena *a, const char *text)
{
	struct db_order o;
	const char *bad = NULL;

	assert_true(db_order_parse(a, &item_schema, text, &o, &bad));
	assert_string_equal("true", order_after_text(a, &items, &o));
	o.after = values;
	return order_after_text(a, &items, &o);
}

/* items has two parameters of its own. */
static void what_comes_after_a_row_is_compared_field_by_field(void **state)
{
	assert_string_equal("(\"id\") > ($3)", after_of(*state, NULL));
	assert_string_equal("(\"name\", \"id\") > ($3, $4)", after_of(*state, "name"));
	assert_string_equal("(\"rank\", \"name\", \"id\") < ($3, $4, $5)", after_of(*state, "-rank,-name"));
	assert_string_equal(
		"((\"rank\" > $3) OR (\"rank\" = $3 AND \"id\" < $4))", after_of(*state, "rank,-id"));
	assert_string_equal("((\"rank\" < $3) OR (\"rank\" = $3 AND \"name\" > $4)"
			    " OR (\"rank\" = $3 AND \"name\" = $4 AND \"id\" > $5))",
		after_of(*state, "-rank,name"));
}

static void null_is_the_last_value(void **state)
{
	assert_string_equal("(((\"due\" > $3 OR (\"due\" IS NULL AND $3 IS NOT NULL)))"
			    " OR (\"due\" IS NOT DISTINCT FROM $3 AND \"id\" > $4))",
		after_of(*state, "due"));
	assert_string_equal("(((\"due\" < $3 OR ($3 IS NULL AND \"due\" IS NOT NULL)))"
			    " OR (\"due\" IS NOT DISTINCT FROM $3 AND \"id\" < $4))",
		after_of(*state, "-due"));
}

static void the_values_of_a_row_are_those_of_its_order(void **state)
{
	const struct item row = { .id = 7, .rank = 3, .name = "n", .due = TIME_NULL };
	struct db_arg got[DB_ORDER_MAX + 1];
	struct db_order o;
	const char *bad = NULL;

	assert_true(db_order_parse(*state, &item_schema, "-rank,name,due", &o, &bad));
	assert_int_equal(4, o.n);
	db_order_values(&o, &row, got);
	assert_int_equal(3, got[0].number);
	assert_string_equal("n", got[1].text);
	assert_true(got[2].number == TIME_NULL);
	assert_int_equal(7, got[3].number);
}

static void a_table_without_id_needs_none(void **state)
{
	assert_string_equal("1", order_text(*state, &parts, NULL));
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
		cmocka_unit_test(equal_rows_follow_their_ids_the_same_way),
		cmocka_unit_test(what_comes_after_a_row_is_compared_field_by_field),
		cmocka_unit_test(null_is_the_last_value),
		cmocka_unit_test(the_values_of_a_row_are_those_of_its_order),
		cmocka_unit_test(a_table_without_id_needs_none),
		cmocka_unit_test(what_is_no_order_is_named),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
