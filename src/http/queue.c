/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

/* There while somebody waits in it, has a place in it or works for it. */
struct lane {
	uint64_t owner;
	bool known;
	struct queue_group *group;
	const struct lane_share *share;
	struct lane *next;              /* of its bucket, or unused */
	struct lane *turn;              /* after it */
	bool listed;                    /* takes its turn, or waits until its group may */
	struct queue_item *first, *last;
	int waiting, places, running;   /* places: waiting and reserved */
};

struct queue_group {
	int running;
	struct lane *first, *last;      /* what could take its turn, when a worker of the group is free */
};

static size_t power_above(size_t n)
{
	size_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

bool queue_init(struct queue *q, const struct queue_conf *conf)
{
	const size_t lanes = conf->places + conf->extra + conf->workers;

	memset(q, 0, sizeof(*q));
	q->conf = *conf;
	q->buckets = power_above(lanes);
	q->lanes = calloc(lanes, sizeof(*q->lanes));
	q->bucket = calloc(q->buckets, sizeof(struct lane *));
	q->group = calloc((size_t)conf->groups + 1, sizeof(*q->group));
	lock_init(&q->lock, RANK_QUEUE);
	cond_init(&q->more);
	if (q->lanes == NULL || q->bucket == NULL || q->group == NULL)
		return false;
	for (size_t i = 0; i < lanes; i++) {
		q->lanes[i].next = q->unused;
		q->unused = &q->lanes[i];
	}
	return true;
}

void queue_finish(struct queue *q)
{
	free(q->lanes);
	free(q->bucket);
	free(q->group);
	cond_finish(&q->more);
	lock_finish(&q->lock);
}

static struct lane **lane_at(struct queue *q, uint64_t owner, bool known)
{
	struct lane **at = &q->bucket[owner & (q->buckets - 1)];

	while (*at != NULL && ((*at)->owner != owner || (*at)->known != known))
		at = &(*at)->next;
	return at;
}

/* There is one left for every place and every worker. */
static struct lane *lane_open(struct queue *q, const struct queue_owner *owner)
{
	struct lane **at = lane_at(q, owner->id, owner->known), *l = *at;

	if (l != NULL)
		return l;
	l = q->unused;
	if (l == NULL)
		abort();
	q->unused = l->next;
	*l = (struct lane){ .owner = owner->id, .known = owner->known, .group = &q->group[owner->group],
			    .share = owner->known ? &q->conf.known : &q->conf.stranger };
	*at = l;
	return l;
}

static bool is_due(const struct lane *l)
{
	return l->waiting > 0 && l->running < l->share->workers;
}

static bool is_full(const struct queue *q, const struct queue_group *g)
{
	return g != q->group && g->running >= q->conf.group_workers;
}

/* Until one of its group gives a worker back. */
static void hold(struct lane *l)
{
	struct queue_group *g = l->group;

	if (g->last != NULL)
		g->last->turn = l;
	else
		g->first = l;
	g->last = l;
	l->turn = NULL;
	l->listed = true;
}

static void list(struct queue *q, struct lane *l)
{
	if (q->last != NULL)
		q->last->turn = l;
	else
		q->first = l;
	q->last = l;
	l->turn = NULL;
	l->listed = true;
}

static struct lane *take_held(struct queue_group *g)
{
	struct lane *l = g->first;

	if (l == NULL)
		return NULL;
	g->first = l->turn;
	if (g->first == NULL)
		g->last = NULL;
	l->listed = false;
	return l;
}

/*
 * The next one that was held, when a worker of its group is free. One that has all its own workers by now is
 * listed when one of them leaves it.
 */
static void release(struct queue *q, struct queue_group *g)
{
	struct lane *l = take_held(g);

	while (l != NULL && !is_due(l))
		l = take_held(g);
	if (l == NULL)
		return;
	list(q, l);
	cond_wake_one(&q->more);
}

static struct lane *unlist(struct queue *q)
{
	struct lane *l = q->first;

	q->first = l->turn;
	if (q->first == NULL)
		q->last = NULL;
	l->listed = false;
	return l;
}

/* Something about the lane has changed. */
static void settle(struct queue *q, struct lane *l)
{
	struct lane **at;

	if (!l->listed && is_due(l))
		list(q, l);
	if (l->listed) {
		cond_wake_one(&q->more);
		return;
	}
	if (l->places > 0 || l->running > 0)
		return;
	at = lane_at(q, l->owner, l->known);
	*at = l->next;
	l->next = q->unused;
	q->unused = l;
}

static bool has_place(const struct queue *q, const struct lane *l, bool under_way)
{
	if (under_way)
		return q->taken < q->conf.places + q->conf.extra;
	return q->taken < q->conf.places && (l == NULL || l->places < l->share->waiting);
}

static void take_place(struct queue *q, struct lane *l, struct queue_item *item)
{
	item->lane = l;
	l->places++;
	q->taken++;
}

bool queue_reserve(struct queue *q, struct queue_item *item, const struct queue_owner *owner, bool under_way)
{
	bool ok;

	lock_take(&q->lock);
	ok = !q->stop && has_place(q, *lane_at(q, owner->id, owner->known), under_way);
	if (ok)
		take_place(q, lane_open(q, owner), item);
	lock_drop(&q->lock);
	return ok;
}

static void append(struct queue *q, struct queue_item *item)
{
	struct lane *l = item->lane;

	item->next = NULL;
	if (l->last != NULL)
		l->last->next = item;
	else
		l->first = item;
	l->last = item;
	l->waiting++;
	q->waiting++;
	settle(q, l);
}

void queue_put(struct queue *q, struct queue_item *item)
{
	lock_take(&q->lock);
	append(q, item);
	lock_drop(&q->lock);
}

static struct queue_item *take_first(struct queue *q, struct lane *l)
{
	struct queue_item *item = l->first;

	l->first = item->next;
	if (l->first == NULL)
		l->last = NULL;
	l->waiting--;
	l->places--;
	l->running++;
	l->group->running++;
	q->waiting--;
	q->taken--;
	if (is_due(l))
		list(q, l);
	if (q->stop)
		cond_wake_all(&q->more);
	return item;
}

struct queue_item *queue_take(struct queue *q, struct lane **ret_lane)
{
	struct queue_item *item = NULL;

	lock_take(&q->lock);
	/* A place that is reserved will be filled: somebody must be here to take it. */
	while (item == NULL && (q->first != NULL || !(q->stop && q->taken == 0))) {
		if (q->first == NULL) {
			cond_wait(&q->more, &q->lock);
			continue;
		}
		*ret_lane = unlist(q);
		if (!is_due(*ret_lane))
			continue;
		if (is_full(q, (*ret_lane)->group))
			hold(*ret_lane);
		else
			item = take_first(q, *ret_lane);
	}
	lock_drop(&q->lock);
	return item;
}

static void leave(struct queue *q, struct lane *l)
{
	l->running--;
	l->group->running--;
	release(q, l->group);
	settle(q, l);
}

void queue_done(struct queue *q, struct lane *lane)
{
	lock_take(&q->lock);
	leave(q, lane);
	lock_drop(&q->lock);
}

/* Whether it must wait: the lane, which may not be there yet, or its group has all its workers. */
static bool is_busy(const struct queue *q, const struct lane *l, const struct queue_owner *owner)
{
	return (l != NULL && l->running >= l->share->workers) || is_full(q, &q->group[owner->group]);
}

enum queue_move queue_move(struct queue *q, struct queue_item *item, const struct queue_owner *owner,
			   struct lane **lane)
{
	enum queue_move how = MOVE_GO;
	struct lane *to;

	lock_take(&q->lock);
	to = *lane_at(q, owner->id, true);
	if (is_busy(q, to, owner) && !q->stop)
		how = has_place(q, to, false) ? MOVE_PARKED : MOVE_FULL;
	if (how != MOVE_FULL) {
		leave(q, *lane);
		to = lane_open(q, owner);
	}
	if (how == MOVE_GO) {
		to->running++;
		to->group->running++;
		*lane = to;
	} else if (how == MOVE_PARKED) {
		*lane = NULL;
		take_place(q, to, item);
		append(q, item);
	}
	lock_drop(&q->lock);
	return how;
}

void queue_stop(struct queue *q)
{
	lock_take(&q->lock);
	q->stop = true;
	cond_wake_all(&q->more);
	lock_drop(&q->lock);
}

size_t queue_waiting(struct queue *q)
{
	size_t n;

	lock_take(&q->lock);
	n = q->waiting;
	lock_drop(&q->lock);
	return n;
}
