/* SPDX-License-Identifier: Apache-2.0 */
/* What other nodes changed: asked for twice a second, and at once when somebody says so. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/registry.h"

#define POLL_MS 2000   /* one poll at most */
#define DISTANCE_MS 20 /* between two, however many pushes arrive */

void *feed_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "change feed" };
	struct arena *a = arena_create(16384);
	int64_t next = clock_mono_ms();

	while (jobs_wait(j, ALARM_POLL, next)) {
		struct ctx cx = jobs_ctx(j, a, POLL_MS);

		trouble_note(&trouble, &cx, registry_poll(&cx));
		/* Never slower than usual: how fresh the caches are is what lets them be trusted. */
		next = clock_mono_ms() + j->world->settings->poll_ms;
		if (!jobs_pause(j, ALARM_POLL, DISTANCE_MS))
			break;
	}
	arena_destroy(a);
	return NULL;
}
