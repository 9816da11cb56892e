/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_JOB_METERS_H
#define CC_CORE_JOB_METERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "cc/base/err.h"

/* How the background work of this node goes, each kind by its name. Any thread; nobody waits. */
#define JOB_METERS_MAX 48

struct job_meter {
	const char *_Atomic what;       /* a constant; NULL: the rest is free */
	_Atomic int64_t runs, failures;
	_Atomic int64_t good_us;        /* when it last went well, wall clock; 0: not yet */
	_Atomic int last;               /* enum err of the last run */
};

struct world;
/* One run is over. what: a constant. */
void job_meter_note(struct world *w, const char *what, enum err e);

#endif
