/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_LIMITER_H
#define CC_CORE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/core/plan.h"

/*
 * Exact limiter inside one node: GCRA, one number (the theoretical arrival time) per meter, bursts
 * up to the limit. Sharded locks, bounded number of meters (idle ones are dropped). Any thread.
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
 * Takes `cost` from the meter of `key` ("t:<tenant>", "k:<key>"), if it has that much. What costs more than
 * the limit takes all of a full one. now_us: monotonic.
 */
void limiter_take(struct limiter *l, const char *key, const struct rate *rate, int64_t cost, int64_t now_us,
		  struct limit_verdict *ret);
/*
 * Both or none: refused by either, neither is charged; ret is the one that fired, else the tighter one.
 * key2 always comes with the same key1 (a key has one tenant): they share a lock. Cost 0 only looks.
 */
void limiter_take_two(struct limiter *l, const char *key1, const struct rate *rate1, const char *key2,
		      const struct rate *rate2, int64_t cost, int64_t now_us, struct limit_verdict *ret);

#endif
