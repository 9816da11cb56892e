/* SPDX-License-Identifier: Apache-2.0 */
/* What a node may admit of a limit that it has together with others. */
#include "limiter_in.h"

#include <stdio.h>

#include "cc/base/clock.h"

#define WAIT_MS 40              /* for Redis, of a request */
#define PARTS_MAX 8             /* a node that is left alone has at least an eighth of a limit */
#define LEASE_PARTS 10          /* all leases together are a tenth of a limit */
#define REPORT_US 250000        /* how old the picture may get while something happens */

void share_init(struct share *h)
{
	lock_init(&h->lock, RANK_SHARE);
	cond_init(&h->due);
	cond_init(&h->answered);
	atomic_store(&h->nodes, 1);
}

void share_finish(struct share *h)
{
	cond_finish(&h->due);
	cond_finish(&h->answered);
	lock_finish(&h->lock);
}

void limiter_share(struct limiter *l, const char *node)
{
	(void)snprintf(l->share.node, sizeof(l->share.node), "%s", node);
	l->share.open = true;
}

void limiter_stats(struct limiter *l, struct limiter_stats *ret)
{
	struct share *h = &l->share;

	*ret = (struct limiter_stats){
		.shared = h->open,
		.degraded = h->open && !atomic_load(&h->up),
		.nodes = atomic_load(&h->nodes),
		.alone = atomic_load(&h->alone_takes),
	};
	for (size_t i = 0; i < SHARDS; i++) {
		lock_take(&l->shard[i].lock);
		ret->meters += (int64_t)l->shard[i].count;
		lock_drop(&l->shard[i].lock);
	}
}

enum take_mode share_mode(const struct share *h, const struct ask *q, const struct meter *m)
{
	const int64_t alone_us = atomic_load(&h->alone_since_us);

	if (q->tenant_id == NULL || !h->open)
		return TAKE_HERE;
	if (q->low || !atomic_load(&h->up))
		return TAKE_LOW;
	if (m != NULL && alone_us != 0 && m->shared.view_us >= alone_us)
		return TAKE_HERE;
	return TAKE_LEASED;
}

int64_t share_part(const struct share *h, int64_t limit)
{
	const int nodes = atomic_load(&h->nodes);
	const int64_t part = limit / (nodes < PARTS_MAX ? nodes : PARTS_MAX);

	return part > 0 || limit <= 0 ? part : 1;
}

void share_poke(struct limiter *l, struct meter *m)
{
	struct share *h = &l->share;

	if (m->shared.pending)
		return;
	m->shared.pending = true;
	lock_take(&h->lock);
	m->shared.next_pending = h->pending;
	h->pending = m;
	cond_wake_one(&h->due);
	lock_drop(&h->lock);
}

int64_t share_lease(const struct meter *m, int64_t now_us)
{
	return m != NULL && now_us < m->shared.lease_until_us ? m->shared.lease : 0;
}

int64_t share_level(const struct take *t, int64_t now_us)
{
	const wide leased = (wide)share_lease(t->meter, now_us) * t->window_us;

	return t->meter->shared.view_tat_us - (t->full_limit > 0 ? (int64_t)(leased / t->full_limit) : 0);
}

/* How long until all nodes together have so much left; ≤ 0: they have, as far as is known. */
static int64_t wait_us(const struct take *t, int64_t tat_us, int64_t cells, int64_t now_us)
{
	const wide add = (wide)cells * t->window_us;
	const int64_t from = tat_us > now_us ? tat_us : now_us;

	return from + (int64_t)((add + t->limit - 1) / t->limit) - now_us - t->window_us;
}

static void refuse_for(struct take *t, int64_t us, int64_t tat_us, int64_t now_us)
{
	struct limit_verdict *v = &t->verdict;

	v->allowed = false;
	v->remaining = 0;
	v->retry_after_s = ceil_div(us, 1000000);
	v->reset_s = ceil_div(tat_us - now_us, 1000000);
}

