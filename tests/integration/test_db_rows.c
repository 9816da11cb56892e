/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments on their way there, columns on their way back, and orders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../support/things.h"

static const enum db_type all_types[] = { DB_INT8, DB_TEXT, DB_TEXT, DB_BOOL, DB_TIME, DB_FLOAT8, DB_TEXTS,
	DB_JSON, DB_BYTEA, DB_INT8 };
static const struct db_query insert = { .name = "insert",
	.sql = "INSERT INTO thing (id, name, status, good, made_at, ratio, tags, body, blob, max_users)"
	       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	       " RETURNING id, name, status, good, made_at, ratio, tags, body, blob,"
	       " max_users AS \"settings.max_users\"",
	.args = all_types,
	.nargs = 10,
	.card = DB_ONE,
	.row = &thing_schema,
	.always_one = true };

static enum err insert_whole(struct ctx *cx, void *arg)
{
	static const char *const tags[] = { "a", "", "ü{\",}" };
	const struct strv list = { .v = tags, .n = 3 };
	const struct db_arg args[] = { { .number = 7 }, { .text = "whole" }, { .text = "active" },
		{ .flag = true }, { .number = INT64_C(1700000000123456) }, { .real = 0.25 },
		{ .texts = &list }, { .text = "{\"k\":[1,2]}" },
		{ .bytes = { .p = (const unsigned char *)"\0\1\377", .n = 3 } }, { .number = -5 } };
	struct job *job = arg;

	return db_query_now(cx->db, &insert, NULL, (struct db_result){ .row = &job->thing }, args);
}

static void every_type_goes_there_and_back(void **state)
{
	struct job job = { 0 };
	const struct thing *t = &job.thing;

	assert_int_equal(ERR_NONE, things_unit(*state, DB_WRITE, insert_whole, &job));
	assert_int_equal(7, t->id);
	assert_string_equal("whole", t->name);
	assert_ptr_equal(thing_statuses[1], t->status);
	assert_true(t->good);
	assert_int_equal(INT64_C(1700000000123456), t->made_at);
	assert_true(t->ratio > 0.2499 && t->ratio < 0.2501);
	assert_int_equal(3, t->tags.n);
	assert_string_equal("a", t->tags.v[0]);
	assert_string_equal("", t->tags.v[1]);
	assert_string_equal("ü{\",}", t->tags.v[2]);
	assert_string_equal("{\"k\":[1,2]}", t->body);
	assert_int_equal(3, t->blob.n);
	assert_memory_equal("\0\1\377", t->blob.p, 3);
	assert_int_equal(-5, t->settings.max_users);
}

static enum err insert_nulls(struct ctx *cx, void *arg)
{
	const struct db_arg args[] = { { .number = 8 }, { .text = NULL }, { .text = NULL }, { .flag = false },
		{ .number = TIME_NULL }, { .real = (double)NAN }, { .texts = NULL }, { .text = NULL },
		{ .bytes = { .p = NULL } }, { .number = INT_NULL } };
	struct job *job = arg;

	memset(&job->thing, 0x55, sizeof(job->thing));
	return db_query_now(cx->db, &insert, NULL, (struct db_result){ .row = &job->thing }, args);
}

static void nulls_stay_nulls(void **state)
{
	struct job job = { 0 };
	const struct thing *t = &job.thing;

	assert_int_equal(ERR_NONE, things_unit(*state, DB_WRITE, insert_nulls, &job));
	assert_null(t->name);
	assert_null(t->status);
	assert_int_equal(TIME_NULL, t->made_at);
	assert_true(isnan(t->ratio));
	assert_int_equal(0, t->tags.n);
	assert_null(t->body);
	assert_null(t->blob.p);
	assert_int_equal(INT_NULL, t->settings.max_users);
}

static enum err read_odd_types(struct ctx *cx, void *arg)
{
	static const struct db_query q = { .name = "odd",
		.sql = "SELECT 7::int2 AS id, 'n'::name AS name, 'other'::varchar AS status, '{\"k\": "
		       "1}'::jsonb AS body,"
		       " 0.5::float4 AS ratio, ARRAY['a', NULL, 'b']::varchar[] AS tags, "
		       "'infinity'::timestamptz AS made_at,"
		       " 9::int4 AS \"settings.max_users\"",
		.card = DB_ONE,
		.row = &thing_schema };
	struct job *job = arg;

	return db_query_now(cx->db, &q, NULL, (struct db_result){ .row = &job->thing }, NULL);
}

