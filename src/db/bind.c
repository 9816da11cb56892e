/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of a query → parameters of libpq: binary where the type is certain, else text. */
#include <math.h>
#include <string.h>

#include "conn.h"

Oid bind_type(enum db_type t)
{
	switch (t) {
	case DB_TEXT:
		return OID_TEXT;
	case DB_INT8:
		return OID_INT8;
	case DB_BOOL:
		return OID_BOOL;
	case DB_TIME:
		return OID_TIMESTAMPTZ;
	case DB_TEXTS:
		return OID_TEXTS;
	case DB_JSON:
		return 0; /* left to the statement: json, jsonb or text */
	case DB_BYTEA:
		return OID_BYTEA;
	case DB_FLOAT8:
		return OID_FLOAT8;
	}
	return 0;
}

static void put_uint(unsigned char *p, uint64_t v, size_t bytes)
{
	for (size_t i = bytes; i-- > 0; v >>= 8)
		p[i] = (unsigned char)(v & 0xff);
}

static void set(struct bound *b, int i, const void *value, size_t length, int format)
{
	b->value[i] = value;
	b->length[i] = (int)length;
	b->format[i] = format;
}

static void bind_number(struct bound *b, int i, int64_t v)
{
	put_uint(b->scratch[i], (uint64_t)v, 8);
	set(b, i, b->scratch[i], 8, 1);
}

static void bind_real(struct bound *b, int i, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_uint(b->scratch[i], bits, 8);
	set(b, i, b->scratch[i], 8, 1);
}

/* Binary text[]: dimensions, has-nulls, element type, length, lower bound, then each with its length. */
static void bind_texts(struct arena *a, struct bound *b, int i, const struct strv *l)
{
	size_t size = 20;
	unsigned char *buf, *p;

	for (size_t k = 0; k < l->n; k++)
		size += 4 + strlen(l->v[k]);
	p = buf = arena_alloc(a, size);
	put_uint(p, l->n > 0 ? 1 : 0, 4);
	put_uint(p + 8, OID_TEXT, 4);
	p += 12;
	if (l->n > 0) {
		put_uint(p, l->n, 4);
		put_uint(p + 4, 1, 4);
		p += 8;
	}
	for (size_t k = 0; k < l->n; k++) {
		size_t n = strlen(l->v[k]);

		put_uint(p, n, 4);
		memcpy(p + 4, l->v[k], n);
		p += 4 + n;
	}
	set(b, i, buf, (size_t)(p - buf), 1);
}

static void bind_one(struct arena *a, enum db_type t, const struct db_arg *arg, struct bound *b, int i)
{
	switch (t) {
	case DB_TEXT:
	case DB_JSON:
		set(b, i, arg->text, 0, 0);
		break;
	case DB_INT8:
		if (arg->number != INT_NULL)
			bind_number(b, i, arg->number);
		break;
	case DB_TIME:
		if (arg->number != TIME_NULL)
			bind_number(b, i, arg->number - PG_EPOCH_US);
		break;
	case DB_BOOL:
		b->scratch[i][0] = arg->flag ? 1 : 0;
		set(b, i, b->scratch[i], 1, 1);
		break;
	case DB_TEXTS:
		if (arg->texts != NULL)
			bind_texts(a, b, i, arg->texts);
		break;
	case DB_BYTEA:
		set(b, i, arg->bytes.p, arg->bytes.n, 1);
		break;
	case DB_FLOAT8:
		if (!isnan(arg->real))
			bind_real(b, i, arg->real);
		break;
	}
}

void bind_arg(struct arena *a, enum db_type t, const struct db_arg *arg, struct bound *ret, int i)
{
	set(ret, i, NULL, 0, 0);
	bind_one(a, t, arg, ret, i);
}
