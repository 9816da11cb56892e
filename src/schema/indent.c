/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text laid out for people: what fits in a line stays in one. */
#include <string.h>

#include "cc/schema/write.h"

#define WIDTH 100
#define STEP 2

struct layout {
	struct str *out;
	size_t line; /* where in out the current line begins */
	unsigned depth;
};

/* Behind the text that begins at p. */
static const char *text_end(const char *p)
{
	for (p++; *p != '"' && *p != '\0'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/* Behind the object or array at p, when it takes at most `room` columns with its blanks; else NULL. */
static const char *fitting_end(const char *p, size_t room)
{
	unsigned depth = 0;
	size_t width = 0;

	do {
		const char *from = p;

		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		width += *p == ',' || *p == ':';
		p = *p == '"' ? text_end(p) : p + 1;
		width += (size_t)(p - from);
	} while (depth > 0 && *p != '\0' && width <= room);
	return depth == 0 && width <= room ? p : NULL;
}

static void new_line(struct layout *l)
{
	str_add_char(l->out, '\n');
	l->line = l->out->len;
	for (unsigned i = 0; i < STEP * l->depth; i++)
		str_add_char(l->out, ' ');
}

static const char *add_text(struct layout *l, const char *p)
{
	const char *end = text_end(p);

	str_add_n(l->out, p, (size_t)(end - p));
	return end;
}

static void add_in_line(struct layout *l, const char *p, const char *end)
{
	while (p < end) {
		if (*p == '"') {
			p = add_text(l, p);
			continue;
		}
		str_add_char(l->out, *p);
		if (*p == ',' || *p == ':')
			str_add_char(l->out, ' ');
		p++;
	}
}

/* An object or array in one line, or its bracket with what is in it to follow. */
static const char *add_open(struct layout *l, const char *p)
{
	const size_t column = l->out->len - l->line;
	const char *end = fitting_end(p, column < WIDTH ? WIDTH - column : 0);

	if (end == NULL && (p[1] == '}' || p[1] == ']'))
		end = p + 2;
	if (end != NULL) {
		add_in_line(l, p, end);
		return end;
	}
	str_add_char(l->out, *p);
	l->depth++;
	new_line(l);
	return p + 1;
}

static void add_other(struct layout *l, char c)
{
	if (c == '}' || c == ']') {
		l->depth -= l->depth > 0;
		new_line(l);
	}
	str_add_char(l->out, c);
	if (c == ',')
		new_line(l);
	else if (c == ':')
		str_add_char(l->out, ' ');
}

void jw_indent(struct str *out, const char *json)
{
	struct layout l = { .out = out, .line = out->len };

	for (const char *p = json; *p != '\0';) {
		if (*p == '"')
			p = add_text(&l, p);
		else if (*p == '{' || *p == '[')
			p = add_open(&l, p);
		else
			add_other(&l, *p++);
	}
}
