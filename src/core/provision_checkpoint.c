/* SPDX-License-Identifier: Apache-2.0 */
/* Now and then the heads of every tenant's audit are signed. */
#include "provision_parts.h"

#include <inttypes.h>

#include "cc/core/checkpoint.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

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
	const struct tenant *t = NULL;
	struct checkpoints made;
	struct db_place place;
	enum err e;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, claim, &turn));
	*ret_did = turn.found;
	if (!turn.found)
		return ERR_NONE;
	TRY(tenant_get(cx, turn.slot.tenant_id, true, &t));
	cx->tenant = t;
	e = checkpoint_make(cx, &made);
	cx->tenant = NULL;
	tenant_put(t);
	TRY(e);
	*count += made.made;
	return check(cx, &made);
}
