/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_HEALTH_H
#define CC_CORE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/ctx.h"

struct health {
	bool database_up, redis_up;
	bool redis_used;                /* one is configured */
	int64_t database_us, redis_us;  /* how long the answer took; 0 when there was none */
	int64_t uptime_s;
};

/* Asks both, at most once a second whoever asks; waits a second at most. Blocks: for workers. */
void health_check(struct ctx *cx, struct health *ret);
/* Can requests be served? From memory while the change feed is fresh, else the control database is asked. */
enum err health_ready(struct ctx *cx) MUST_USE;

#endif
