/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CLIP 60                 /* characters of a client's text that a message repeats */
#define SHORT_TEXT 255          /* names and the like: one line, so no control characters at all */

static void place_add(struct str *out, const struct place *at)
{
	if (at->up != NULL)
		place_add(out, at->up);
	if (at->name == NULL)
		str_addf(out, "[%zu]", at->index);
	else if (at->up != NULL)
		str_addf(out, ".%s", clipped(out->arena, at->name));
	else
		str_add(out, clipped(out->arena, at->name));
}

char *place_text(struct arena *a, const struct place *at)
{
	struct str out;

	str_init(&out, a, 64);
	place_add(&out, at);
	return out.data;
}

const char *clipped(struct arena *a, const char *s)
{
	const char *end = s;
	size_t n = 0;

	if (!utf8_valid(s, strlen(s)))
		return "(not UTF-8)";
	while (*end != '\0') {
		end++;
		while ((*end & 0xC0) == 0x80)
			end++;
		if (++n == CLIP)
			break;
	}
	return *end == '\0' ? s : arena_printf(a, "%.*s\xE2\x80\xA6", (int)(end - s), s);
}

void fault_add(struct ctx *cx, const struct place *at, const char *error, const char *fmt, ...)
{
	const char *path, *rest;
	va_list ap;

	/* What would not be kept is not written either. */
	if (cx->problem.nfaults >= FAULTS_MAX)
		return;
	path = place_text(cx->arena, at);
	va_start(ap, fmt);
	rest = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	(void)refuse_field(cx, path, error, "`%s` %s", path, rest);
}

/* "1 to 120", "exactly 6", "at least 1", "at most 64": how a message words the bounds of a table. */
static const char *bounds(struct arena *a, int64_t lo, int64_t hi, int64_t none_below, int64_t none_above)
{
	if (lo == hi)
		return arena_printf(a, "exactly %" PRId64, lo);
	if (hi == none_above)
		return arena_printf(a, "at least %" PRId64, lo);
	if (lo == none_below)
		return arena_printf(a, "at most %" PRId64, hi);
	return arena_printf(a, "%" PRId64 " to %" PRId64, lo, hi);
}

/* The first control character that the field does not take, or 0. */
static char bad_control(const struct field *f, const char *s)
{
	bool one_line = f->kind != K_TEXT || (f->max > 0 && f->max <= SHORT_TEXT);

	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 && (one_line || (*s != '\t' && *s != '\n' && *s != '\r')))
			return *s;
	}
	return 0;
}

static bool inspect(struct ctx *cx, const struct place *at, const struct field *f, const char *s)
{
	const int before = cx->problem.nfaults;

	if (f->inspect != NULL)
		f->inspect(cx, place_text(cx->arena, at), s);
	return cx->problem.nfaults == before;
}

static bool check_form(struct ctx *cx, const struct place *at, const struct field *f, const char *s)
{
	const char *wrong;
	char control;

	if (!utf8_valid(s, strlen(s))) {
		fault_add(cx, at, "format", "must be UTF-8 text");
		return false;
	}
	control = bad_control(f, s);
	if (control != 0) {
		fault_add(cx, at, "format", "must not contain the control character U+%04X",
			  (unsigned)control);
		return false;
	}
	wrong = f->check ? f->check(s) : NULL;
	if (wrong != NULL)
		fault_add(cx, at, f->fault != NULL ? f->fault : "format", "%s", wrong);
	return wrong == NULL && inspect(cx, at, f, s);
}

static bool check_length(struct ctx *cx, const struct place *at, const char *s, int64_t lo, int64_t hi)
{
	int64_t n = (int64_t)utf8_length(s);

	if (n >= lo && n <= hi)
		return true;
	fault_add(cx, at, "length", "must be %s characters, is %" PRId64,
		  bounds(cx->arena, lo, hi, 0, INT64_MAX), n);
	return false;
}

bool check_text(struct ctx *cx, const struct place *at, const struct field *f, const char *s)
{
	return check_length(cx, at, s, f->min, f->max ? f->max : INT64_MAX) && check_form(cx, at, f, s);
}

bool check_int(struct ctx *cx, const struct place *at, const struct field *f, int64_t v)
{
	bool unbounded = f->min == 0 && f->max == 0;
	/* INT_NULL is no value that a client may send. */
	int64_t lo = unbounded || f->min == INT64_MIN ? INT64_MIN + 1 : f->min;
	int64_t hi = unbounded ? INT64_MAX : f->max;

	if (v >= lo && v <= hi)
		return true;
	if (f->flags & F_SECRET)
		fault_add(cx, at, "range", "must be %s", bounds(cx->arena, lo, hi, INT64_MIN + 1, INT64_MAX));
	else
		fault_add(cx, at, "range", "must be %s, is %" PRId64,
			  bounds(cx->arena, lo, hi, INT64_MIN + 1, INT64_MAX), v);
	return false;
}

