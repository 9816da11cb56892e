/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves between regions: apart from the other upkeep, and those whose tenants wait for the next step apart
 * from those that copy and compare, which takes long.
 */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/moves.h"

#define TICK_MS 1000
#define URGENT_TICK_MS 500
#define BUSY_MS 5
#define TAKE_MS 20000
#define NAMES_EVERY_MS 10000

struct names {
	struct trouble trouble;
	struct setbacks setbacks;
	int64_t at;                     /* clock_mono_ms() */
};

static void lead_names(struct jobs *j, struct arena *a, struct names *n)
{
	struct ctx cx = jobs_ctx(j, a, TAKE_MS);
	struct round round;

	if (clock_mono_ms() < n->at)
		return;
	n->at = clock_mono_ms() + jitter_ms(NAMES_EVERY_MS);
	trouble_note(&n->trouble, &cx, moves_lead_names(&cx, &round));
	setbacks_note(&n->setbacks, &round);
}

static void *run(struct jobs *j, const char *what, bool urgent, int64_t tick_ms)
{
	struct names names = { .trouble = { .what = "names of tenants that have moved" },
			       .setbacks = { .what = "names of tenants that have moved" } };
	struct trouble trouble = { .what = what };
	struct arena *a = arena_create(65536);
	int64_t pause_ms;

	do {
		struct ctx cx = jobs_ctx(j, a, TAKE_MS);
		bool did = false;
		const enum err e = moves_tick(&cx, urgent, &did);

		trouble_note(&trouble, &cx, e);
		if (!urgent && !did)
			lead_names(j, a, &names);
		pause_ms = e != ERR_NONE ? trouble_pause_ms(&trouble, tick_ms)
			   : did	 ? BUSY_MS
					 : jitter_ms(tick_ms);
	} while (jobs_pause(j, ALARM_MOVES, pause_ms));
	arena_destroy(a);
	return NULL;
}

void *moves_run(void *jobs)
{
	return run(jobs, "moves between regions", false, TICK_MS);
}

/* A large tenant is copied and compared for minutes: others have another thread. */
void *moves_run_too(void *jobs)
{
	return run(jobs, "moves between regions", false, TICK_MS);
}

void *fences_run(void *jobs)
{
	return run(jobs, "moves that hold tenants up", true, URGENT_TICK_MS);
}
