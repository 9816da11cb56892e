/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_QUEUE_H
#define CC_SRC_HTTP_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "cc/base/lock.h"

/* Bounded first-in first-out queue of pointers from I/O threads to workers. */
struct queue {
	struct lock lock;
	struct cond more;
	void **ring;
	size_t cap;             /* places for what comes from outside … */
	size_t extra;           /* … and further ones for what is under way already and must go on */
	size_t head;            /* guarded by: lock */
	size_t waiting;         /* guarded by: lock */
	size_t taken;           /* guarded by: lock; waiting plus places reserved */
	bool stop;              /* guarded by: lock */
};

bool queue_init(struct queue *q, size_t cap, size_t extra);
void queue_finish(struct queue *q);
/*
 * A place first, the pointer later: the connection must be suspended in between, because a worker
 * may finish before queue_put() returns, and it can only be suspended when there is a place.
 */
/* False: full, or stopped. under_way: of at most `extra` that go on. */
bool queue_reserve(struct queue *q, bool under_way);
void queue_put(struct queue *q, void *item);
/* Waits. NULL: queue_stop() was called and nothing is left. */
void *queue_take(struct queue *q);
void queue_stop(struct queue *q);
size_t queue_waiting(struct queue *q);

#endif
