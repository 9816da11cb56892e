/* SPDX-License-Identifier: Apache-2.0 */
#include "keep.h"
#include "negotiate.h"
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"

/* A slow reader has this much per second, on top of the time for a request. */
enum { SEND_BYTES_PER_MS = 16 };

static enum log_level level_of(const struct call *c, enum err e)
{
	const struct route *r = c->rq.route;
	const struct problem *p = &c->cx.problem;

	if (e == ERR_INTERNAL)
		return LOG_ERROR;
	if (r != NULL && (r->flags & ROUTE_PROBE) && c->status < 400)
		return LOG_DEBUG;
	return e == ERR_UNAVAILABLE && !p->elsewhere ? LOG_WARN : LOG_INFO;
}

static const char *logged(const struct call *c, const char *text)
{
	return text != NULL && guard_tells_secret(c->arena, text) ? "(a credential)" : text;
}

/* Whose data it was, else of whom who asked is: what the request itself says is only what it says. */
static const char *tenant_of(const struct req *rq)
{
	return rq->tenant_id != NULL ? rq->tenant_id : rq->caller_tenant;
}

static const char *named_beside(const struct req *rq)
{
	const char *t = tenant_of(rq), *named = rq->tenant_named;

	return named != NULL && (t == NULL || strcmp(named, t) != 0) ? named : NULL;
}

void answer_log(const struct call *c, enum err e, const char *code)
{
	const int64_t now = clock_mono_us();
	const struct route *r = c->rq.route;
	const char *cause = c->cx.problem.cause;

	if (cause == NULL && e == ERR_INTERNAL)
		cause = c->cx.problem.message;
	LOG(level_of(c, e), "request",
	    LOG_TEXT("op", r != NULL ? r->op : NULL), LOG_TEXT("tenant", tenant_of(&c->rq)),
	    LOG_TEXT("tenant_named", logged(c, named_beside(&c->rq))),
	    LOG_TEXT("caller", logged(c, c->rq.caller)), LOG_INT("status", c->status), LOG_TEXT("code", code),
	    LOG_INT("ms", (now - c->arrived_us) / 1000), LOG_INT("db_ms", c->cx.db_us / 1000),
	    LOG_INT("queue_ms", c->queue_us / 1000), LOG_TEXT("request_id", c->cx.request_id),
	    LOG_TEXT("trace_id", c->trace.id[0] != '\0' ? c->trace.id : NULL),
	    LOG_TEXT("span_id", c->trace.id[0] != '\0' ? c->trace.span : NULL),
	    LOG_TEXT("method", c->method), LOG_TEXT("path", logged(c, c->in.raw_target)),
	    LOG_TEXT("remote", c->cx.remote_ip), LOG_INT("bytes", (int64_t)c->answer_len),
	    LOG_TEXT("cache", c->kept != NULL ? "hit" : NULL), LOG_TEXT("cause", cause));
}

/* Before the references of the request are given back. Admin's requests are no traffic. */
void answer_meter(struct call *c)
{
	const char *payer = c->rq.payer;

	if (payer != NULL && strncmp(payer, "operator ", 9) == 0)
		payer = NULL;
	if (!c->listener->admin)
		meters_count(&c->server->meters, c->entry, payer, c->status, clock_mono_us() - c->arrived_us);
}

static void write_body(struct call *c)
{
	if (c->kept != NULL) {
		c->answer = c->kept->body;
		c->answer_len = c->kept->body_len;
		c->etag = c->kept->etag;
		c->coded = c->kept->gzip;
		return;
	}
	c->answer = reply_text(c->arena, &c->rq, c->rq.dry_run, &c->answer_len);
	c->etag = reply_etag(c->arena, &c->rq, c->answer, c->answer_len);
}

static bool is_of_row(const struct call *c)
{
	return c->entry->etag == ETAG_ROW || c->entry->etag == ETAG_ROW_AND_BODY;
}

/* If-Match on a question: of an object only the row counts. */
static bool is_match(struct call *c)
{
	struct etag own = { .text = c->etag, .len = strlen(c->etag) };
	const struct etags mine = { .sent = true, .v = &own, .n = 1 };
	struct versions now, v;

	if (!is_of_row(c))
		return etags_have(&c->if_match, c->etag, ETAG_STRONG);
	now = etags_versions(c->arena, &mine, ETAG_STRONG);
	v = etags_versions(c->arena, &c->if_match, ETAG_STRONG);
	for (size_t i = 0; i < v.n; i++)
		if (now.n > 0 && v.v[i] == now.v[0])
			return true;
	return v.any;
}

