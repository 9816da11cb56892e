/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/str.h"

#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_init(struct str *s, struct arena *a, size_t reserve)
{
	*s = (struct str){ .arena = a, .cap = reserve < 15 ? 16 : reserve + 1 };
	s->data = arena_alloc(a, s->cap);
}

/* Room for n more bytes and the NUL. */
static void str_reserve(struct str *s, size_t n)
{
	size_t cap = s->cap;
	char *data;

	if (n >= SIZE_MAX / 4 - s->len)
		abort();
	if (s->len + n < cap)
		return;
	while (cap <= s->len + n)
		cap *= 2;
	data = arena_alloc(s->arena, cap);
	memcpy(data, s->data, s->len);
	s->data = data;
	s->cap = cap;
}

void str_add_n(struct str *s, const char *text, size_t n)
{
	if (n == 0)
		return;
	str_reserve(s, n);
	memcpy(s->data + s->len, text, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_n(s, &c, 1);
}

void str_add_int(struct str *s, int64_t v)
{
	uint64_t rest = v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v;
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (v < 0)
		digits[--at] = '-';
	str_add_n(s, digits + at, sizeof(digits) - at);
}

void str_add_cell(struct str *s, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '|' || *p == '<')
			str_add_char(s, '\\');
		str_add_char(s, *p);
	}
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	str_reserve(s, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(s->data + s->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	s->len += (size_t)n;
}

bool str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static bool utf8_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/*
 * RFC 3629: the first byte fixes the length; after E0, ED, F0 and F4 the second byte has a
 * narrower range, which is what keeps out overlong forms, surrogates and code points > U+10FFFF.
 */
size_t utf8_step(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xBF;
	size_t len;

	if (n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (p[0] == 0xE0)
		lo = 0xA0;
	else if (p[0] == 0xED)
		hi = 0x9F;
	else if (p[0] == 0xF0)
		lo = 0x90;
	else if (p[0] == 0xF4)
		hi = 0x8F;
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (!utf8_tail(p[i]))
			return 0;
	}
	return len;
}

bool utf8_valid(const char *s, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t step = utf8_step(s + at, n - at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

/* Of a well-formed character of n bytes; those of four are all fine. */
static bool is_tame(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned code = p[0];

	if (n == 2)
		code = (p[0] & 0x1FU) << 6 | (p[1] & 0x3FU);
	else if (n == 3)
		code = (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
	if (n == 4)
		return true;
	if (code < 0x20 || (code >= 0x7F && code < 0xA0))
		return false;
	return code != 0x61C && code != 0x200E && code != 0x200F && !(code >= 0x2028 && code <= 0x202E) &&
	       !(code >= 0x2066 && code <= 0x2069);
}

void str_tame(char *text)
{
	const size_t n = strlen(text);
	size_t at = 0, to = 0;

	while (at < n) {
		const size_t step = utf8_step(text + at, n - at);

		if (step != 0 && is_tame(text + at, step)) {
			memmove(text + to, text + at, step);
			to += step;
		} else {
			text[to++] = '?';
		}
		at += step != 0 ? step : 1;
	}
	text[to] = '\0';
}

size_t utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += !utf8_tail((unsigned char)*s);
	return n;
}

char *str_lower(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; p != NULL && *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return copy;
}

bool parse_int64(const char *s, int64_t *ret)
{
	bool minus = *s == '-';
	uint64_t limit = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX, v = 0;

	s += minus;
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		uint64_t digit = (uint64_t)(unsigned char)*s - '0';

		if (*s < '0' || *s > '9' || v > (limit - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	/* Negated as -(v - 1) - 1, because INT64_MIN has no positive twin. */
	*ret = minus && v > 0 ? -(int64_t)(v - 1) - 1 : (int64_t)v;
	return true;
}

bool parse_bool(const char *s, bool *ret)
{
	bool yes = strcmp(s, "true") == 0;

	if (!yes && strcmp(s, "false") != 0)
		return false;
	*ret = yes;
	return true;
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_eq(l->v[i], s))
			return true;
	}
	return false;
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}
