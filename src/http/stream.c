/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"

enum { PIECE_BYTES = 64 * 1024, FLOW_ARENA_BYTES = 256 * 1024 };

void flows_init(struct flows *t, int max)
{
	memset(t, 0, sizeof(*t));
	t->max = max > 0 ? max : STREAMS_MAX_DEFAULT;
	lock_init(&t->lock, RANK_STREAMS);
}

void flows_finish(struct flows *t)
{
	lock_finish(&t->lock);
}

/* NULL: too many at once, *ret_own: too many of this owner. */
static struct flow *flow_open(struct flows *t, const char *owner, bool *ret_own)
{
	struct flow *f = calloc(1, sizeof(*f));
	int own = 0;
	bool room;

	if (f == NULL)
		abort();
	(void)snprintf(f->owner, sizeof(f->owner), "%s", owner != NULL ? owner : "");
	lock_take(&t->lock);
	for (const struct flow *o = t->first; o != NULL; o = o->next)
		own += strcmp(o->owner, f->owner) == 0;
	room = t->n < t->max && own < STREAMS_PER_OWNER;
	if (room) {
		f->next = t->first;
		t->first = f;
		t->n++;
	}
	lock_drop(&t->lock);
	*ret_own = own >= STREAMS_PER_OWNER;
	if (!room) {
		free(f);
		return NULL;
	}
	f->arena = arena_create(FLOW_ARENA_BYTES);
	return f;
}

static void flow_close(struct flows *t, struct flow *f)
{
	struct flow **at;

	lock_take(&t->lock);
	for (at = &t->first; *at != f; at = &(*at)->next)
		continue;
	*at = f->next;
	t->n--;
	lock_drop(&t->lock);
	arena_destroy(f->arena);
	gzip_close(f->gzip);
	free(f);
}

/* Pieces are compressed one after the other: of a small one perhaps nothing is sent yet. */
static void compress(struct flow *f)
{
	struct str out;

	str_init(&out, f->arena, f->piece.len / 4 + 64);
	gzip_add(f->gzip, f->piece.data, f->piece.len, f->last, &out);
	f->piece = out;
}

/*
 * Memory and time of its own: the request's arena would only grow, and its deadline has nothing to do with
 * how long a reader takes for all of it.
 */
static enum err make_piece(struct call *c, bool first)
{
	const struct http_hooks *hooks = c->server->conf.hooks;
	const struct stream *s = c->rq.stream;
	struct flow *f = c->flow;
	struct ctx cx = c->cx;
	enum err e = ERR_NONE;

	arena_reset(f->arena);
	str_init(&f->piece, f->arena, PIECE_BYTES);
	f->taken = 0;
	cx.arena = f->arena;
	cx.deadline_ms = clock_mono_ms() + c->server->conf.request_ms;
	ctx_clear_problem(&cx);
	/* A key may be revoked and a tenant suspended while a long answer is on its way. */
	if (!first && c->gated && hooks->again != NULL)
		e = hooks->again(&cx, &c->rq);
	if (e == ERR_NONE)
		e = s->more(&cx, s->arg, &f->piece, &f->last);
	if (e == ERR_NONE && f->gzip != NULL)
		compress(f);
	c->cx.db_us = cx.db_us;
	if (e != ERR_NONE)
		c->cx.problem = cx.problem;
	return e;
}

static enum err no_room(struct call *c, bool own)
{
	return refuse(&c->cx, ERR_OVERLOADED, "%s are being sent already; retry when one has ended",
		own ? "two such answers" : "too many such answers");
}

bool stream_is_head(const struct call *c)
{
	return c->rq.stream != NULL && c->in.method == M_HEAD;
}

ssize_t stream_nothing(void *cls, uint64_t pos, char *buf, size_t max)
{
	(void)cls;
	(void)pos;
	(void)buf;
	(void)max;
	return MHD_CONTENT_READER_END_OF_STREAM;
}

enum err stream_begin(struct call *c)
{
	bool own = false;
	enum err e;

	if (c->one_zero)
		return refuse(&c->cx, ERR_INVALID_REQUEST,
			"this answer has no length known before its end: HTTP/1.1 is needed");
	c->flow = flow_open(&c->server->flows, c->rq.stream->owner, &own);
	if (c->flow == NULL)
		return no_room(c, own);
	c->flow->gzip = c->coded ? gzip_open() : NULL;
	e = make_piece(c, true);
	c->streaming = e == ERR_NONE;
	return e;
}

void stream_step(struct call *c)
{
	struct flow *f = c->flow;

	if (atomic_load(&c->server->hurry))
		f->failed = ERR_OVERLOADED;
	else
		f->failed = make_piece(c, false);
}

static size_t hand_out(struct flow *f, char *buf, size_t max)
{
	const size_t left = f->piece.len - f->taken, n = left < max ? left : max;

	memcpy(buf, f->piece.data + f->taken, n);
	f->taken += n;
	f->sent += (int64_t)n;
	return n;
}

ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct call *c = cls;
	struct flow *f = c->flow;

	(void)pos;
	/* What the worker that made the piece has written is seen from here on. */
	(void)atomic_load_explicit(&c->stage, memory_order_acquire);
	if (f->failed != ERR_NONE)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (f->taken < f->piece.len) {
		/* Whoever takes no byte for as long as a request may take is not waited for. */
		if (!peer_move(c->peer, PEER_SEND, clock_mono_ms() + c->server->conf.request_ms))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		return (ssize_t)hand_out(f, buf, max);
	}
	if (f->last)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!peer_move(c->peer, PEER_WORK, 0) || !workers_hand_over(c, CALL_STREAM)) {
		f->failed = ERR_OVERLOADED;
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	return 0;
}

void stream_end(struct call *c, bool complete)
{
	const struct http_hooks *hooks = c->server->conf.hooks;
	const enum err e = c->flow->failed;

	/* Without its first piece it was answered as any other. */
	if (c->streaming) {
		c->answer_len = (size_t)c->flow->sent;
		answer_meter(c);
		answer_log(c, e, complete ? NULL : e != ERR_NONE ? err_info(e)->code : "client_gone");
		if (c->gated && hooks->done != NULL)
			hooks->done(&c->cx, &c->rq, c->status);
	}
	flow_close(&c->server->flows, c->flow);
	c->flow = NULL;
}
