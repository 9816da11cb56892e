/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DNS records of a tenant that moves lead to the region where it lives. No move waits long for them: a
 * server that does not take them is asked again afterwards, until it does.
 */
#include "move_parts.h"

#include "provision_parts.h"
#include "rounds.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/alerts.h"
#include "cc/core/moves.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

enum {
	BATCH = 4,
	LEAD_MS = 10000, /* of one tenant */
	AGAIN_S = 60,
};

static enum err lead(struct ctx *cx, const char *tenant_id, const char **ret_region)
{
	const struct tenant *t = NULL;
	enum err e;

	TRY(tenant_get(cx, tenant_id, true, &t));
	*ret_region = arena_strdup(cx->arena, t->region);
	e = cx->world->lead_names(cx, t->slug, t->region);
	tenant_put(t);
	return e;
}

/* A part of a move ------------------------------------------------------------------------------------ */

enum err move_lead_names(struct ctx *cx, const struct move *m)
{
	const char *region;

	return cx->world->lead_names != NULL ? lead(cx, m->row.tenant_id, &region) : ERR_NONE;
}

static enum err note_late(struct ctx *cx, void *arg)
{
	const struct move *m = arg;

	q_move_names_late_later(cx->db, m->row.id, 0);
	return ERR_NONE;
}

enum err move_leave_names(struct ctx *cx, struct move *m)
{
	struct db_place place;

	if (move_lead_names(cx, m) == ERR_NONE)
		return ERR_NONE;
	ctx_clear_problem(cx);
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, note_late, m);
}

/* Afterwards ------------------------------------------------------------------------------------------ */

struct late {
	const struct move_names *row;
	const char *region, *why;       /* why: NULL when they lead to it */
};

static enum err tell(struct ctx *cx, void *arg)
{
	const struct late *l = arg;

	if (l->why == NULL)
		alert_resolve_later(cx, ALERT_MOVE_NAMES_LATE, l->row->id);
	else
		alert_raise_later(cx, ALERT_MOVE_NAMES_LATE, ALERT_WARNING, l->row->id,
			arena_printf(cx->arena, "The tenant has moved to %s, and its DNS records do not lead "
				     "there yet: %s. They are tried again every minute.", l->region,
				     l->why));
	return ERR_NONE;
}

static enum err note_led(struct ctx *cx, void *arg)
{
	const struct late *l = arg;

	q_move_names_led_later(cx->db, l->row->id, l->region);
	return ERR_NONE;
}

/* The alert ends first: whoever dies in between does it once more. */
static enum err settle(struct ctx *cx, struct round *r, struct late *l)
{
	const int failed = r->failed;
	const bool changed = false;
	struct db_place place;

	round_turn(cx, r, l->row->tenant_id, tell, l, &changed);
	FAILPOINT("move.names.told");
	if (l->why != NULL || r->failed > failed)
		return ERR_NONE;
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, note_led, l);
}

static enum err try_again(struct ctx *cx, struct round *r, const struct move_names *row)
{
	struct late l = { .row = row };
	enum err e;

	ctx_clear_problem(cx);
	cx->deadline_ms = clock_mono_ms() + LEAD_MS;
	e = lead(cx, row->tenant_id, &l.region);
	if (e == ERR_TENANT_NOT_FOUND || e == ERR_TENANT_GONE)
		return ERR_NONE;
	if (e != ERR_NONE)
		l.why = arena_strdup(cx->arena, cx->problem.message != NULL ? cx->problem.message
									    : err_info(e)->meaning);
	cx->deadline_ms = clock_mono_ms() + LEAD_MS;
	return l.region != NULL ? settle(cx, r, &l) : e;
}

static enum err claim(struct ctx *cx, void *arg)
{
	q_move_names_claim_later(cx->db, arg, AGAIN_S, BATCH);
	return ERR_NONE;
}

enum err moves_lead_names(struct ctx *cx, struct round *ret)
{
	struct db_rows rows = { 0 };

	*ret = (struct round){ 0 };
	if (cx->world->lead_names == NULL)
		return ERR_NONE;
	TRY(round_claim(cx, q_move_names_due, claim, &rows));
	for (size_t i = 0; i < rows.n && !atomic_load(&cx->world->stopping); i++)
		TRY(try_again(cx, ret, DB_ROW(&rows, struct move_names, i)));
	return ERR_NONE;
}
