/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cc/base/str.h"
#include "cc/schema/read.h"

struct scan {
	unsigned depth;
	bool loose;
	uint64_t arrays;                /* bit per level: it is an array */
	size_t keys, items;
};
static_assert(JSON_DEPTH_MAX == 32 && JSON_KEYS_MAX == 1024, "the sentences below name them");

static const char *first_fault(const char *text, size_t len, size_t *ret_at)
{
	size_t at = 0;

	while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0')
		at++;
	*ret_at = at;
	if (at == len)
		return "the body is empty; it must be a JSON object";
	return text[at] == '{' ? NULL : "the body must be a JSON object";
}

/* The offset of the quote that ends the string begun before `at`, or len. */
static size_t string_end(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != '"')
		at += text[at] == '\\' ? 2 : 1;
	return at < len ? at : len;
}

static const char *scan_open(struct scan *s, bool array)
{
	const uint64_t level = UINT64_C(1) << s->depth;

	if (s->depth == JSON_DEPTH_MAX)
		return "the body is nested more than 32 levels deep";
	s->arrays = array ? s->arrays | level : s->arrays & ~level;
	s->depth++;
	s->items += array;
	return NULL;
}

/* One character outside strings. Unbalanced brackets are left to the parser. */
static const char *scan_step(struct scan *s, char c)
{
	if (c == '{' || c == '[')
		return scan_open(s, c == '[');
	if ((c == '}' || c == ']') && s->depth > 0)
		s->depth--;
	else if (c == ':')
		s->keys++;
	else if (c == ',' && s->depth > 0)
		s->items += s->arrays >> (s->depth - 1) & 1;
	if (s->loose)
		return NULL;
	if (s->keys > JSON_KEYS_MAX)
		return "the body has more than 1024 keys";
	return s->items > JSON_KEYS_MAX ? "the body has more than 1024 list items" : NULL;
}

static const char *encoding_fault(const char *text, size_t len, size_t *ret_at)
{
	for (size_t at = 0, step; at < len; at += step) {
		step = utf8_step(text + at, len - at);
		*ret_at = at;
		if (step == 0)
			return "the body is not UTF-8";
	}
	return NULL;
}

const char *json_scan(const char *text, size_t len, bool loose, size_t *ret_at)
{
	struct scan s = { .loose = loose };
	const char *wrong = encoding_fault(text, len, ret_at);

	if (wrong == NULL)
		wrong = first_fault(text, len, ret_at);

	for (size_t at = *ret_at; wrong == NULL && at < len; at++) {
		*ret_at = at;
		if (text[at] == '"')
			at = string_end(text, len, at + 1);
		else
			wrong = scan_step(&s, text[at]);
	}
	return wrong;
}

void json_where(const char *text, size_t at, size_t *ret_line, size_t *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			(*ret_line)++;
			*ret_column = 1;
		} else if ((text[i] & 0xC0) != 0x80) {
			(*ret_column)++;
		}
	}
}
