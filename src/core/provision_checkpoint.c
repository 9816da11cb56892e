/* SPDX-License-Identifier: Apache-2.0 */
/* Now and then the heads of every tenant's audit are signed. */
#include "provision_parts.h"

#include <inttypes.h>

#include "cc/base/clock.h"
#include "cc/core/checkpoint.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define RETRY_S 60
#define NOTE_MS 2000

struct turn {
	struct strv regions;
	struct slot slot;
	bool found;
};

static enum err claim(struct ctx *cx, void *arg)
{
	struct turn *t = arg;

	q_checkpoint_claim_later(cx->db, &t->slot, &t->found, &t->regions, cx->world->settings->checkpoint_s);
	return ERR_NONE;
}

static enum err again(struct ctx *cx, void *arg)
{
	const struct turn *t = arg;

	q_checkpoint_again_later(cx->db, t->slot.tenant_id, RETRY_S);
	return ERR_NONE;
}

/* What is told is why it failed, not whether this did: without it the next turn is a whole one away. */
static void try_again(struct ctx *cx, const struct db_place *place, struct turn *t)
{
	const struct problem why = cx->problem;

	ctx_clear_problem(cx);
	cx->deadline_ms = clock_mono_ms() + NOTE_MS;
	if (db_unit(cx, place, DB_WRITE, again, t) != ERR_NONE)
		ctx_clear_problem(cx);
	cx->problem = why;
}

static enum err sign(struct ctx *cx, const struct turn *turn, struct checkpoints *ret)
{
	const struct tenant *t = NULL;
	enum err e;

	TRY(tenant_get(cx, turn->slot.tenant_id, true, &t));
	cx->tenant = t;
	e = checkpoint_make(cx, ret);
	cx->tenant = NULL;
	tenant_put(t);
	return e;
}

/* Nothing is signed that contradicts what was; somebody has to hear of it. */
static enum err check(struct ctx *cx, const struct checkpoints *c)
{
	for (int k = 0; k < CHAINS; k++)
		if (c->broken[k])
			return refuse(cx, ERR_CONFLICT,
				"the %s chain of the audit of %s was cut or rewritten: it does not fit its "
				"checkpoint %" PRId64 " at seq %" PRId64,
				c->last[k].chain, c->last[k].tenant_id, c->last[k].number, c->last[k].seq);
	return ERR_NONE;
}

enum err checkpoint_one(struct ctx *cx, bool *ret_did, int *count)
{
	struct turn turn = { .regions = region_names(cx) };
	struct checkpoints made;
	struct db_place place;
	enum err e;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, claim, &turn));
	*ret_did = turn.found;
	if (!turn.found)
		return ERR_NONE;
	e = sign(cx, &turn, &made);
	if (e == ERR_NONE) {
		*count += made.made;
		return check(cx, &made);
	}
	try_again(cx, &place, &turn);
	return e;
}
