/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every query of sql/ against a database that the migrations made: the server takes it with the
 * types it declares, and each of its columns finds a field of its row that takes its type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/conn.h"
#include "pg.h"
#include "cc/base/clock.h"
#include "cc/db/migrate.h"
#include "cc/model/migrations.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"
#include "cc/model/q_tenant.h"

#define SCHEMA_ID "t_aaaaaaaaaaaaaaaa"

struct fixture {
	struct pg *pg;
	struct ctx cx;
};

static struct db_session *session(struct fixture *fx, const char *database, const char *user)
{
	struct db_session *s = NULL;

	fx->cx.deadline_ms = clock_mono_ms() + 60000;
	assert_int_equal(ERR_NONE, db_session_open(&fx->cx, pg_conninfo(fx->pg, database), user, NULL, &s));
	return s;
}

static void check(struct fixture *fx, enum err e)
{
	if (e != ERR_NONE)
		print_error("%s\n", fx->cx.problem.cause);
	assert_int_equal(ERR_NONE, e);
}

static void make_databases(struct fixture *fx)
{
	struct db_session *s = session(fx, "postgres", PG_SUPERUSER);

	check(fx, db_session_login_role(&fx->cx, s, "cc_prov", NULL, true));
	check(fx, db_session_login_role(&fx->cx, s, "cc_ctl", NULL, false));
	check(fx, db_session_login_role(&fx->cx, s, "cc_ctl_tenant", NULL, false));
	check(fx, db_session_login_role(&fx->cx, s, "cc_pool", NULL, false));
	check(fx, db_session_create_database(&fx->cx, s, "control", "cc_prov"));
	check(fx, db_session_create_database(&fx->cx, s, "region", "cc_prov"));
	db_session_close(s);
}

static void migrate(
	struct fixture *fx, const char *database, const struct migration_set *set, const char *schema)
{
	struct db_session *s = session(fx, database, "cc_prov");
	int n = 0;

	check(fx, migrate_database(&fx->cx, s, set, schema, false, &n));
	assert_int_equal(set->n, n);
	db_session_close(s);
}

static void make_tenant(struct fixture *fx)
{
	static const char *const args[] = { SCHEMA_ID, "cc_owner", "cc_pool" };
	struct db_session *s = session(fx, "region", "cc_prov");

	check(fx, db_session_exec(&fx->cx, s, "SELECT cc_region.create_shard($1, $2)", 2, args + 1, NULL));
	check(fx, db_session_exec(&fx->cx, s, "SELECT cc_region.create_tenant($1, $2, $3)", 3, args, NULL));
	check(fx, migrate_tenant_schema(&fx->cx, s, &tenant_migrations, SCHEMA_ID, "cc_owner", 0, 0));
	db_session_close(s);
}

static int start(void **state)
{
	static struct fixture fx;

	fx.pg = pg_start();
	fx.cx.arena = arena_create(65536);
	make_databases(&fx);
	migrate(&fx, "control", &control_migrations, "cc");
	migrate(&fx, "region", &region_migrations, "cc_region");
	make_tenant(&fx);
	*state = &fx;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	arena_destroy(fx->cx.arena);
	pg_stop(fx->pg);
	return 0;
}

static PGconn *connect_as(struct fixture *fx, const char *database, const char *user, const char *settings)
{
	const char *info = arena_printf(fx->cx.arena, "%s user=%s", pg_conninfo(fx->pg, database), user);
	PGconn *pg = PQconnectdb(info);
	PGresult *r = PQexec(pg, settings);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		print_error("%s", PQerrorMessage(pg));
	assert_int_equal(PGRES_COMMAND_OK, PQresultStatus(r));
	PQclear(r);
	return pg;
}

static bool is_kin(enum db_type declared, Oid seen)
{
	switch (declared) {
	case DB_TEXT:
		return load_accepts(K_TEXT, seen);
	case DB_JSON:
		return load_accepts(K_JSON, seen);
	case DB_TEXTS:
		return load_accepts(K_STRS, seen);
	case DB_INT8:
		return load_accepts(K_INT, seen);
	case DB_BOOL:
	case DB_TIME:
	case DB_BYTEA:
	case DB_FLOAT8:
		break;
	}
	return bind_type(declared) == seen;
}

