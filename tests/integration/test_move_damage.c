/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that is damaged behind the mover's back, wherever chance will have it: always found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mover.h"

enum { ROWS = 100, EACH = 5, EACH_LONG = 34 };

/* Columns of which one bit is turned; bytes or text. */
static const struct {
	const char *table, *key, *column;
	bool bytes;
} columns[] = {
	{ "users", "id", "username", false },
	{ "resources", "id", "created_by", false },
	{ "bouncers", "id", "hostname", false },
	{ "policies", "id", "rego_code", false },
	{ "policies", "id", "created_by", false },
	{ "policy_versions", "id", "summary", false },
	{ "policy_versions", "id", "rego_code", false },
	{ "audit", "seq", "mac", true },
	{ "audit", "seq", "prev_mac", true },
	{ "audit", "seq", "actor", false },
	{ "idempotency", "changed_version", "fingerprint", true },
	{ "idempotency", "changed_version", "body", false },
};

/* Rows that nobody wrote, made of one that is there: what of it must be another. */
static const struct {
	const char *table, *key, *other;
} extras[] = {
	{ "users", "id", "\"id\":9001,\"email\":\"extra@example.com\"" },
	{ "resources", "id", "\"id\":9001,\"name\":\"extra\"" },
	{ "bouncers", "id", "\"id\":9001,\"name\":\"extra\"" },
	{ "policies", "id", "\"id\":9001,\"name\":\"extra\"" },
	{ "policy_versions", "id", "\"id\":9001,\"version\":9" },
	{ "audit", "seq", "\"seq\":9001" },
	{ "idempotency", "changed_version", "\"key\":\"extra\",\"changed_version\":3" },
};

static unsigned seed;

static int start(void **state)
{
	const char *given = getenv("CC_SEED");
	const int e = mover_start(state);

	seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	print_message("# CC_SEED=%u\n", seed);
	srandom(seed);
	return e;
}

static size_t pick(size_t n)
{
	return (size_t)random() % n;
}

/* The nth of the rows that are there, from whichever is the first. */
static const char *some_row(const char *table, const char *key)
{
	return arena_printf(plane->arena,
		"%s = (SELECT %s FROM %s ORDER BY %s OFFSET %ld %% (SELECT count(*) FROM %s)"
		" LIMIT 1)",
		key, key, table, key, random() % ROWS, table);
}

static const char *turn_a_bit(void)
{
	const size_t i = pick(sizeof(columns) / sizeof(columns[0]));
	const char *c = columns[i].column, *row = some_row(columns[i].table, columns[i].key);

	const long at = random() % 4096;

	if (columns[i].bytes)
		return arena_printf(plane->arena,
			"UPDATE %s SET %s = set_bit(%s, (%ld %% (8 * length(%s)))::int,"
			" 1 - get_bit(%s, (%ld %% (8 * length(%s)))::int)) WHERE %s",
			columns[i].table, c, c, at, c, c, at, c, row);
	return arena_printf(plane->arena,
		"UPDATE %s SET %s = overlay(%s placing chr(ascii(substr(%s, (1 + %ld %% length(%s))::int)) # "
		"1)"
		" from (1 + %ld %% length(%s))::int for 1) WHERE %s",
		columns[i].table, c, c, c, at, c, at, c, row);
}

static const char *take_a_row(void)
{
	static const char *const tables[][2] = { { "users", "id" }, { "resources", "id" },
		{ "bouncers", "id" }, { "policies", "id" }, { "policy_versions", "id" }, { "audit", "seq" },
		{ "idempotency", "changed_version" } };
	const size_t i = pick(sizeof(tables) / sizeof(tables[0]));

	return arena_printf(
		plane->arena, "DELETE FROM %s WHERE %s", tables[i][0], some_row(tables[i][0], tables[i][1]));
}

static const char *add_a_row(void)
{
	const size_t i = pick(sizeof(extras) / sizeof(extras[0]));
	const char *t = extras[i].table;

	return arena_printf(plane->arena,
		"INSERT INTO %s SELECT (jsonb_populate_record(t, '{%s}')).* FROM %s t WHERE %s", t,
		extras[i].other, t, some_row(t, extras[i].key));
}

/* Copied, and then something happens to the copy. */
static void damage_one(const char *id, const char *before, const char *damage)
{
	const char *d = mover_begin(id, WEST, false), *t;

	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
	t = mover_column(d, "to_schema");
	plane_sql(plane, PLANE_WEST, "SET search_path = %s; SET session_replication_role = replica; %s", t,
		damage);
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now(), lease_until = now() WHERE id = '%s'", d);
	mover_run(d);
	if (strcmp(mover_column(d, "step"), "aborted") != 0)
		print_error("not found: %s\n", damage);
	mover_check_aborted(id, d, before);
	assert_string_equal("conflict", mover_column(d, "error->>'code'"));
	(void)plane_tick(plane);
}

static void every_damage_is_found(const char *(*damage)(void))
{
	const int each = getenv("CC_LONG") != NULL ? EACH_LONG : EACH;
	const char *id = mover_tenant(ROWS), *before = mover_content(EAST, plane_schema(plane, id));

	for (int i = 0; i < each; i++)
		damage_one(id, before, damage());
	print_message("# %d of %d found\n", each, each);
}

static void a_bit_that_turned_is_found(void **state)
{
	(void)state;
	every_damage_is_found(turn_a_bit);
}

static void a_row_that_is_missing_is_found(void **state)
{
	(void)state;
	every_damage_is_found(take_a_row);
}

static void a_row_too_many_is_found(void **state)
{
	(void)state;
	every_damage_is_found(add_a_row);
}

/* Counters that would let the tenant have more than it may, or less. */
static void counters_that_differ_are_found(void **state)
{
	const char *id = mover_tenant(ROWS), *before = mover_content(EAST, plane_schema(plane, id));

	(void)state;
	damage_one(id, before,
		"CREATE FUNCTION miscount() RETURNS trigger LANGUAGE plpgsql AS"
		" $$ BEGIN NEW.policies_used := NEW.policies_used - 1; RETURN NEW; END $$;"
		" CREATE TRIGGER miscount BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION miscount();"
		" ALTER TABLE head ENABLE ALWAYS TRIGGER miscount");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bit_that_turned_is_found),
		cmocka_unit_test(a_row_that_is_missing_is_found),
		cmocka_unit_test(a_row_too_many_is_found),
		cmocka_unit_test(counters_that_differ_are_found),
	};

	return cmocka_run_group_tests(tests, start, mover_stop);
}
