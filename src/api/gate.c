/* SPDX-License-Identifier: Apache-2.0 */
/* The way of every request: credential → tenant → scope → rate. */
#include "gate.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "cc/api/api.h"
#include "cc/core/actor.h"
#include "cc/core/cursor.h"
#include "cc/core/marks.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/core/usage.h"
#include "cc/core/world.h"

/* What an earlier look of the same request has left, and may have left in the middle. */
static void release(struct gate *g)
{
	for (const struct gate_tenant *h = g->held; h != NULL; h = h->next)
		tenant_put(h->tenant);
	cred_put(g->actor);
	*g = (struct gate){ .paid = g->paid, .counts_for = g->counts_for };
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

	if (str_eq(r->scope, SCOPE_ANY))
		return ERR_NONE;
	if (g->actor->scopes & (scope_bit(r->scope) | scope_bit(r->scope_or)))
		return ERR_NONE;
	if (r->auth != AUTH_OPERATOR && r->scope_or != NULL)
		return refuse(cx, ERR_SCOPE, "%s needs the scope %s or %s", r->op, r->scope, r->scope_or);
	return refuse(cx, ERR_SCOPE, "%s needs the scope %s", r->op, r->scope);
}

/* Who has to say what it changes cannot overwrite what it has not seen. */
static enum err check_condition(struct ctx *cx, const struct req *rq, const struct gate *g)
{
	const struct route *r = rq->route;

	if (g->tenant == NULL || !g->tenant->require_if_match || rq->in->if_match != NULL ||
	    !route_needs_version(r))
		return ERR_NONE;
	return refuse(cx, ERR_PRECONDITION_REQUIRED,
		      "send If-Match with the object's ETag: the tenant's settings require it");
}

static enum err decide(struct ctx *cx, struct req *rq, bool may_load, struct gate *g)
{
	TRY(gate_credential(cx, rq, may_load, g));
	TRY(gate_context(cx, rq, may_load, g));
	TRY(check_scope(cx, rq, g));
	TRY(gate_state(cx, rq, g));
	return check_condition(cx, rq, g);
}

/* A tenant's people and keys are one; operators work for many tenants, and none of these stands for them. */
static const char *payer_of(struct ctx *cx, const struct gate *g)
{
	if (g->own != NULL)
		return g->counts_for;
	return g->actor != NULL ? arena_printf(cx->arena, "operator %s", g->actor->id) : NULL;
}

/* Tenants of one region wait for one PostgreSQL. Operators' requests are for any. */
static int payer_group_of(const struct ctx *cx, const struct gate *g)
{
	const struct region *r = g->own != NULL ? region_find(cx->world, g->own->region) : NULL;

	return r != NULL && cx->world->nregions > 1 ? (int)(r - cx->world->regions) + 1 : 0;
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
	cx->actor = NULL;
	cx->tenant = NULL;
	e = decide(cx, rq, may_load, g);
	if (e == ERR_NEED_LOAD)
		return e;
	rq->caller = g->actor != NULL ? arena_strdup(cx->arena, g->actor->id) : NULL;
	rq->caller_tenant = g->actor != NULL && g->actor->tenant_id != NULL ?
		arena_strdup(cx->arena, g->actor->tenant_id) : NULL;
	g->counts_for = g->own != NULL ? arena_strdup(cx->arena, g->own->id) : NULL;
	/* Also of what is refused: it counts, wherever it is counted. */
	rq->payer = payer_of(cx, g);
	metered = g->actor != NULL && (g->own != NULL || g->actor->kind == ACTOR_OPERATOR);
	if (metered && e != ERR_NONE) {
		/* What is refused costs nothing, but its answer says how the meters stand. */
		enum err shown = gate_rate(cx, rq, may_load, g, 0);

		return shown == ERR_NONE ? e : shown;
	}
	if (metered && !(rq->route->flags & ROUTE_NO_LIMIT)) {
		e = gate_rate(cx, rq, may_load, g, g->paid ? 0 : route_rate(rq->route)->cost);
		g->paid = g->paid || e == ERR_NONE;
	}
	cx->actor = g->actor;
	cx->tenant = g->tenant;
	rq->tenant_id = g->tenant != NULL ? arena_strdup(cx->arena, g->tenant->id) : NULL;
	rq->payer_group = payer_group_of(cx, g);
	if (e == ERR_NONE)
		marks_note(cx->world->marks, g->actor, cx->remote_ip);
	rq->audience = arena_printf(cx->arena, "%s %" PRIx64, g->tenant != NULL ? g->tenant->id : "",
				    g->actor != NULL ? g->actor->scopes : 0);
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

/* "/policies 2xx": the first part of the path, which is a name of ours, and how it ended. */
static const char *usage_detail(struct arena *a, const struct route *r, int status)
{
	const size_t n = 1 + strcspn(r->path + 1, "/");

	return arena_printf(a, "%.*s %dxx", (int)n, r->path, status / 100);
}

/* What the service failed at is not held against the tenant. */
static void gate_sent(struct ctx *cx, const struct req *rq, int status)
{
	const struct gate *g = rq->gate;
	struct world *w = cx->world;

	if (g == NULL || g->counts_for == NULL || w->usage == NULL)
		return;
	if (!usage_count(w->usage, g->counts_for, status >= 500 ? USAGE_API_FAILURES : USAGE_API_CALLS,
			 usage_detail(cx->arena, rq->route, status), 1) &&
	    w->usage_due != NULL)
		w->usage_due(w);
}

/* On a copy, with references of its own: what the request holds stays as it is. */
static enum err gate_again(struct ctx *cx, const struct req *rq)
{
	struct req now = *rq;
	struct gate g = { 0 };
	enum err e;

	if (rq->route->auth == AUTH_PUBLIC)
		return ERR_NONE;
	now.gate = &g;
	e = decide(cx, &now, true, &g);
	release(&g);
	return e;
}

static_assert(PAGE_MAC_LEN == CURSOR_MAC_LEN, "the floors agree");

static void gate_sign(struct ctx *cx, const struct req *rq, const void *p, size_t n,
		      unsigned char ret[PAGE_MAC_LEN])
{
	const bool of_tenant = rq->route->auth == AUTH_TENANT && cx->tenant != NULL;

	cursor_mac(cx->arena, cx->world->settings, of_tenant ? cx->tenant->id : NULL, p, n, ret);
}

const struct http_hooks api_hooks = {
	.gate = gate_pass,
	.origin = gate_origin,
	.sign = gate_sign,
	.unit = gate_unit,
	.data_version = gate_data_version,
	.again = gate_again,
	.done = gate_done,
	.sent = gate_sent,
};
