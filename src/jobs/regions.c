/* SPDX-License-Identifier: Apache-2.0 */
/* One thread for each region: waiting for one that is gone keeps nobody from looking after the others. */
#include "jobs_in.h"

#include "cc/base/log.h"
#include "cc/core/region_watch.h"
#include "cc/core/world.h"

static void tell(const struct ctx *cx, const struct region *r, enum region_news news)
{
	if (news == REGION_LOST)
		LOG(LOG_WARN, "a region does not answer: requests of its tenants are 503",
			LOG_TEXT("region", r->id), LOG_TEXT("cause", cx->problem.cause));
	if (news == REGION_BACK)
		LOG(LOG_INFO, "a region answers again", LOG_TEXT("region", r->id));
}

void *region_run(void *jobs)
{
	struct jobs *j = jobs;
	struct region *r = &j->world->regions[atomic_fetch_add(&j->watched, 1)];
	struct arena *a = arena_create(4096);
	int64_t wait_ms;

	do {
		struct ctx cx = jobs_ctx(j, a, REGION_SILENCE_MS);

		tell(&cx, r, region_look(&cx, r, &wait_ms));
	} while (jobs_pause(j, ALARM_REGIONS, wait_ms));
	arena_destroy(a);
	return NULL;
}
