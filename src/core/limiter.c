/* SPDX-License-Identifier: Apache-2.0 */
#include "limiter_in.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/mem.h"

struct limiter *limiter_create(void)
{
	struct limiter *l = mem_alloc(1, sizeof(*l));

	for (int i = 0; i < SHARDS; i++) {
		lock_init(&l->shard[i].lock, RANK_LIMITS);
		l->shard[i].number = i;
	}
	share_init(&l->share);
	return l;
}

void limiter_destroy(struct limiter *l)
{
	if (l == NULL)
		return;
	for (int i = 0; i < SHARDS; i++) {
		for (int b = 0; b < BUCKETS; b++)
			for (struct meter *m = l->shard[i].bucket[b], *next; m != NULL; m = next) {
				next = m->next;
				free(m);
			}
		lock_finish(&l->shard[i].lock);
	}
	share_finish(&l->share);
	free(l);
}

static uint64_t hash_of(const char *key)
{
	return hash64_of(key, strlen(key), 0);
}

static struct meter **bucket_of(struct shard *s, uint64_t hash)
{
	return &s->bucket[(hash / SHARDS) % BUCKETS];
}

static bool is_held(const struct meter *m)
{
	return m->shared.pending || m->shared.lent;
}

static void drop_until(struct shard *s, int64_t until_us)
{
	for (int b = 0; b < BUCKETS; b++)
		for (struct meter **at = &s->bucket[b]; *at != NULL;) {
			struct meter *m = *at;

			if (m->tat_us > until_us || is_held(m)) {
				at = &m->next;
				continue;
			}
			*at = m->next;
			s->count--;
			free(m);
		}
}

/* A full meter is as good as none; when all are in use those that are full soonest give way. */
static void make_room(struct shard *s, int64_t now_us)
{
	int64_t soonest = INT64_MAX;

	drop_until(s, now_us);
	if (s->count < METERS_MAX)
		return;
	for (int b = 0; b < BUCKETS; b++)
		for (const struct meter *m = s->bucket[b]; m != NULL; m = m->next)
			if (m->tat_us < soonest && !is_held(m))
				soonest = m->tat_us;
	drop_until(s, soonest);
}

static struct meter *meter_find(struct shard *s, const char *key, uint64_t hash)
{
	for (struct meter *m = *bucket_of(s, hash); m != NULL; m = m->next)
		if (m->hash == hash && strcmp(m->key, key) == 0)
			return m;
	return NULL;
}

static struct meter *meter_add(struct shard *s, const char *key, uint64_t hash, const char *tenant_id)
{
	const size_t n = strlen(key) + 1, of = tenant_id != NULL ? strlen(tenant_id) + 1 : 0;
	struct meter **at = bucket_of(s, hash), *m = mem_alloc(1, sizeof(*m) + n + of);

	memcpy(m->key, key, n);
	if (of > 0)
		m->shared.tenant_id = memcpy(m->key + n, tenant_id, of);
	m->hash = hash;
	m->shard = s->number;
	m->next = *at;
	*at = m;
	s->count++;
	return m;
}

int64_t ceil_div(int64_t a, int64_t b)
{
	return a <= 0 ? 0 : (a - 1) / b + 1;
}

int64_t meter_left(int64_t limit, int64_t window_us, int64_t tat_us, int64_t tat_part, int64_t now_us)
{
	const int64_t owed = tat_us > now_us ? tat_us - now_us : 0;

	if (tat_us < now_us)
		tat_part = 0;
	return owed >= window_us ? 0 : (int64_t)(((wide)(window_us - owed) * limit - tat_part) / window_us);
}

/* Where the meter stands by its own count. */
static void own_level(const struct meter *m, int64_t limit, int64_t now_us, int64_t *ret_us,
		      int64_t *ret_part)
{
	*ret_us = now_us;
	*ret_part = 0;
	if (m == NULL || m->tat_us < now_us)
		return;
	*ret_us = m->tat_us;
	*ret_part = m->tat_part;
	if (m->limit != limit && m->tat_part > 0) {     /* another limit by now: round up, once */
		(*ret_us)++;
		*ret_part = 0;
	}
}

static void raise_level(struct take *t, int64_t tat_us)
{
	if (tat_us <= t->tat_us)
		return;
	t->tat_us = tat_us;
	t->tat_part = 0;
}

/* Where it stands before the take. */
static void take_level(struct take *t, int64_t now_us)
{
	own_level(t->meter, t->limit, now_us, &t->tat_us, &t->tat_part);
	if (t->meter == NULL || t->mode == TAKE_LEASED)
		return;
	raise_level(t, share_level(t, now_us));
	if (t->mode == TAKE_LOW)
		raise_level(t, t->meter->shared.low_tat_us);
}

/* Moves a level on by so many cells, exactly. */
static void level_add(int64_t *tat_us, int64_t *tat_part, int64_t limit, int64_t window_us, int64_t cost)
{
	const wide add = (wide)cost * window_us + *tat_part;

	*tat_us += (int64_t)(add / limit);
	*tat_part = (int64_t)(add % limit);
}

