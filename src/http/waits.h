/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_WAITS_H
#define CC_SRC_HTTP_WAITS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cc/base/lock.h"

/*
 * Requests that wait for something to happen (reply_wait()): their connections are suspended, and no thread
 * is theirs. One thread for all of them gives them back to the workers: when somebody says that it has
 * happened, when their time is over, when their client has left, and when the server is to end.
 */
struct call;
struct http_server;

#define WAIT_BUCKETS 1024

/* How many are whose: there while at least one waits. */
struct wait_owner {
	struct wait_owner *next; /* guarded by: waits.lock */
	uint64_t id;
	int n; /* guarded by: waits.lock */
};

struct wait_place {
	struct call *next;        /* guarded by: waits.lock */
	struct wait_owner *owner; /* guarded by: waits.lock */
	uint64_t topic, mark;
	int64_t until_ms, look_ms;
};

struct waits {
	struct lock lock;
	struct cond wake;
	struct call *bucket[WAIT_BUCKETS]; /* guarded by: lock; by topic */
	struct wait_owner *owner[WAIT_BUCKETS]; /* guarded by: lock; by id */
	struct call *ready;                /* guarded by: lock; on their way back */
	int n, max;                        /* guarded by: lock */
	bool ending, over;                 /* guarded by: lock */
	bool running;
	struct http_server *server;
	pthread_t thread;
};

void waits_init(struct waits *w, struct http_server *s, int max);
bool waits_start(struct waits *w);
/*
 * A worker's. One tenant may have half of the room; the last quarter is for those of whom few wait, so that
 * whoever fills what it may leaves others theirs.
 */
enum waits_result {
	WAITS_PARKED, /* the call is not the worker's any more */
	WAITS_OVER,   /* its time is, or nobody waits any more: it is answered */
	WAITS_FULL,   /* there is no room for it */
};
enum waits_result waits_park(struct waits *w, struct call *c);
/* All that wait go on, and nobody waits from now on. Before the queue stops. */
void waits_end(struct waits *w);
/* The thread is over. */
void waits_join(struct waits *w);
void waits_finish(struct waits *w);
/* What waits for the topic with another mark goes on. Any thread. */
void waits_wake(struct waits *w, uint64_t topic, uint64_t mark);

#endif
