/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of issuers are asked for again here, so that no request waits for an issuer whose keys are known. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/core/issuer_keys.h"

#define STEP_MS 5000
#define LOOK_MS 60000 /* however few tokens come */

void *keys_run(void *jobs)
{
	struct jobs *j = jobs;
	struct arena *a = arena_create(16384);

	while (jobs_wait(j, ALARM_KEYS, clock_mono_ms() + LOOK_MS)) {
		struct ctx cx = jobs_ctx(j, a, STEP_MS);

		while (!jobs_stopping(j) && issuer_keys_refresh(&cx))
			cx = jobs_ctx(j, a, STEP_MS);
	}
	arena_destroy(a);
	return NULL;
}
