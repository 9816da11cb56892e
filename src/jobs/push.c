/* SPDX-License-Identifier: Apache-2.0 */
/* Redis shortens the wait for the change feed. Nothing depends on it. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/cache/redis.h"

#define COALESCE_MS 10 /* many changes at once are one message */
#define LISTEN_MS 500
#define PUBLISH_MS 1000
#define NEVER_MS 3600000

void *push_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "redis push" };
	struct redis *redis = redis_create(j->world->redis);
	struct arena *a = arena_create(1024);

	while (jobs_wait(j, ALARM_PUSH, clock_mono_ms() + NEVER_MS)) {
		struct ctx cx = jobs_ctx(j, a, PUBLISH_MS);

		trouble_note(&trouble, &cx, redis_publish(redis, PUSH_CHANNEL, "changed"));
		if (!jobs_pause(j, ALARM_PUSH, COALESCE_MS))
			break;
	}
	redis_destroy(redis);
	arena_destroy(a);
	return NULL;
}

/* Connects again by itself, once a second. After a gap messages may have been missed: the feed is asked. */
void *listen_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "redis subscription" };
	struct redis_sub *sub = redis_subscribe(j->world->redis, PUSH_CHANNEL);
	struct arena *a = arena_create(1024);

	while (!jobs_stopping(j)) {
		struct ctx cx = jobs_ctx(j, a, LISTEN_MS);
		const bool gap = trouble.failures > 0;
		const char *message = NULL;
		enum err e = redis_sub_next(sub, a, LISTEN_MS, &message);

		trouble_note(&trouble, &cx, e);
		if (message != NULL || (gap && e == ERR_NONE))
			jobs_alarm(j, ALARM_POLL);
	}
	redis_sub_destroy(sub);
	arena_destroy(a);
	return NULL;
}
