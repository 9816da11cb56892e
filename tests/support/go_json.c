/* SPDX-License-Identifier: Apache-2.0 */
#include "go_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/str.h"

enum { DEPTH_MAX = 64, MEMBERS_MAX = 4096 };

struct reader {
	struct arena *a;
	const char *p, *end;
	int depth;
};

struct text {
	char *s;
	size_t n;
};

struct member {
	struct text name;
	char *value;
};

static void write_value(struct reader *r, struct str *out);

static char next(struct reader *r)
{
	while (r->p < r->end && strchr(" \t\r\n", *r->p) != NULL)
		r->p++;
	assert_true(r->p < r->end);
	return *r->p;
}

static void take(struct reader *r, char c)
{
	if (next(r) != c)
		fail_msg("%c is missing at: %.40s", c, r->p);
	r->p++;
}

static bool take_if(struct reader *r, char c)
{
	const bool is = next(r) == c;

	r->p += is;
	return is;
}

/* Texts -------------------------------------------------------------------------------------------- */

static unsigned four_digits(struct reader *r)
{
	char digits[5] = "";

	assert_true(r->end - r->p >= 4);
	memcpy(digits, r->p, 4);
	assert_int_equal(4, strspn(digits, "0123456789abcdefABCDEF"));
	r->p += 4;
	return (unsigned)strtoul(digits, NULL, 16);
}

static void add_utf8(struct str *out, unsigned c)
{
	const char one[] = { (char)c };
	const char two[] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };
	const char three[] = { (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
		(char)(0x80 | (c & 0x3f)) };
	const char four[] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
		(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)) };

	if (c < 0x80)
		str_add_n(out, one, 1);
	else if (c < 0x800)
		str_add_n(out, two, 2);
	else if (c < 0x10000)
		str_add_n(out, three, 3);
	else
		str_add_n(out, four, 4);
}

static void read_escape(struct reader *r, struct str *out)
{
	static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char c = *r->p++, *at = strchr(names, c);
	unsigned high;

	if (c != 'u') {
		assert_non_null(at);
		str_add_n(out, &meanings[at - names], 1);
		return;
	}
	high = four_digits(r);
	if (high < 0xd800 || high > 0xdbff) {
		add_utf8(out, high);
		return;
	}
	assert_memory_equal("\\u", r->p, 2);
	r->p += 2;
	add_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (four_digits(r) - 0xdc00));
}

static struct text read_text(struct reader *r)
{
	struct str out;

	str_init(&out, r->a, 64);
	take(r, '"');
	while (*r->p != '"') {
		assert_true(r->p < r->end && (unsigned char)*r->p >= 0x20);
		if (*r->p != '\\') {
			str_add_n(&out, r->p++, 1);
			continue;
		}
		r->p++;
		read_escape(r, &out);
	}
	r->p++;
	return (struct text){ out.data, out.len };
}

static void write_text(struct str *out, const struct text *t)
{
	static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";

	str_add_n(out, "\"", 1);
	for (size_t i = 0; i < t->n; i++) {
		const char c = t->s[i], *at = c != '\0' ? strchr(plain, c) : NULL;

		if (at != NULL)
			str_addf(out, "\\%c", names[at - plain]);
		else if ((unsigned char)c < 0x20)
			str_addf(out, "\\u%04x", (unsigned)(unsigned char)c);
		else if (i + 2 < t->n && memcmp(t->s + i, "\xe2\x80", 2) == 0 &&
			 ((unsigned char)t->s[i + 2] & 0xfe) == 0xa8)
			str_addf(out, "\\u202%c", t->s[i + 2] == (char)0xa8 ? '8' : '9'), i += 2;
		else
			str_add_n(out, &c, 1);
	}
	str_add_n(out, "\"", 1);
}

/* Values ------------------------------------------------------------------------------------------- */

static int by_name(const void *x, const void *y)
{
	const struct text *a = &((const struct member *)x)->name, *b = &((const struct member *)y)->name;
	const int d = memcmp(a->s, b->s, a->n < b->n ? a->n : b->n);

	return d != 0 ? d : (a->n > b->n) - (a->n < b->n);
}

static size_t read_members(struct reader *r, struct member *m)
{
	size_t n = 0;
	struct str value;

	take(r, '{');
	if (take_if(r, '}'))
		return 0;
	do {
		assert_true(n < MEMBERS_MAX && next(r) == '"');
		m[n].name = read_text(r);
		take(r, ':');
		str_init(&value, r->a, 64);
		write_value(r, &value);
		m[n++].value = value.data;
	} while (take_if(r, ','));
	take(r, '}');
	return n;
}

static void write_object(struct reader *r, struct str *out)
{
	struct member *m = calloc(MEMBERS_MAX, sizeof(*m));
	const size_t n = read_members(r, m);

	qsort(m, n, sizeof(*m), by_name);
	str_add_n(out, "{", 1);
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || by_name(&m[i - 1], &m[i]) != 0);
		if (i > 0)
			str_add_n(out, ",", 1);
		write_text(out, &m[i].name);
		str_addf(out, ":%s", m[i].value);
	}
	str_add_n(out, "}", 1);
	free(m);
}

static void write_array(struct reader *r, struct str *out)
{
	bool first = true;

	take(r, '[');
	str_add_n(out, "[", 1);
	if (!take_if(r, ']')) {
		do {
			if (!first)
				str_add_n(out, ",", 1);
			first = false;
			write_value(r, out);
		} while (take_if(r, ','));
		take(r, ']');
	}
	str_add_n(out, "]", 1);
}

/* Numbers and the three words stay as they are. */
static void write_plain(struct reader *r, struct str *out)
{
	const size_t n = strcspn(r->p, " \t\r\n,]}");

	assert_true(n > 0 && n <= (size_t)(r->end - r->p));
	str_add_n(out, r->p, n);
	r->p += n;
}

static void write_value(struct reader *r, struct str *out)
{
	struct text t;

	assert_true(r->depth++ < DEPTH_MAX);
	switch (next(r)) {
	case '{':
		write_object(r, out);
		break;
	case '[':
		write_array(r, out);
		break;
	case '"':
		t = read_text(r);
		write_text(out, &t);
		break;
	default:
		write_plain(r, out);
		break;
	}
	r->depth--;
}

char *go_json(struct arena *a, const char *text, size_t n)
{
	struct reader r = { .a = a, .p = arena_strndup(a, text, n) };
	struct str out;

	r.end = r.p + n;
	str_init(&out, a, n + 64);
	write_value(&r, &out);
	assert_int_equal(0, r.end - r.p - (ptrdiff_t)strspn(r.p, " \t\r\n"));
	return out.data;
}