bool check_num(struct ctx *cx, const struct place *at, const struct field *f, double v)
{
	if ((f->min == 0 && f->max == 0) || (v >= (double)f->min && v <= (double)f->max))
		return true;
	fault_add(cx, at, "range", "must be between %" PRId64 " and %" PRId64, f->min, f->max);
	return false;
}

bool check_count(struct ctx *cx, const struct place *at, const struct field *f, size_t n)
{
	int64_t hi = f->max ? f->max : INT64_MAX;

	if ((int64_t)n >= f->min && (int64_t)n <= hi)
		return true;
	fault_add(cx, at, "items", "must have %s items, has %zu",
		  bounds(cx->arena, f->min, hi, 0, INT64_MAX), n);
	return false;
}

static const char *listed(struct arena *a, const char *const *values)
{
	struct str list;

	str_init(&list, a, 128);
	for (size_t i = 0; values[i] != NULL; i++) {
		str_add(&list, i > 0 ? ", " : "");
		str_add(&list, values[i]);
	}
	return list.data;
}

const char *check_enum(struct ctx *cx, const struct place *at, const struct field *f, const char *s)
{
	for (size_t i = 0; f->values[i] != NULL; i++) {
		if (strcmp(f->values[i], s) == 0)
			return f->values[i];
	}
	if (f->flags & F_SECRET)
		fault_add(cx, at, "enum", "must be one of: %s", listed(cx->arena, f->values));
	else
		fault_add(cx, at, "enum", "must be one of: %s; is \"%s\"", listed(cx->arena, f->values),
			  clipped(cx->arena, s));
	return NULL;
}

const char *check_item(struct ctx *cx, const struct place *at, const struct field *f, const char *s)
{
	if (f->values != NULL)
		return check_enum(cx, at, f, s);
	if (!check_length(cx, at, s, 1, f->item_max ? f->item_max : INT64_MAX) || !check_form(cx, at, f, s))
		return NULL;
	return arena_strdup(cx->arena, s);
}

/* As JSON writes numbers; strtod() alone would take "inf", hexadecimals and blanks. */
static bool parse_num(const char *s, double *ret)
{
	char *end;
	double v;

	if (*s == '\0' || strspn(s, "0123456789+-.eE") != strlen(s) || *s == '+' || *s == '.')
		return false;
	v = strtod(s, &end);
	if (*end != '\0' || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

static bool read_list(struct ctx *cx, const struct place *at, const struct field *f, const char *s,
		      void *member)
{
	size_t n = *s != '\0', i = 0;
	bool fine;
	const char **v;

	for (const char *p = s; *p != '\0'; p++)
		n += *p == ',';
	if (!check_count(cx, at, f, n))
		return false;
	v = ARENA_ARRAY(cx->arena, const char *, n);
	for (fine = true; i < n; i++) {
		const struct place item = { at, NULL, i };
		size_t len = strcspn(s, ",");

		v[i] = check_item(cx, &item, f, arena_strndup(cx->arena, s, len));
		fine = fine && v[i] != NULL;
		s += len + (s[len] == ',');
	}
	if (fine)
		*(struct strv *)member = (struct strv){ .v = v, .n = n };
	return fine;
}

static bool read_text(struct ctx *cx, const struct place *at, const struct field *f, const char *s,
		      void *member)
{
	const char *value;

	if (f->kind == K_ENUM)
		value = check_enum(cx, at, f, s);
	else
		value = f->kind == K_JSON || check_text(cx, at, f, s) ? arena_strdup(cx->arena, s) : NULL;
	if (value == NULL)
		return false;
	*(const char **)member = value;
	return true;
}

static bool read_int(struct ctx *cx, const struct place *at, const struct field *f, const char *s,
		     void *member)
{
	int64_t v;

	if (!parse_int64(s, &v)) {
		fault_add(cx, at, "type", "must be an integer");
		return false;
	}
	if (!check_int(cx, at, f, v))
		return false;
	*(int64_t *)member = v;
	return true;
}

bool read_text_value(struct ctx *cx, const struct place *at, const struct field *f, const char *s,
		     void *member)
{
	if (f->flags & F_SECRET)
		arena_hold_secret(cx->arena);
	switch (f->kind) {
	case K_TEXT:
	case K_ENUM:
	case K_JSON:
		return read_text(cx, at, f, s, member);
	case K_INT:
		return read_int(cx, at, f, s, member);
	case K_BOOL:
		if (parse_bool(s, member))
			return true;
		fault_add(cx, at, "type", "must be true or false");
		return false;
	case K_TIME:
		if (time_parse(s, true, member))
			return true;
		fault_add(cx, at, "format", "must be a time such as 2026-01-31T12:00:00Z or a date");
		return false;
	case K_NUM:
		if (parse_num(s, member))
			return check_num(cx, at, f, *(double *)member);
		fault_add(cx, at, "type", "must be a number");
		return false;
	case K_STRS:
		return read_list(cx, at, f, s, member);
	case K_OBJ:
	case K_BYTES:
		break;
	}
	fault_add(cx, at, "type", "has no text form");
	return false;
}
