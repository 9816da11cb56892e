/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_LOCK_H
#define CC_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Mutexes with a rank. Debug builds (no NDEBUG) abort when a thread takes a lock whose rank is
 * not higher than those it holds. No lock is held across I/O or a callback.
 */
enum lock_rank {
	RANK_QUEUE = 10,        /* request queue */
	RANK_REGISTRY = 20,     /* tenants and credentials */
	RANK_LIMITS = 30,       /* rate limiter shards */
	RANK_SHARE = 32,        /* what of them other nodes must know */
	RANK_MARKS = 35,        /* credentials that were used */
	RANK_POOL = 40,         /* connection pools */
	RANK_CONNS = 50,        /* HTTP connection table */
	RANK_METERS = 52,       /* requests by tenant */
	RANK_WAITS = 53,        /* requests that wait for something to happen */
	RANK_STREAMS = 55,      /* who is being sent an answer that is made meanwhile */
	RANK_TLS = 58,          /* certificates by name */
	RANK_ANSWERS = 60,      /* kept answers */
	RANK_BUNDLES = 62,      /* bundles that are wanted, and those that are kept */
	RANK_USAGE = 65,        /* what of tenants' usage one thread counts */
	RANK_JOBS = 70,         /* who of the background threads is due */
	RANK_LOG = 90,          /* log ring: last, so anyone may log */
};

struct lock {
	pthread_mutex_t m;
	enum lock_rank rank;
};

void lock_init(struct lock *l, enum lock_rank rank);
void lock_finish(struct lock *l);
void lock_take(struct lock *l);
void lock_drop(struct lock *l);

struct cond {
	pthread_cond_t c;       /* on the monotonic clock */
};
void cond_init(struct cond *c);
void cond_finish(struct cond *c);
void cond_wait(struct cond *c, struct lock *l);
/* False when deadline_ms (clock_mono_ms) passed first. */
bool cond_wait_until(struct cond *c, struct lock *l, int64_t deadline_ms);
void cond_wake_one(struct cond *c);
void cond_wake_all(struct cond *c);

#endif
