/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks Redis for all meters of this node: what they owe, what they need. */
#include "limiter_in.h"

#include <inttypes.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"

#define BATCH 32                /* meters in one question */
#define HELLO_MS 250            /* how often the others hear of this node */
#define NODE_US "2000000"       /* a node that was not heard of for so long is none */
#define LEASE_US 1000000
#define NODES_KEY "cc:limits:nodes"

/*
 * Keys: the nodes, then the meters. Arguments: node, NODE_US, stays; then of each meter limit, window, owed,
 * used, needed, wants a lease, has. Answers how many nodes there are, then of each meter how many cells it
 * gets and for how long it is not full.
 * A meter is a theoretical arrival time by Redis's own clock. What this node alone has used is the least that
 * all have used, should Redis have forgotten. What was spent beyond the limit is kept up to a tenth: as much
 * as leases may yet give back, which would else make room that nobody left.
 */
static const char script_text[] =
	"local t = redis.call('TIME')\n"
	"local now = t[1] * 1000000 + t[2]\n"
	"if ARGV[3] == '1' then redis.call('ZADD', KEYS[1], now, ARGV[1])\n"
	"else redis.call('ZREM', KEYS[1], ARGV[1]) end\n"
	"redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])\n"
	"local nodes = math.max(redis.call('ZCARD', KEYS[1]), 1)\n"
	"local out = { nodes }\n"
	"for i = 2, #KEYS do\n"
	"  local v = {}\n"
	"  for k = 1, 7 do v[k] = tonumber(ARGV[3 + (i - 2) * 7 + k]) end\n"
	"  local limit, window, owed, used, need, wants, has = unpack(v)\n"
	"  local cell = window / limit\n"
	"  local tat = math.max(tonumber(redis.call('GET', KEYS[i]) or now), now) + owed * cell\n"
	"  tat = math.min(math.max(tat, now + used), now + 1.1 * window)\n"
	"  local left = math.floor((window - (tat - now)) / cell + 0.000001)\n"
	"  local lease = math.floor(limit / (10 * nodes))\n"
	"  local grant = need\n"
	"  if wants == 1 and left - need >= 2 * nodes * lease then\n"
	"    grant = need + math.max(lease - has, 0)\n"
	"  end\n"
	"  grant = math.max(math.min(grant, left), 0)\n"
	"  tat = tat + grant * cell\n"
	"  local ahead = math.ceil(tat - now)\n"
	"  if ahead > 0 then\n"
	"    redis.call('SET', KEYS[i], string.format('%.3f', tat), 'PX', math.ceil(ahead / 1000))\n"
	"  else redis.call('DEL', KEYS[i]) end\n"
	"  out[#out + 1] = grant\n"
	"  out[#out + 1] = ahead\n"
	"end\n"
	"return out\n";

enum { ARGS_HEAD = 3, ARGS_EACH = 7, ANSWERS_EACH = 2 };

struct question {
	struct arena *arena;
	struct redis *redis;
	bool stays;
	int64_t asked_us;
	int n;
	struct meter *meter[BATCH];
	int64_t owed[BATCH];
	const char *text[1 + BATCH + ARGS_HEAD + BATCH * ARGS_EACH];
	int64_t answer[1 + BATCH * ANSWERS_EACH];
};

/* What was leased and not spent in time belongs to all again. */
static bool expire(struct meter *m, int64_t now_us)
{
	if (m->shared.lease == 0 || now_us < m->shared.lease_until_us)
		return false;
	m->shared.owed -= m->shared.lease;
	m->shared.lease = 0;
	return true;
}

static void give_back_expired(struct limiter *l, int64_t now_us)
{
	for (struct meter **at = &l->share.lent; *at != NULL;) {
		struct meter *m = *at;
		struct shard *s = &l->shard[m->shard];
		bool gone;

		lock_take(&s->lock);
		gone = expire(m, now_us);
		if (gone)
			share_poke(l, m);
		gone = gone || m->shared.lease == 0;
		if (gone)
			*at = m->shared.next_lent;
		else
			at = &m->shared.next_lent;
		m->shared.lent = !gone;
		lock_drop(&s->lock);
	}
}

static void add_meter(struct limiter *l, struct question *q, int i)
{
	struct meter *m = q->meter[i];
	struct shared *s = &m->shared;
	const bool alone = atomic_load(&l->share.alone_since_us) != 0;
	int64_t v[ARGS_EACH];

	lock_take(&l->shard[m->shard].lock);
	(void)expire(m, q->asked_us);
	q->owed[i] = s->owed;
	v[0] = s->limit;
	v[1] = s->window_us;
	v[2] = s->owed;
	v[3] = m->tat_us > q->asked_us ? m->tat_us - q->asked_us : 0;
	v[4] = s->needed;
	v[5] = s->wants_lease && !alone && q->stays;
	v[6] = share_lease(m, q->asked_us);
	s->owed = s->needed = 0;
	s->wants_lease = false;
	s->questions++;
	lock_drop(&l->shard[m->shard].lock);
	q->text[1 + i] = redis_key(q->arena, s->tenant_id, arena_printf(q->arena, "rate:%s", m->key));
	for (int k = 0; k < ARGS_EACH; k++)
		q->text[1 + q->n + ARGS_HEAD + i * ARGS_EACH + k] =
			arena_printf(q->arena, "%" PRId64, v[k]);
}

