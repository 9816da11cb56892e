/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "keep.h"
#include "page.h"

#include <string.h>

#include "cc/base/clock.h"

#include "cc/base/failpoint.h"

/* Names the caller's context and belongs to the gate: a fault only where a schema wants it otherwise. */
#define CONTEXT_PARAMETER "tenant_id"
/* Of every write: all checks are made, nothing is written. */
#define TRIAL_PARAMETER "dry_run"
/* So long a request may wait for a worker and not be asked again. */
#define GATE_TRUST_US 100000

enum err run_gate(struct call *c, bool may_load)
{
	const struct http_hooks *hooks = c->server->conf.hooks;
	enum err e;

	if (hooks->gate == NULL)
		return ERR_NONE;
	ctx_clear_problem(&c->cx);
	c->rq.nheaders = 0;
	c->gated = true;
	e = hooks->gate(&c->cx, &c->rq, may_load);
	/* Now, for the answer may be that the tenant is changed, or that it is none. */
	(void)cors_look(c, false);
	return e;
}

static void read_trial(struct call *c, const char *value, int times)
{
	if (times > 1)
		(void)refuse_field(&c->cx, TRIAL_PARAMETER, "duplicate", "`%s` is there more than once",
				   TRIAL_PARAMETER);
	else if (!parse_bool(value, &c->rq.dry_run))
		(void)refuse_field(&c->cx, TRIAL_PARAMETER, "type", "`%s` must be true or false",
				   TRIAL_PARAMETER);
}

static enum err read_query(struct call *c)
{
	static const struct schema nothing = { .name = "Query", .size = 1, .seen_at = SEEN_NONE };
	const struct schema *s = c->rq.route->query != NULL ? c->rq.route->query : &nothing;
	const bool context = schema_field(s, CONTEXT_PARAMETER) != NULL;
	const bool write = route_is_write(c->rq.route);
	struct kv *pairs = ARENA_ARRAY(c->arena, struct kv, c->in.nquery + 1);
	void *ret = arena_alloc(c->arena, s->size);
	size_t n = 0;
	int trials = 0;
	enum err e;

	for (size_t i = 0; i < c->in.nquery; i++) {
		const struct kv *pair = &c->in.query[i];

		if (write && strcmp(pair->key, TRIAL_PARAMETER) == 0)
			read_trial(c, pair->value, ++trials);
		else if (context || strcmp(pair->key, CONTEXT_PARAMETER) != 0)
			pairs[n++] = *pair;
	}
	e = schema_read_kv(&c->cx, s, pairs, n, ret);
	if (e == ERR_NONE)
		c->rq.query = ret;
	return e;
}

static enum err read_body(struct call *c)
{
	const struct schema *s = c->rq.route->body;
	const char *text = c->in.body;
	size_t len = c->in.body_len;
	void *ret;
	enum err e;

	if (s == NULL)
		return ERR_NONE;
	if (len == 0) {
		if (c->entry->body_required)
			return refuse(&c->cx, ERR_INVALID_REQUEST, "the body must be a JSON object");
		text = "{}";
		len = 2;
	}
	ret = arena_alloc(c->arena, s->size);
	e = schema_read_json(&c->cx, s, text, len, c->rq.read_mode, ret);
	if (e == ERR_NONE)
		c->rq.body = ret;
	return e;
}

/* A unit of work may run more than once: each run finds the request as the first one did. */
struct work {
	struct call *call;
	struct req before;
};

static enum err work_once(struct ctx *cx, void *arg)
{
	const struct work *w = arg;
	struct req *rq = &w->call->rq;

	*rq = w->before;
	rq->wait = (struct req_wait){ 0 };
	return rq->route->handler(cx, rq);
}

static enum err run_handler(struct call *c)
{
	const struct http_hooks *hooks = c->server->conf.hooks;
	struct work w = { .call = c };