/* The conditions of a GET are about the answer itself; a write has met its own before it changed anything. */
static enum err check_conditions(struct call *c)
{
	if (c->etag == NULL || c->rq.route->method != M_GET)
		return ERR_NONE;
	if (c->if_match.sent && !is_match(c))
		return refuse(&c->cx, ERR_PRECONDITION, "its ETag is not in If-Match");
	c->not_modified = c->if_none_match.sent && etags_have(&c->if_none_match, c->etag, ETAG_WEAK);
	return ERR_NONE;
}

static enum err write_reply(struct call *c)
{
	enum err e = ERR_NONE;

	c->status = reply_status(&c->rq);
	if (c->status != MHD_HTTP_NO_CONTENT && !c->not_modified) {
		write_body(c);
		e = check_conditions(c);
		if (c->kept == NULL && e == ERR_NONE && (!c->not_modified || keep_may(c))) {
			encode_answer(c);
			keep_answer(c);
		}
	}
	if (c->not_modified) {
		c->status = MHD_HTTP_NOT_MODIFIED;
		c->answer = "";
		c->answer_len = 0;
	}
	return e;
}

static void write_problem(struct call *c, enum err e)
{
	struct problem *p = &c->cx.problem;
	struct str out;

	c->status = err_info(e)->status;
	c->coded = false;
	if (e != ERR_PRECONDITION)
		c->etag = NULL;
	else if (p->row_version > 0)
		c->etag = etag_of_row(c->arena, c->entry->object, c->rq.audience, p->row_version, NULL, 0);
	if (c->etag != NULL)
		p->etag = arena_printf(c->arena, "\"%s\"", c->etag);
	if (p->tenant_id == NULL)
		p->tenant_id = c->rq.tenant_named;
	if (p->retry_after == 0 && (c->status == MHD_HTTP_TOO_MANY_REQUESTS ||
				    c->status == MHD_HTTP_SERVICE_UNAVAILABLE))
		p->retry_after = 1;
	str_init(&out, c->arena, 512);
	c->problem_json = accept_names(c->in.accept, PROBLEM_TYPE);
	problem_write(&out, e, &c->cx, c->problem_json);
	c->answer = out.data;
	c->answer_len = out.len;
}

/* Internal ones must not get here; when they do, the client gets an honest word. */
static enum err public_error(struct call *c, enum err e)
{
	if (e == ERR_RETRY)
		return refuse(&c->cx, ERR_UNAVAILABLE, "the operation met too many others; retry");
	if (err_is_internal(e))
		return refuse(&c->cx, ERR_INTERNAL, "%s", err_info(e)->meaning);
	return e;
}

void answer_make(struct call *c, enum err e)
{
	const struct http_hooks *hooks = c->server->conf.hooks;

	e = public_error(c, e);
	c->answer = "";
	if (e == ERR_NONE && c->moved != NULL)
		c->status = MHD_HTTP_PERMANENT_REDIRECT;
	else if (e == ERR_NONE && c->options)
		c->status = MHD_HTTP_NO_CONTENT;
	else if (e == ERR_NONE && c->rq.stream != NULL)
		c->status = reply_status(&c->rq);
	else if (e == ERR_NONE)
		e = write_reply(c);
	if (e != ERR_NONE)
		write_problem(c, e);
	/* A stream needs what the request holds until it is over. */
	if (!c->streaming) {
		answer_meter(c);
		if (c->gated && hooks->done != NULL)
			hooks->done(&c->cx, &c->rq, c->status);
		answer_log(c, e, e != ERR_NONE ? err_info(e)->code : NULL);
	}
	/* Whoever reads the answer slowly must not hold the request as well. */
	c->in.body = NULL;
	c->in.body_len = 0;
	body_close(&c->body, call_holds_secret(c));
}

static const char *own_header(const struct req *rq, const char *name)
{
	for (int i = 0; i < rq->nheaders; i++) {
		if (strcasecmp(rq->header[i].name, name) == 0)
			return rq->header[i].value;
	}
	return NULL;
}

static bool has_credential(const struct call *c)
{
	return c->in.authorization != NULL || c->in.api_key != NULL;
}

static const char *cache_control(const struct call *c)
{
	const bool secret = c->rq.route != NULL && (c->rq.route->flags & ROUTE_NO_STORE) != 0;

	if (secret || (has_credential(c) && c->status >= 400))
		return "no-store";
	/* private: whose it is may hang on a header that caches do not know. */
	return has_credential(c) ? "private, no-cache" : "no-cache";
}

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	if (value != NULL)
		(void)MHD_add_response_header(r, name, value);
}

static void add_int(struct MHD_Response *r, const char *name, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	add(r, name, text);
}

