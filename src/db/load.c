/* SPDX-License-Identifier: Apache-2.0 */
/* Results → rows: columns find their fields by name, once per statement and connection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

bool load_accepts(enum kind kind, Oid type)
{
	switch (kind) {
	case K_TEXT:
	case K_ENUM:
		return type == OID_TEXT || type == OID_VARCHAR || type == OID_BPCHAR || type == OID_NAME;
	case K_INT:
		return type == OID_INT8 || type == OID_INT4 || type == OID_INT2;
	case K_BOOL:
		return type == OID_BOOL;
	case K_TIME:
		return type == OID_TIMESTAMPTZ;
	case K_NUM:
		return type == OID_FLOAT8 || type == OID_FLOAT4;
	case K_STRS:
		return type == OID_TEXTS || type == OID_VARCHARS;
	case K_JSON:
		return type == OID_JSON || type == OID_JSONB || type == OID_TEXT;
	case K_BYTES:
		return type == OID_BYTEA;
	case K_OBJ:
		return false; /* its members are columns: "settings.max_users" */
	}
	return false;
}

static enum err misfit(struct ctx *cx, const struct db_query *q, const char *column, const char *why)
{
	cx->problem.cause = arena_printf(cx->arena, "%s: column %s %s", q->name, column, why);
	return ERR_INTERNAL;
}

/* like: any object of the schema; addresses in it become offsets. */
static enum err resolve(
	struct ctx *cx, const struct db_query *q, struct db_stmt *stmt, const PGresult *r, char *like)
{
	const int n = PQnfields(r);
	struct db_column *columns = calloc((size_t)n + 1, sizeof(*columns));

	if (columns == NULL)
		abort();
	for (int i = 0; i < n; i++) {
		struct db_column *c = &columns[i];
		const char *name = PQfname(r, i);
		char *member = schema_at(q->row, like, name, &c->field);

		if (member == NULL || !load_accepts(c->field->kind, PQftype(r, i))) {
			free(columns);
			return misfit(cx, q, name,
				member == NULL ? "has no field" : "is of a type its field does not take");
		}
		c->offset = (size_t)(member - like);
		c->type = PQftype(r, i);
	}
	stmt->columns = columns;
	stmt->ncolumns = n;
	return ERR_NONE;
}

