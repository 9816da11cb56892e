/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/limiter.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/lock.h"
#include "cc/base/mem.h"

enum {
	SHARDS = 32,                    /* powers of two */
	BUCKETS = 1024,
	METERS_MAX = 4096,              /* per shard */
};

/*
 * Theoretical arrival time: when the meter is full again. Its fraction is kept in parts of the limit,
 * so that no rounding adds up, however odd the limit.
 */
struct meter {
	struct meter *next;
	uint64_t hash;
	int64_t tat_us, tat_part;       /* part / limit of a microsecond */
	int64_t limit;                  /* that tat_part refers to */
	char key[];
};

struct shard {
	struct lock lock;
	struct meter *bucket[BUCKETS];
	size_t count;
};

struct limiter {
	struct shard shard[SHARDS];
};

struct limiter *limiter_create(void)
{
	struct limiter *l = mem_alloc(1, sizeof(*l));

	for (int i = 0; i < SHARDS; i++)
		lock_init(&l->shard[i].lock, RANK_LIMITS);
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

static void drop_until(struct shard *s, int64_t until_us)
{
	for (int b = 0; b < BUCKETS; b++)
		for (struct meter **at = &s->bucket[b]; *at != NULL;) {
			struct meter *m = *at;

			if (m->tat_us > until_us) {
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
			if (m->tat_us < soonest)
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

static struct meter *meter_add(struct shard *s, const char *key, uint64_t hash)
{
	const size_t n = strlen(key) + 1;
	struct meter **at = bucket_of(s, hash), *m = mem_alloc(1, sizeof(*m) + n);

	memcpy(m->key, key, n);
	m->hash = hash;
	m->next = *at;
	*at = m;
	s->count++;
	return m;
}

/* Limits times windows: 10⁹ in a day in microseconds is more than 64 bits hold. */
__extension__ typedef __int128 wide;

/* What a take would do: decided first, so that two meters change together or not at all. */
struct take {
	const char *key;
	uint64_t hash;
	int64_t limit, window_us;
	struct meter *meter;            /* NULL: full, or not yet there */
	int64_t tat_us, tat_part;       /* after the take */
	struct limit_verdict verdict;
};

static int64_t ceil_div(int64_t a, int64_t b)
{
	return a <= 0 ? 0 : (a - 1) / b + 1;
}

/* Where the meter stands before the take. */
static void take_level(struct take *t, int64_t now_us)
{
	const struct meter *m = t->meter;

	t->tat_us = now_us;
	t->tat_part = 0;
	if (m == NULL || m->tat_us < now_us)
		return;
	t->tat_us = m->tat_us;
	t->tat_part = m->tat_part;
	if (m->limit != t->limit && m->tat_part > 0) {  /* another plan by now: round up, once */
		t->tat_us++;
		t->tat_part = 0;
	}
}

static int64_t take_remaining(const struct take *t, int64_t now_us)
{
	const int64_t owed = t->tat_us - now_us;        /* and tat_part / limit */

	return (int64_t)(((wide)(t->window_us - owed) * t->limit - t->tat_part) / t->window_us);
}

static void take_decide(struct take *t, int64_t cost, int64_t now_us)
{
	struct limit_verdict *v = &t->verdict;
	int64_t over;
	wide add;

	take_level(t, now_us);
	*v = (struct limit_verdict){ .limit = t->limit, .window = t->window_us / 1000000 };
	if (t->limit <= 0) {
		v->reset_s = v->retry_after_s = v->window;
		return;
	}
	add = (wide)(cost < t->limit ? cost : t->limit) * t->window_us + t->tat_part;
	over = t->tat_us + (int64_t)(add / t->limit) - now_us - t->window_us;
	v->allowed = over < 0 || (over == 0 && add % t->limit == 0);
	if (!v->allowed) {
		v->retry_after_s = ceil_div(over + (add % t->limit > 0), 1000000);
		if (v->retry_after_s < 1)
			v->retry_after_s = 1;
	} else {
		t->tat_us += (int64_t)(add / t->limit);
		t->tat_part = (int64_t)(add % t->limit);
	}
	v->remaining = v->allowed ? take_remaining(t, now_us) : 0;
	v->reset_s = ceil_div(t->tat_us - now_us + (t->tat_part > 0), 1000000);
}

static void take_store(struct shard *s, struct take *t)
{
	if (t->meter == NULL)
		t->meter = meter_add(s, t->key, t->hash);
	t->meter->tat_us = t->tat_us;
	t->meter->tat_part = t->tat_part;
	t->meter->limit = t->limit;
}

static void take_look(struct shard *s, struct take *t, const char *key,
		      const struct rate *rate)
{
	t->key = key;
	t->hash = hash_of(key);
	t->limit = rate->limit;
	t->window_us = (rate->window > 0 ? rate->window : 1) * 1000000;
	t->meter = meter_find(s, key, t->hash);
}

/* All meters of one take live in the shard of the first key: one lock makes both or none. */
static void take_all(struct limiter *l, struct take *takes, const char *const *keys,
		     const struct rate *const *rates, int n, int64_t cost, int64_t now_us)
{
	struct shard *s = &l->shard[hash_of(keys[0]) % SHARDS];
	bool allowed = true;

	lock_take(&s->lock);
	if (s->count + (size_t)n > METERS_MAX)
		make_room(s, now_us);
	for (int i = 0; i < n; i++) {
		take_look(s, &takes[i], keys[i], rates[i]);
		take_decide(&takes[i], cost, now_us);
		allowed = allowed && takes[i].verdict.allowed;
	}
	for (int i = 0; i < n && allowed && cost > 0; i++)
		take_store(s, &takes[i]);
	lock_drop(&s->lock);
}

void limiter_take(struct limiter *l, const char *key, const struct rate *rate, int64_t cost, int64_t now_us,
		  struct limit_verdict *ret)
{
	struct take take;

	take_all(l, &take, &key, &rate, 1, cost, now_us);
	*ret = take.verdict;
}

void limiter_take_two(struct limiter *l, const char *key1, const struct rate *rate1, const char *key2,
		      const struct rate *rate2, int64_t cost, int64_t now_us, struct limit_verdict *ret)
{
	const char *const keys[] = { key1, key2 };
	const struct rate *const rates[] = { rate1, rate2 };
	const struct limit_verdict *a, *b;
	struct take takes[2];

	take_all(l, takes, keys, rates, 2, cost, now_us);
	a = &takes[0].verdict;
	b = &takes[1].verdict;
	if (a->allowed && b->allowed)
		*ret = b->remaining < a->remaining ? *b : *a;
	else if (a->allowed || b->allowed)
		*ret = a->allowed ? *b : *a;
	else
		*ret = b->retry_after_s > a->retry_after_s ? *b : *a;
}
