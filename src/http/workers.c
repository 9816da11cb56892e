/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"

enum { EXPRESS_PLACES = 256, TENANT_PLACES_MIN = 16 };
#define WAIT_RETRY_S 5 /* to who may not wait now */

static int at_least(int n, int least)
{
	return n > least ? n : least;
}

static bool is_express(const struct call *c)
{
	return c->rq.route != NULL && (c->rq.route->flags & ROUTE_EXPRESS) != 0;
}

/* Who is not known yet is an address. */
static struct queue_owner owner_of(const struct call *c)
{
	const bool known = c->rq.payer != NULL;
	const char *name = known ? c->rq.payer : c->cx.remote_ip;

	return (struct queue_owner){
		.id = name != NULL ? hash64_of(name, strlen(name), 0) : 0,
		.known = known,
		.group = known && !is_express(c) ? c->rq.payer_group : 0,
	};
}

bool workers_init(struct http_server *s)
{
	const struct http_conf *conf = &s->conf;
	const int workers = at_least(conf->workers, 1), places = at_least(conf->queue_max, 1);
	const struct lane_share known = {
		.workers = conf->tenant_workers > 0 ? conf->tenant_workers : at_least(workers / 4, 1),
		.waiting = conf->tenant_queue_max > 0 ? conf->tenant_queue_max
						      : at_least(places / 4, TENANT_PLACES_MIN),
	};
	/* All tenants may come from one address, and strangers are only asked who they are. */
	const struct lane_share stranger = {
		.workers = at_least(known.workers, at_least(workers / 2, 1)),
		.waiting = at_least(known.waiting, at_least(places / 2, TENANT_PLACES_MIN)),
	};
	const struct queue_conf queue = {
		.places = (size_t)places, .extra = (size_t)s->flows.max, .workers = (size_t)workers,
		.known = known, .stranger = stranger,
		.groups = conf->payer_groups,
		.group_workers = conf->group_workers > 0 ? conf->group_workers
							 : at_least(workers - workers / 4, 1),
	};
	const struct queue_conf express = {
		.places = EXPRESS_PLACES, .workers = 1, .known = { 1, EXPRESS_PLACES },
		.stranger = { 1, EXPRESS_PLACES },
	};

	return queue_init(&s->queue, &queue) && queue_init(&s->express, &express);
}

void workers_finish(struct http_server *s)
{
	queue_finish(&s->queue);
	queue_finish(&s->express);
}

bool workers_hand_over(struct call *c, enum call_stage stage)
{
	struct queue *q = is_express(c) ? &c->server->express : &c->server->queue;
	const struct queue_owner owner = owner_of(c);

	if (!queue_reserve(q, &c->place, &owner, stage == CALL_STREAM))
		return false;
	atomic_store_explicit(&c->stage, stage, memory_order_relaxed);  /* the queue's lock orders it */
	c->queued_us = clock_mono_us();
	MHD_suspend_connection(c->mhd);
	queue_put(q, &c->place);
	return true;
}

bool workers_again(struct call *c)
{
	const struct queue_owner owner = owner_of(c);

	if (!queue_reserve(&c->server->queue, &c->place, &owner, true))
		return false;
	c->queued_us = clock_mono_us();
	c->cx.deadline_ms = c->gone ? 0 : c->queued_us / 1000 + c->server->conf.request_ms;
	c->rq.wait = (struct req_wait){ 0 };
	if (c->rq.raw_put != NULL)
		c->rq.raw_put(c->rq.raw_held);
	c->rq.raw_put = NULL;
	c->need_load = true;    /* who may ask may be another now */
	queue_put(&c->server->queue, &c->place);
	return true;
}

enum err refuse_crowd(struct call *c)
{
	atomic_fetch_add(&c->server->refused_overload, 1);
	return refuse(&c->cx, ERR_OVERLOADED, "too many requests wait for a worker");
}

/* The call belongs to its I/O thread again, and may be gone when this returns. */
static void give_back(struct call *c, enum call_stage stage)
{
	struct MHD_Connection *mhd = c->mhd;

	atomic_store_explicit(&c->stage, stage, memory_order_release);
	MHD_resume_connection(mhd);
}

static void answer(struct call *c, enum err e)
{
	FAILPOINT("http.answer");
	c->coded = e == ERR_NONE && c->rq.stream != NULL && encode_stream(c);
	if (e == ERR_NONE && stream_is_head(c))
		c->close = true;
	else if (e == ERR_NONE && c->rq.stream != NULL)
		e = stream_begin(c);
	answer_make(c, e);
	if (answer_send(c) != MHD_YES)
		LOG(LOG_WARN, "libmicrohttpd takes no answer", LOG_TEXT("request_id", c->cx.request_id));
	give_back(c, CALL_DONE);
}

