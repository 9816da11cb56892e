/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "things.h"
#include "cc/base/clock.h"

static const struct field limits_fields[] = { INT(struct thing_limits, max_users, F_RW, 0, 100, "users") };
static SCHEMA(limits_schema, struct thing_limits, "Limits", limits_fields);

#define T struct thing
const char *const thing_statuses[] = { "draft", "active", NULL };
const struct field thing_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, INT64_MAX, "id"),
	TEXT(T, name, F_RW | F_SORT, 1, 100, "name"),
	ENUM(T, status, F_RW, thing_statuses, NULL, "status"),
	BOOL(T, good, F_RW, "good"),
	TIME(T, made_at, F_OUT | F_SORT, "made"),
	NUM(T, ratio, F_RW | F_SORT, "ratio"),
	STRS(T, tags, F_RW, 0, 10, NULL, 20, "tags"),
	JSON(T, body, F_RW, 1000, "body"),
	BYTES(T, blob),
	OBJ(T, settings, F_RW, struct thing_limits, &limits_schema, "settings"),
};
#undef T
SCHEMA(thing_schema, struct thing, "Thing", thing_fields);

static const char tables[] =
	"CREATE ROLE app LOGIN NOINHERIT; CREATE ROLE t_a; CREATE ROLE t_b; GRANT t_a, t_b TO app;"
	"CREATE SCHEMA t_a; CREATE SCHEMA t_b;"
	"GRANT USAGE ON SCHEMA t_a TO t_a; GRANT USAGE ON SCHEMA t_b TO t_b;"
	"CREATE TABLE t_a.thing (id int8 PRIMARY KEY, name varchar(100) UNIQUE, status text, good bool,"
	" made_at timestamptz, ratio float8, tags text[], body json, blob bytea, max_users int4,"
	" CONSTRAINT thing_id_check CHECK (id < 1000000));"
	"CREATE TABLE t_b.thing (LIKE t_a.thing INCLUDING ALL);"
	"GRANT ALL ON t_a.thing TO t_a; GRANT ALL ON t_b.thing TO t_b;"
	"CREATE FUNCTION public.thing_raise(state text) RETURNS void LANGUAGE plpgsql AS"
	" $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = state; END $$;";

static const struct db_constraint constraints[] = {
	{"thing_name_key", ERR_NAME_TAKEN, "name", "a thing has this name" },
	{ .constraint = NULL         },
};

int things_start(void **state)
{
	static struct things fx;

	fx.pg = pg_start();
	pg_sql(fx.pg, "postgres", tables);
	db_constraints_register(constraints);
	*state = &fx;
	return 0;
}

int things_stop(void **state)
{
	struct things *fx = *state;

	db_constraints_register(NULL);
	pg_stop(fx->pg);
	return 0;
}

int things_open(void **state)
{
	struct things *fx = *state;
	const struct db_pool_conf conf = {
		.name = "test",
		.conninfo = pg_conninfo(fx->pg, "postgres"),
		.user = "app",
		.max = 4,
		.connect_ms = 20000,
	};

	pg_sql(fx->pg, "postgres", "TRUNCATE t_a.thing, t_b.thing");
	fx->pool = db_pool_create(&conf);
	fx->arena = arena_create(16384);
	fx->cx = (struct ctx){ .arena = fx->arena, .deadline_ms = clock_mono_ms() + 60000 };
	fx->place = (struct db_place){
		.pool = fx->pool,
		.tenant = "tenant-a",
		.role = "t_a",
		.search_path = "t_a, public, pg_temp",
		.statement_ms = 20000,
	};
	return 0;
}

int things_close(void **state)
{
	struct things *fx = *state;
	struct db_pool_stats s;

	db_pool_stats(fx->pool, &s);
	db_pool_destroy(fx->pool);
	arena_destroy(fx->arena);
	return s.leased == 0 && s.faults_total == 0 ? 0 : -1;
}

enum err things_unit(struct things *fx, enum db_mode mode, db_work work, struct job *job)
{
	job->fx = fx;
	return db_unit(&fx->cx, &fx->place, mode, work, job);
}

struct db_pool_stats things_stats(struct things *fx)
{
	struct db_pool_stats s;

	db_pool_stats(fx->pool, &s);
	return s;
}

void things_kill_backends(struct things *fx)
{
	pg_sql(fx->pg, "postgres",
		"SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = 'app'");
}

