/* SPDX-License-Identifier: Apache-2.0 */
/* One round of the background work: bounded, and one part that fails does not keep the others waiting. */
#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/model/q_control.h"

#define ROUND 16 /* pieces of one kind in a tick */

struct part {
	unsigned bit;
	enum err (*one)(struct ctx *cx, bool *ret_did, int *count);
	int *count;
	bool due;
};

/* What failed first in this round; its words must outlive the steps after it. */
struct failure {
	enum err e;
	unsigned failed, worked;
	struct problem problem;
};

static void note_failure(const struct ctx *cx, enum err e, struct failure *f)
{
	if (e != ERR_NONE && f->e == ERR_NONE)
		*f = (struct failure){
			.e = e, .failed = f->failed, .worked = f->worked, .problem = cx->problem
		};
}

/* A piece that failed is leased for a while: the next one is another. True: there was something to do. */
static bool run_part(struct ctx *cx, const struct part *part, int64_t end_ms, struct failure *f)
{
	bool did = true, any = false, bad = false;

	for (int i = 0; i < ROUND && did && clock_mono_ms() < end_ms; i++) {
		enum err e;

		did = false;
		ctx_clear_problem(cx);
		cx->deadline_ms = clock_mono_ms() + STEP_MS;
		e = part->one(cx, &did, part->count);
		note_failure(cx, e, f);
		any = any || did;
		bad = bad || e != ERR_NONE;
	}
	f->failed |= bad ? part->bit : 0;
	f->worked |= any && !bad ? part->bit : 0;
	return any;
}

static enum err read_due(struct ctx *cx, void *arg)
{
	const struct strv regions = region_names(cx);

	return q_work_due(cx->db, arg, &regions, cx->world->settings->spare_schemas, newest_version());
}

static enum err look(struct ctx *cx, struct due *ret)
{
	struct db_place place;

	place_platform(cx->world, &place);
	return db_glance(cx, &place, read_due, ret);
}

/*
 * What frees names and places comes first, then what makes room for the next tenant. A tick that finds
 * nothing to do is one statement; what a part has done may be the work of those after it.
 */
enum err provision_tick(struct ctx *cx, struct tick_report *ret)
{
	const int64_t end_ms = cx->deadline_ms > 0 ? cx->deadline_ms : clock_mono_ms() + STEP_MS;
	struct failure f = { .e = ERR_NONE };
	struct due due = { .undo = false };
	bool any = false;

	*ret = (struct tick_report){ 0 };
	note_failure(cx, look(cx, &due), &f);
	const struct part parts[] = {
		{1U << 0,  undo_one,       &ret->undone,       due.undo      },
		{ 1U << 1, purge_one,      &ret->purged,       due.purge     },
		{ 1U << 2, drop_one,       &ret->dropped,      due.discard   },
		{ 1U << 3, spare_one,      &ret->prepared,     due.prepare   },
		{ 1U << 4, migrate_one,    &ret->migrated,     due.migrate   },
		{ 1U << 5, expunge_one,    &ret->expunged,     due.expunge   },
		{ 1U << 6, checkpoint_one, &ret->signed_heads, due.checkpoint},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (any || parts[i].due)
			any = run_part(cx, &parts[i], end_ms, &f) || any;
	ret->failed = f.failed;
	ret->worked = f.worked;
	cx->deadline_ms = end_ms;
	ctx_clear_problem(cx);
	if (f.e != ERR_NONE)
		cx->problem = f.problem;
	return f.e;
}
