/* SPDX-License-Identifier: Apache-2.0 */
/* Domains of tenants: apart from the other upkeep, because it waits for resolvers. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/domains.h"

#define TICK_MS 1000
#define BUSY_MS 20 /* a round that did something is followed by another soon */
#define CLAIM_MS 5000

void *domains_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "checks of domains" };
	struct setbacks setbacks = { .what = trouble.what };
	struct arena *a = arena_create(65536);
	int64_t pause_ms;

	do {
		struct ctx cx = jobs_ctx(j, a, CLAIM_MS);
		struct round round;
		const enum err e = domains_tick(&cx, &round);

		trouble_note(&trouble, &cx, e);
		setbacks_note(&setbacks, &round);
		pause_ms = e != ERR_NONE    ? trouble_pause_ms(&trouble, TICK_MS)
			   : round.done > 0 ? BUSY_MS
					    : jitter_ms(TICK_MS);
	} while (jobs_pause(j, ALARM_DOMAINS, pause_ms));
	arena_destroy(a);
	return NULL;
}
