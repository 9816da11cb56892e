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

bool forwarded_https(const char *peer, const char *proto, const struct cidr *trusted, size_t ntrusted)
{
	struct cidr at;

	return proto != NULL && strcasecmp(proto, "https") == 0 && cidr_parse(peer, &at) &&
	       is_trusted(&at, trusted, ntrusted);
}