/* What the server would have taken a parameter for, had we not said; a cast in the text says it itself. */
static int misdeclared(struct fixture *fx, PGconn *pg, const struct db_query *q, const char *sql)
{
	PGresult *r = PQprepare(pg, "", sql, 0, NULL);
	int bad = 0;

	if (PQresultStatus(r) == PGRES_COMMAND_OK) {
		PQclear(r);
		r = PQdescribePrepared(pg, "");
		for (int i = 0; i < PQnparams(r) && i < q->nargs; i++) {
			const char *cast = arena_printf(fx->cx.arena, "$%d::", i + 1);

			if (strstr(sql, cast) != NULL || is_kin(q->args[i], PQparamtype(r, i)))
				continue;
			print_error(
				"%s: the server takes $%d for type %u\n", q->name, i + 1, PQparamtype(r, i));
			bad++;
		}
	}
	PQclear(r);
	return bad;
}

static int misfits(struct fixture *fx, PGconn *pg, const struct db_query *q)
{
	PGresult *r = PQdescribePrepared(pg, q->name);
	char *row = schema_new(fx->cx.arena, q->row);
	int bad = PQnfields(r) == 0;

	for (int i = 0; i < PQnfields(r); i++) {
		const struct field *f = NULL;

		if (schema_at(q->row, row, PQfname(r, i), &f) != NULL && load_accepts(f->kind, PQftype(r, i)))
			continue;
		print_error("%s: column %s of type %u has %s\n", q->name, PQfname(r, i), PQftype(r, i),
			f == NULL ? "no field" : "a field of another type");
		bad++;
	}
	PQclear(r);
	return bad;
}

static int refused(
	PGconn *pg, const struct db_query *q, const char *name, const char *sql, const struct db_order *o)
{
	Oid types[DB_ARGS_MAX];
	PGresult *r;
	int bad, n = q->nargs;

	for (int i = 0; i < q->nargs; i++)
		types[i] = bind_type(q->args[i]);
	for (int i = 0; o != NULL && o->after != NULL && i < o->n; i++)
		types[n++] = bind_type(db_order_type(o->by[i].field));
	r = PQprepare(pg, name, sql, n, types);
	bad = PQresultStatus(r) != PGRES_COMMAND_OK;
	if (bad)
		print_error("%s: %s", q->name, PQerrorMessage(pg));
	PQclear(r);
	return bad;
}

static const char *text_of(struct fixture *fx, const struct db_query *q, const struct db_order *o)
{
	struct arena *a = fx->cx.arena;

	if (q->sql_tail == NULL)
		return q->sql;
	return arena_printf(a, "%s%s%s%s%s", q->sql, order_after_text(a, q, o), q->sql_middle,
		order_text(a, q, o), q->sql_tail);
}

/* By one field, up and down, from the start and from behind a row. */
static int unsortable(struct fixture *fx, PGconn *pg, const struct db_query *q, const struct field *f)
{
	static const struct db_arg values[DB_ORDER_MAX + 1];
	int bad = 0;

	for (int i = 0; i < 4; i++) {
		const char *bad_part = NULL,
			   *text = arena_printf(fx->cx.arena, "%s%s", i & 1 ? "-" : "", f->name);
		struct db_order o;

		assert_true(db_order_parse(fx->cx.arena, q->row, text, &o, &bad_part));
		o.after = i & 2 ? values : NULL;
		bad += refused(pg, q, "", text_of(fx, q, &o), &o);
	}
	return bad;
}

static int faults_of(struct fixture *fx, PGconn *pg, const struct db_query *q)
{
	const char *sql = text_of(fx, q, NULL);
	int bad = refused(pg, q, q->name, sql, NULL);

	if (bad > 0)
		return bad;
	bad += misdeclared(fx, pg, q, sql);
	if (q->row != NULL)
		bad += misfits(fx, pg, q);
	for (size_t i = 0; q->sql_tail != NULL && i < q->row->nfields; i++)
		if ((q->row->fields[i].flags & F_SORT) != 0)
			bad += unsortable(fx, pg, q, &q->row->fields[i]);
	return bad;
}

