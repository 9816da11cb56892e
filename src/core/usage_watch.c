/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at tenants that use something, and compares what is so with the alerts that are open. */
#include "cc/core/usage_watch.h"

#include <inttypes.h>

#include "rounds.h"

#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/core/alerts.h"
#include "cc/core/head.h"
#include "cc/core/plan.h"
#include "cc/core/registry.h"
#include "cc/core/stripe.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/metrics.h"
#include "cc/model/object.h"
#include "cc/model/pep.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"

enum {
	BATCH = 20,
	STALE_MAX = 100, /* bouncers of one tenant that are told of */
	BEHIND_S = 600,  /* so long one may run another revision than the newest */
	SHARES_MAX = 64,
	BUNDLES_MAX = 2, /* one of each environment */
};
#define LONG_AGO INT64_C(0)
#define NEVER (INT64_C(4102444800) * TIME_SECOND) /* 2100: no alert was raised since */

/* One tenant: what its region says, then what follows. */
struct look {
	const struct usage_watch *row;
	struct metric_gauges gauges;
	struct db_rows stale, failed, troubles;
	struct tally drift;
	bool changed; /* of what other nodes know: never */
};

static enum err read_region(struct ctx *cx, void *arg)
{
	struct look *l = arg;

	q_metric_gauges_later(cx->db, &l->gauges);
	q_bouncers_stale_later(cx->db, &l->stale, cx->world->settings->signing.id, BEHIND_S, STALE_MAX);
	q_bundle_troubles_later(cx->db, &l->troubles);
	if (l->row->recount)
		q_gauges_drift_later(cx->db, &l->drift);
	return ERR_NONE;
}

static enum err ask_region(struct ctx *cx, struct look *l)
{
	const struct tenant *tenant = NULL, *fresh = NULL;
	enum err e;

	TRY(tenant_get(cx, l->row->tenant_id, true, &tenant));
	cx->tenant = tenant;
	e = head_read(cx, read_region, l, &fresh);
	cx->tenant = NULL;
	tenant_put(fresh);
	tenant_put(tenant);
	if (e == ERR_NONE && l->drift.total != 0)
		LOG(LOG_ERROR, "a tenant's counters are not what they count",
		    LOG_TEXT("tenant", l->row->tenant_id));
	return e;
}

/* What is free has no end that is worth an alert. */
static int64_t included(const struct plan *p, enum billed m)
{
	return p != NULL && p->meter[m].minor > 0 ? p->meter[m].included : INT_NULL;
}

/* Limits are those of the settings: what is let through beyond them is told of, too. */
static void tell_shares(struct ctx *cx, const struct look *l, const struct alert_rules *r,
			const struct usage_watch *now)
{
	const struct plan *plan = plan_find(cx->world->plans, now->plan_type);
	const struct limits *max = &cx->tenant->warn;
	struct arena *a = cx->arena;
	struct alert_set s;

	alert_set_init(a, &s, ALERT_USAGE_LIMIT, SHARES_MAX);
	usage_shares(a, &s, "policies", &r->policies, l->gauges.policies, max->max_policies);
	usage_shares(a, &s, "resources", &r->resources, l->gauges.resources, max->max_resources);
	usage_shares(a, &s, "users", &r->users, l->gauges.users, max->max_users);
	usage_shares(a, &s, "bouncers", &r->bouncers, l->gauges.bouncers, max->max_bouncers);
	usage_budget(a, &s, "api_calls", &r->api_calls, now->api_calls, included(plan, METER_API_CALLS));
	usage_budget(a, &s, "bouncer_requests", &r->bouncer_requests, now->bouncer_requests,
		     included(plan, METER_BOUNCER_REQUESTS));
	alert_sync_later(cx, &s, now->period_start);
}

static const char *stale_text(struct arena *a, const struct stale_bouncer *b)
{
	const char *who = arena_printf(a, "Bouncer %s (%s)", b->name, b->environment);

	if (str_eq(b->why, "silent"))
		return arena_printf(
			a, "%s has not been heard from since %s", who, time_format(a, b->last_heartbeat));
	if (str_eq(b->why, "fault"))
		return arena_printf(a, "%s cannot use its bundle: %s", who, b->fault);
	return arena_printf(a, "%s runs revision %s, and %s is wanted since %s", who, b->revision, b->wanted,
			    time_format(a, b->since));
}

