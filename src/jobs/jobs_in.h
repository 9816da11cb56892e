/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_JOBS_JOBS_IN_H
#define CC_JOBS_JOBS_IN_H

#include <pthread.h>
#include <stdatomic.h>

#include "cc/base/ctx.h"
#include "cc/base/lock.h"
#include "cc/core/rounds.h"
#include "cc/jobs/jobs.h"

#define THREADS_MAX 24
#define WATCHES_MAX 16 /* regions, each with a thread of its own */
#define PUSH_CHANNEL "cc:change"

/* What a background thread may be woken for. */
enum alarm {
	ALARM_POLL, /* the feed may have something new */
	ALARM_PUSH, /* this node changed something: tell the others */
	ALARM_WORK, /* there is something to make or to remove */
	ALARM_KEYS, /* keys of an issuer are to be asked for again */
	ALARM_LIMITS, /* none: only the end of the jobs wakes it */
	ALARM_DOMAINS, /* the same */
	ALARM_REGIONS, /* the same */
	ALARM_MOVES, /* the same */
	ALARM_USAGE, /* room for counts becomes scarce */
	ALARM_BILLING, /* the same */
	ALARM_CALLS, /* calls of Stripe's were written down */
	ALARM_BUNDLES, /* a bundle that is waited for may have changed … */
	ALARM_BUNDLES_TOO, /* … for the second of the threads */
	ALARM_COUNT,
};

#define CHANGED_MAX 100 /* tenants, told of by one message; more are any */

/* What other nodes are to be told of. */
struct changes {
	bool feed;                /* the feed has something new */
	bool any;                 /* the data of too many tenants to name them */
	char *tenant[CHANGED_MAX];
	size_t n;
};

struct jobs {
	struct world *world;
	char node[17]; /* who tells: nobody heeds itself */
	struct lock lock; /* guards what follows */
	struct changes changes;
	struct cond wake[ALARM_COUNT];
	bool due[ALARM_COUNT];
	bool stop;
	int nthreads;
	pthread_t threads[THREADS_MAX + WATCHES_MAX];
	_Atomic size_t watched; /* regions that have their thread */
	bool stripe; /* invoices are Stripe's; else the ledger's */
};

/* Sleeps until the alarm or until_ms (clock_mono_ms). False: the jobs are to end. */
bool jobs_wait(struct jobs *j, enum alarm a, int64_t until_ms);
/* Sleeps whatever alarm there is: the distance between two attempts. False: the jobs are to end. */
bool jobs_pause(struct jobs *j, enum alarm a, int64_t ms);
void jobs_alarm(struct jobs *j, enum alarm a);
bool jobs_stopping(struct jobs *j);

/*
 * A step with an arena and a deadline of its own. What it reads of the settings stays there until the thread
 * waits, or begins another.
 */
struct ctx jobs_ctx(struct jobs *j, struct arena *a, int64_t ms);

/* What keeps failing is said once, and once more when it works again. */
struct trouble {
	const char *what; /* "change feed" */
	bool told;
	int failures; /* in a row */
};
void trouble_note(struct trouble *t, const struct ctx *cx, enum err e);
/* What failed for single tenants is said at once, and then once a minute at most with how much it was. */
struct setbacks {
	const char *what; /* "checks of domains" */
	int failed; /* turns, since it was last said */
	int64_t say_at; /* clock_mono_ms() */
};
void setbacks_note(struct setbacks *s, const struct round *r);
/* base_ms after the first failure, doubled with each further one, at most five seconds, with jitter. */
int64_t trouble_pause_ms(const struct trouble *t, int64_t base_ms);
/* ms ± 20 %, so that nodes that started together do not stay together. */
int64_t jitter_ms(int64_t ms);

void *feed_run(void *jobs); /* feed.c */
void push_feed(struct world *w); /* push.c: what the world calls */
void push_data(struct world *w, const char *tenant_id);
void push_forget(struct changes *c);
void *push_run(void *jobs);
void *listen_run(void *jobs);
void *upkeep_run(void *jobs); /* upkeep.c */
void *limits_run(void *jobs); /* limits.c */
void *keys_run(void *jobs); /* keys.c */
void *domains_run(void *jobs); /* domains.c */
void *region_run(void *jobs); /* regions.c */
void *moves_run(void *jobs); /* moves.c */
void *moves_run_too(void *jobs);
void *fences_run(void *jobs); /* the same */
void *usage_run(void *jobs); /* usage.c */
void *billing_run(void *jobs); /* billing.c */
void *calls_run(void *jobs); /* calls.c */
void *bundles_run(void *jobs); /* bundles.c */
void *bundles_run_too(void *jobs);

#endif
