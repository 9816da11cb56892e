/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarded.h"

#include <string.h>
#include <strings.h>

static bool is_trusted(const struct cidr *address, const struct cidr *trusted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_within(address, &trusted[i]))
			return true;
	return false;
}

/* Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711. */
static size_t without_port(const char **text, size_t n)
{
	const char *p = *text;
	const char *close = n > 0 && p[0] == '[' ? memchr(p, ']', n) : NULL;
	const char *colon;

	if (close != NULL) {
		*text = p + 1;
		return (size_t)(close - p) - 1;
	}
	colon = memchr(p, ':', n);
	if (colon != NULL && memchr(p, '.', (size_t)(colon - p)) != NULL)
		return (size_t)(colon - p);
	return n;
}

static bool parse_hop(struct arena *a, const char *text, size_t n, struct cidr *ret)
{
	while (n > 0 && (text[0] == ' ' || text[0] == '\t')) {
		text++;
		n--;
	}
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	n = without_port(&text, n);
	if (n == 0 || n >= CIDR_TEXT_MAX || memchr(text, '/', n) != NULL)
		return false;
	return cidr_parse(arena_strndup(a, text, n), ret);
}

static const char *address_text(struct arena *a, const struct cidr *address)
{
	char *text = arena_alloc(a, CIDR_TEXT_MAX);

	cidr_print(address, text);
	text[strcspn(text, "/")] = '\0';
	return text;
}

const char *forwarded_for(struct arena *a, const char *peer, const char *forwarded,
			  const struct cidr *trusted, size_t ntrusted)
{
	const char *end = forwarded != NULL ? forwarded + strlen(forwarded) : NULL;
	struct cidr at, hop;

	if (ntrusted == 0 || forwarded == NULL || !cidr_parse(peer, &at))
		return peer;
	while (is_trusted(&at, trusted, ntrusted)) {
		const char *begin = end;

		while (begin > forwarded && begin[-1] != ',')
			begin--;
		if (!parse_hop(a, begin, (size_t)(end - begin), &hop))
			break;
		at = hop;
		if (begin == forwarded)
			break;
		end = begin - 1;
	}
	return address_text(a, &at);
}

static enum client_hop hop_of(const char *proto)
{
	return strcasecmp(proto, "https") == 0 ? HOP_TLS : HOP_CLEAR;
}

enum client_hop forwarded_hop(const char *peer, const char *proto, const struct cidr *trusted,
			      size_t ntrusted)
{
	struct cidr at;

	if (proto == NULL || !cidr_parse(peer, &at) || !is_trusted(&at, trusted, ntrusted))
		return HOP_UNSAID;
	return hop_of(proto);
}

/* --- Forwarded ------------------------------------------------------------------------------------ */

enum { ELEMENTS_MAX = 32 };

struct element {
	const char *addr, *proto;       /* NULL: not said */
};

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static bool is_token(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

/* A token or a quoted text; NULL: neither. */
static const char *read_value(struct arena *a, const char *p, const char **ret)
{
	size_t n = 0;
	char *text;

	if (*p != '"') {
		while (is_token((unsigned char)p[n]))
			n++;
		*ret = arena_strndup(a, p, n);
		return n > 0 ? p + n : NULL;
	}
	text = arena_alloc(a, strlen(p));
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
		text[n++] = *p;
	}
	*ret = text;
	return p + 1;
}

/* name=value; what is said twice is not well-formed. */
static const char *read_pair(struct arena *a, const char *p, struct element *e)
{
	const char *name = p, *value = NULL, **place = NULL;
	size_t n = 0;

	while (is_token((unsigned char)p[n]))
		n++;
	if (n == 0 || p[n] != '=')
		return NULL;
	p = read_value(a, p + n + 1, &value);
	if (n == 3 && strncasecmp(name, "for", n) == 0)
		place = &e->addr;
	else if (n == 5 && strncasecmp(name, "proto", n) == 0)
		place = &e->proto;
	if (p == NULL || place == NULL)
		return p;
	if (*place != NULL)
		return NULL;
	*place = value;
	return p;
}

/* How many; 0: not well-formed, or too many. */
static size_t read_elements(struct arena *a, const char *p, struct element v[ELEMENTS_MAX])
{
	size_t n = 0;

	memset(v, 0, ELEMENTS_MAX * sizeof(v[0]));
	for (p = skip_blanks(p);; p = skip_blanks(p + 1)) {
		p = read_pair(a, p, &v[n]);
		if (p == NULL)
			return 0;
		p = skip_blanks(p);
		if (*p == '\0')
			return n + 1;
		if (*p == ',' && ++n == ELEMENTS_MAX)
			return 0;
		if (*p != ',' && *p != ';')
			return 0;
	}
}

const char *forwarded_standard(struct arena *a, const char *peer, const char *forwarded,
			       const struct cidr *trusted, size_t ntrusted, enum client_hop *ret_hop)
{
	struct element v[ELEMENTS_MAX];
	struct cidr at, hop;
	size_t n;

	*ret_hop = HOP_UNSAID;
	if (ntrusted == 0 || forwarded == NULL || !cidr_parse(peer, &at) ||
	    !is_trusted(&at, trusted, ntrusted))
		return peer;
	n = read_elements(a, forwarded, v);
	if (n == 0)
		*ret_hop = HOP_CLEAR;
	while (n > 0 && is_trusted(&at, trusted, ntrusted)) {
		const struct element *e = &v[--n];

		/* Who says nothing of its own client does not say that its neighbour was wrong. */
		if (e->proto != NULL || *ret_hop == HOP_TLS)
			*ret_hop = e->proto != NULL ? hop_of(e->proto) : HOP_UNSAID;
		if (e->addr == NULL || !parse_hop(a, e->addr, strlen(e->addr), &hop))
			break;
		at = hop;
	}
	return address_text(a, &at);
}
