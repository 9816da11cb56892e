/* SPDX-License-Identifier: Apache-2.0 */
#include "devdocs.h"

#include <inttypes.h>
#include <string.h>

static void add_bounds(struct str *s, int64_t lo, int64_t hi, const char *unit)
{
	if (hi > 0 && hi < INT64_MAX)
		str_addf(s, ", %" PRId64 " to %" PRId64 "%s", lo, hi, unit);
	else if (lo > 0)
		str_addf(s, ", at least %" PRId64 "%s", lo, unit);
}

static void add_values(struct str *s, const char *const *values)
{
	str_add(s, ": ");
	for (size_t i = 0; values[i] != NULL; i++)
		str_addf(s, "%s`%s`", i > 0 ? ", " : "", values[i]);
}

static void add_list_type(struct str *s, const struct field *f)
{
	str_add(s, f->values != NULL ? "list of words" : "list of strings");
	add_bounds(s, f->min, f->max, " of them");
	if (f->values != NULL)
		add_values(s, f->values);
}

static void add_integer_type(struct str *s, const struct field *f)
{
	str_add(s, "integer");
	if (f->min < 0 && f->max > 0 && f->max < INT64_MAX)
		str_addf(s, ", %" PRId64 " to %" PRId64, f->min, f->max);
	else
		add_bounds(s, f->min, f->max, "");
}

static void add_kind(struct str *s, const struct field *f)
{
	switch (f->kind) {
	case K_TEXT:
		str_add(s, "string");
		add_bounds(s, f->min, f->max, " characters");
		break;
	case K_ENUM:
		str_add(s, "word");
		add_values(s, f->values);
		break;
	case K_INT:
		if (f->flags & F_HUNDREDTHS)
			str_add(s, "number");
		else
			add_integer_type(s, f);
		break;
	case K_BOOL:
		str_add(s, "boolean");
		break;
	case K_TIME:
		str_add(s, "time");
		break;
	case K_NUM:
		str_add(s, "number");
		break;
	case K_STRS:
		add_list_type(s, f);
		break;
	case K_JSON:
		str_add(s, f->sub != NULL           ? "list of objects"
			   : f->flags & F_ANY_JSON ? "any JSON"
						   : "object");
		if (f->sub != NULL)
			add_bounds(s, f->min, f->max, " of them");
		break;
	case K_OBJ:
		str_add(s, "object");
		break;
	case K_BYTES:
		break;
	}
}

const char *devdocs_type(struct arena *a, const struct field *f)
{
	struct str s;

	str_init(&s, a, 64);
	add_kind(&s, f);
	if ((f->flags & F_NULLABLE) != 0)
		str_add(&s, ", or null");
	if (f->def != NULL && (f->flags & F_IN) != 0)
		str_addf(&s, "; default `%s`", f->def);
	return s.data;
}

void devdocs_row(struct str *out, const char *name, const char *type, const char *words)
{
	str_add(out, "<tr><th scope=\"row\"><code>");
	html_text(out, name);
	str_add(out, "</code></th><td class=\"type\">");
	html_words(out, type);
	str_add(out, "</td><td>");
	if (words != NULL)
		html_words(out, words);
	str_add(out, "</td></tr>\n");
}

static bool is_shown(const struct field *f, enum schema_use use)
{
	if (use == USE_OUT)
		return (f->flags & F_OUT) != 0;
	return (f->flags & (use == USE_CREATE ? F_CREATE : F_UPDATE)) != 0;
}

static void add_fields(struct str *out, const struct schema *s, enum schema_use use, const char *before)
{
	struct arena *a = out->arena;

	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const char *name = arena_printf(a, "%s%s", before, f->name);
		const bool must = (f->flags & F_REQUIRED) != 0 && (use == USE_CREATE || use == USE_REPLACE);

		if (!is_shown(f, use))
			continue;
		devdocs_row(out, name,
			    arena_printf(a, "%s%s", must ? "**required** " : "", devdocs_type(a, f)),
			    f->doc);
		if (f->sub != NULL)
			add_fields(out, f->sub, f->kind == K_JSON && use != USE_OUT ? USE_CREATE : use,
				   arena_printf(a, "%s%s.", name, f->kind == K_JSON ? "[]" : ""));
	}
}

void devdocs_fields(struct str *out, const struct schema *s, enum schema_use use)
{
	str_add(out, "<div class=\"wide\"><table>\n<tbody>\n");
	add_fields(out, s, use, "");
	str_add(out, "</tbody></table></div>\n");
}
