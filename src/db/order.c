/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of lists: what a client asks for, and the SQL that the markers :sort and :after become. */
#include <string.h>

#include "conn.h"

static const struct field *sortable(const struct schema *s, const char *name)
{
	const struct field *f = strchr(name, '.') == NULL ? schema_field(s, name) : NULL;

	return f != NULL && (f->flags & F_SORT) != 0 ? f : NULL;
}

/* NULL, or what cannot be. */
static const char *order_add(struct db_order *o, const struct field *f, bool descending)
{
	if (f == NULL)
		return "cannot be by";
	for (int i = 0; i < o->n; i++)
		if (o->by[i].field == f)
			return "names twice";
	if (o->n == DB_ORDER_MAX)
		return "names too many fields with";
	o->by[o->n].field = f;
	o->by[o->n++].descending = descending;
	return NULL;
}

/* Equal rows follow their ids, in the direction of what comes before. */
static void order_end(const struct schema *s, struct db_order *o)
{
	const struct field *id = schema_field(s, "id");

	for (int i = 0; i < o->n; i++)
		if (o->by[i].field == id)
			return;
	if (id == NULL || o->n > DB_ORDER_MAX)
		return;
	o->by[o->n].field = id;
	o->by[o->n].descending = o->n > 0 && o->by[o->n - 1].descending;
	o->n++;
}

bool db_order_parse(
	struct arena *a, const struct schema *s, const char *text, struct db_order *ret, const char **ret_why)
{
	struct db_order o = { .n = 0 };

	for (const char *p = text; p != NULL;) {
		const char *comma = strchr(p, ',');
		const char *part = arena_strndup(a, p, comma != NULL ? (size_t)(comma - p) : strlen(p));
		bool descending = part[0] == '-';

		const char *why = order_add(&o, sortable(s, part + (descending ? 1 : 0)), descending);

		if (why != NULL) {
			*ret_why = arena_printf(a, "%s %s", why, part);
			return false;
		}
		p = comma != NULL ? comma + 1 : NULL;
	}
	order_end(s, &o);
	*ret = o;
	return true;
}

void db_order_values(const struct db_order *o, const void *row, struct db_arg *ret)
{
	for (int i = 0; i < o->n; i++) {
		const struct field *f = o->by[i].field;
		const void *member = schema_member_const(row, f);

		switch (db_order_type(f)) {
		case DB_TEXT:
			ret[i] = (struct db_arg){ .text = *(const char *const *)member };
			break;
		case DB_INT8:
		case DB_TIME:
			ret[i] = (struct db_arg){ .number = *(const int64_t *)member };
			break;
		case DB_BOOL:
			ret[i] = (struct db_arg){ .flag = *(const bool *)member };
			break;
		case DB_FLOAT8:
			ret[i] = (struct db_arg){ .real = *(const double *)member };
			break;
		case DB_TEXTS:
		case DB_JSON:
		case DB_BYTEA:
			break;
		}
	}
}

/* Lists of texts, JSON and bytes have no order: schema_self_check() refuses F_SORT on them. */
enum db_type db_order_type(const struct field *f)
{
	switch (f->kind) {
	case K_INT:
		return DB_INT8;
	case K_BOOL:
		return DB_BOOL;
	case K_TIME:
		return DB_TIME;
	case K_NUM:
		return DB_FLOAT8;
	case K_TEXT:
	case K_ENUM:
	case K_STRS:
	case K_JSON:
	case K_OBJ:
	case K_BYTES:
		break;
	}
	return DB_TEXT;
}

const char *order_text(struct arena *a, const struct db_query *q, const struct db_order *order)
{
	struct db_order o = { .n = 0 };
	struct str s;

	if (order != NULL)
		o = *order;
	if (q->row != NULL)
		order_end(q->row, &o);
	str_init(&s, a, 64);
	for (int i = 0; i < o.n; i++)
		str_addf(&s, "%s\"%s\"%s", i > 0 ? ", " : "", o.by[i].field->name,
			o.by[i].descending ? " DESC" : "");
	return s.len > 0 ? s.data : "1";
}

static bool is_nullable(const struct db_order *o, int i)
{
	return (o->by[i].field->flags & F_NULLABLE) != 0;
}

/* Columns without NULL in one direction are compared as a row, for which an index can be used. */
static bool is_uniform(const struct db_order *o)
{
	for (int i = 0; i < o->n; i++)
		if (is_nullable(o, i) || o->by[i].descending != o->by[0].descending)
			return false;
	return true;
}

static void add_row(struct str *s, const struct db_order *o, int param)
{
	str_add(s, "(");
	for (int i = 0; i < o->n; i++)
		str_addf(s, "%s\"%s\"", i > 0 ? ", " : "", o->by[i].field->name);
	str_addf(s, ") %s (", o->by[0].descending ? "<" : ">");
	for (int i = 0; i < o->n; i++)
		str_addf(s, "%s$%d", i > 0 ? ", " : "", param + i);
	str_add(s, ")");
}

/* Beyond the value in one column. NULL is the last value, so that it is the first when descending. */
static void add_beyond(struct str *s, const struct db_order *o, int i, int param)
{
	const char *name = o->by[i].field->name;
	const bool down = o->by[i].descending;

	if (!is_nullable(o, i))
		str_addf(s, "\"%s\" %s $%d", name, down ? "<" : ">", param);
	else if (down)
		str_addf(s, "(\"%s\" < $%d OR ($%d IS NULL AND \"%s\" IS NOT NULL))", name, param, param,
			name);
	else
		str_addf(s, "(\"%s\" > $%d OR (\"%s\" IS NULL AND $%d IS NOT NULL))", name, param, name,
			param);
}

static void add_chain(struct str *s, const struct db_order *o, int param)
{
	str_add(s, "(");
	for (int i = 0; i < o->n; i++) {
		str_add(s, i > 0 ? " OR (" : "(");
		for (int k = 0; k < i; k++)
			str_addf(s, "\"%s\" %s $%d AND ", o->by[k].field->name,
				is_nullable(o, k) ? "IS NOT DISTINCT FROM" : "=", param + k);
		add_beyond(s, o, i, param + i);
		str_add(s, ")");
	}
	str_add(s, ")");
}

const char *order_after_text(struct arena *a, const struct db_query *q, const struct db_order *order)
{
	struct str s;

	if (order == NULL || order->after == NULL || order->n == 0)
		return "true";
	str_init(&s, a, 128);
	if (is_uniform(order))
		add_row(&s, order, q->nargs + 1);
	else
		add_chain(&s, order, q->nargs + 1);
	return s.data;
}