/* The body has not come yet: only the gate's word is wanted. */
static enum err admit(struct call *c)
{
	enum err e = run_gate(c, true);

	c->need_load = false;
	if (e == ERR_NONE)
		e = head_check_rest(c);
	if (e != ERR_NONE)
		c->close = true;
	return e;
}

/* Who came as a stranger goes on as the tenant that it is: with its workers, behind its other requests. */
static enum err serve(struct call *c, bool stranger, struct lane **lane)
{
	enum err e = run_admission(c);

	if (e == ERR_NONE && stranger && c->rq.payer != NULL) {
		const struct queue_owner owner = owner_of(c);

		c->queued_us = clock_mono_us();
		switch (queue_move(&c->server->queue, &c->place, &owner, lane)) {
		case MOVE_GO:
			break;
		case MOVE_PARKED:
			return ERR_NONE;
		case MOVE_FULL:
			return refuse_crowd(c);
		}
	}
	return e == ERR_NONE ? run_route(c) : e;
}

/*
 * Where there is no room the answer is no 304, which clients that poll long would follow with the next
 * request at once: errors they follow with pauses that grow.
 */
static bool has_parked(struct call *c, enum err *e)
{
	switch (waits_park(&c->server->waits, c)) {
	case WAITS_PARKED:
		return true;
	case WAITS_OVER:
		break;
	case WAITS_FULL:
		atomic_fetch_add(&c->server->refused_overload, 1);
		c->cx.problem.retry_after = WAIT_RETRY_S;
		*e = refuse(&c->cx, ERR_OVERLOADED, "as many requests of the tenant wait as may");
		break;
	}
	return false;
}

/* *lane: NULL when the call waits again. */
static void run_call(struct call *c, struct lane **lane)
{
	const enum call_stage stage = atomic_load_explicit(&c->stage, memory_order_relaxed);
	const bool gate_only = stage == CALL_GATE, stranger = c->rq.payer == NULL;
	const int64_t now = clock_mono_us();
	enum err e;

	c->queue_us += now - c->queued_us;
	if (stage == CALL_STREAM) {
		stream_step(c);
		give_back(c, CALL_DONE);
		return;
	}
	if (atomic_load(&c->server->hurry) || now / 1000 > c->cx.deadline_ms) {
		c->close = c->close || gate_only;
		e = refuse(&c->cx, ERR_OVERLOADED, "the request waited too long");
	} else {
		e = gate_only ? admit(c) : serve(c, stranger, lane);
	}
	if (*lane == NULL || (c->rq.wait.until_ms > 0 && has_parked(c, &e)))
		return;
	if (gate_only && e == ERR_NONE) {
		(void)peer_move(c->peer, PEER_BODY, c->cx.deadline_ms);
		give_back(c, CALL_ADMITTED);
		return;
	}
	answer(c, e);
}

static void work_off(struct http_server *s, struct queue *q)
{
	struct queue_item *item;
	struct lane *lane;

	while ((item = queue_take(q, &lane)) != NULL) {
		atomic_fetch_add(&s->in_work, 1);
		trace_set(&((struct call *)item)->trace);
		run_call((struct call *)item, &lane);
		trace_set(NULL);
		atomic_fetch_sub(&s->in_work, 1);
		if (lane != NULL)
			queue_done(q, lane);
	}
}

static void *work(void *arg)
{
	struct http_server *s = arg;

	work_off(s, &s->queue);
	return NULL;
}

static void *work_express(void *arg)
{
	struct http_server *s = arg;

	work_off(s, &s->express);
	return NULL;
}

bool workers_start(struct http_server *s)
{
	const int n = at_least(s->conf.workers, 1) + 1;

	s->worker = calloc((size_t)n, sizeof(*s->worker));
	if (s->worker == NULL)
		return false;
	for (s->workers = 0; s->workers < n; s->workers++) {
		if (pthread_create(&s->worker[s->workers], NULL, s->workers < n - 1 ? work : work_express,
				   s) != 0)
			return false;
	}
	return true;
}

void workers_join(struct http_server *s)
{
	queue_stop(&s->queue);
	queue_stop(&s->express);
	for (int i = 0; i < s->workers; i++)
		(void)pthread_join(s->worker[i], NULL);
	s->workers = 0;
	free(s->worker);
	s->worker = NULL;
}
