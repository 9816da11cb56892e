/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_MOVE_SIM_H
#define CC_TESTS_MOVE_SIM_H

#include <stdint.h>

#include "cc/core/move_machine.h"

/*
 * A move in a world of its own: two copies of a tenant, clients that write, three nodes that die, sleep and
 * keep on with leases that are over, messages that are lost, late, or come twice, copies that are damaged.
 * All of it follows from one number.
 */

/* What somebody might get wrong, to see whether it would be found. */
enum move_bug {
	BUG_NONE,
	BUG_OPENS_BEFORE_STORING,       /* the source opens, then the abort is stored */
	BUG_NO_VERIFY,                  /* drained is good enough */
	BUG_NO_TURNS,                   /* effects are taken whatever was decided since */
	BUG_FENCE_DOES_NOT_WAIT,        /* for writes that have passed the gate */
	BUG_BLIND_FLIP,                 /* the placement changes whatever was stored since */
	BUG_TARGET_OPENS_EARLY,         /* with the fence of the source */
	BUG_FLIP_IGNORES_CANCEL,
	BUG_ABORT_FORGETS_SOURCE,       /* the end is stored without opening it */
	BUG_DROPS_LATE_CHANGES,         /* the fence is not drained, nor compared */
	MOVE_BUGS
};

struct move_story {
	const char *broken;             /* what was violated, or NULL */
	enum move_step end;
	int64_t writes, refused;        /* acknowledged; refused while the tenant was fenced */
	int64_t fences;
	int64_t events;
};

struct move_story move_simulate(uint64_t seed, enum move_bug bug);

#endif
