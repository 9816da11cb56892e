/* SPDX-License-Identifier: Apache-2.0 */
/* Redis shortens the wait for the change feed. Nothing depends on it: when it is away, nothing else happens. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/cache/redis.h"

#define COALESCE_MS 10          /* many changes at once are one message */
#define LISTEN_MS 500
#define RETRY_MS 1000
#define NEVER_MS 3600000

void *push_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "redis push" };
	struct redis *redis = redis_create(j->world->redis);
	struct arena *a = arena_create(1024);

	while (jobs_wait(j, ALARM_PUSH, clock_mono_ms() + NEVER_MS)) {
		struct ctx cx = jobs_ctx(j, a, RETRY_MS);

		trouble_note(&trouble, &cx, redis_publish(redis, PUSH_CHANNEL, "changed"));
		if (!jobs_pause(j, ALARM_PUSH, COALESCE_MS))
			break;
	}
	redis_destroy(redis);
	arena_destroy(a);
	return NULL;
}

/* Until the connection fails or the jobs end. */
static enum err listen_to(struct jobs *j, struct redis_sub *sub, struct arena *a, struct trouble *trouble)
{
	enum err e = ERR_NONE;

	while (e == ERR_NONE && !jobs_stopping(j)) {
		struct ctx cx = jobs_ctx(j, a, LISTEN_MS);
		const char *message = NULL;

		e = redis_sub_next(sub, a, LISTEN_MS, &message);
		trouble_note(trouble, &cx, e);
		if (message != NULL)
			jobs_alarm(j, ALARM_POLL);
	}
	return e;
}

void *listen_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "redis subscription" };
	struct arena *a = arena_create(1024);

	do {
		struct redis_sub *sub = redis_subscribe(j->world->redis, PUSH_CHANNEL);

		if (sub != NULL) {
			(void)listen_to(j, sub, a, &trouble);
		} else {
			struct ctx cx = jobs_ctx(j, a, RETRY_MS);

			trouble_note(&trouble, &cx, ERR_UNAVAILABLE);
		}
		redis_sub_destroy(sub);
	} while (jobs_pause(j, ALARM_LISTEN, jitter_ms(RETRY_MS)));
	arena_destroy(a);
	return NULL;
}
