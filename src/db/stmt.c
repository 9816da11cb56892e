/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: prepared with their first use on a connection, in the same pipeline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

#define SORTED_MAX 64 /* orders that keep a prepared statement, per connection; others are parsed each time */

void stmt_forget_columns(struct db_stmt *s)
{
	free(s->columns);
	s->columns = NULL;
}

void stmt_free(void *stmt)
{
	stmt_forget_columns(stmt);
	free(stmt);
}

static void add_column(struct str *s, const char *name, bool descending)
{
	str_addf(s, "%s\"%s\"%s", s->len > 0 ? ", " : "", name, descending ? " DESC" : "");
}

/* The id ends every order, so that equal rows never change places between two pages. */
const char *stmt_order_text(struct arena *a, const struct db_query *q, const struct db_order *order)
{
	struct str s;
	bool has_id = false;

	str_init(&s, a, 64);
	for (int i = 0; order != NULL && i < order->n; i++) {
		add_column(&s, order->by[i].field->name, order->by[i].descending);
		has_id = has_id || str_eq(order->by[i].field->name, "id");
	}
	if (!has_id && q->row != NULL && schema_field(q->row, "id") != NULL)
		add_column(&s, "id", false);
	if (s.len == 0)
		str_add(&s, "1");
	return s.data;
}

static struct db_stmt *stmt_new(struct db *db, const char *key, const char *name)
{
	struct db_stmt *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	snprintf(s->name, sizeof(s->name), "%s", name);
	map_set(db->stmts, key, s);
	return s;
}

static struct db_stmt *find_sorted(struct db *db, const struct db_query *q, const char *order)
{
	const char *key = arena_printf(db->cx->arena, "%s %s", q->name, order);
	struct db_stmt *s = map_get(db->stmts, key);
	char name[32];

	if (s != NULL)
		return s;
	if (db->nsorted == SORTED_MAX)
		return ARENA_NEW(db->cx->arena, struct db_stmt);
	/* Names of statements end at 63 bytes on the server: a number, where name and order may be longer. */
	snprintf(name, sizeof(name), "sorted-%d", ++db->nsorted);
	return stmt_new(db, key, name);
}

static struct db_stmt *find(struct db *db, const struct db_query *q, const char *order)
{
	struct db_stmt *s;

	if (order != NULL)
		return find_sorted(db, q, order);
	s = map_get(db->stmts, q->name);
	return s != NULL ? s : stmt_new(db, q->name, q->name);
}

static bool prepare(struct db *db, const struct db_query *q, struct db_stmt *s, const char *order)
{
	const char *sql = q->sql;
	Oid types[DB_ARGS_MAX];

	if (order != NULL)
		sql = arena_printf(db->cx->arena, "%s%s%s", q->sql, order, q->sql_tail);
	for (int i = 0; i < q->nargs; i++)
		types[i] = bind_type(q->args[i]);
	if (PQsendPrepare(db->pg, s->name, sql, q->nargs, types) != 1)
		return false;
	s->state = STMT_SENT;
	conn_expect(db, (struct db_pending){ .kind = PENDING_PREPARE, .q = q, .stmt = s });
	return true;
}

void stmt_send(struct db *db, const struct db_query *q, const struct db_order *order, struct db_result res,
	const struct db_arg *args, bool later)
{
	const char *by = q->sql_tail != NULL ? stmt_order_text(db->cx->arena, q, order) : NULL;
	struct db_stmt *s = find(db, q, by);
	struct bound b;

	if (s->state == STMT_NEW && !prepare(db, q, s, by)) {
		conn_lose(db, PQerrorMessage(db->pg));
		return;
	}
	bind_args(db->cx->arena, q, args, &b);
	if (PQsendQueryPrepared(db->pg, s->name, q->nargs, b.value, b.length, b.format, 1) != 1) {
		conn_lose(db, PQerrorMessage(db->pg));
		return;
	}
	conn_expect(db,
		(struct db_pending){ .kind = PENDING_QUERY, .q = q, .stmt = s, .res = res, .later = later });
}
