/* SPDX-License-Identifier: Apache-2.0 */
/* One thread for each region: waiting for one that is gone keeps nobody from looking after the others. */
#include "jobs_in.h"

#include "cc/base/log.h"
#include "cc/core/region_watch.h"
#include "cc/core/world.h"

#define PREPARE_EVERY_MS 1000

static void tell(const struct ctx *cx, const struct region *r, enum region_news news)
{
	if (news == REGION_LOST)
		LOG(LOG_WARN, "a region does not answer: requests of its tenants are 503",
			LOG_TEXT("region", r->id), LOG_TEXT("cause", cx->problem.cause));
	if (news == REGION_BACK)
		LOG(LOG_INFO, "a region answers again", LOG_TEXT("region", r->id));
}

/* It is asked every second whether it can be set up by now. */
static void prepare(struct ctx *cx, struct region *r, struct trouble *t, int64_t *ret_wait_ms)
{
	trouble_note(t, cx, region_prepare(cx, r));
	*ret_wait_ms = PREPARE_EVERY_MS;
}

void *region_run(void *jobs)
{
	struct trouble trouble = { .what = "set-up of a region that was silent" };
	struct jobs *j = jobs;
	struct region *r = &j->world->regions[atomic_fetch_add(&j->watched, 1)];
	struct arena *a = arena_create(4096);
	int64_t wait_ms;

	do {
		struct ctx cx = jobs_ctx(j, a, REGION_SILENCE_MS);

		if (atomic_load(&r->unprepared))
			prepare(&cx, r, &trouble, &wait_ms);
		else
			tell(&cx, r, region_look(&cx, r, &wait_ms));
	} while (jobs_pause(j, ALARM_REGIONS, wait_ms));
	arena_destroy(a);
	return NULL;
}
