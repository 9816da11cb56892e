/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

bool queue_init(struct queue *q, size_t cap, size_t extra)
{
	memset(q, 0, sizeof(*q));
	q->cap = cap > 0 ? cap : 1;
	q->extra = extra;
	q->ring = calloc(q->cap + q->extra, sizeof(*q->ring));
	lock_init(&q->lock, RANK_QUEUE);
	cond_init(&q->more);
	return q->ring != NULL;
}

void queue_finish(struct queue *q)
{
	free(q->ring);
	cond_finish(&q->more);
	lock_finish(&q->lock);
}

bool queue_reserve(struct queue *q, bool under_way)
{
	bool ok;

	lock_take(&q->lock);
	ok = q->taken < q->cap + (under_way ? q->extra : 0) && !q->stop;
	if (ok)
		q->taken++;
	lock_drop(&q->lock);
	return ok;
}

void queue_put(struct queue *q, void *item)
{
	lock_take(&q->lock);
	q->ring[(q->head + q->waiting) % (q->cap + q->extra)] = item;
	q->waiting++;
	cond_wake_one(&q->more);
	lock_drop(&q->lock);
}

void *queue_take(struct queue *q)
{
	void *item = NULL;

	lock_take(&q->lock);
	/* A place that is reserved will be filled: somebody must be here to take it. */
	while (q->waiting == 0 && !(q->stop && q->taken == 0))
		cond_wait(&q->more, &q->lock);
	if (q->waiting > 0) {
		item = q->ring[q->head];
		q->head = (q->head + 1) % (q->cap + q->extra);
		q->waiting--;
		q->taken--;
		if (q->stop)
			cond_wake_all(&q->more);
	}
	lock_drop(&q->lock);
	return item;
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
