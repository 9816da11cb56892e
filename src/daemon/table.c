/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <string.h>

#include "program.h"

/* ID, CREATED_AT … */
static const char *title(struct arena *a, const char *name)
{
	char *text = arena_strdup(a, name);

	for (char *p = text; *p != '\0'; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	return text;
}

static const char *cell(struct arena *a, const struct doc *item, const char *name)
{
	const char *text = doc_text(item, name);

	if (text == NULL)
		text = doc_value(item, name);
	return text == NULL || strcmp(text, "null") == 0 ? "-" : printable(a, text);
}

static size_t wider(size_t width, const char *text)
{
	const size_t n = utf8_length(text);

	return n > width ? n : width;
}

static size_t *widths(struct arena *a, const struct schema *row, const struct doc *d, const char *list)
{
	size_t *w = ARENA_ARRAY(a, size_t, row->nfields);

	for (size_t k = 0; k < row->nfields; k++) {
		w[k] = wider(0, row->fields[k].name);
		for (size_t i = 0; doc_item(d, list, i) != NULL; i++)
			w[k] = wider(w[k], cell(a, doc_item(d, list, i), row->fields[k].name));
	}
	return w;
}

/* The last one needs no blanks behind it. */
static void put(FILE *f, const char *text, size_t width, bool last)
{
	fprintf(f, "%s%*s", text, last ? 0 : (int)(width - utf8_length(text)) + 2, "");
}

void table_print(struct arena *a, FILE *f, const struct schema *row, const struct doc *d, const char *list)
{
	const size_t *w = widths(a, row, d, list), n = row->nfields;

	for (size_t k = 0; k < n; k++)
		put(f, title(a, row->fields[k].name), w[k], k + 1 == n);
	fputc('\n', f);
	for (size_t i = 0; doc_item(d, list, i) != NULL; i++) {
		for (size_t k = 0; k < n; k++)
			put(f, cell(a, doc_item(d, list, i), row->fields[k].name), w[k], k + 1 == n);
		fputc('\n', f);
	}
}