static void check_set(struct fixture *fx, PGconn *pg, const struct db_query_set *set)
{
	int bad = 0;

	assert_true(set->n > 0);
	for (size_t i = 0; i < set->n; i++)
		bad += faults_of(fx, pg, set->v[i]);
	PQfinish(pg);
	assert_int_equal(0, bad);
}

static void every_query_of_the_control_database_is_what_it_declares(void **state)
{
	check_set(*state, connect_as(*state, "control", "cc_ctl", "SET search_path = cc, pg_temp"),
		&control_queries);
}

static void every_query_of_a_region_is_what_it_declares(void **state)
{
	check_set(*state, connect_as(*state, "region", "cc_prov", "SET search_path = cc_region, pg_temp"),
		&region_queries);
}

static void every_query_of_a_tenant_is_what_it_declares(void **state)
{
	static const char settings[] = "SET role = " SCHEMA_ID "; SET search_path = " SCHEMA_ID ", pg_temp";

	check_set(*state, connect_as(*state, "region", "cc_pool", settings), &tenant_queries);
}

static PGconn *connect_pooled(struct fixture *fx)
{
	const char *const names[] = { "dbname", "user", "options", NULL };
	const char *const values[] = { pg_conninfo(fx->pg, "region"), "cc_pool", conn_pooled_options, NULL };
	PGconn *pg = PQconnectdbParams(names, values, 1);

	PQclear(PQexec(pg, "SET plan_cache_mode = force_generic_plan"));
	PQclear(PQexec(pg, "SET role = " SCHEMA_ID));
	PQclear(PQexec(pg, "SET search_path = " SCHEMA_ID ", pg_temp"));
	return pg;
}

/* Whether what is prepared as "page" reads more than its page. */
static int reads_all(struct fixture *fx, PGconn *pg, const struct db_query *q, int nargs)
{
	struct str text;
	int bad;

	str_init(&text, fx->cx.arena, 256);
	str_add(&text, "EXPLAIN EXECUTE page(");
	for (int i = 0; i < nargs; i++)
		str_add(&text, i > 0 ? ", NULL" : "NULL");
	str_add(&text, ")");
	PGresult *r = PQexec(pg, text.data);
	bad = PQresultStatus(r) != PGRES_TUPLES_OK;
	for (int i = 0; i < PQntuples(r) && !bad; i++)
		bad = strstr(PQgetvalue(r, i, 0), "Sort") != NULL;
	for (int i = 0; i < PQntuples(r) && bad; i++)
		print_error("%s: %s\n", q->name, PQgetvalue(r, i, 0));
	PQclear(r);
	PQclear(PQexec(pg, "DEALLOCATE page"));
	return bad;
}

/* Nobody has analysed the tables, as it is with those of a new tenant. */
static void a_page_by_id_reads_no_more_than_a_page(void **state)
{
	static const struct db_arg values[DB_ORDER_MAX + 1];
	struct fixture *fx = *state;
	PGconn *pg = connect_pooled(fx);
	int bad = 0, seen = 0;

	for (size_t i = 0; i < tenant_queries.n; i++) {
		const struct db_query *q = tenant_queries.v[i];
		const char *bad_part = NULL;
		struct db_order o;

		if (q->sql_tail == NULL || !db_order_parse(fx->cx.arena, q->row, "-id", &o, &bad_part))
			continue;
		for (int k = 0; k < 2; k++) {
			o.after = k > 0 ? values : NULL;
			assert_int_equal(0, refused(pg, q, "page", text_of(fx, q, &o), &o));
			bad += reads_all(fx, pg, q, q->nargs + (k > 0 ? o.n : 0));
		}
		seen++;
	}
	PQfinish(pg);
	assert_true(seen >= 4);
	assert_int_equal(0, bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_query_of_the_control_database_is_what_it_declares),
		cmocka_unit_test(every_query_of_a_region_is_what_it_declares),
		cmocka_unit_test(every_query_of_a_tenant_is_what_it_declares),
		cmocka_unit_test(a_page_by_id_reads_no_more_than_a_page),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
