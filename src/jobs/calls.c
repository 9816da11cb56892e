/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of Stripe's: several threads, because somebody may be waiting for one while others take their
 * time.
 */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/outbox.h"

#define TICK_MS 1000
#define TAKE_MS 5000

void *calls_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "calls of Stripe's" };
	struct arena *a = arena_create(65536);
	bool go_on = true;

	while (go_on) {
		struct ctx cx = jobs_ctx(j, a, TAKE_MS);
		bool did = false;
		const enum err e = outbox_step(&cx, &did);

		trouble_note(&trouble, &cx, e);
		if (e != ERR_NONE)
			go_on = jobs_pause(j, ALARM_CALLS, trouble_pause_ms(&trouble, TICK_MS));
		else if (!did)
			go_on = jobs_wait(j, ALARM_CALLS, clock_mono_ms() + jitter_ms(TICK_MS));
		else
			go_on = !jobs_stopping(j);
	}
	arena_destroy(a);
	return NULL;
}
