/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/csv.h"

#include <string.h>

#include "cc/schema/write.h"

static void add_cell(struct str *out, const char *text, bool formula)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		str_add(out, formula ? "'" : "");
		str_add(out, text);
		return;
	}
	str_add(out, formula ? "\"'" : "\"");
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"')
			str_add_char(out, '"');
		str_add_char(out, *p);
	}
	str_add_char(out, '"');
}

static bool is_formula(const char *text)
{
	return text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}

/* As JSON has it, without the quotes of a time. */
static const char *scalar(struct arena *a, const struct field *f, const void *member)
{
	struct str s;
	struct jw w;

	str_init(&s, a, 32);
	jw_init(&w, &s);
	schema_write_value(&w, f, member, WRITE_FULL);
	if (str_eq(s.data, "null"))
		return "";
	return f->kind == K_TIME ? arena_strndup(a, s.data + 1, s.len - 2) : s.data;
}

static void add_value(struct str *out, const struct field *f, const void *obj)
{
	const void *member = schema_member_const(obj, f);

	if (f->kind == K_TEXT || f->kind == K_ENUM) {
		const char *text = *(const char *const *)member;

		if (text != NULL)
			add_cell(out, text, is_formula(text));
		return;
	}
	add_cell(out, scalar(out->arena, f, member), false);
}

void csv_head(struct str *out, const struct schema *s)
{
	const char *comma = "";

	for (size_t i = 0; i < s->nfields; i++) {
		if ((s->fields[i].flags & F_OUT) == 0)
			continue;
		str_add(out, comma);
		str_add(out, s->fields[i].name);
		comma = ",";
	}
	str_add(out, "\r\n");
}

void csv_row(struct str *out, const struct schema *s, const void *obj)
{
	const char *comma = "";

	for (size_t i = 0; i < s->nfields; i++) {
		if ((s->fields[i].flags & F_OUT) == 0)
			continue;
		str_add(out, comma);
		add_value(out, &s->fields[i], obj);
		comma = ",";
	}
	str_add(out, "\r\n");
}
