/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles that somebody waits for: looked for once a second, and at once when their tenant changed
 * something.
 */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/bundles.h"

#define STEP_MS 20000

static void *run(struct jobs *j, enum alarm alarm, bool quick)
{
	struct trouble trouble = { .what = "bundles" };
	struct arena *a = arena_create(65536);
	int64_t next = clock_mono_ms();

	while (jobs_wait(j, alarm, next)) {
		bool did = true;

		while (did && !jobs_stopping(j)) {
			struct ctx cx = jobs_ctx(j, a, STEP_MS);
			const enum err e = bundles_tick(&cx, quick, &did, &next);

			if (did)
				trouble_note(&trouble, &cx, e);
		}
	}
	arena_destroy(a);
	return NULL;
}

/* Two run, and those that take long have one of them: they hold up nobody else. */
void *bundles_run(void *jobs)
{
	return run(jobs, ALARM_BUNDLES, false);
}

void *bundles_run_too(void *jobs)
{
	return run(jobs, ALARM_BUNDLES_TOO, true);
}
