/* SPDX-License-Identifier: Apache-2.0 */
#include "keep.h"
#include "tls_link.h"

#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/turnover.h"

/* The target stays as it was sent: the guard and the router decode, after the split. */
size_t glue_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
	(void)cls;
	(void)mhd;
	return strlen(text);
}

void glue_connection(void *cls, struct MHD_Connection *mhd, void **state,
		     enum MHD_ConnectionNotificationCode how)
{
	const struct listener *l = cls;
	struct http_server *s = l->server;
	struct peer *p;

	if (how == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		const union MHD_ConnectionInfo *address =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

		p = peer_open(&s->peers, fd->connect_fd, address != NULL ? address->client_addr : NULL);
		*state = p;
		if (l->tls) {
			tls_link_open(mhd, &s->peers, p, s->conf.tls.store, &s->handshakes);
			peer_shake(&s->peers, p);
		}
	} else if (*state != NULL) {
		struct tls_link *tls = ((struct peer *)*state)->tls;

		peer_close(&s->peers, *state);
		tls_link_close(tls);
		*state = NULL;
	}
}

/* The first that is heard of a request: its line is complete. */
void *glue_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	const struct listener *l = cls;
	struct http_server *s = l->server;
	struct arena *a = shelf_take(&s->shelf);
	struct call *c = ARENA_NEW(a, struct call);

	c->server = s;
	c->listener = l;
	c->mhd = mhd;
	c->arena = a;
	c->peer = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	c->arrived_us = clock_mono_us();
	c->cx.arena = a;
	c->cx.world = s->conf.world;
	c->cx.remote_ip = c->peer->ip;
	c->cx.deadline_ms = c->arrived_us / 1000 + s->conf.request_ms;
	c->rq.in = &c->in;
	c->rq.arrived_ms = c->arrived_us / 1000;
	c->rq.hooks = s->conf.hooks;
	if (s->conf.turnover != NULL)
		c->ticket = turnover_enter(s->conf.turnover);
	head_target(c, uri);
	return c;
}

/* The call stays with its I/O thread. */
static void own_stage(struct call *c, enum call_stage stage)
{
	atomic_store_explicit(&c->stage, stage, memory_order_relaxed);
}

static enum MHD_Result answer_now(struct call *c, enum err e)
{
	answer_make(c, e);
	own_stage(c, CALL_DONE);
	return answer_send(c);
}

static enum MHD_Result overloaded(struct call *c)
{
	return answer_now(c, refuse_crowd(c));
}

/* A refused request is answered after its body, so that the connection can be kept, if that is cheap. */
static bool refuse_at_once(const struct call *c)
{
	if (c->close)
		return true;
	if (!c->has_body)
		return false;
	return c->expects_continue || c->content_length == 0 || c->content_length > DRAIN_MAX;
}

/* Nobody unknown makes us hold a large body: a worker asks the gate before it may come. */
static bool ask_first(const struct call *c)
{
	return c->need_load && refuse_at_once(c);
}

static enum MHD_Result begin(struct call *c, const char *method, const char *version)
{
	struct http_server *s = c->server;

	if (!peer_move(c->peer, PEER_BODY, c->cx.deadline_ms))
		return MHD_NO;
	c->live = true;
	atomic_fetch_add(&s->live, 1);
	atomic_store(&c->peer->asked, true); /* behind that: whoever sees it sees a request */
	atomic_fetch_add(&s->requests, 1);
	c->refusal = head_check(c, method, version);
	if (c->refusal != ERR_NONE && refuse_at_once(c)) {
		c->close = true;
		return answer_now(c, c->refusal);
	}
	own_stage(c, CALL_BODY);
	if (c->refusal == ERR_NONE && ask_first(c)) {
		if (!peer_move(c->peer, PEER_WORK, 0))
			return MHD_NO;
		if (!workers_hand_over(c, CALL_GATE)) {
			c->close = true;
			return overloaded(c);
		}
		return MHD_YES;
	}
	if (c->has_body && c->refusal == ERR_NONE && route_takes_body(c->rq.route))
		body_open(&c->body, &s->bodies, c->content_length);
	/* Never answer a good request here: libmicrohttpd closes the connection after such an answer. */
	return MHD_YES;
}

/* libmicrohttpd takes no answer while the body is coming, so it is said without it. */
static enum MHD_Result cut_off(struct call *c)
{
	answer_make(c, c->refusal);
	own_stage(c, CALL_DONE);
	peer_last_words(c->peer, c->cx.request_id, ERR_TOO_LARGE);
	return MHD_NO;
}

