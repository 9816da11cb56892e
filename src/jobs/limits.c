/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps rate limits in step with the other nodes: core/limiter.h. */
#include "jobs_in.h"

#include "cc/cache/redis.h"
#include "cc/core/limiter.h"

#define RETRY_MS 1000

void *limits_run(void *jobs)
{
	struct jobs *j = jobs;
	struct limiter *l = j->world->limiter;
	struct redis *redis = redis_create(j->world->redis);
	struct arena *a = arena_create((size_t)32 * 1024);

	while (!jobs_stopping(j)) {
		arena_reset(a);
		if (limiter_step(l, redis, a) != ERR_NONE &&
		    !jobs_pause(j, ALARM_LIMITS, jitter_ms(RETRY_MS)))
			break;
	}
	limiter_leave(l, redis, a);
	redis_destroy(redis);
	arena_destroy(a);
	return NULL;
}
