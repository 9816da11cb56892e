/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_LIMITER_IN_H
#define CC_SRC_CORE_LIMITER_IN_H

#include "cc/core/limiter.h"

#include <stdatomic.h>

#include "cc/base/lock.h"
#include "cc/cache/redis.h"

enum {
	SHARDS = 32,                    /* powers of two */
	BUCKETS = 1024,
	METERS_MAX = 4096,              /* per shard */
	PAIR = 2,
	NODE_MAX = 64,
};

/* Limits times windows: 10⁹ in a day in microseconds is more than 64 bits hold. */
__extension__ typedef __int128 wide;

/* What is known of a meter that other nodes have too. Times are of our clock. */
struct shared {
	const char *tenant_id;          /* NULL: it is not shared */
	int64_t limit, window_us;       /* as last asked for */
	/* when Redis was asked last (0: never), and where all nodes together stood */
	int64_t view_us, view_tat_us;
	int64_t lease, lease_until_us;  /* taken there, not spent here */
	int64_t owed;                   /* spent here and not yet known there; below 0: to be given back */
	int64_t low_tat_us;             /* by this node's part of the limit */
	int64_t needed;                 /* by who waits; taken along by the next question */
	uint64_t questions;
	bool wants_lease;
	bool pending, lent;             /* in a list of struct share: it cannot be dropped */
	struct meter *next_pending, *next_lent;
};

/*
 * Theoretical arrival time: when the meter is full again. Its fraction is kept in parts of the limit,
 * so that no rounding adds up, however odd the limit.
 */
struct meter {
	struct meter *next;
	uint64_t hash;
	int64_t tat_us, tat_part;       /* part / limit of a microsecond */
	int64_t limit;                  /* that tat_part refers to */
	int shard;
	struct shared shared;
	char key[];
};

struct shard {
	struct lock lock;
	int number;
	struct meter *bucket[BUCKETS];
	size_t count;
};

/* Between nodes. Its lock is taken inside of a shard's. */
struct share {
	bool open;                      /* constant once threads run */
	char node[NODE_MAX];
	atomic_bool up;                 /* Redis has answered the last question */
	atomic_int nodes;
	_Atomic int64_t alone_since_us; /* 0: there are others, or may be */
	_Atomic int64_t alone_takes;    /* without Redis */
	struct lock lock;               /* guards what follows */
	struct cond due, answered;
	struct meter *pending;
	uint64_t rounds;                /* questions that have ended, one way or the other */
	bool stop;
	/* of the thread that asks */
	struct meter *lent;
	struct redis_script script;
	int64_t hello_at_ms;            /* 0: Redis was never asked, -1: it did not answer */
};

struct limiter {
	struct shard shard[SHARDS];
	struct share share;
};

/* Who decides about a take. */
enum take_mode {
	TAKE_HERE,      /* this node, as there is no other */
	TAKE_LEASED,    /* Redis, by what it has leased out */
	TAKE_LOW,       /* this node for its part of the limit: Redis does not answer */
};

struct ask {
	const char *tenant_id;          /* NULL: the meters are of this node alone */
	int n;
	const char *key[PAIR];
	const struct rate *rate[PAIR];
	int64_t cost, now_us;
	bool low;                       /* do not wait for Redis any more */
	bool may_need;                  /* register what is needed there */
	uint64_t ticket[PAIR];          /* … which has been done: question + 1 */
};

/* What a take would do: decided first, so that two meters change together or not at all. */
struct take {
	const char *key;
	uint64_t hash;
	enum take_mode mode;
	int64_t full_limit;
	int64_t limit, window_us;       /* by which it is decided */
	int64_t cost;
	struct meter *meter;            /* NULL: full, or not yet there */
	int64_t tat_us, tat_part;       /* after the take */
	bool needs;                     /* Redis must be asked first */
	struct limit_verdict verdict;
};

int64_t ceil_div(int64_t a, int64_t b);
/* Cells that are left of a meter which is full at tat_us. */
int64_t meter_left(int64_t limit, int64_t window_us, int64_t tat_us, int64_t tat_part, int64_t now_us);

/* Both meters of the ask, or none. False: Redis must be asked first. */
bool take_pair(struct limiter *l, struct ask *q, struct limit_verdict *ret);

/* limiter_share.c; under the shard's lock. */
enum take_mode share_mode(const struct share *h, const struct ask *q, const struct meter *m);
/* The part of a limit that this node has when it is left to itself. */
int64_t share_part(const struct share *h, int64_t limit);
/* TAKE_LEASED: what its own count allows has to be leased as well. */
void share_decide(struct limiter *l, struct take *t, int64_t now_us);
void share_need(struct limiter *l, struct ask *q, struct take *t, int i);
/* The take is made. */
void share_spend(struct limiter *l, const struct take *t, int64_t now_us);
/* Takes a place in the list of what Redis is asked about next. */
void share_poke(struct limiter *l, struct meter *m);
/* Where all nodes together stood, without what this one has leased and not spent. */
int64_t share_level(const struct take *t, int64_t now_us);
/* What is left of its lease. */
int64_t share_lease(const struct meter *m, int64_t now_us);
void share_init(struct share *h);
void share_finish(struct share *h);

#endif