/* ret: when there may be others. */
static int64_t tell_stale(struct ctx *cx, const struct look *l)
{
	int64_t next = NEVER;
	struct alert_set s;

	alert_set_init(cx->arena, &s, ALERT_BOUNCER_STALE, STALE_MAX);
	for (size_t i = 0; i < l->stale.n; i++) {
		const struct stale_bouncer *b = DB_ROW(&l->stale, struct stale_bouncer, i);

		if (b->id == INT_NULL)
			next = b->since != TIME_NULL ? b->since : NEVER;
		else
			alert_set_add(cx->arena, &s, ALERT_WARNING,
				      arena_printf(cx->arena, "bouncer:%" PRId64, b->id),
				      stale_text(cx->arena, b));
	}
	alert_sync_later(cx, &s, NEVER);
	return next;
}

static void tell_bundles(struct ctx *cx, const struct look *l)
{
	struct alert_set s;

	alert_set_init(cx->arena, &s, ALERT_BUNDLE_FAILED, BUNDLES_MAX);
	for (size_t i = 0; i < l->troubles.n; i++) {
		const struct bundle_trouble *t = DB_ROW(&l->troubles, struct bundle_trouble, i);

		alert_set_add(cx->arena, &s, ALERT_CRITICAL,
			      arena_printf(cx->arena, "bundle:%s", t->environment),
			      arena_printf(cx->arena, "Changes since %s do not reach the bouncers of %s: %s",
					   time_format(cx->arena, t->since), t->environment, t->why));
	}
	alert_sync_later(cx, &s, NEVER);
}

static void tell_failed(struct ctx *cx, const struct look *l)
{
	struct alert_set s;

	alert_set_init(cx->arena, &s, ALERT_DEPLOYMENT_FAILED, 1);
	for (size_t i = 0; i < l->failed.n; i++) {
		const struct failed_move *m = DB_ROW(&l->failed, struct failed_move, i);

		alert_set_add(cx->arena, &s, ALERT_WARNING, m->id,
			      arena_printf(cx->arena, "The move %s to %s failed; the tenant stays in %s",
					   m->id, m->to_region, m->from_region));
	}
	alert_sync_later(cx, &s, LONG_AGO);
}

/* Limits are held by these counters: whoever meets one should know that it may be wrong. */
static void tell_drift(struct ctx *cx, const struct look *l)
{
	if (l->row->recount && l->drift.total != 0)
		alert_raise_later(cx, ALERT_COUNTERS_DIFFER, ALERT_WARNING, "counters",
				  "What is counted as in use is not what there is: limits may be held "
				  "wrongly. This is a fault of the service.");
	else if (l->row->recount)
		alert_resolve_later(cx, ALERT_COUNTERS_DIFFER, "counters");
}

static enum err decide(struct ctx *cx, void *arg)
{
	struct look *l = arg;
	const char *id = cx->tenant->id;
	struct alert_rules rules;
	struct usage_watch now;
	int64_t next;
	bool found;

	q_deployment_failed_later(cx->db, &l->failed, id);
	TRY(q_usage_watch_rules(cx->db, &now, &found, id, stripe_is_set(cx)));
	if (!found)
		return ERR_TENANT_NOT_FOUND;
	TRY(alert_rules_of(cx, &now, &rules));
	tell_shares(cx, l, &rules, &now);
	next = tell_stale(cx, l);
	tell_bundles(cx, l);
	tell_failed(cx, l);
	tell_drift(cx, l);
	q_usage_watch_done_later(cx->db, id, l->row->look_at, next);
	return ERR_NONE;
}

static enum err claim(struct ctx *cx, void *arg)
{
	q_usage_watch_claim_later(cx->db, arg, BATCH);
	return ERR_NONE;
}

/* Its region was not there to be asked: as a turn that failed. */
static void note_failure(const struct ctx *cx, struct round *r, const char *tenant_id, enum err e)
{
	if (r->failed++ > 0)
		return;
	r->tenant_id = tenant_id;
	r->error = e;
	r->problem = cx->problem;
}

static void look_at(struct ctx *cx, struct round *r, const struct usage_watch *row)
{
	struct look l = { .row = row };
	const enum err e = ask_region(cx, &l);

	if (e == ERR_NONE)
		round_turn(cx, r, row->tenant_id, decide, &l, &l.changed);
	else if (e != ERR_TENANT_NOT_FOUND)
		note_failure(cx, r, row->tenant_id, e);
}

enum err usage_watch_tick(struct ctx *cx, struct round *ret)
{
	struct db_rows rows = { 0 };

	*ret = (struct round){ 0 };
	TRY(round_claim(cx, q_usage_watch_due, claim, &rows));
	if (rows.n == 0)
		return ERR_NONE;
	FAILPOINT("usage.look.claimed");
	for (size_t i = 0; i < rows.n; i++)
		look_at(cx, ret, DB_ROW(&rows, struct usage_watch, i));
	return ERR_NONE;
}
