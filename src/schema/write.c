/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

#define JW_DEPTH 32

void jw_init(struct jw *w, struct str *out)
{
	*w = (struct jw){ .out = out };
}

/* Before every value and every key: the comma, unless this is the first of its level. */
static void separate(struct jw *w)
{
	const uint32_t level = w->depth > 0 ? UINT32_C(1) << (w->depth - 1) : 0;

	if (!w->after_key && w->started & level)
		str_add_char(w->out, ',');
	w->started |= level;
	w->after_key = false;
}

static void open_level(struct jw *w, char bracket)
{
	separate(w);
	if (w->depth == JW_DEPTH)
		abort();
	w->started &= ~(UINT32_C(1) << w->depth);
	w->depth++;
	str_add_char(w->out, bracket);
}

static void close_level(struct jw *w, char bracket)
{
	if (w->depth == 0)
		abort();
	w->depth--;
	str_add_char(w->out, bracket);
}

void jw_object(struct jw *w)
{
	open_level(w, '{');
}

void jw_object_end(struct jw *w)
{
	close_level(w, '}');
}

void jw_array(struct jw *w)
{
	open_level(w, '[');
}

void jw_array_end(struct jw *w)
{
	close_level(w, ']');
}

static bool needs_escape(char c)
{
	return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static void add_escape(struct str *out, char c)
{
	static const char letters[] = "btn?fr";         /* of U+0008 to U+000D; U+000B has none */

	str_add_char(out, '\\');
	if (c == '"' || c == '\\')
		str_add_char(out, c);
	else if (c >= '\b' && c <= '\r' && c != '\v')
		str_add_char(out, letters[c - '\b']);
	else
		str_addf(out, "u%04x", (unsigned)c);
}

static void add_quoted(struct str *out, const char *s)
{
	str_add_char(out, '"');
	while (*s != '\0') {
		size_t plain = 0;

		while (s[plain] != '\0' && !needs_escape(s[plain]))
			plain++;
		str_add_n(out, s, plain);
		s += plain;
		if (*s != '\0')
			add_escape(out, *s++);
	}
	str_add_char(out, '"');
}

void jw_key(struct jw *w, const char *key)
{
	separate(w);
	add_quoted(w->out, key);
	str_add_char(w->out, ':');
	w->after_key = true;
}

void jw_raw(struct jw *w, const char *json)
{
	separate(w);
	str_add(w->out, json ? json : "null");
}

void jw_text(struct jw *w, const char *s)
{
	if (s == NULL) {
		jw_null(w);
		return;
	}
	separate(w);
	add_quoted(w->out, s);
}

void jw_int(struct jw *w, int64_t v)
{
	separate(w);
	str_add_int(w->out, v);
}

void jw_hundredths(struct jw *w, int64_t v)
{
	const uint64_t size = v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v;

	separate(w);
	str_addf(w->out, "%s%" PRIu64 ".%02" PRIu64, v < 0 ? "-" : "", size / 100, size % 100);
}

void num_text(char ret[NUM_TEXT_SIZE], double v)
{
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(ret, NUM_TEXT_SIZE, "%.*g", precision, v);
		if (!(strtod(ret, NULL) < v) && !(strtod(ret, NULL) > v))
			return;
	}
}

void jw_num(struct jw *w, double v)
{
	char text[NUM_TEXT_SIZE];

	if (!isfinite(v)) {
		jw_null(w);
		return;
	}
	num_text(text, v);
	jw_raw(w, text);
}

void jw_bool(struct jw *w, bool v)
{
	jw_raw(w, v ? "true" : "false");
}

void jw_null(struct jw *w)
{
	jw_raw(w, "null");
}

void jw_time(struct jw *w, int64_t t)
{
	jw_text(w, time_format(w->out->arena, t));
}

static void write_list(struct jw *w, const struct strv *list)
{
	jw_array(w);
	for (size_t i = 0; i < list->n; i++)
		jw_text(w, list->v[i]);
	jw_array_end(w);
}

void schema_write_value(struct jw *w, const struct field *f, const void *member, enum write_mode mode)
{
	if (value_is_null(f, member)) {
		jw_null(w);
		return;
	}
	switch (f->kind) {
	case K_TEXT:
	case K_ENUM:
		jw_text(w, *(const char *const *)member);
		break;
	case K_JSON:
		jw_raw(w, *(const char *const *)member);
		break;
	case K_INT:
		if (f->flags & F_HUNDREDTHS)
			jw_hundredths(w, *(const int64_t *)member);
		else
			jw_int(w, *(const int64_t *)member);
		break;
	case K_BOOL:
		jw_bool(w, *(const bool *)member);
		break;
	case K_TIME:
		if (f->flags & F_MILLIS)
			jw_text(w, time_format_ms(w->out->arena, *(const int64_t *)member));
		else
			jw_time(w, *(const int64_t *)member);
		break;
	case K_NUM:
		jw_num(w, *(const double *)member);
		break;
	case K_STRS:
		write_list(w, member);
		break;
	case K_OBJ:
		schema_write(w, f->sub, member, mode);
		break;
	case K_BYTES:
		jw_null(w);             /* of the database only; no table lets it out */
		break;
	}
}

static bool is_written(const struct field *f, const void *member, enum write_mode mode)
{
	if (!(f->flags & F_OUT) || (mode == WRITE_LIST && f->flags & F_FULL))
		return false;
	if (mode == WRITE_KEPT && f->flags & F_SECRET)
		return false;
	return !(f->flags & F_OPTIONAL_OUT && value_is_null(f, member));
}

void schema_write(struct jw *w, const struct schema *s, const void *obj, enum write_mode mode)
{
	jw_object(w);
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const void *member = schema_member_const(obj, f);

		if (!is_written(f, member, mode))
			continue;
		jw_key(w, f->name);
		schema_write_value(w, f, member, mode);
	}
	jw_object_end(w);
}
