/* SPDX-License-Identifier: Apache-2.0 */
/* What the state of a tenant lets pass, and its rates. */
#include <inttypes.h>

#include "gate.h"

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/limiter.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"

#define OPERATOR_WINDOW_S 60

static enum err check_suspension(struct ctx *cx, const struct req *rq, const struct gate *g)
{
	const bool blocked = !str_eq(g->tenant->suspend_mode, "read_only");

	if (g->actor->kind == ACTOR_OPERATOR || rq->route->flags & ROUTE_SUSPENDED_OK)
		return ERR_NONE;
	if (blocked)
		return refuse(cx, ERR_TENANT_SUSPENDED, "the tenant is suspended");
	if (rq->route->mode == DB_WRITE && (rq->route->flags & ROUTE_READ_ONLY_OK) == 0)
		return refuse(cx, ERR_TENANT_SUSPENDED,
			      "the tenant is suspended: it can be read but not changed");
	return ERR_NONE;
}

enum err gate_state(struct ctx *cx, const struct req *rq, const struct gate *g)
{
	const struct route *r = rq->route;

	/* An operator's route that only happens to be told a tenant does not care how that one is. */
	if (g->tenant == NULL || (r->auth == AUTH_OPERATOR && gate_path_tenant(rq) == NULL))
		return ERR_NONE;
	switch (g->tenant->status) {
	case TENANT_PROVISIONING:
		if (r->store != STORE_TENANT && r->mode == DB_READ)
			return ERR_NONE;
		return refuse(cx, ERR_TENANT_PROVISIONING, "the tenant is being created; retry");
	case TENANT_SUSPENDED:
		return check_suspension(cx, rq, g);
	case TENANT_DELETION_SCHEDULED:
		if (r->flags & ROUTE_DELETED_OK)
			return ERR_NONE;
		return refuse(cx, ERR_TENANT_GONE,
			      "the tenant is deleted; it can be restored until its undo window ends");
	case TENANT_ACTIVE:
	case TENANT_DELETING:
		break;
	}
	return ERR_NONE;
}

static void add_headers(struct ctx *cx, struct req *rq, const struct limit_verdict *v)
{
	struct arena *a = cx->arena;
	const int64_t reset = v->allowed ? v->reset_s : v->retry_after_s;

	req_header(rq, "X-RateLimit-Limit", arena_printf(a, "%" PRId64, v->limit));
	req_header(rq, "X-RateLimit-Remaining", arena_printf(a, "%" PRId64, v->remaining));
	req_header(rq, "X-RateLimit-Reset", arena_printf(a, "%" PRId64,
							 clock_wall_us() / TIME_SECOND + v->reset_s));
	req_header(rq, "RateLimit-Policy", arena_printf(a, "\"default\";q=%" PRId64 ";w=%" PRId64, v->limit,
							v->window));
	req_header(rq, "RateLimit", arena_printf(a, "\"default\";r=%" PRId64 ";t=%" PRId64, v->remaining,
						 reset));
}

/* What issuers call people is theirs to choose: beside the tenant's id it is nobody else's meter. */
static const char *meter_of(struct ctx *cx, const struct actor *a)
{
	if (a->kind == ACTOR_USER)
		return arena_printf(cx->arena, "u:%s:%s", a->tenant_id, a->id);
	return arena_printf(cx->arena, "k:%s", a->id);
}

static enum err spend(struct ctx *cx, const struct gate *g, int64_t cost, bool may_load,
		      struct limit_verdict *ret)
{
	const char *key = meter_of(cx, g->actor);
	struct limit_pair pair;

	if (g->own == NULL) {
		const struct rate rate = { .limit = cx->world->settings->operator_rate,
			.window = OPERATOR_WINDOW_S };

		limiter_take(cx->world->limiter, key, &rate, cost, clock_mono_us(), ret);
		return ERR_NONE;
	}
	pair = (struct limit_pair){ .tenant_id = g->own->id, .tenant_rate = &g->own->plan->tenant_rate,
				    .key = key, .key_rate = &g->own->plan->key_rate };
	return limiter_take_pair(cx->world->limiter, &pair, cost, may_load, clock_mono_us(), ret);
}

enum err gate_rate(struct ctx *cx, struct req *rq, bool may_load, const struct gate *g, int64_t cost)
{
	struct limit_verdict v;

	TRY(spend(cx, g, cost, may_load, &v));
	add_headers(cx, rq, &v);
	if (v.allowed || cost == 0)
		return ERR_NONE;
	cx->problem.limit = v.limit;
	cx->problem.retry_after = v.retry_after_s;
	if (g->own == NULL)
		return refuse(cx, ERR_RATE_LIMITED, "Rate limit exceeded for operator %s", g->actor->id);
	return refuse(cx, ERR_RATE_LIMITED, "Rate limit exceeded for tenant %s", g->own->id);
}
