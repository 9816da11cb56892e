/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <stdlib.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"

bool workers_hand_over(struct call *c, enum call_stage stage)
{
	struct queue *q = &c->server->queue;

	if (!queue_reserve(q, stage == CALL_STREAM))
		return false;
	atomic_store_explicit(&c->stage, stage, memory_order_relaxed);  /* the queue's lock orders it */
	c->queued_us = clock_mono_us();
	MHD_suspend_connection(c->mhd);
	queue_put(q, c);
	return true;
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
	if (e == ERR_NONE && c->rq.stream != NULL)
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

static void run_call(struct call *c)
{
	const enum call_stage stage = atomic_load_explicit(&c->stage, memory_order_relaxed);
	const bool gate_only = stage == CALL_GATE;
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
		e = gate_only ? admit(c) : run_route(c);
	}
	if (gate_only && e == ERR_NONE) {
		(void)peer_move(c->peer, PEER_BODY, c->cx.deadline_ms);
		give_back(c, CALL_ADMITTED);
		return;
	}
	answer(c, e);
}

static void *work(void *arg)
{
	struct http_server *s = arg;
	struct call *c;

	while ((c = queue_take(&s->queue)) != NULL) {
		atomic_fetch_add(&s->in_work, 1);
		run_call(c);
		atomic_fetch_sub(&s->in_work, 1);
	}
	return NULL;
}

bool workers_start(struct http_server *s)
{
	const int n = s->conf.workers > 0 ? s->conf.workers : 1;

	s->worker = calloc((size_t)n, sizeof(*s->worker));
	if (s->worker == NULL)
		return false;
	for (s->workers = 0; s->workers < n; s->workers++) {
		if (pthread_create(&s->worker[s->workers], NULL, work, s) != 0)
			return false;
	}
	return true;
}

void workers_join(struct http_server *s)
{
	for (int i = 0; i < s->workers; i++)
		(void)pthread_join(s->worker[i], NULL);
	s->workers = 0;
	free(s->worker);
	s->worker = NULL;
}
