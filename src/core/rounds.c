/* SPDX-License-Identifier: Apache-2.0 */
#include "rounds.h"

#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"

#define TURN_MS 5000

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