static uint64_t get_uint(const unsigned char *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static int64_t get_int(Oid type, const unsigned char *p)
{
	if (type == OID_INT8)
		return (int64_t)get_uint(p, 8);
	if (type == OID_INT4)
		return (int32_t)get_uint(p, 4);
	return (int16_t)get_uint(p, 2);
}

/* infinity and -infinity are PostgreSQL's own; for us the one is never, the other was always. */
static int64_t get_time(const unsigned char *p)
{
	int64_t t = (int64_t)get_uint(p, 8);

	if (t > INT64_MAX - PG_EPOCH_US)
		return INT64_MAX;
	return t == INT64_MIN ? INT64_MIN + 1 : t + PG_EPOCH_US;
}

static double get_real(Oid type, const unsigned char *p)
{
	uint64_t bits;
	uint32_t half;
	double d;
	float f;

	if (type == OID_FLOAT8) {
		bits = get_uint(p, 8);
		memcpy(&d, &bits, sizeof(d));
		return d;
	}
	half = (uint32_t)get_uint(p, 4);
	memcpy(&f, &half, sizeof(f));
	return (double)f;
}

/* See bind_texts(). A NULL among the elements is left out; more than one dimension is nothing of ours. */
static struct strv get_texts(struct arena *a, const unsigned char *p, size_t size)
{
	const unsigned char *end = p + size;
	const char **v;
	size_t n, kept = 0;

	if (size < 20 || get_uint(p, 4) != 1)
		return (struct strv){ 0 };
	n = (size_t)get_uint(p + 12, 4);
	p += 20;
	if (n > (size_t)(end - p) / 4)
		return (struct strv){ 0 };
	v = ARENA_ARRAY(a, const char *, n + 1);
	for (size_t i = 0; i < n && end - p >= 4; i++) {
		int32_t len = (int32_t)get_uint(p, 4);

		p += 4;
		if (len < 0)
			continue;
		if (len > end - p)
			break;
		v[kept++] = arena_strndup(a, (const char *)p, (size_t)len);
		p += len;
	}
	return (struct strv){ .v = v, .n = kept };
}

static const char *get_enum(struct arena *a, const struct field *f, const char *text, size_t n)
{
	for (const char *const *v = f->values; v != NULL && *v != NULL; v++)
		if (strlen(*v) == n && memcmp(*v, text, n) == 0)
			return *v;
	return arena_strndup(a, text, n);
}

static void set_null(const struct field *f, void *member)
{
	switch (f->kind) {
	case K_TEXT:
	case K_ENUM:
	case K_JSON:
		*(const char **)member = NULL;
		break;
	case K_INT:
		*(int64_t *)member = INT_NULL;
		break;
	case K_TIME:
		*(int64_t *)member = TIME_NULL;
		break;
	case K_BOOL:
		*(bool *)member = false;
		break;
	case K_NUM:
		*(double *)member = (double)NAN;
		break;
	case K_STRS:
		*(struct strv *)member = (struct strv){ 0 };
		break;
	case K_BYTES:
		*(struct bytes *)member = (struct bytes){ 0 };
		break;
	case K_OBJ:
		break;
	}
}

static const char *get_json(struct arena *a, Oid type, const char *text, size_t n)
{
	const size_t version = type == OID_JSONB ? 1 : 0; /* jsonb is sent as a version byte and text */

	return arena_strndup(a, text + version, n - version);
}

static void set_value(
	struct arena *a, const struct db_column *c, void *member, const unsigned char *p, size_t n)
{
	const char *text = (const char *)p;

	switch (c->field->kind) {
	case K_TEXT:
		*(const char **)member = arena_strndup(a, text, n);
		break;
	case K_ENUM:
		*(const char **)member = get_enum(a, c->field, text, n);
		break;
	case K_JSON:
		*(const char **)member = get_json(a, c->type, text, n);
		break;
	case K_INT:
		*(int64_t *)member = get_int(c->type, p);
		break;
	case K_TIME:
		*(int64_t *)member = get_time(p);
		break;
	case K_BOOL:
		*(bool *)member = p[0] != 0;
		break;
	case K_NUM:
		*(double *)member = get_real(c->type, p);
		break;
	case K_STRS:
		*(struct strv *)member = get_texts(a, p, n);
		break;
	case K_BYTES:
		*(struct bytes *)member = (struct bytes){ .p = arena_memdup(a, p, n), .n = n };
		break;
	case K_OBJ:
		break;
	}
}

static void load_row(struct arena *a, const struct db_stmt *stmt, const PGresult *r, int row, char *ret)
{
	for (int i = 0; i < stmt->ncolumns; i++) {
		const struct db_column *c = &stmt->columns[i];

		if (PQgetisnull(r, row, i))
			set_null(c->field, ret + c->offset);
		else
			set_value(a, c, ret + c->offset, (const unsigned char *)PQgetvalue(r, row, i),
				(size_t)PQgetlength(r, row, i));
	}
}

/* Rows are set whole: what the statement does not select is null or the table's default. */
static enum err load_rows(struct ctx *cx, const struct db_query *q, struct db_stmt *stmt, const PGresult *r,
	char *to, struct db_rows *ret)
{
	const size_t size = q->row->size, n = (size_t)PQntuples(r);
	char *blank = schema_new(cx->arena, q->row);

	if (stmt->columns == NULL) {
		enum err e = resolve(cx, q, stmt, r, blank);

		if (e != ERR_NONE)
			return e;
	}
	if (to == NULL)
		to = arena_alloc_array(cx->arena, n + 1, size);
	for (size_t i = 0; i < n; i++) {
		memcpy(to + i * size, blank, size);
		load_row(cx->arena, stmt, r, (int)i, to + i * size);
	}
	if (ret != NULL)
		*ret = (struct db_rows){ .v = to, .n = n };
	return ERR_NONE;
}

static int64_t affected(const PGresult *r)
{
	int64_t n;

	/* PQcmdTuples only reads; its parameter lacks the const. */
	return parse_int64(PQcmdTuples((PGresult *)(uintptr_t)r), &n) ? n : 0;
}

enum err load_result(struct ctx *cx, const struct db_query *q, struct db_stmt *stmt, const PGresult *r,
	struct db_result res)
{
	const int n = PQntuples(r);

	switch (q->card) {
	case DB_OPT:
		*res.found = n > 0;
		if (n == 0)
			return ERR_NONE;
		break;
	case DB_ONE:
		if (n == 0)
			return ERR_NOT_FOUND;
		break;
	case DB_MANY:
		return load_rows(cx, q, stmt, r, NULL, res.rows);
	case DB_COUNT:
		*res.affected = affected(r);
		return ERR_NONE;
	case DB_EXEC1:
		return affected(r) == 1 ? ERR_NONE : ERR_NOT_FOUND;
	case DB_EXEC:
		return ERR_NONE;
	}
	if (n > 1) {
		cx->problem.cause = arena_printf(cx->arena, "%s: %d rows where one was expected", q->name, n);
		return ERR_INTERNAL;
	}
	return load_rows(cx, q, stmt, r, res.row, NULL);
}
