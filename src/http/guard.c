/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <string.h>
#include <strings.h>

#include "cc/base/bytes.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum err bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return ERR_INVALID_REQUEST;
}

enum err guard_target(const char *raw, size_t n, const char **ret_why)
{
	if (n > TARGET_MAX) {
		*ret_why = "the request target is longer than 4096 bytes";
		return ERR_URI_TOO_LONG;
	}
	if (n == 0 || raw[0] != '/')
		return bad(ret_why, "the request target must be a path that begins with /");
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)raw[i];

		if (c <= ' ' || c >= 0x7f || c == '#')
			return bad(ret_why, "the request target holds a byte that must be percent-encoded");
		if (c != '%')
			continue;
		if (n - i < 3 || !is_hex(raw[i + 1]) || !is_hex(raw[i + 2]))
			return bad(ret_why, "the request target holds an incomplete percent escape");
		if (raw[i + 1] == '0' && raw[i + 2] == '0')
			return bad(ret_why, "the request target holds an encoded NUL");
	}
	return ERR_NONE;
}

/* The length of the name in "name", "name:port" or "[v6]:port"; 0: malformed. */
static size_t host_length(const char *value)
{
	const char *end = value[0] == '[' ? strchr(value, ']') : strchr(value, ':');
	int64_t port = 0;
	size_t n;

	if (value[0] == '[') {
		if (end == NULL)
			return 0;
		end++;
	} else if (end == NULL) {
		end = value + strlen(value);
	}
	n = (size_t)(end - value);
	if (*end == '\0')
		return n;
	if (*end != ':')
		return 0;
	if (strspn(end + 1, "0123456789") != strlen(end + 1) || strlen(end + 1) > 5 ||
	    (end[1] != '\0' && (!parse_int64(end + 1, &port) || port > 65535)))
		return 0;
	return n;
}

