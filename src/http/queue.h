/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_QUEUE_H
#define CC_SRC_HTTP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/lock.h"

/*
 * Bounded queue from I/O threads to workers. What waits has an owner (a tenant, or whoever is not known
 * yet), and each owner a lane: first in, first out, with so many workers at a time and no more, so that
 * whoever asks for what is slow leaves workers to others. Lanes take turns. Lanes of one group (tenants of
 * one region) wait for the same server: all of them together have so many workers and no more. Any thread.
 */
struct lane;

/* id: equal for equal owners; known: a tenant. */
struct queue_owner {
	uint64_t id;
	bool known;
	int group;              /* from 1; 0: none */
};

/* Part of what waits; the queue's own. */
struct queue_item {
	struct queue_item *next;
	struct lane *lane;
};

/* What one lane may have. */
struct lane_share {
	int workers;            /* at a time */
	int waiting;
};

struct queue_conf {
	size_t places;          /* for what comes from outside … */
	size_t extra;           /* … and further ones for what is under way already and must go on */
	size_t workers;
	struct lane_share known, stranger;
	int groups;
	int group_workers;      /* of the lanes of one group, at a time */
};

struct queue {
	struct queue_conf conf;
	struct lock lock;               /* guards what follows */
	struct cond more;
	struct lane *lanes, *unused;
	struct lane **bucket;
	size_t buckets;                 /* a power of two */
	struct queue_group *group;      /* one for each, and one for those that have none */
	struct lane *first, *last;      /* lanes of which a worker may take something, in turn */
	size_t waiting;
	size_t taken;                   /* waiting plus places reserved */
	bool stop;
};

bool queue_init(struct queue *q, const struct queue_conf *conf);
void queue_finish(struct queue *q);
/*
 * A place first, what waits later: the connection must be suspended in between, because a worker
 * may finish before queue_put() returns, and it can only be suspended when there is a place.
 * under_way: of at most `extra` that go on.
 * False: no place, in all or in the lane, or stopped.
 */
bool queue_reserve(struct queue *q, struct queue_item *item, const struct queue_owner *owner, bool under_way);
void queue_put(struct queue *q, struct queue_item *item);
/* Waits. The lane is the worker's until queue_done(). NULL: queue_stop() was called and nothing is left. */
struct queue_item *queue_take(struct queue *q, struct lane **ret_lane);
void queue_done(struct queue *q, struct lane *lane);

/* A worker has found out who is behind what it took: it goes on in that one's lane … */
enum queue_move {
	MOVE_GO,                /* … with *lane, which is another one now */
	MOVE_PARKED,            /* … waits there, and may be somebody else's already; *lane is given back */
	MOVE_FULL,              /* … has no place there; *lane is the same */
};
enum queue_move queue_move(struct queue *q, struct queue_item *item, const struct queue_owner *owner,
			   struct lane **lane);
void queue_stop(struct queue *q);
size_t queue_waiting(struct queue *q);

#endif
