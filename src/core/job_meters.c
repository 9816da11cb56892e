/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/job_meters.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/world.h"

/* Places are taken once and stay. NULL: there are more kinds of work than places. */
static struct job_meter *place_of(struct world *w, const char *what)
{
	for (size_t i = 0; i < JOB_METERS_MAX; i++) {
		struct job_meter *m = &w->job_meter[i];
		const char *has = NULL;

		if (atomic_compare_exchange_strong(&m->what, &has, what) || strcmp(has, what) == 0)
			return m;
	}
	return NULL;
}

void job_meter_note(struct world *w, const char *what, enum err e)
{
	struct job_meter *m = place_of(w, what);

	if (m == NULL)
		return;
	atomic_fetch_add(&m->runs, 1);
	if (e == ERR_NONE)
		atomic_store(&m->good_us, clock_wall_us());
	else
		atomic_fetch_add(&m->failures, 1);
	atomic_store(&m->last, (int)e);
}
