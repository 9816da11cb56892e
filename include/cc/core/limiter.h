/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_LIMITER_H
#define CC_CORE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/err.h"
#include "cc/core/plan.h"

/*
 * Exact limiter inside one node: GCRA, one number (the theoretical arrival time) per meter, bursts
 * up to the limit. Sharded locks, bounded number of meters (idle ones are dropped). Any thread.
 *
 * The meters of tenants are shared between nodes through Redis. A node that is alone counts by itself and
 * tells Redis afterwards; several take leases: each has at most a tenth of the limit, divided by the number
 * of nodes, ahead of what it admits, and none when the meter is nearly empty. So all nodes together admit at
 * most a tenth more than the limit in any window, and nothing more near the limit. Without Redis each
 * node has its part of the limit, and an eighth at least.
 */
struct limiter;

struct limiter *limiter_create(void);
void limiter_destroy(struct limiter *l);

struct limit_verdict {
	bool allowed;
	int64_t limit, remaining;
	int64_t reset_s;        /* until the meter is full again, rounded up */
	int64_t retry_after_s;  /* when refused: at least 1 */
	int64_t window;
};
/*
 * Takes `cost` from the meter of `key` ("k:<key>"), if it has that much. What costs more than the limit takes
 * all of a full one. Of this node alone. now_us: monotonic.
 */
void limiter_take(struct limiter *l, const char *key, const struct rate *rate, int64_t cost, int64_t now_us,
		  struct limit_verdict *ret);

/*
 * A tenant's meter and that of one of its keys: both or none. Refused by either, neither is charged; the
 * verdict is the one that fired, else the tighter one. Cost 0 only looks.
 */
struct limit_pair {
	const char *tenant_id;
	const struct rate *tenant_rate;
	const char *key;                /* "k:<key>": never with another tenant */
	const struct rate *key_rate;
};
/*
 * may_wait false: ERR_NEED_LOAD when Redis must be asked first. True: it is, for 40 ms at most; without an
 * answer this node decides alone.
 */
enum err limiter_take_pair(struct limiter *l, const struct limit_pair *p, int64_t cost, bool may_wait,
			   int64_t now_us, struct limit_verdict *ret) MUST_USE;

/* What one thread does so that meters are shared. ----------------------------------------------- */

struct redis;
/* Before any thread: meters are shared from now on. node: unlike that of any other node. */
void limiter_share(struct limiter *l, const char *node);
/*
 * Waits, half a second at most, until somebody needs Redis or the other nodes want to hear of this one, and
 * asks it. Any error: each node counts by itself until a later step succeeds; to be called again after a
 * second.
 */
enum err limiter_step(struct limiter *l, struct redis *r, struct arena *a) MUST_USE;
/* The thread is to end: limiter_step() returns at once, now and from then on. */
void limiter_wake(struct limiter *l);
/* Gives back what was leased and leaves the nodes. */
void limiter_leave(struct limiter *l, struct redis *r, struct arena *a);

struct limiter_stats {
	bool shared, degraded;          /* degraded: Redis does not answer */
	int nodes;                      /* that were there when it last did */
	int64_t alone;                  /* requests decided without it since then */
	int64_t meters;                 /* that are kept */
};
void limiter_stats(struct limiter *l, struct limiter_stats *ret);

#endif