const char *things_count(struct things *fx)
{
	return pg_value(fx->pg, "postgres", "SELECT count(*) FROM t_a.thing");
}

static const enum db_type id_name[] = { DB_INT8, DB_TEXT }, text[] = { DB_TEXT }, real[] = { DB_FLOAT8 };

static const struct db_query add = { .name = "thing_add",
	.sql = "INSERT INTO thing (id, name) VALUES ($1, $2)",
	.args = id_name,
	.nargs = 2,
	.card = DB_EXEC1,
	.always_one = true };
static const struct db_query rename_ = { .name = "thing_rename",
	.sql = "UPDATE thing SET name = $2 WHERE id = $1",
	.args = id_name,
	.nargs = 2,
	.card = DB_EXEC1 };
static const struct db_query get = { .name = "thing_get",
	.sql = "SELECT id, name FROM thing WHERE id = $1",
	.args = id_name,
	.nargs = 1,
	.card = DB_ONE,
	.row = &thing_schema };
static const struct db_query find = { .name = "thing_find",
	.sql = "SELECT id, name FROM thing WHERE id = $1",
	.args = id_name,
	.nargs = 1,
	.card = DB_OPT,
	.row = &thing_schema };
static const struct db_query list = { .name = "thing_list",
	.sql = "SELECT id, name FROM thing WHERE ",
	.sql_middle = " ORDER BY ",
	.sql_tail = " LIMIT 100",
	.card = DB_MANY,
	.row = &thing_schema };
static const struct db_query raise = {
	.name = "thing_raise", .sql = "SELECT thing_raise($1)", .args = text, .nargs = 1, .card = DB_EXEC
};
static const struct db_query nap = {
	.name = "thing_sleep", .sql = "SELECT pg_sleep($1)", .args = real, .nargs = 1, .card = DB_EXEC
};

static const struct db_result nothing;

enum err thing_add(struct ctx *cx, int64_t id, const char *name)
{
	const struct db_arg args[] = { { .number = id }, { .text = name } };

	return db_query_now(cx->db, &add, NULL, nothing, args);
}

void thing_add_later(struct ctx *cx, int64_t id, const char *name)
{
	const struct db_arg args[] = { { .number = id }, { .text = name } };

	db_query_later(cx->db, &add, NULL, nothing, args);
}

void thing_rename_later(struct ctx *cx, int64_t id, const char *name)
{
	const struct db_arg args[] = { { .number = id }, { .text = name } };

	db_query_later(cx->db, &rename_, NULL, nothing, args);
}

enum err thing_get(struct ctx *cx, struct thing *row, int64_t id)
{
	const struct db_arg arg = { .number = id };

	return db_query_now(cx->db, &get, NULL, (struct db_result){ .row = row }, &arg);
}

enum err thing_find(struct ctx *cx, struct thing *row, bool *found, int64_t id)
{
	const struct db_arg arg = { .number = id };

	return db_query_now(cx->db, &find, NULL, (struct db_result){ .row = row, .found = found }, &arg);
}

void thing_find_later(struct ctx *cx, struct thing *row, bool *found, int64_t id)
{
	const struct db_arg arg = { .number = id };

	db_query_later(cx->db, &find, NULL, (struct db_result){ .row = row, .found = found }, &arg);
}

enum err thing_list(struct ctx *cx, struct db_rows *rows, const struct db_order *order)
{
	return db_query_now(cx->db, &list, order, (struct db_result){ .rows = rows }, NULL);
}

enum err thing_raise(struct ctx *cx, const char *sqlstate)
{
	const struct db_arg arg = { .text = sqlstate };

	return db_query_now(cx->db, &raise, NULL, nothing, &arg);
}

enum err thing_sleep(struct ctx *cx, double seconds)
{
	const struct db_arg arg = { .real = seconds };

	return db_query_now(cx->db, &nap, NULL, nothing, &arg);
}

enum err things_add_two(struct ctx *cx, void *job)
{
	enum err e = thing_add(cx, 1, "one");

	(void)job;
	return e == ERR_NONE ? thing_add(cx, 2, "two") : e;
}

enum err things_read_later(struct ctx *cx, void *arg)
{
	struct job *job = arg;
	const struct db_arg id = { .number = 1 };

	db_query_later(cx->db, &get, NULL, (struct db_result){ .row = &job->thing }, &id);
	db_query_later(cx->db, &list, NULL, (struct db_result){ .rows = &job->rows }, NULL);
	return ERR_NONE;
}