static void the_kin_of_a_type_are_read_too(void **state)
{
	struct job job = { 0 };
	const struct thing *t = &job.thing;

	assert_int_equal(ERR_NONE, things_unit(*state, DB_READ, read_odd_types, &job));
	assert_int_equal(7, t->id);
	assert_string_equal("n", t->name);
	assert_string_equal("other", t->status);
	assert_string_equal("{\"k\": 1}", t->body);
	assert_true(t->ratio > 0.499 && t->ratio < 0.501);
	assert_int_equal(2, t->tags.n);
	assert_string_equal("b", t->tags.v[1]);
	assert_int_equal(INT64_MAX, t->made_at);
	assert_int_equal(9, t->settings.max_users);
}

static enum err run_misfit(struct ctx *cx, void *arg)
{
	static const struct db_query q[] = {
		{.name = "misfit",    .sql = "SELECT 1::int8 AS name", .card = DB_MANY, .row = &thing_schema},
		{ .name = "stranger", .sql = "SELECT 1::int8 AS age",  .card = DB_MANY, .row = &thing_schema},
		{ .name = "crowd",
                 .sql = "SELECT 1::int8 AS id UNION ALL SELECT 2",
                 .card = DB_ONE,
                 .row = &thing_schema								       },
	};
	struct job *job = arg;
	const struct db_result res = { .row = &job->thing, .rows = &job->rows };

	return db_query_now(cx->db, &q[job->n], NULL, res, NULL);
}

static void a_result_that_does_not_fit_is_named_for_the_log(void **state)
{
	static const char *const causes[] = { "misfit: column name", "stranger: column age",
		"crowd: 2 rows" };
	struct things *fx = *state;

	for (int i = 0; i < 3; i++) {
		struct job job = { .n = i };

		assert_int_equal(ERR_INTERNAL, things_unit(fx, DB_READ, run_misfit, &job));
		assert_non_null(strstr(fx->cx.problem.cause, causes[i]));
		assert_null(fx->cx.problem.message);
	}
}

static enum err count_drops(struct ctx *cx, void *arg)
{
	static const struct db_query q = { .name = "drop", .sql = "DELETE FROM thing", .card = DB_COUNT };
	struct job *job = arg;

	return db_query_now(cx->db, &q, NULL, (struct db_result){ .affected = &job->n }, NULL);
}

static void rows_that_were_touched_are_counted(void **state)
{
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(*state, DB_WRITE, things_add_two, &job));
	assert_int_equal(ERR_NONE, things_unit(*state, DB_WRITE, count_drops, &job));
	assert_int_equal(2, job.n);
}

/* More orders than a connection keeps statements for: the rest goes unnamed. */
static enum err list_in_every_order(struct ctx *cx, void *arg)
{
	static const int sortable[] = { 0, 1, 4, 5 };
	struct job *job = arg;

	for (int i = 0; i < 256; i++) {
		struct db_order o = { .n = 4 };
		enum err e;

		for (int k = 0; k < 4; k++) {
			o.by[k].field = &thing_fields[sortable[(k + i) % 4]];
			o.by[k].descending = (i >> (k + 2) & 1) != 0;
		}
		e = thing_list(cx, &job->rows, &o);
		if (e != ERR_NONE || job->rows.n != 2)
			return e != ERR_NONE ? e : ERR_CONFLICT;
	}
	return ERR_NONE;
}

static enum err list_by_name_backwards(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	struct db_order o = { .n = 1 };

	o.by[0].field = &thing_fields[1];
	o.by[0].descending = true;
	return thing_list(cx, &job->rows, &o);
}

static void lists_come_in_any_order(void **state)
{
	struct things *fx = *state;
	struct job job = { 0 };

	assert_int_equal(ERR_NONE, things_unit(fx, DB_WRITE, things_add_two, &job));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, list_in_every_order, &job));
	assert_int_equal(ERR_NONE, things_unit(fx, DB_READ, list_by_name_backwards, &job));
	assert_string_equal("two", DB_ROW(&job.rows, struct thing, 0)->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type_goes_there_and_back, things_open, things_close),
		cmocka_unit_test_setup_teardown(nulls_stay_nulls, things_open, things_close),
		cmocka_unit_test_setup_teardown(the_kin_of_a_type_are_read_too, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			a_result_that_does_not_fit_is_named_for_the_log, things_open, things_close),
		cmocka_unit_test_setup_teardown(
			rows_that_were_touched_are_counted, things_open, things_close),
		cmocka_unit_test_setup_teardown(lists_come_in_any_order, things_open, things_close),
	};

	return cmocka_run_group_tests(tests, things_start, things_stop);
}
