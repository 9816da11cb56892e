/* SPDX-License-Identifier: Apache-2.0 */
/* Moves between regions: apart from the other upkeep, because a tenant may be waiting for the next step. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/moves.h"

#define TICK_MS 500
#define BUSY_MS 5
#define TAKE_MS 20000

void *moves_run(void *jobs)
{
	struct jobs *j = jobs;
	struct trouble trouble = { .what = "moves between regions" };
	struct arena *a = arena_create(65536);
	int64_t pause_ms;

	do {
		struct ctx cx = jobs_ctx(j, a, TAKE_MS);
		bool did = false;
		const enum err e = moves_tick(&cx, &did);

		trouble_note(&trouble, &cx, e);
		pause_ms = e != ERR_NONE ? trouble_pause_ms(&trouble, TICK_MS)
			   : did	 ? BUSY_MS
					 : jitter_ms(TICK_MS);
	} while (jobs_pause(j, ALARM_MOVES, pause_ms));
	arena_destroy(a);
	return NULL;
}
