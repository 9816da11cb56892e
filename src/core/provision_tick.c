/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the background work: bounded, and one part that fails does not keep the others waiting. */
#include "provision_parts.h"

#include "cc/base/clock.h"

#define ROUND 16 /* pieces of one kind in a tick */

struct part {
	enum err (*one)(struct ctx *cx, bool *ret_did, int *count);
	int *count;
};

/* What failed first in this round; its words must outlive the steps after it. */
struct failure {
	enum err e;
	struct problem problem;
};

/* A piece that failed is leased for a while: the next one is another. */
static void run_part(struct ctx *cx, const struct part *part, int64_t end_ms, struct failure *f)
{
	bool did = true;

	for (int i = 0; i < ROUND && did && clock_mono_ms() < end_ms; i++) {
		enum err e;

		did = false;
		ctx_clear_problem(cx);
		cx->deadline_ms = clock_mono_ms() + STEP_MS;
		e = part->one(cx, &did, part->count);
		if (e != ERR_NONE && f->e == ERR_NONE)
			*f = (struct failure){ .e = e, .problem = cx->problem };
	}
}

/* What frees names and places comes first, then what makes room for the next tenant. */
enum err provision_tick(struct ctx *cx, struct tick_report *ret)
{
	const struct part parts[] = {
		{undo_one,     &ret->undone  },
		{ purge_one,   &ret->purged  },
		{ drop_one,    &ret->dropped },
		{ spare_one,   &ret->prepared},
		{ migrate_one, &ret->migrated},
		{ expunge_one, &ret->expunged},
	};
	const int64_t end_ms = cx->deadline_ms > 0 ? cx->deadline_ms : clock_mono_ms() + STEP_MS;
	struct failure f = { .e = ERR_NONE };

	*ret = (struct tick_report){ 0 };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		run_part(cx, &parts[i], end_ms, &f);
	cx->deadline_ms = end_ms;
	ctx_clear_problem(cx);
	if (f.e != ERR_NONE)
		cx->problem = f.problem;
	return f.e;
}
