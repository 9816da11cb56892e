/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <string.h>
#include <strings.h>

#include "cc/base/bytes.h"

/*
 * libmicrohttpd 0.9.7x takes a bare LF for a line end, cuts texts at a NUL and glues a folded line to
 * the header's name. All three show in where the texts lie in its buffer: of a well-formed head every
 * text begins a fixed number of bytes after the end of the one before. Only addresses are compared.
 * From 1.0 on it refuses these itself and lays its texts out differently.
 */
#define OLD_PARSER (MHD_VERSION < 0x00097800)

/*
 * 0.9.7x makes a record of every query parameter in the connection's small memory, and when that is
 * full it loses its state and hangs. Nobody reads these records, for we have a copy of the target; so
 * its own is cut after the question mark.
 */
static void hide_query(const char *raw)
{
	const char *query = OLD_PARSER && raw != NULL ? strchr(raw, '?') : NULL;

	if (query != NULL)
		*(char *)(uintptr_t)(query + 1) = '\0';
}

void head_target(struct call *c, const char *raw)
{
	const size_t n = raw != NULL ? strlen(raw) : 0;
	char *copy = arena_strndup(c->arena, raw != NULL ? raw : "", n > TARGET_MAX ? 128 : n);
	const char *why = NULL;

	c->target_at = raw;
	c->target_end = raw != NULL ? raw + n : NULL;
	c->target = copy;
	c->refusal = guard_target(copy, n, &why);
	if (c->refusal == ERR_INVALID_REQUEST && strcmp(copy, "*") == 0)
		c->refusal = ERR_NONE;          /* head_check() takes it for OPTIONS only */
	c->cx.problem.message = why;
	c->query = strchr(copy, '?');
	if (c->query != NULL)
		*c->query++ = '\0';
	c->in.raw_target = copy;
	hide_query(raw);
}

static enum method method_of(const char *s)
{
	for (int m = 0; m < M_OTHER; m++) {
		if (strcmp(s, method_name((enum method)m)) == 0)
			return (enum method)m;
	}
	return M_OTHER;
}

struct scan {
	struct guard_headers g;
	const char *next;               /* where the next header's name must lie */
	bool gaps;
};

static enum MHD_Result scan_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
				   const char *value, size_t value_len)
{
	struct scan *s = cls;

	(void)kind;
	if (value == NULL)
		value = "";
	if (name != s->next)
		s->gaps = true;
	s->next = value + value_len + 2;
	guard_header(&s->g, name, name_len, value, value_len);
	return MHD_YES;
}

static bool layout_ok(const struct call *c, const struct scan *s, const char *method, const char *version,
		      size_t size)
{
	if (!OLD_PARSER)
		return true;
	return !s->gaps && c->target_at == method + strlen(method) + 1 && version == c->target_end + 1 &&
	       s->next + 2 == method + size;
}

static size_t header_size(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info != NULL ? info->header_size : 0;
}

/*
 * Of the two ways to say it only the one that the proxies overwrite is read: clients write what they like.
 * With the PROXY protocol the peer is whom the connection is for, who may be a trusted proxy in its turn.
 */
static void find_origin(struct call *c)
{
	const struct http_conf *conf = &c->server->conf;
	const char *peer = c->peer->ip;

	if (conf->forwarded_standard) {
		c->cx.remote_ip = forwarded_standard(c->arena, peer, c->in.forwarded, conf->trusted,
						     conf->ntrusted, &c->hop);
		return;
	}
	c->cx.remote_ip = forwarded_for(c->arena, peer, c->in.forwarded_for, conf->trusted, conf->ntrusted);
	c->hop = forwarded_hop(peer, c->in.forwarded_proto, conf->trusted, conf->ntrusted);
}

/* One that is not well-formed, or there twice, says nothing; nor does the state that came with it. */
static void find_trace(struct call *c)
{
	const struct http_in *in = &c->in;

	if (in->n_traceparent != 1 || !trace_read(&c->trace, in->traceparent))
		trace_make(&c->trace);
	else if (in->tracestate != NULL && strlen(in->tracestate) <= TRACESTATE_MAX)
		c->trace.state = in->tracestate;
}