	if (c->entry->fixed != NULL) {
		c->rq.raw_out = c->entry->fixed;
		c->rq.etag = c->entry->fixed_etag;
		c->rq.raw_type = c->rq.route->media[0];
		for (int i = 0; i < c->entry->nfixed_header; i++)
			req_header(&c->rq, c->entry->fixed_header[i].name, c->entry->fixed_header[i].value);
		return ERR_NONE;
	}
	if (c->rq.route->before != NULL)
		TRY(c->rq.route->before(&c->cx, &c->rq));
	w.before = c->rq;
	if (hooks->unit != NULL)
		return hooks->unit(&c->cx, &c->rq, work_once, &w);
	if (c->rq.route->store != STORE_NONE)
		return refuse(&c->cx, ERR_INTERNAL, "no unit of work is configured");
	return work_once(&c->cx, &w);
}

/* Whether the list is still what the client has: its version is asked for, not its rows. */
static enum err look_at_list(struct call *c)
{
	enum err e;

	if (c->entry->etag != ETAG_LIST || !c->if_none_match.sent || c->if_match.sent || c->rq.data.known ||
	    !etags_may_be_list(&c->if_none_match, etag_list_hash(c->arena, c->entry, &c->rq)))
		return ERR_NONE;
	e = keep_ask(c);
	if (e == ERR_NONE)
		(void)keep_list_is_unchanged(c);
	return e;
}

/* *ret_there: the answer is there without more ado. */
static enum err look_at_kept(struct call *c, bool *ret_there)
{
	enum keep k = keep_take(c);

	if (k == KEEP_STALE) {
		enum err e = keep_ask(c);

		if (e != ERR_NONE)
			return e;
		k = keep_take(c);
	}
	*ret_there = k == KEEP_TAKEN;
	return ERR_NONE;
}

/*
 * What the gate said while the headers came may be out of date: a body takes its time, and so does the
 * queue. A key that was revoked meanwhile, or a tenant that was suspended, must not get through.
 */
static bool gate_is_stale(const struct call *c)
{
	return c->gated && (c->has_body || c->queue_us > GATE_TRUST_US);
}

enum err run_admission(struct call *c)
{
	enum err e = ERR_NONE;

	if (c->options)
		return cors_look(c, true);
	FAILPOINT(c->rq.route->op);
	if (c->need_load || gate_is_stale(c)) {
		c->need_load = false;
		e = run_gate(c, true);
		if (e == ERR_NONE)
			e = head_check_rest(c);
	}
	/* Without it the answer is as good, but not for scripts. */
	if (e == ERR_NONE && c->origin_waits && cors_look(c, true) != ERR_NONE)
		ctx_clear_problem(&c->cx);
	return e;
}

static const char *last_param(const struct req *rq)
{
	return rq->nparams > 0 ? rq->param[rq->nparams - 1] : NULL;
}

enum err run_route(struct call *c)
{
	bool there = false;
	enum err e = c->options ? ERR_NONE : look_at_kept(c, &there);

	if (e != ERR_NONE || there || c->options)
		return e;
	e = read_query(c);
	if (e == ERR_NONE)
		e = read_body(c);
	if (e == ERR_NONE)
		e = look_at_list(c);
	if (e != ERR_NONE || c->not_modified)
		return e;
	c->asked_us = clock_mono_us();
	e = run_handler(c);
	if (e == ERR_NOT_FOUND && c->cx.problem.message == NULL)
		(void)refuse_missing(&c->cx, c->rq.route->object, last_param(&c->rq));
	if (e == ERR_NONE)
		page_end(&c->cx, &c->rq);
	/* Of several media types the query names one. */
	if (e == ERR_NONE && c->rq.route->method == M_GET && c->rq.raw_type != NULL &&
	    !accept_has(c->in.accept, c->rq.raw_type))
		e = refuse(&c->cx, ERR_NOT_ACCEPTABLE, "this is %s", c->rq.raw_type);
	return e;
}
