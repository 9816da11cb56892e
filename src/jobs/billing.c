/* SPDX-License-Identifier: Apache-2.0 */
/* Billing: apart from the other upkeep, because with Stripe it waits for another server. */
#include "jobs_in.h"

#include "cc/core/billing.h"

#define TICK_MS 5000
#define BUSY_MS 20 /* a round that did something is followed by another soon */
#define TAKE_MS 20000

void *billing_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "billing" };
	struct setbacks setbacks = { .what = trouble.what };
	struct arena *a = arena_create(65536);
	int64_t pause_ms;

	do {
		struct ctx cx = jobs_ctx(j, a, TAKE_MS);
		struct round round;
		const enum err e = billing_tick(&cx, &round);

		trouble_note(&trouble, &cx, e);
		setbacks_note(&setbacks, &round);
		pause_ms = e != ERR_NONE    ? trouble_pause_ms(&trouble, TICK_MS)
			   : round.done > 0 ? BUSY_MS
					    : jitter_ms(TICK_MS);
	} while (jobs_pause(j, ALARM_BILLING, pause_ms));
	arena_destroy(a);
	return NULL;
}