static bool host_labels_ok(const char *host)
{
	for (const char *label = host;;) {
		const size_t n = strcspn(label, ".");

		if (n == 0 || n > 63 || label[0] == '-' || label[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++) {
			if (!is_alnum(label[i]) && label[i] != '-')
				return false;
		}
		if (label[n] == '\0')
			return true;
		label += n + 1;
	}
}

bool guard_host(struct arena *a, const char *value, const char **ret)
{
	size_t n = host_length(value);
	char *host;

	if (n == 0)
		return false;
	if (value[0] != '[' && value[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return false;
	host = str_lower(a, arena_strndup(a, value, n));
	if (host[0] == '[') {
		if (n < 4 || strspn(host + 1, "0123456789abcdef:.") != n - 2)
			return false;
	} else if (!host_labels_ok(host)) {
		return false;
	}
	*ret = host;
	return true;
}

static size_t count_pairs(const char *query)
{
	size_t n = 0;

	for (const char *p = query; *p != '\0';) {
		const size_t len = strcspn(p, "&");

		n += len > 0;
		p += len;
		p += *p == '&';
	}
	return n;
}

static bool decode_pair(struct arena *a, const char *p, size_t n, struct kv *ret)
{
	const char *equals = memchr(p, '=', n);
	const size_t key_len = equals != NULL ? (size_t)(equals - p) : n;

	ret->key = percent_decode(a, p, key_len, true);
	ret->value = equals != NULL ? percent_decode(a, equals + 1, n - key_len - 1, true) : "";
	return ret->key != NULL && ret->value != NULL && utf8_valid(ret->key, strlen(ret->key)) &&
	       utf8_valid(ret->value, strlen(ret->value));
}

enum err guard_query(struct arena *a, const char *query, struct kv **ret, size_t *ret_n, const char **ret_why)
{
	const size_t pairs = query != NULL ? count_pairs(query) : 0;
	struct kv *v;
	size_t n = 0;

	*ret = NULL;
	*ret_n = 0;
	if (pairs == 0)
		return ERR_NONE;
	if (pairs > QUERY_PAIRS_MAX)
		return bad(ret_why, "the query holds more than 64 parameters");
	v = ARENA_ARRAY(a, struct kv, pairs);
	for (const char *p = query; *p != '\0';) {
		const size_t len = strcspn(p, "&");

		if (len > 0 && !decode_pair(a, p, len, &v[n++]))
			return bad(ret_why, "the query is not UTF-8");
		p += len;
		p += *p == '&';
	}
	*ret = v;
	*ret_n = n;
	return ERR_NONE;
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* One "; name=value" of a media type. False: a charset that is not UTF-8, or no parameter at all. */
static bool type_parameter_ok(const char **p)
{
	const char *name = skip_space(*p + 1);
	const size_t n = strcspn(name, "=; \t");
	const char *value = name + n + 1;
	size_t len;
	bool quoted;

	if (n == 0 || name[n] != '=')
		return false;
	quoted = value[0] == '"';
	value += quoted;
	len = strcspn(value, quoted ? "\"" : "; \t");
	if (quoted && value[len] != '"')
		return false;
	*p = skip_space(value + len + quoted);
	if (**p != '\0' && **p != ';')
		return false;
	if (n != 7 || strncasecmp(name, "charset", n) != 0)
		return true;
	return len == 5 && strncasecmp(value, "utf-8", len) == 0;
}

/* What follows the type, or NULL when it is another. */
static const char *after_type(const char *value, const char *type)
{
	const size_t n = strlen(type);

	return strncasecmp(value, type, n) == 0 ? skip_space(value + n) : NULL;
}

bool guard_json_type(const char *value, bool patch)
{
	const char *p;

	if (value == NULL)
		return false;
	p = after_type(value, "application/json");
	if (p == NULL && patch)
		p = after_type(value, "application/merge-patch+json");
	if (p == NULL)
		return false;
	while (*p == ';') {
		if (!type_parameter_ok(&p))
			return false;
	}
	return *p == '\0';
}

static bool is_name(const char *name, size_t n)
{
	static const char marks[] = "!#$%&'*+-.^`|~";

	for (size_t i = 0; i < n; i++) {
		if (!is_alnum(name[i]) && (name[i] == '\0' || strchr(marks, name[i]) == NULL))
			return false;
	}
	return n > 0;
}

static bool is_value(const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)value[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void fault(struct guard_headers *g, const char *why)
{
	if (g->why == NULL)
		g->why = why;
}

static void take_length(struct guard_headers *g, const char *value, size_t n)
{
	uint64_t sum = 0;

	g->n_length++;
	if (n == 0 || n > 18)
		fault(g, "Content-Length must be a decimal number");
	for (size_t i = 0; i < n && n <= 18; i++) {
		if (!is_digit(value[i]))
			fault(g, "Content-Length must be a decimal number");
		sum = sum * 10 + (uint64_t)(unsigned char)(value[i] - '0');
	}
	g->content_length = sum;
}

/* The headers that decide where a request ends and whom it is for. True: it was one of them. */
static bool take_framing(struct guard_headers *g, const char *name, const char *value, size_t value_len)
{
	if (strcasecmp(name, "Host") == 0) {
		g->n_host++;
		g->raw_host = value;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		take_length(g, value, value_len);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		g->n_coding++;
		g->chunked = true;
		if (strcasecmp(value, "chunked") != 0)
			fault(g, "Transfer-Encoding must be exactly chunked");
	} else if (strcasecmp(name, "Content-Type") == 0) {
		g->n_type++;
		g->in->content_type = value;
	} else if (strcasecmp(name, "Expect") == 0) {
		g->expects_continue = strcasecmp(value, "100-continue") == 0;
	} else {
		return false;
	}
	return true;
}

static void take_other(struct guard_headers *g, const char *name, const char *value)
{
	struct http_in *in = g->in;
	const struct {
		const char *name;
		const char **value;
		int *count;
		bool list;              /* its lines are one list */
	} known[] = {
		{ "Authorization", &in->authorization, &in->n_authorization, false },
		{ "X-API-Key", &in->api_key, &in->n_api_key, false },
		{ "X-Tenant-ID", &in->tenant_header, &in->n_tenant_header, false },
		{ "Idempotency-Key", &in->idempotency_key, &in->n_idempotency_key, false },
		{ "X-Forwarded-For", &in->forwarded_for, NULL, true },
		{ "Forwarded", &in->forwarded, NULL, true },
		{ "X-Forwarded-Proto", &in->forwarded_proto, NULL, true },
		{ "Accept", &in->accept, NULL, true },
		{ "Accept-Encoding", &in->accept_encoding, NULL, true },
		{ "traceparent", &in->traceparent, &in->n_traceparent, false },
		{ "tracestate", &in->tracestate, NULL, true },
		{ "Origin", &in->origin, &in->n_origin, false },
		{ "Access-Control-Request-Method", &in->cors_method, NULL, false },
		{ "Stripe-Signature", &in->stripe_signature, NULL, true },
		{ "Content-Encoding", &in->content_encoding, NULL, true },
		{ "If-Match", &in->if_match, NULL, true },
		{ "If-None-Match", &in->if_none_match, NULL, true },
		{ "Cache-Control", &in->cache_control, NULL, true },
		{ "Prefer", &in->prefer, NULL, true },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcasecmp(name, known[i].name) != 0)
			continue;
		if (*known[i].value == NULL)
			*known[i].value = value;
		else if (known[i].list)
			*known[i].value = arena_printf(g->arena, "%s, %s", *known[i].value, value);
		if (known[i].count != NULL)
			(*known[i].count)++;
		return;
	}
	if (strcasecmp(name, "X-Request-ID") == 0 && guard_request_id(value))
		g->request_id = value;
}

void guard_header(struct guard_headers *g, const char *name, size_t name_len, const char *value,
		  size_t value_len)
{
	if (memchr(name, '_', name_len) != NULL)
		/* Some proxies write X_Tenant_ID for X-Tenant-ID: two names for one thing is one too many. */
		fault(g, "a header name holds an underscore");
	else if (!is_name(name, name_len))
		fault(g, "a header name holds a character that names may not have");
	else if (!is_value(value, value_len))
		fault(g, "a header value holds a control character");
	else if (!take_framing(g, name, value, value_len))
		take_other(g, name, value);
}

enum err guard_headers_end(struct guard_headers *g, struct arena *a)
{
	if (g->n_host != 1)
		fault(g, "there must be exactly one Host header");
	else if (!guard_host(a, g->raw_host, &g->in->host))
		fault(g, "the Host header is not a host name");
	if (g->n_length > 1)
		fault(g, "there must be at most one Content-Length header");
	if (g->n_coding > 1)
		fault(g, "there must be at most one Transfer-Encoding header");
	if (g->n_length > 0 && g->n_coding > 0)
		fault(g, "Content-Length and Transfer-Encoding exclude each other");
	if (g->n_type > 1)
		fault(g, "there must be at most one Content-Type header");
	return g->why == NULL ? ERR_NONE : ERR_INVALID_REQUEST;
}