static void take_decide(struct take *t, int64_t now_us)
{
	struct limit_verdict *v = &t->verdict;
	int64_t tat_us, tat_part, over;

	take_level(t, now_us);
	*v = (struct limit_verdict){ .limit = t->full_limit, .window = t->window_us / 1000000 };
	if (t->limit <= 0) {
		v->reset_s = v->retry_after_s = v->window;
		return;
	}
	tat_us = t->tat_us;
	tat_part = t->tat_part;
	level_add(&tat_us, &tat_part, t->limit, t->window_us, t->cost);
	over = tat_us - now_us - t->window_us;
	v->allowed = over < 0 || (over == 0 && tat_part == 0);
	if (!v->allowed) {
		v->retry_after_s = ceil_div(over + (tat_part > 0), 1000000);
		if (v->retry_after_s < 1)
			v->retry_after_s = 1;
	} else {
		t->tat_us = tat_us;
		t->tat_part = tat_part;
		v->remaining = meter_left(t->limit, t->window_us, tat_us, tat_part, now_us);
	}
	v->reset_s = ceil_div(t->tat_us - now_us + (t->tat_part > 0), 1000000);
}

static void meter_spend(struct meter *m, int64_t limit, int64_t window_us, int64_t cost, int64_t now_us)
{
	int64_t tat_us, tat_part;

	own_level(m, limit, now_us, &tat_us, &tat_part);
	level_add(&tat_us, &tat_part, limit, window_us, cost);
	m->tat_us = tat_us;
	m->tat_part = tat_part;
	m->limit = limit;
}

static void take_store(struct limiter *l, struct shard *s, struct take *t, const struct ask *q)
{
	struct meter *m = t->meter;

	if (m == NULL)
		t->meter = m = meter_add(s, t->key, t->hash, q->tenant_id);
	if (t->mode == TAKE_LOW) {
		const int64_t cost = q->cost < t->full_limit ? q->cost : t->full_limit;

		m->shared.low_tat_us = t->tat_us + (t->tat_part > 0);
		meter_spend(m, t->full_limit, t->window_us, cost, q->now_us);
	} else {
		m->tat_us = t->tat_us;
		m->tat_part = t->tat_part;
		m->limit = t->limit;
	}
	if (q->tenant_id != NULL && l->share.open)
		share_spend(l, t, q->now_us);
}

static void take_look(struct limiter *l, struct shard *s, struct take *t, const struct ask *q, int i)
{
	const struct rate *rate = q->rate[i];

	t->key = q->key[i];
	t->hash = hash_of(t->key);
	t->window_us = (rate->window > 0 ? rate->window : 1) * 1000000;
	t->meter = meter_find(s, t->key, t->hash);
	t->mode = share_mode(&l->share, q, t->meter);
	t->full_limit = rate->limit;
	t->limit = t->mode == TAKE_LOW ? share_part(&l->share, rate->limit) : rate->limit;
	t->cost = q->cost < t->limit ? q->cost : t->limit;
	t->needs = false;
	take_decide(t, q->now_us);
	if (t->mode == TAKE_LEASED)
		share_decide(l, t, q->now_us);
}

/*
 * All meters of one take live in the shard of the first key: one lock makes both or none.
 * False: Redis must be asked first.
 */
static bool take_all(struct limiter *l, struct take *takes, struct ask *q)
{
	struct shard *s = &l->shard[hash_of(q->key[0]) % SHARDS];
	bool allowed = true, needs = false;

	lock_take(&s->lock);
	if (s->count + (size_t)q->n > METERS_MAX)
		make_room(s, q->now_us);
	for (int i = 0; i < q->n; i++) {
		take_look(l, s, &takes[i], q, i);
		allowed = allowed && takes[i].verdict.allowed;
		needs = needs || takes[i].needs;
	}
	needs = needs && allowed;
	for (int i = 0; i < q->n && needs && q->may_need; i++) {
		if (takes[i].meter == NULL)
			takes[i].meter = meter_add(s, takes[i].key, takes[i].hash, q->tenant_id);
		share_need(l, q, &takes[i], i);
	}
	for (int i = 0; i < q->n && allowed && !needs && q->cost > 0; i++)
		take_store(l, s, &takes[i], q);
	lock_drop(&s->lock);
	return !needs;
}

void limiter_take(struct limiter *l, const char *key, const struct rate *rate, int64_t cost, int64_t now_us,
		  struct limit_verdict *ret)
{
	struct ask q = { .n = 1, .key = { key }, .rate = { rate }, .cost = cost, .now_us = now_us };
	struct take take;

	(void)take_all(l, &take, &q);
	*ret = take.verdict;
}

static const struct limit_verdict *verdict_of_two(const struct limit_verdict *a,
						  const struct limit_verdict *b)
{
	if (a->allowed && b->allowed)
		return b->remaining < a->remaining ? b : a;
	if (a->allowed || b->allowed)
		return a->allowed ? b : a;
	return b->retry_after_s > a->retry_after_s ? b : a;
}

bool take_pair(struct limiter *l, struct ask *q, struct limit_verdict *ret)
{
	struct take takes[PAIR] = { 0 };

	if (!take_all(l, takes, q))
		return false;
	if (takes[0].mode == TAKE_LOW && q->cost > 0)
		atomic_fetch_add(&l->share.alone_takes, 1);
	*ret = *verdict_of_two(&takes[0].verdict, &takes[1].verdict);
	return true;
}