/* What is left to all of them, as far as this one knows. */
static void show_all(struct take *t, int64_t lease, int64_t now_us)
{
	struct limit_verdict *v = &t->verdict;
	const int64_t tat_us = t->meter->shared.view_tat_us;
	const int64_t left = meter_left(t->limit, t->window_us, tat_us, 0, now_us) + lease - t->cost;
	const int64_t reset_s = ceil_div(tat_us - now_us, 1000000);

	if (left < v->remaining)
		v->remaining = left;
	if (reset_s > v->reset_s)
		v->reset_s = reset_s;
}

void share_decide(struct limiter *l, struct take *t, int64_t now_us)
{
	struct meter *m = t->meter;
	const int64_t lease = share_lease(m, now_us);
	const bool seen = m != NULL && m->shared.view_us != 0;

	if (!t->verdict.allowed)
		return;
	if (t->cost > lease) {
		const int64_t us = seen ? wait_us(t, m->shared.view_tat_us, t->cost - lease, now_us) : 0;

		t->needs = us <= 0;
		if (t->needs)
			return;
		refuse_for(t, us, m->shared.view_tat_us, now_us);
		/* Others may have given back what they did not spend. */
		if (now_us - m->shared.view_us > REPORT_US)
			share_poke(l, m);
	} else if (seen) {
		show_all(t, lease, now_us);
	}
}

static void note_rate(struct meter *m, const struct take *t)
{
	m->shared.limit = t->full_limit;
	m->shared.window_us = t->window_us;
}

void share_need(struct limiter *l, struct ask *q, struct take *t, int i)
{
	struct shared *s = &t->meter->shared;

	if (!t->needs || q->ticket[i] == s->questions + 1)
		return;
	note_rate(t->meter, t);
	q->ticket[i] = s->questions + 1;
	s->needed += t->cost;
	s->wants_lease = true;
	share_poke(l, t->meter);
}

static bool is_low(const struct limiter *l, const struct meter *m)
{
	return m->shared.lease < m->shared.limit / (INT64_C(2) * LEASE_PARTS * atomic_load(&l->share.nodes));
}

void share_spend(struct limiter *l, const struct take *t, int64_t now_us)
{
	struct meter *m = t->meter;
	struct shared *s = &m->shared;

	note_rate(m, t);
	if (t->mode != TAKE_LOW && share_lease(m, now_us) >= t->cost) {
		s->lease -= t->cost;
		if (t->mode == TAKE_LEASED && is_low(l, m)) {
			s->wants_lease = true;
			share_poke(l, m);
		}
		return;
	}
	s->owed += t->cost;
	if (t->mode == TAKE_LOW)
		s->wants_lease = false;
	if (t->mode == TAKE_HERE && now_us - s->view_us > REPORT_US)
		share_poke(l, m);
}

static uint64_t round_now(struct share *h)
{
	uint64_t n;

	lock_take(&h->lock);
	n = h->rounds;
	lock_drop(&h->lock);
	return n;
}

/* False: it took too long. */
static bool await_round(struct share *h, uint64_t seen, int64_t until_ms)
{
	bool ended;

	lock_take(&h->lock);
	while (h->rounds == seen && !h->stop && cond_wait_until(&h->answered, &h->lock, until_ms))
		;
	ended = h->rounds != seen;
	lock_drop(&h->lock);
	return ended;
}

enum err limiter_take_pair(struct limiter *l, const struct limit_pair *p, int64_t cost, bool may_wait,
			   int64_t now_us, struct limit_verdict *ret)
{
	const int64_t until_ms = clock_mono_ms() + WAIT_MS;
	struct ask q = {
		.tenant_id = p->tenant_id,
		.n = PAIR,
		.key = { p->tenant_id, p->key },
		.rate = { p->tenant_rate, p->key_rate },
		.cost = cost,
		.now_us = now_us,
		.may_need = may_wait,
	};
	uint64_t seen = may_wait ? round_now(&l->share) : 0;

	while (!take_pair(l, &q, ret)) {
		if (!may_wait)
			return ERR_NEED_LOAD;
		q.low = !await_round(&l->share, seen, until_ms);
		q.now_us = clock_mono_us();
		seen = round_now(&l->share);
	}
	return ERR_NONE;
}