/* What else of a request decides its answer: also of one that has no such header. NULL: nothing. */
static const char *vary(const struct call *c)
{
	const bool private = c->etag != NULL && has_credential(c), open = encode_is_open(c);
	struct str s;

	str_init(&s, c->arena, 64);
	str_add(&s, private ? "Authorization, X-API-Key, X-Tenant-ID" : "");
	if (!c->listener->admin)
		str_addf(&s, "%sOrigin", s.len > 0 ? ", " : "");
	if (open)
		str_addf(&s, "%sAccept-Encoding", s.len > 0 ? ", " : "");
	return s.len > 0 ? s.data : NULL;
}

/* Headers that only some answers have. */
static void add_rare(struct MHD_Response *r, const struct call *c)
{
	const struct req *rq = &c->rq;

	if (c->status == MHD_HTTP_UNAUTHORIZED)
		add(r, "WWW-Authenticate", "Bearer");
	if (c->cx.problem.retry_after > 0 && (c->status == MHD_HTTP_TOO_MANY_REQUESTS ||
					      c->status == MHD_HTTP_SERVICE_UNAVAILABLE))
		add_int(r, "Retry-After", c->cx.problem.retry_after);
	if (c->status == MHD_HTTP_METHOD_NOT_ALLOWED || c->options)
		add(r, "Allow", c->allow);
	if (c->etag != NULL)
		add(r, "ETag", arena_printf(c->arena, "\"%s%s\"", c->etag,
					    encode_etag_is_gzip(c) ? ETAG_GZIP : ""));
	if (c->status < 300) {
		if (!rq->dry_run)
			add(r, "Location", rq->location);
		add(r, "Link", page_link(c->arena, rq));
		if (rq->route != NULL && (rq->route->flags & ROUTE_BARE_ARRAY) != 0)
			add_int(r, "X-Total-Count", rq->total);
	}
	if (c->close || atomic_load_explicit(&c->server->draining, memory_order_relaxed))
		add(r, "Connection", "close");
}

/* As the draft of the W3C has it for answers. */
static void add_trace(struct MHD_Response *r, const struct call *c)
{
	char text[TRACEPARENT_LEN + 1];

	if (c->trace.id[0] == '\0')
		return;
	trace_write(&c->trace, text);
	add(r, "traceresponse", text);
}

static void add_headers(struct MHD_Response *r, const struct call *c)
{
	const struct req *rq = &c->rq;
	const bool raw = c->status < 300 && rq->raw_type != NULL;

	/*
	 * What is ready-made says what it is also when it is not sent: bouncers learn from it whether to
	 * wait.
	 */
	if (c->answer_len > 0 || c->rq.stream != NULL || (c->not_modified && rq->raw_type != NULL))
		add(r, "Content-Type", raw || c->not_modified ? rq->raw_type
				       : c->problem_json      ? PROBLEM_TYPE
							      : "application/json");
	if (c->coded && !c->not_modified)
		add(r, "Content-Encoding", "gzip");
	add(r, "X-Request-ID", c->cx.request_id);
	add_trace(r, c);
	add(r, "X-Content-Type-Options", "nosniff");
	if (own_header(rq, "Cache-Control") == NULL)
		add(r, "Cache-Control", cache_control(c));
	if ((c->peer->tls != NULL || c->hop == HOP_TLS) && c->server->conf.tls.hsts_s > 0)
		add(r, "Strict-Transport-Security",
		    arena_printf(c->arena, "max-age=%" PRId64, c->server->conf.tls.hsts_s));
	add(r, "Vary", vary(c));
	cors_headers(r, c);
	add(r, "Location", c->moved);
	add(r, "Server", c->server->conf.server_name);
	for (int i = 0; i < rq->nheaders; i++)
		add(r, rq->header[i].name, rq->header[i].value);
	add_rare(r, c);
}

/* libmicrohttpd asks for a pointer that may be written to, and does not write. */
static void *unconst(const char *text)
{
	return (void *)(uintptr_t)text;
}

enum MHD_Result answer_send(struct call *c)
{
	const int64_t until = clock_mono_ms() + c->server->conf.request_ms +
			      (int64_t)(c->answer_len / SEND_BYTES_PER_MS);
	struct MHD_Response *r;
	enum MHD_Result ok;

	if (!peer_move(c->peer, PEER_SEND, until))
		return MHD_NO;
	/* Text and call are the arena's, which outlives the response: there is nothing to free. */
	if (c->streaming)
		r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, c, NULL);
	else if (stream_is_head(c) && c->status < 300)
		r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_nothing, c,
						      NULL);
	else
		r = MHD_create_response_from_buffer(c->answer_len, unconst(c->answer),
						    MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	add_headers(r, c);
	ok = c->server->queue_response(c->mhd, (unsigned)c->status, r);
	MHD_destroy_response(r);
	return ok;
}
