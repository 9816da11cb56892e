/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"

#include <string.h>

static void add_char(struct str *out, char c)
{
	switch (c) {
	case '&':
		str_add(out, "&amp;");
		break;
	case '<':
		str_add(out, "&lt;");
		break;
	case '>':
		str_add(out, "&gt;");
		break;
	case '"':
		str_add(out, "&quot;");
		break;
	default:
		str_add_char(out, c);
	}
}

void html_text(struct str *out, const char *text)
{
	for (; *text != '\0'; text++)
		add_char(out, *text);
}

static void add_words(struct str *out, const char *p, size_t n)
{
	bool code = false, bold = false;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '`') {
			str_add(out, code ? "</code>" : "<code>");
			code = !code;
		} else if (!code && i + 1 < n && p[i] == '*' && p[i + 1] == '*') {
			str_add(out, bold ? "</b>" : "<b>");
			bold = !bold;
			i++;
		} else {
			add_char(out, p[i]);
		}
	}
}

void html_words(struct str *out, const char *words)
{
	add_words(out, words, strlen(words));
}

void html_paragraphs(struct str *out, const char *words)
{
	while (*words != '\0') {
		const char *end = strstr(words, "\n\n");
		const size_t n = end != NULL ? (size_t)(end - words) : strlen(words);

		str_add(out, "<p>");
		add_words(out, words, n);
		str_add(out, "</p>\n");
		words += end != NULL ? n + 2 : n;
	}
}

const char *html_id(struct arena *a, const char *name)
{
	char *id = str_lower(a, name);

	for (char *p = id; *p != '\0'; p++)
		if (*p == ' ')
			*p = '-';
	return id;
}