/* Everything is looked at before anything is refused: the answer carries the client's request id. */
static enum err check_headers(struct call *c, const char *method, const char *version)
{
	struct scan s = { .g.in = &c->in, .g.arena = c->arena, .next = version + strlen(version) + 2 };
	const size_t size = header_size(c->mhd);
	enum err e;

	(void)MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, scan_header, &s);
	e = guard_headers_end(&s.g, c->arena);
	if (c->in.host == NULL)
		c->in.host = "";
	c->content_length = s.g.content_length;
	c->has_body = s.g.chunked || s.g.content_length > 0;
	find_origin(c);
	find_trace(c);
	c->expects_continue = s.g.expects_continue;
	c->cx.request_id = s.g.request_id != NULL ? arena_strdup(c->arena, s.g.request_id)
						   : id_new(c->arena, "req-", 16);
	if (c->refusal != ERR_NONE)
		return c->refusal;
	if (size > c->server->conf.header_max)
		return ERR_HEADERS_TOO_LARGE;
	if (e == ERR_NONE && !layout_ok(c, &s, method, version, size))
		return refuse(&c->cx, ERR_INVALID_REQUEST,
			      "a header line is folded, does not end in CR LF or holds a NUL");
	c->one_zero = strcmp(version, "HTTP/1.0") == 0;
	if (e == ERR_NONE && strcmp(version, "HTTP/1.1") != 0 && !c->one_zero)
		return refuse(&c->cx, ERR_INVALID_REQUEST, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	if (e != ERR_NONE)
		c->cx.problem.message = s.g.why;
	return e;
}

static enum err find_route(struct call *c)
{
	const bool asks_first = cors_is_preflight(c);
	const enum method m = asks_first ? method_of(c->in.cors_method) : c->in.method;
	bool known = false;

	c->entry = router_look(listener_router(c->listener), m, c->in.raw_target, c->arena, &c->rq, &c->allow,
			       &known);
	if (!known)
		return ERR_ROUTE_NOT_FOUND;
	if (c->in.method == M_OPTIONS) {
		c->options = true;
		c->preflight = asks_first && c->entry != NULL;
		c->entry = NULL;
		return ERR_NONE;
	}
	if (c->entry == NULL)
		return ERR_METHOD;
	c->rq.route = c->entry->route;
	c->rq.entry = c->entry;
	c->rq.read_mode = c->entry->read_mode;
	encode_ask(c);
	if (c->entry->secret)
		arena_hold_secret(c->arena);
	return ERR_NONE;
}

static size_t body_cap(const struct call *c)
{
	const struct route *r = c->rq.route;

	if (!route_takes_body(r))
		return DRAIN_MAX;
	return r->body_max != 0 ? r->body_max : c->server->conf.body_max;
}

static enum err check_type(struct call *c)
{
	const bool patch = c->in.method == M_PATCH;

	if (!c->has_body || c->rq.route == NULL || c->rq.route->body == NULL)
		return ERR_NONE;
	if (c->in.content_encoding != NULL && strcasecmp(c->in.content_encoding, "identity") != 0)
		return refuse(&c->cx, ERR_MEDIA_TYPE, "bodies are taken without a Content-Encoding only");
	if (guard_json_type(c->in.content_type, patch))
		return ERR_NONE;
	return refuse(&c->cx, ERR_MEDIA_TYPE, "the Content-Type must be application/json%s",
		      patch ? " or application/merge-patch+json" : "");
}

/* Before anything is done: what it makes could not be told. */
static enum err check_accept(struct call *c)
{
	const struct route *r = c->rq.route;
	const char *first, *second;

	if (r == NULL || (r->media[0] == NULL && r->reply == NULL))
		return ERR_NONE;
	first = r->media[0] != NULL ? r->media[0] : "application/json";
	second = r->media[1];
	if (accept_has(c->in.accept, first) || (second != NULL && accept_has(c->in.accept, second)))
		return ERR_NONE;
	return refuse(&c->cx, ERR_NOT_ACCEPTABLE, "%s answers with %s%s%s", r->op, first,
		      second != NULL ? " or " : "", second != NULL ? second : "");
}