static void end_meter(struct limiter *l, struct question *q, int i, bool answered)
{
	struct meter *m = q->meter[i];
	struct shared *s = &m->shared;

	lock_take(&l->shard[m->shard].lock);
	s->pending = false;
	if (!answered) {
		s->owed += q->owed[i];
		s->needed = 0;
		s->wants_lease = false;
	} else {
		s->view_us = q->asked_us;
		s->view_tat_us = q->asked_us + q->answer[2 + i * ANSWERS_EACH];
		s->lease += q->answer[1 + i * ANSWERS_EACH];
		s->lease_until_us = q->asked_us + LEASE_US;
		if (s->lease > 0 && !s->lent) {
			s->lent = true;
			s->next_lent = l->share.lent;
			l->share.lent = m;
		}
		if (s->needed > 0 || s->wants_lease)
			share_poke(l, m);
	}
	lock_drop(&l->shard[m->shard].lock);
}

static enum err ask(struct limiter *l, struct question *q)
{
	const char **args = &q->text[1 + q->n];

	q->asked_us = clock_mono_us();
	q->text[0] = NODES_KEY;
	args[0] = l->share.node;
	args[1] = NODE_US;
	args[2] = q->stays ? "1" : "0";
	for (int i = 0; i < q->n; i++)
		add_meter(l, q, i);
	l->share.script.text = script_text;
	return redis_run(q->redis, &l->share.script, 1 + q->n, q->text,
			 1 + q->n + ARGS_HEAD + q->n * ARGS_EACH, q->answer, 1 + q->n * ANSWERS_EACH);
}

static void note_up(struct share *h, const struct question *q)
{
	const int nodes = (int)q->answer[0];

	atomic_store(&h->nodes, nodes);
	if (nodes > 1)
		atomic_store(&h->alone_since_us, 0);
	else if (atomic_load(&h->alone_since_us) == 0)
		atomic_store(&h->alone_since_us, q->asked_us);
	h->hello_at_ms = clock_mono_ms() + HELLO_MS;
}

/* What was spent without Redis is told at once, whoever asks for what next. */
static void tell_all(struct limiter *l)
{
	for (int i = 0; i < SHARDS; i++) {
		struct shard *s = &l->shard[i];

		lock_take(&s->lock);
		for (int b = 0; b < BUCKETS; b++)
			for (struct meter *m = s->bucket[b]; m != NULL; m = m->next)
				if (m->shared.owed != 0)
					share_poke(l, m);
		lock_drop(&s->lock);
	}
}

/* Said once, and once more when it is over. */
static void note_change(struct limiter *l, bool up)
{
	struct share *h = &l->share;
	const bool before = atomic_exchange(&h->up, up);

	if (up && !before) {
		LOG(LOG_INFO, "rate limits are shared", LOG_INT("nodes", atomic_load(&h->nodes)),
		    LOG_INT("requests_alone", atomic_exchange(&h->alone_takes, 0)));
		tell_all(l);
	} else if (!up && (before || h->hello_at_ms == 0)) {
		atomic_store(&h->alone_since_us, 0);
		LOG(LOG_WARN, "rate limits are not shared: Redis does not answer",
		    LOG_INT("nodes", atomic_load(&h->nodes)));
	}
}

static void end_round(struct share *h)
{
	lock_take(&h->lock);
	h->rounds++;
	cond_wake_all(&h->answered);
	lock_drop(&h->lock);
}

static enum err ask_and_tell(struct limiter *l, struct question *q)
{
	const enum err e = ask(l, q);

	if (e == ERR_NONE)
		note_up(&l->share, q);
	for (int i = 0; i < q->n; i++)
		end_meter(l, q, i, e == ERR_NONE);
	note_change(l, e == ERR_NONE);
	if (e != ERR_NONE)
		l->share.hello_at_ms = -1;
	end_round(&l->share);
	return e;
}

static int take_pending(struct share *h, struct meter **ret)
{
	int n = 0;

	lock_take(&h->lock);
	while (h->pending != NULL && n < BATCH) {
		ret[n++] = h->pending;
		h->pending = h->pending->shared.next_pending;
	}
	lock_drop(&h->lock);
	return n;
}

static void await_work(struct share *h)
{
	lock_take(&h->lock);
	while (h->pending == NULL && !h->stop && cond_wait_until(&h->due, &h->lock, h->hello_at_ms))
		;
	lock_drop(&h->lock);
}

static struct question *question_make(struct redis *r, struct arena *a, bool stays)
{
	struct question *q = ARENA_NEW(a, struct question);

	q->arena = a;
	q->redis = r;
	q->stays = stays;
	return q;
}

enum err limiter_step(struct limiter *l, struct redis *r, struct arena *a)
{
	struct question *q = question_make(r, a, true);

	await_work(&l->share);
	if (clock_mono_ms() >= l->share.hello_at_ms)
		give_back_expired(l, clock_mono_us());
	q->n = take_pending(&l->share, q->meter);
	return ask_and_tell(l, q);
}

void limiter_wake(struct limiter *l)
{
	lock_take(&l->share.lock);
	l->share.stop = true;
	cond_wake_all(&l->share.due);
	cond_wake_all(&l->share.answered);
	lock_drop(&l->share.lock);
}

void limiter_leave(struct limiter *l, struct redis *r, struct arena *a)
{
	enum err e = ERR_NONE;
	struct question *q;

	give_back_expired(l, clock_mono_us() + LEASE_US);
	do {
		arena_reset(a);
		q = question_make(r, a, false);
		q->n = take_pending(&l->share, q->meter);
		e = ask_and_tell(l, q);
	} while (e == ERR_NONE && q->n > 0);
	atomic_store(&l->share.up, false);
}
