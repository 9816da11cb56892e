/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* These calls fail only when the program is wrong; going on would be worse. */
static void must(int error)
{
	if (error != 0)
		abort();
}

#ifndef NDEBUG
#define HELD_MAX 8

static _Thread_local enum lock_rank held[HELD_MAX];
static _Thread_local int nheld;

static void rank_take(enum lock_rank rank)
{
	if (nheld == HELD_MAX || (nheld > 0 && held[nheld - 1] >= rank)) {
		fprintf(stderr, "lock of rank %d taken while one of rank %d is held\n", (int)rank,
			nheld > 0 ? (int)held[nheld - 1] : 0);
		abort();
	}
	held[nheld++] = rank;
}

/* Ranks ascend, so the array stays sorted whatever the order in which locks are dropped. */
static void rank_drop(enum lock_rank rank)
{
	int at = nheld - 1;

	while (at >= 0 && held[at] != rank)
		at--;
	if (at < 0)
		abort();
	for (nheld--; at < nheld; at++)
		held[at] = held[at + 1];
}
#else
static void rank_take(enum lock_rank rank)
{
	(void)rank;
}

static void rank_drop(enum lock_rank rank)
{
	(void)rank;
}
#endif

void lock_init(struct lock *l, enum lock_rank rank)
{
	must(pthread_mutex_init(&l->m, NULL));
	l->rank = rank;
}

void lock_finish(struct lock *l)
{
	must(pthread_mutex_destroy(&l->m));
}

void lock_take(struct lock *l)
{
	rank_take(l->rank);
	must(pthread_mutex_lock(&l->m));
}

void lock_drop(struct lock *l)
{
	must(pthread_mutex_unlock(&l->m));
	rank_drop(l->rank);
}

void cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr));
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	must(pthread_cond_init(&c->c, &attr));
	pthread_condattr_destroy(&attr);
}

void cond_finish(struct cond *c)
{
	must(pthread_cond_destroy(&c->c));
}

void cond_wait(struct cond *c, struct lock *l)
{
	must(pthread_cond_wait(&c->c, &l->m));
}

bool cond_wait_until(struct cond *c, struct lock *l, int64_t deadline_ms)
{
	struct timespec at = { 0 };
	int error;

	if (deadline_ms > 0) {
		at.tv_sec = (time_t)(deadline_ms / 1000);
		at.tv_nsec = (long)(deadline_ms % 1000) * 1000000;
	}
	error = pthread_cond_timedwait(&c->c, &l->m, &at);
	if (error != ETIMEDOUT)
		must(error);
	return error == 0;
}

void cond_wake_one(struct cond *c)
{
	must(pthread_cond_signal(&c->c));
}

void cond_wake_all(struct cond *c)
{
	must(pthread_cond_broadcast(&c->c));
}
