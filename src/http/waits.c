/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* POLLRDHUP */
#include "call.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/mem.h"

#define TICK_MS 100   /* how late the end of a wait may be noticed */
#define CROWDED_MS 2  /* the queue has no room for more */
#define LOOK_MS 5000  /* how often a client is looked at: one that left is not waited for */
#define QUEUE_SHARE 4 /* one of so many places of the queue may be theirs */
#define MOST_SHARE 2  /* one tenant has one of so many places of the room at most … */
#define FREE_SHARE 4  /* … and while no more than one of so many are free … */
#define FEW_SHARE 64  /* … one of so many */

void waits_init(struct waits *w, struct http_server *s, int max)
{
	lock_init(&w->lock, RANK_WAITS);
	cond_init(&w->wake);
	w->server = s;
	w->max = max;
}

void waits_finish(struct waits *w)
{
	cond_finish(&w->wake);
	lock_finish(&w->lock);
}

static struct call **bucket_of(struct waits *w, uint64_t topic)
{
	return &w->bucket[topic % WAIT_BUCKETS];
}

static uint64_t owner_id(const struct call *c)
{
	return c->rq.payer != NULL ? hash64_of(c->rq.payer, strlen(c->rq.payer), 0) : 0;
}

/* Under the lock, as the next two. */
static struct wait_owner **find_owner(struct waits *w, uint64_t id)
{
	struct wait_owner **at = &w->owner[id % WAIT_BUCKETS];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static bool has_room(const struct waits *w, const struct wait_owner *o)
{
	const bool scarce = w->n >= w->max - w->max / FREE_SHARE;
	const int share = w->max / (scarce ? FEW_SHARE : MOST_SHARE);

	return w->n < w->max && (o == NULL || o->n < share);
}

static struct wait_owner *enter(struct waits *w, uint64_t id)
{
	struct wait_owner **at = find_owner(w, id), *o = *at;

	if (!has_room(w, o))
		return NULL;
	if (o == NULL) {
		o = *at = mem_alloc(1, sizeof(*o));
		o->id = id;
	}
	o->n++;
	w->n++;
	return o;
}

static void leave(struct waits *w, struct wait_owner *o)
{
	struct wait_owner **at = find_owner(w, o->id);

	w->n--;
	if (--o->n > 0)
		return;
	*at = o->next;
	free(o);
}

enum waits_result waits_park(struct waits *w, struct call *c)
{
	const struct req_wait *ask = &c->rq.wait;
	const int64_t now = clock_mono_ms();
	enum waits_result result = WAITS_OVER;

	if (ask->until_ms <= now)
		return WAITS_OVER;
	c->waits = (struct wait_place){
		.topic = ask->topic, .mark = ask->mark, .until_ms = ask->until_ms, .look_ms = now + LOOK_MS
	};
	lock_take(&w->lock);
	if (w->running && !w->ending) {
		c->waits.owner = enter(w, owner_id(c));
		result = c->waits.owner != NULL ? WAITS_PARKED : WAITS_FULL;
	}
	if (result == WAITS_PARKED) {
		struct call **at = bucket_of(w, ask->topic);

		c->waits.next = *at;
		*at = c;
	}
	lock_drop(&w->lock);
	return result;
}

/* Under the lock. */
static void make_ready(struct waits *w, struct call **at)
{
	struct call *c = *at;

	*at = c->waits.next;
	c->waits.next = w->ready;
	w->ready = c;
	leave(w, c->waits.owner);
}

void waits_wake(struct waits *w, uint64_t topic, uint64_t mark)
{
	struct call **at;

	lock_take(&w->lock);
	at = bucket_of(w, topic);
	while (*at != NULL) {
		if ((*at)->waits.topic == topic && (*at)->waits.mark != mark)
			make_ready(w, at);
		else
			at = &(*at)->waits.next;
	}
	if (w->ready != NULL)
		cond_wake_all(&w->wake);
	lock_drop(&w->lock);
}

/* libmicrohttpd does not look at suspended connections. */
static bool has_left(struct call *c, int64_t now)
{
	struct pollfd p = { .fd = c->peer->fd, .events = POLLRDHUP };

	if (now < c->waits.look_ms)
		return false;
	c->waits.look_ms = now + LOOK_MS;
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Under the lock. */
static void look_through(struct waits *w, int64_t now)
{
	for (size_t i = 0; w->n > 0 && i < WAIT_BUCKETS; i++) {
		struct call **at = &w->bucket[i];

		while (*at != NULL) {
			struct call *c = *at;
			const bool gone = !w->ending && now < c->waits.until_ms && has_left(c, now);

			c->gone = gone;
			if (gone || w->ending || now >= c->waits.until_ms)
				make_ready(w, at);
			else
				at = &c->waits.next;
		}
	}
}

/* False: there is no room for it yet. */
static bool give_back(struct waits *w, struct call *c)
{
	struct queue *q = &w->server->queue;

	return queue_waiting(q) <= q->conf.places / QUEUE_SHARE && workers_again(c);
}

/* Under the lock, which is dropped meanwhile. False: not all of them could be. */
static bool give_back_all(struct waits *w)
{
	while (w->ready != NULL) {
		struct call *c = w->ready;
		bool given;

		w->ready = c->waits.next;
		lock_drop(&w->lock);
		given = give_back(w, c);
		lock_take(&w->lock);
		if (!given) {
			c->waits.next = w->ready;
			w->ready = c;
			return false;
		}
	}
	return true;
}

static void *run(void *arg)
{
	struct waits *w = arg;
	int64_t next = 0;

	lock_take(&w->lock);
	while (!(w->over && w->n == 0 && w->ready == NULL)) {
		const int64_t now = clock_mono_ms();
		bool crowded;

		if (now >= next || w->ending) {
			look_through(w, now);
			next = now + TICK_MS;
		}
		crowded = !give_back_all(w);
		if (w->over && w->n == 0 && w->ready == NULL)
			break;
		if (w->ready == NULL || crowded)
			(void)cond_wait_until(&w->wake, &w->lock, now + (crowded ? CROWDED_MS : TICK_MS));
	}
	lock_drop(&w->lock);
	return NULL;
}

bool waits_start(struct waits *w)
{
	w->running = pthread_create(&w->thread, NULL, run, w) == 0;
	return w->running;
}

void waits_end(struct waits *w)
{
	lock_take(&w->lock);
	w->ending = true;
	cond_wake_all(&w->wake);
	lock_drop(&w->lock);
}

void waits_join(struct waits *w)
{
	if (!w->running)
		return;
	lock_take(&w->lock);
	w->ending = w->over = true;
	cond_wake_all(&w->wake);
	lock_drop(&w->lock);
	(void)pthread_join(w->thread, NULL);
	w->running = false;
}
