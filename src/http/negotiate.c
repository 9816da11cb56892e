/* SPDX-License-Identifier: Apache-2.0 */
#include "negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A text of the header, not terminated. */
struct piece {
	const char *at;
	size_t n;
};

struct element {
	struct piece what;      /* "text/html", "gzip", "*" */
	int q;                  /* in thousandths */
};

static struct piece trimmed(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct piece){ at, (size_t)(end - at) };
}

static bool is(struct piece p, const char *word)
{
	return p.n == strlen(word) && strncasecmp(p.at, word, p.n) == 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0, 0.5, 0.125, 1, 1.000; false: none of these. */
static bool read_weight(struct piece p, int *ret)
{
	static const int places[] = { 100, 10, 1 };
	int q;

	if (p.n == 0 || p.n > 5 || (p.at[0] != '0' && p.at[0] != '1') || (p.n > 1 && p.at[1] != '.'))
		return false;
	q = p.at[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < p.n; i++) {
		if (!is_digit(p.at[i]))
			return false;
		q += (p.at[i] - '0') * places[i - 2];
	}
	*ret = q;
	return q <= 1000;
}

/* The end of what begins at p: the first of stops that is not within quotes. */
static const char *end_of(const char *p, const char *stops)
{
	bool quoted = false;

	for (; *p != '\0' && (quoted || strchr(stops, *p) == NULL); p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* One element at *p, which moves behind its comma. False: it is not well-formed. */
static bool take(const char **p, struct element *ret)
{
	const char *end = end_of(*p, ",;");
	bool good = true;

	ret->what = trimmed(*p, end);
	ret->q = 1000;
	while (*end == ';') {
		const char *begin = end + 1;
		struct piece w;

		end = end_of(begin, ",;");
		w = trimmed(begin, end);
		if (w.n >= 2 && (w.at[0] | 0x20) == 'q' && w.at[1] == '=')
			good = good && read_weight(trimmed(w.at + 2, w.at + w.n), &ret->q);
	}
	*p = *end == ',' ? end + 1 : end;
	return good && ret->what.n > 0;
}

enum { CLOSEST = 3 };

/* How closely the range names the type: as it is, 2 its kind, 1 any; 0: not at all. */
static int closeness(struct piece range, struct piece type)
{
	const char *slash = memchr(type.at, '/', type.n);
	const size_t kind = slash != NULL ? (size_t)(slash - type.at) + 1 : type.n;

	if (is(range, "*/*"))
		return 1;
	if (range.n == kind + 1 && range.at[kind] == '*' && strncasecmp(range.at, type.at, kind) == 0)
		return 2;
	return range.n == type.n && strncasecmp(range.at, type.at, type.n) == 0 ? CLOSEST : 0;
}

/* The weight of the range that fits best. *ret_close: how well that is; *ret_any: there is a range. */
static int weight(const char *value, const char *type, int *ret_close, bool *ret_any)
{
	const struct piece wanted = trimmed(type, type + strcspn(type, ";"));
	int q = 0;

	*ret_close = 0;
	*ret_any = false;
	for (const char *p = value; p != NULL && *p != '\0';) {
		struct element e;
		int close;

		if (!take(&p, &e) || memchr(e.what.at, '/', e.what.n) == NULL)
			continue;
		*ret_any = true;
		close = closeness(e.what, wanted);
		if (close > *ret_close || (close == *ret_close && close > 0 && e.q > q)) {
			*ret_close = close;
			q = e.q;
		}
	}
	return q;
}

bool accept_has(const char *value, const char *type)
{
	int close;
	bool any;
	const int q = weight(value, type, &close, &any);

	return !any || q > 0;
}

bool accept_names(const char *value, const char *type)
{
	int close;
	bool any;

	return weight(value, type, &close, &any) > 0 && close == CLOSEST;
}

enum coding accept_coding(const char *value)
{
	int gzip = -1, plain = -1, rest = -1;

	for (const char *p = value; p != NULL && *p != '\0';) {
		struct element e;

		if (!take(&p, &e))
			continue;
		if (is(e.what, "gzip") || is(e.what, "x-gzip"))
			gzip = e.q;
		else if (is(e.what, "identity"))
			plain = e.q;
		else if (is(e.what, "*"))
			rest = e.q;
	}
	gzip = gzip < 0 ? rest : gzip;
	/* What is not named is welcome, but less than what is. */
	plain = plain < 0 && rest == 0 ? 0 : plain;
	if (gzip <= 0 || gzip < plain)
		return CODING_NONE;
	return plain == 0 ? CODING_ONLY_GZIP : CODING_GZIP;
}