static enum err read_condition(struct call *c, const char *name, const char *value, struct etags *ret)
{
	if (etags_parse(c->arena, value, ret))
		return ERR_NONE;
	return refuse(&c->cx, ERR_INVALID_REQUEST,
		      "%s must be * or a list of entity tags: \"…\", W/\"…\"", name);
}

static enum err read_conditions(struct call *c)
{
	struct belief *b = &c->cx.belief;
	enum err e = read_condition(c, "If-Match", c->in.if_match, &c->if_match);

	if (e == ERR_NONE)
		e = read_condition(c, "If-None-Match", c->in.if_none_match, &c->if_none_match);
	if (e == ERR_NONE && c->entry != NULL && c->entry->checks_version) {
		b->is = etags_versions(c->arena, &c->if_match, ETAG_STRONG);
		b->is_not = etags_versions(c->arena, &c->if_none_match, ETAG_WEAK);
	}
	return e;
}

enum err head_check_rest(struct call *c)
{
	const char *why = guard_idempotency_key(&c->in);
	enum err e;

	if (why != NULL && c->in.method != M_GET && c->in.method != M_HEAD)
		return refuse(&c->cx, ERR_INVALID_REQUEST, "%s", why);
	if (c->content_length > body_cap(c))
		return refuse(&c->cx, ERR_TOO_LARGE, "the body is larger than %zu bytes", body_cap(c));
	e = check_type(c);
	if (e == ERR_NONE)
		e = check_accept(c);
	return e == ERR_NONE ? read_conditions(c) : e;
}

static enum err check_target(struct call *c)
{
	const char *why = NULL;
	enum err e;

	if (strcmp(c->target, "*") == 0) {
		c->options = c->in.method == M_OPTIONS;
		c->allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
		if (c->options)
			return ERR_NONE;
		return refuse(&c->cx, ERR_INVALID_REQUEST, "the request target * is for OPTIONS only");
	}
	e = guard_query(c->arena, c->query, &c->in.query, &c->in.nquery, &why);
	c->in.path = percent_decode(c->arena, c->in.raw_target, strlen(c->in.raw_target), false);
	if (e == ERR_NONE && c->in.path == NULL)
		e = ERR_INVALID_REQUEST;
	if (why != NULL)
		c->cx.problem.message = why;
	return e;
}

/*
 * Before most of a script's requests stands a preflight, which has no credential: of these, and of what needs
 * none, a worker may ask who the tenant is. Of all others the gate will know.
 */
static void look_at_origin(struct call *c)
{
	const struct route *r = c->rq.route;
	const bool open = r != NULL && r->auth == AUTH_PUBLIC && (r->flags & ROUTE_EXPRESS) == 0;

	if (c->options && !c->preflight)
		return;
	c->origin_waits = cors_look(c, false) == ERR_NEED_LOAD && !c->has_body && (c->preflight || open);
	c->need_load = c->origin_waits;
}

/* One that is longer than any is not written down, nor looked at. */
static const char *method_to_tell(struct call *c, const char *method)
{
	if (c->in.method != M_OTHER)
		return method;
	if (strnlen(method, METHOD_MAX + 1) > METHOD_MAX)
		return "(too long)";
	return guard_tells_secret(c->arena, method) ? "(a credential)" : method;
}

enum err head_check(struct call *c, const char *method, const char *version)
{
	enum err e, found = ERR_NONE;

	c->in.method = method_of(method);
	c->method = arena_strdup(c->arena, method_to_tell(c, method));
	e = check_headers(c, method, version);
	if (e == ERR_NONE)
		e = check_target(c);
	if (e != ERR_NONE) {
		/* Where the next request begins is not certain any more. */
		c->close = true;
		return e;
	}
	if (!c->options)
		found = find_route(c);
	e = secure_check(c);
	if (e == ERR_HTTPS_REQUIRED)
		c->close = true;
	if (e != ERR_NONE || c->moved != NULL)
		return e;
	e = found;
	look_at_origin(c);
	if (e == ERR_NONE && !c->options) {
		e = run_gate(c, false);
		c->need_load = c->origin_waits || e == ERR_NEED_LOAD;
		if (e == ERR_NEED_LOAD)
			return ERR_NONE;
	}
	if (e == ERR_NONE)
		e = head_check_rest(c);
	return e;
}
