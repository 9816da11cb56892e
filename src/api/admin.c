/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin listener shows of the service and of this node: see `controlcored admin`. */
#include "groups.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/admin.h"
#include "cc/model/q_control.h"
#include "cc/model/tally.h"

/* Rows, and how many there are of them beyond the limit: a question to the control database. */
typedef void look_fn(struct ctx *cx, struct req *rq);

struct look {
	struct req *rq;
	look_fn *fn;
};

static enum err run(struct ctx *cx, void *arg)
{
	const struct look *l = arg;

	l->fn(cx, l->rq);
	return ERR_NONE;
}

static enum err ask(struct ctx *cx, struct req *rq, look_fn *fn)
{
	struct look l = { .rq = rq, .fn = fn };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, run, &l));
	rq->limit = (int64_t)rq->list.n;
	return ERR_NONE;
}

static void look_at_tenants(struct ctx *cx, struct req *rq)
{
	const struct admin_tenants_query *q = rq->query;

	q_admin_tenants_later(cx->db, &rq->list, q->status, q->region, q->tenant, q->limit);
	q_admin_tenants_total_later(cx->db, tally_at(&rq->total), q->status, q->region, q->tenant);
}

/* Tenants may be left in a region that is served no more: those are shown. */
static enum err tenants(struct ctx *cx, struct req *rq)
{
	const char *region = ((const struct admin_tenants_query *)rq->query)->region;

	TRY(ask(cx, rq, look_at_tenants));
	if (rq->list.n > 0 || region == NULL || region_find(cx->world, region) != NULL)
		return ERR_NONE;
	return refuse_field(cx, "region", "unknown_region", "`region` must be one that is served here");
}

static void look_at_deployments(struct ctx *cx, struct req *rq)
{
	const struct admin_query *q = rq->query;

	q_admin_deployments_later(cx->db, &rq->list, q->live, q->limit);
	q_admin_deployments_total_later(cx->db, tally_at(&rq->total), q->live);
}

static enum err deployments(struct ctx *cx, struct req *rq)
{
	return ask(cx, rq, look_at_deployments);
}

static void look_at_outbox(struct ctx *cx, struct req *rq)
{
	q_admin_outbox_later(cx->db, &rq->list, ((const struct admin_query *)rq->query)->limit);
	q_admin_outbox_total_later(cx->db, tally_at(&rq->total));
}

static enum err outbox(struct ctx *cx, struct req *rq)
{
	return ask(cx, rq, look_at_outbox);
}

static void look_at_nodes(struct ctx *cx, struct req *rq)
{
	q_admin_nodes_later(cx->db, &rq->list, ((const struct admin_query *)rq->query)->limit);
	q_admin_nodes_total_later(cx->db, tally_at(&rq->total));
}

static enum err nodes(struct ctx *cx, struct req *rq)
{
	return ask(cx, rq, look_at_nodes);
}

/* Of this node, from memory. */
static enum err show(struct req *rq, const void *rows, size_t n)
{
	rq->list = (struct db_rows){ .v = (void *)(uintptr_t)rows, .n = n };
	rq->total = rq->limit = (int64_t)n;
	return ERR_NONE;
}

static enum err jobs(struct ctx *cx, struct req *rq)
{
	struct admin_job *row = ARENA_ARRAY(cx->arena, struct admin_job, JOB_METERS_MAX);
	size_t n = 0;

	for (size_t i = 0; i < JOB_METERS_MAX; i++) {
		const struct job_meter *m = &cx->world->job_meter[i];
		const char *what = atomic_load(&m->what);
		const enum err last = (enum err)atomic_load(&m->last);
		const int64_t good_us = atomic_load(&m->good_us);

		if (what != NULL)
			row[n++] = (struct admin_job){
				.job = what,
				.runs = atomic_load(&m->runs),
				.failures = atomic_load(&m->failures),
				.good_at = good_us != 0 ? good_us : TIME_NULL,
				.error = last != ERR_NONE ? err_info(last)->code : NULL,
			};
	}
	return show(rq, row, n);
}

static enum err cache(struct ctx *cx, struct req *rq)
{
	struct registry_stats s;
	const size_t n = sizeof(s.cache) / sizeof(s.cache[0]);
	struct admin_cache *row = ARENA_ARRAY(cx->arena, struct admin_cache, n + 1);

	registry_stats(cx->world->registry, &s);
	for (size_t i = 0; i < n; i++)
		row[i] = (struct admin_cache){ s.cache[i].what, (int64_t)s.cache[i].entries,
					       (int64_t)s.cache[i].most, INT_NULL };
	if (cx->world->kept_answers == NULL)
		return show(rq, row, n);
	row[n] = (struct admin_cache){ .cache = "answers", .most = INT_NULL };
	cx->world->kept_answers(cx->world, &row[n].entries, &row[n].bytes);
	return show(rq, row, n + 1);
}

#define LOOK .auth = AUTH_PUBLIC, .flags = ROUTE_NO_LIMIT | ROUTE_VOLATILE, .mode = DB_READ, .status = 200
#define LOOK_CONTROL LOOK, .query = &admin_query_schema, .errors = { ERR_UNAVAILABLE }

static const struct route routes[] = {
	{ M_GET, "/tenants", "adminTenants", LOOK, .handler = tenants, .list = "tenants",
	  .query = &admin_tenants_query_schema, .reply = &admin_tenant_schema, .errors = { ERR_UNAVAILABLE },
	  .summary = "Tenants, the latest first" },
	{ M_GET, "/deployments", "adminDeployments", LOOK_CONTROL, .handler = deployments,
	  .list = "deployments", .reply = &admin_deployment_schema,
	  .summary = "Moves between regions, those under way first" },
	{ M_GET, "/jobs", "adminJobs", LOOK, .handler = jobs, .list = "jobs", .reply = &admin_job_schema,
	  .summary = "How the background work of this node goes" },
	{ M_GET, "/outbox", "adminOutbox", LOOK_CONTROL, .handler = outbox, .list = "calls",
	  .reply = &admin_call_schema,
	  .summary = "Calls of Stripe's that wait, or were refused in the last week" },
	{ M_GET, "/nodes", "adminNodes", LOOK_CONTROL, .handler = nodes, .list = "nodes",
	  .reply = &admin_node_schema, .summary = "The processes that serve" },
	{ M_GET, "/cache", "adminCache", LOOK, .handler = cache, .list = "caches",
	  .reply = &admin_cache_schema, .summary = "What this node keeps in memory" },
};
ROUTE_GROUP(admin_look_routes, "Admin", "", routes);
