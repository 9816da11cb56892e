/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"

#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"

#define TURN_MS 5000

struct glance {
	enum err (*due)(struct db *db, struct tally *row);
	struct tally tally;
};

static enum err look(struct ctx *cx, void *arg)
{
	struct glance *g = arg;

	return g->due(cx->db, &g->tally);
}

enum err round_claim(
	struct ctx *cx, enum err (*due)(struct db *db, struct tally *row), db_work claim, void *arg)
{
	struct glance g = { .due = due };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, look, &g));
	return g.tally.total > 0 ? db_unit(cx, &place, DB_WRITE, claim, arg) : ERR_NONE;
}

static bool is_gone(enum err e)
{
	return e == ERR_NOT_FOUND || e == ERR_TENANT_NOT_FOUND || e == ERR_TENANT_GONE;
}

static enum err take_turn(struct ctx *cx, const char *id, db_work work, void *arg)
{
	const struct tenant *tenant = NULL;
	struct db_place place;
	enum err e;

	ctx_clear_problem(cx);
	cx->deadline_ms = clock_mono_ms() + TURN_MS;
	TRY(tenant_get(cx, id, true, &tenant));
	cx->tenant = tenant;
	place_control(cx->world, id, &place);
	e = db_unit(cx, &place, DB_WRITE, work, arg);
	cx->tenant = NULL;
	tenant_put(tenant);
	return e;
}

void round_turn(struct ctx *cx, struct round *r, const char *tenant_id, db_work work, void *arg,
		const bool *changed)
{
	const enum err e = take_turn(cx, tenant_id, work, arg);
	const bool failed = e != ERR_NONE && !is_gone(e);

	if (*changed)
		tenant_changed(cx, tenant_id);
	if (failed && r->failed == 0) {
		r->tenant_id = tenant_id;
		r->error = e;
		r->problem = cx->problem;
	}
	r->done += e == ERR_NONE;
	r->failed += failed;
	ctx_clear_problem(cx);
}
