/* SPDX-License-Identifier: Apache-2.0 */
/* What was counted goes to the control database every second; what dead processes left, within a minute. */
#include "cc/core/usage.h"

#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/base/log.h"

#define SEND_MS 1000
#define SEND_BUDGET_MS 5000
#define LAST_BUDGET_MS 2000
#define ADOPT_EVERY_MS 60000

static enum err send_all(struct jobs *j, struct arena *a, struct trouble *t, int64_t budget_ms)
{
	struct ctx cx = jobs_ctx(j, a, budget_ms);
	const enum err e = usage_send(&cx);

	trouble_note(t, &cx, e);
	return e;
}

static void adopt(struct usage *u, int64_t *at)
{
	int n;

	if (clock_mono_ms() < *at)
		return;
	*at = clock_mono_ms() + jitter_ms(ADOPT_EVERY_MS);
	n = usage_adopt(u);
	if (n > 0)
		LOG(LOG_INFO, "usage that another process left is taken over", LOG_INT("journals", n));
}

void *usage_run(void *jobs)
{
	struct jobs *j = jobs;
	struct usage *u = j->world->usage;
	struct trouble trouble = { .what = "sending of usage" };
	struct arena *a = arena_create(65536);
	int64_t adopt_at = clock_mono_ms() + ADOPT_EVERY_MS;
	bool go_on = u != NULL;

	while (go_on) {
		const enum err e = send_all(j, a, &trouble, SEND_BUDGET_MS);

		adopt(u, &adopt_at);
		/* Scarce room is no reason to press on a database that is away. */
		go_on = e != ERR_NONE ? jobs_pause(j, ALARM_USAGE, trouble_pause_ms(&trouble, SEND_MS))
				      : jobs_wait(j, ALARM_USAGE, clock_mono_ms() + SEND_MS);
	}
	/* Nobody counts any more: the listener is closed before the jobs end. */
	if (u != NULL)
		(void)send_all(j, a, &trouble, LAST_BUDGET_MS);
	arena_destroy(a);
	return NULL;
}
