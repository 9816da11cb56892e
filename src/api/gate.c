/* SPDX-License-Identifier: Apache-2.0 */
/* The way of every request: credential → tenant → scope → rate; its unit of work; its record. */
#include "gate.h"

#include <inttypes.h>

#include "cc/api/api.h"
#include "cc/core/actor.h"
#include "cc/core/audit.h"
#include "cc/core/head.h"
#include "cc/core/scope.h"
#include "cc/core/world.h"

#define KEY_OBJECT "api_key"

/* The first look, on the I/O thread, may have ended in the middle. */
static void release(struct gate *g)
{
	for (const struct gate_tenant *h = g->held; h != NULL; h = h->next)
		tenant_put(h->tenant);
	cred_put(g->actor);
	*g = (struct gate){ 0 };
}

void gate_keep(struct ctx *cx, struct req *rq, const struct tenant *tenant)
{
	struct gate *g = rq->gate;
	struct gate_tenant *h;

	if (tenant == NULL)
		return;
	h = ARENA_NEW(cx->arena, struct gate_tenant);
	h->tenant = tenant;
	h->next = g->held;
	g->held = h;
}

static enum err check_scope(struct ctx *cx, const struct req *rq, const struct gate *g)
{
	const struct route *r = rq->route;

	if (g->actor->scopes & (scope_bit(r->scope) | scope_bit(r->scope_or)))
		return ERR_NONE;
	if (r->auth == AUTH_TENANT && r->scope_or != NULL)
		return refuse(cx, ERR_SCOPE, "%s needs the scope %s or %s", r->op, r->scope, r->scope_or);
	return refuse(cx, ERR_SCOPE, "%s needs the scope %s", r->op, r->scope);
}

static enum err decide(struct ctx *cx, struct req *rq, bool may_load, struct gate *g)
{
	TRY(gate_credential(cx, rq, may_load, g));
	TRY(gate_context(cx, rq, may_load, g));
	TRY(check_scope(cx, rq, g));
	return gate_state(cx, rq, g);
}

static enum err gate_pass(struct ctx *cx, struct req *rq, bool may_load)
{
	struct gate *g = rq->gate;
	bool metered;
	enum err e;

	if (rq->route->auth == AUTH_PUBLIC)
		return ERR_NONE;
	if (g == NULL)
		rq->gate = g = ARENA_NEW(cx->arena, struct gate);
	release(g);
	e = decide(cx, rq, may_load, g);
	if (e == ERR_NEED_LOAD)
		return e;
	metered = g->actor != NULL && (g->own != NULL || g->actor->kind == ACTOR_OPERATOR);
	if (metered && e != ERR_NONE) {
		/* What is refused costs nothing, but its answer says how the meters stand. */
		enum err shown = gate_rate(cx, rq, g, 0);

		return shown == ERR_NONE ? e : shown;
	}
	if (metered && !(rq->route->flags & ROUTE_NO_LIMIT))
		e = gate_rate(cx, rq, g, 1);
	cx->actor = g->actor;
	cx->tenant = g->tenant;
	return e;
}

static void gate_done(struct ctx *cx, struct req *rq, int status)
{
	(void)status;
	cx->tenant = NULL;
	cx->actor = NULL;
	if (rq->gate != NULL)
		release(rq->gate);
}

/* Units of work ------------------------------------------------------------------------------------- */

static enum err run_tenant(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	const struct tenant *fresh = NULL;
	enum err e;

	if (rq->route->mode == DB_WRITE)
		e = head_write(cx, (enum take)rq->route->takes, work, arg, &fresh);
	else
		e = head_read(cx, work, arg, &fresh);
	gate_keep(cx, rq, fresh);
	return e;
}

/* Also after a failure: whether a commit that was interrupted took place is not known. */
static void announce(struct ctx *cx, const struct req *rq)
{
	struct world *w = cx->world;

	if (!str_eq(rq->route->object, KEY_OBJECT))
		registry_forget_tenant(w->registry, cx->tenant->id);
	else if (rq->nparams > 1)
		registry_forget_key(w->registry, rq->param[1]);
	if (w->changed != NULL)
		w->changed(w);
}

static enum err run_control(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	const struct gate *g = rq->gate;
	struct db_place place;
	enum err e;

	place_control(cx->world, cx->tenant->id, &place);
	e = db_unit(cx, &place, mode, work, arg);
	if (mode == DB_WRITE && !g->unchanged && (e == ERR_NONE || e == ERR_UNAVAILABLE || e == ERR_INTERNAL))
		announce(cx, rq);
	return e;
}

static enum err gate_unit(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	struct db_place place;

	switch (rq->route->store) {
	case STORE_TENANT:
		return run_tenant(cx, rq, work, arg);
	case STORE_CONTROL:
		return run_control(cx, rq, rq->route->mode, work, arg);
	case STORE_PLATFORM:
		place_platform(cx->world, &place);
		return db_unit(cx, &place, rq->route->mode, work, arg);
	case STORE_NONE:
		break;
	}
	return work(cx, arg);
}

/* The record of a write ------------------------------------------------------------------------------ */

/* The id in the answer when it is there by now, else the last one in the path. */
static const char *object_id(const struct ctx *cx, const struct req *rq)
{
	const struct field *f = rq->route->reply != NULL ? schema_field(rq->route->reply, "id") : NULL;
	const void *member = f != NULL && rq->out != NULL ? schema_member_const(rq->out, f) : NULL;

	if (member != NULL && f->kind == K_TEXT && *(const char *const *)member != NULL)
		return *(const char *const *)member;
	if (member != NULL && f->kind == K_INT && *(const int64_t *)member > 0)
		return arena_printf(cx->arena, "%" PRId64, *(const int64_t *)member);
	if (rq->nparams > 1)
		return rq->param[rq->nparams - 1];
	if (gate_path_tenant(rq) != NULL)
		return cx->tenant->id;
	return rq->nparams > 0 ? rq->param[0] : "";
}

static enum err gate_record(struct ctx *cx, struct req *rq)
{
	const struct gate *g = rq->gate;
	const struct audit_entry entry = {
		.action = rq->route->op,
		.object_type = rq->route->object != NULL ? rq->route->object : "",
		.object_id = object_id(cx, rq),
		.changed = rq->changed,
	};

	if (rq->route->mode != DB_WRITE || g == NULL || g->unchanged)
		return ERR_NONE;
	if (rq->route->store == STORE_TENANT) {
		audit_data_later(cx, &entry);
		return ERR_NONE;
	}
	if (cx->tenant == NULL)
		return ERR_NONE;
	audit_control_later(cx, cx->tenant->id, &entry);
	if (str_eq(rq->route->object, KEY_OBJECT))
		change_note_later(cx, cx->tenant->id, "key", entry.object_id);
	else
		change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

struct recorded {
	struct req *rq;
	db_work work;
	void *arg;
};

static enum err work_recorded(struct ctx *cx, void *arg)
{
	const struct recorded *r = arg;
	struct gate *g = r->rq->gate;

	g->unchanged = false;
	TRY(r->work(cx, r->arg));
	return gate_record(cx, r->rq);
}

enum err gate_control(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	struct recorded r = { .rq = rq, .work = work, .arg = arg };

	if (mode == DB_READ)
		return run_control(cx, rq, mode, work, arg);
	return run_control(cx, rq, mode, work_recorded, &r);
}

void gate_unchanged(struct req *rq)
{
	struct gate *g = rq->gate;

	g->unchanged = true;
}

const struct http_hooks api_hooks = {
	.gate = gate_pass,
	.unit = gate_unit,
	.record = gate_record,
	.done = gate_done,
};