static enum MHD_Result take_body(struct call *c, const char *data, size_t n)
{
	const struct route *r = c->rq.route;
	size_t cap = DRAIN_MAX;

	if (route_takes_body(r))
		cap = r->body_max != 0 ? r->body_max : c->server->conf.body_max;
	c->body_seen += n;
	if (c->refusal == ERR_NONE && c->body_seen > cap) {
		c->refusal = refuse(&c->cx, ERR_TOO_LARGE, "the body is larger than %zu bytes", cap);
		c->close = true;
	}
	if (c->body_seen > cap + DRAIN_MAX)
		return cut_off(c);
	if (c->refusal == ERR_NONE && c->body.budget != NULL && !body_add(&c->body, data, n)) {
		atomic_fetch_add(&c->server->refused_overload, 1);
		c->refusal = refuse(&c->cx, ERR_OVERLOADED, "too many bodies are on their way");
		c->close = true;
	}
	/* libmicrohttpd is done with them, and would give them back to the heap as they are. */
	if (call_holds_secret(c))
		bytes_wipe((void *)(uintptr_t)data, n);
	return MHD_YES;
}

/* The request is complete. */
static enum MHD_Result finish(struct call *c)
{
	c->in.body = c->body.data;
	c->in.body_len = c->body.len;
	if (c->refusal != ERR_NONE || (c->options && !c->need_load) || c->moved != NULL)
		return answer_now(c, c->refusal);
	if (!c->need_load && (c->rq.route->flags & ROUTE_INLINE) != 0)
		return answer_now(c, run_route(c));
	if (!c->need_load && keep_take(c) == KEEP_TAKEN)
		return answer_now(c, ERR_NONE);
	if (!peer_move(c->peer, PEER_WORK, 0))
		return MHD_NO;
	return workers_hand_over(c, CALL_WORK) ? MHD_YES : overloaded(c);
}

enum MHD_Result glue_call(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
			  const char *version, const char *data, size_t *size, void **state)
{
	struct call *c = *state;
	const size_t n = *size;

	(void)cls;
	(void)mhd;
	(void)url;
	if (c == NULL)
		return MHD_NO;
	switch (atomic_load_explicit(&c->stage, memory_order_acquire)) {
	case CALL_HEAD:
		return begin(c, method, version);
	case CALL_ADMITTED:
		own_stage(c, CALL_BODY);
		body_open(&c->body, &c->server->bodies, c->content_length);
		return MHD_YES;
	case CALL_BODY:
		*size = 0;
		return n > 0 ? take_body(c, data, n) : finish(c);
	case CALL_GATE:
	case CALL_WORK:
	case CALL_STREAM:
	case CALL_DONE:
		break;
	}
	return MHD_NO;
}

/* The request never got an answer from its call: the client left, or libmicrohttpd refused it by itself. */
static void abandoned(struct call *c)
{
	const enum err e = c->peer->refused;

	answer_meter(c);
	if (c->gated && c->server->conf.hooks->done != NULL)
		c->server->conf.hooks->done(&c->cx, &c->rq, 0);
	if (e != ERR_NONE) {
		c->status = err_info(e)->status;
		c->cx.request_id = c->peer->refused_id;
	}
	answer_log(c, ERR_NONE, e != ERR_NONE ? "refused_by_parser" : "client_gone");
}

void glue_completed(void *cls, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode how)
{
	struct http_server *s = ((const struct listener *)cls)->server;
	const bool whole = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
	struct call *c = *state;
	uint64_t ticket;
	struct arena *a;
	bool answered;

	(void)mhd;
	if (c == NULL)
		return;
	*state = NULL;
	answered = atomic_load_explicit(&c->stage, memory_order_acquire) == CALL_DONE;
	if (!answered)
		abandoned(c);
	if (c->flow != NULL)
		stream_end(c, whole);
	if (answered && whole && c->gated && s->conf.hooks->sent != NULL)
		s->conf.hooks->sent(&c->cx, &c->rq, c->status);
	peer_idle(&s->peers, c->peer);
	kept_put(c->kept);
	if (c->rq.raw_put != NULL)
		c->rq.raw_put(c->rq.raw_held);
	a = c->arena;
	ticket = c->ticket;
	body_close(&c->body, call_holds_secret(c));
	if (c->live)
		atomic_fetch_sub(&s->live, 1);
	shelf_give(&s->shelf, a);
	if (s->conf.turnover != NULL)
		turnover_leave(s->conf.turnover, ticket);
}
