/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_ROUNDS_H
#define CC_SRC_CORE_ROUNDS_H

#include "cc/base/ctx.h"
#include "cc/db/unit.h"

/*
 * A round of background work: one tenant after the other, each in a unit of work of its own in the control
 * database. What goes wrong with one stops nobody else. One thread.
 */
struct round {
	int done;
	enum err first;                 /* what went wrong first; ERR_NONE: nothing … */
	struct problem problem;         /* … and its words */
};

/*
 * Runs work bound to the tenant. *changed, which work sets, says that nodes must hear of it. A tenant that is
 * gone by now or waits for its deletion is passed over, and so is what the turn is about.
 */
void round_turn(struct ctx *cx, struct round *r, const char *tenant_id, db_work work, void *arg,
		const bool *changed);
/* What went wrong first, with its words; otherwise what single turns said is forgotten. */
enum err round_end(struct ctx *cx, const struct round *r) MUST_USE;

#endif
