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

static struct db_stmt *stmt_new(struct map *stmts, const char *key, const char *name)
{
	struct db_stmt *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	snprintf(s->name, sizeof(s->name), "%s", name);
	map_set(stmts, key, s);
	return s;
}

/* What the markers of a query stand for in one call; all NULL without markers. */
struct filled {
	const struct db_order *order;
	const char *by, *after;
	int nafter; /* parameters of `after` */
};

static struct filled fill(struct arena *a, const struct db_query *q, const struct db_order *order)
{
	struct filled f = { .order = order };

	if (q->sql_tail == NULL)
		return f;
	f.by = order_text(a, q, order);
	f.after = order_after_text(a, q, order);
	f.nafter = order != NULL && order->after != NULL ? order->n : 0;
	return f;
}

/* Names of statements end at 63 bytes on the server: a number, where name and order may be longer. */
static struct db_stmt *stmt_numbered(struct map *stmts, const char *key, const char *kind, int number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%d", kind, number);
	return stmt_new(stmts, key, name);
}

/* Kept for the path we are in. NULL: there is no place for it. */
static struct db_stmt *find_own(struct db *db, const char *key)
{
	struct db_stmt *s = map_get(db->here, key);

	return s != NULL || !pool_keep(db) ? s : stmt_numbered(db->here, key, "own", db->nown);
}

static struct db_stmt *find_shared(struct db *db, const char *key, bool sorted)
{
	struct db_stmt *s = map_get(db->stmts, key);

	if (s != NULL)
		return s;
	if (!sorted)
		return stmt_new(db->stmts, key, key);
	if (db->nsorted == SORTED_MAX)
		return ARENA_NEW(db->cx->arena, struct db_stmt);
	return stmt_numbered(db->stmts, key, "sorted", ++db->nsorted);
}

static struct db_stmt *find(struct db *db, const struct db_query *q, const struct filled *f)
{
	const char *key = f->by == NULL ? q->name
					: arena_printf(db->cx->arena, "%s %s%s", q->name,
						  f->nafter > 0 ? "after " : "", f->by);
	struct db_stmt *s = db->here != NULL ? find_own(db, key) : NULL;

	return s != NULL ? s : find_shared(db, key, f->by != NULL);
}

static bool prepare(struct db *db, const struct db_query *q, struct db_stmt *s, const struct filled *f)
{
	const char *sql = q->sql;
	Oid types[DB_ARGS_MAX];

	if (f->by != NULL)
		sql = arena_printf(
			db->cx->arena, "%s%s%s%s%s", q->sql, f->after, q->sql_middle, f->by, q->sql_tail);
	for (int i = 0; i < q->nargs; i++)
		types[i] = bind_type(q->args[i]);
	for (int i = 0; i < f->nafter; i++)
		types[q->nargs + i] = bind_type(db_order_type(f->order->by[i].field));
	if (PQsendPrepare(db->pg, s->name, sql, q->nargs + f->nafter, types) != 1)
		return false;
	s->state = STMT_SENT;
	conn_expect(db, (struct db_pending){ .kind = PENDING_PREPARE, .q = q, .stmt = s });
	return true;
}

void stmt_send(struct db *db, const struct db_query *q, const struct db_order *order, struct db_result res,
	const struct db_arg *args, bool later)
{
	const struct filled f = fill(db->cx->arena, q, order);
	struct db_stmt *s = find(db, q, &f);
	struct bound b;

	if (s->state == STMT_NEW && !prepare(db, q, s, &f)) {
		conn_lose(db, PQerrorMessage(db->pg));
		return;
	}
	for (int i = 0; i < q->nargs; i++)
		bind_arg(db->cx->arena, q->args[i], &args[i], &b, i);
	for (int i = 0; i < f.nafter; i++)
		bind_arg(db->cx->arena, db_order_type(order->by[i].field), &order->after[i], &b,
			q->nargs + i);
	if (PQsendQueryPrepared(db->pg, s->name, q->nargs + f.nafter, b.value, b.length, b.format, 1) != 1) {
		conn_lose(db, PQerrorMessage(db->pg));
		return;
	}
	conn_expect(db,
		(struct db_pending){ .kind = PENDING_QUERY, .q = q, .stmt = s, .res = res, .later = later });
}
