/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/actor.h"
#include "cc/core/deployments.h"
#include "cc/core/region_watch.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/model/provision.h"
#include "cc/model/q_control.h"

struct deployment_query {
	PAGE_MEMBERS;
};

#define T struct deployment_query
static const struct field deployment_query_fields[] = { PAGE_FIELDS(T) };
#undef T
static SCHEMA(deployment_query_schema, struct deployment_query, "DeploymentQuery", deployment_query_fields);

/* What was found out before the unit of work. */
struct job {
	struct deployment_plan plan;
	enum err refused;
	struct problem problem;
};

static enum err deployment_list(struct ctx *cx, struct req *rq)
{
	const struct deployment_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "-created_at,deployment_id", &page));
	q_deployment_count_later(cx->db, tally_at(&rq->total), cx->tenant->id);
	TRY(q_deployment_list(cx->db, &rq->list, &page->order, cx->tenant->id, page->skip, page->rows));
	for (size_t i = 0; i < rq->list.n; i++)
		deployments_show(cx, DB_ROW(&rq->list, struct deployment, i));
	return ERR_NONE;
}

static enum err find(struct ctx *cx, const struct req *rq, struct deployment *ret)
{
	const enum err e = q_deployment_get(cx->db, ret, cx->tenant->id, rq->param[1]);

	if (e == ERR_NOT_FOUND)
		return refuse_missing(cx, "deployment", rq->param[1]);
	TRY(e);
	deployments_show(cx, ret);
	return ERR_NONE;
}

static enum err deployment_get(struct ctx *cx, struct req *rq)
{
	struct deployment *d = ARENA_NEW(cx->arena, struct deployment);

	TRY(find(cx, rq, d));
	return reply(rq, d);
}

/* The tenant first, as the flip does: each would wait for the other. */
static enum err deployment_cancel(struct ctx *cx, struct req *rq)
{
	struct deployment *d = ARENA_NEW(cx->arena, struct deployment);

	q_tenant_lock_later(cx->db, ARENA_NEW(cx->arena, struct tenant_row), ARENA_NEW(cx->arena, bool),
			    cx->tenant->id);
	TRY(find(cx, rq, d));
	TRY(deployments_cancel(cx, d->deployment_id));
	d->cancel_requested = true;
	rq->object_id = d->deployment_id;
	return reply(rq, d);
}

/*
 * The regions say how much there is, and whether they answer, before the control database is asked. What is
 * refused is refused behind an earlier request with the same key.
 */
static enum err deploy_prepare(struct ctx *cx, struct req *rq)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);
	const struct tenant *fresh = NULL;

	j->refused = deployments_plan(cx, rq->body, rq->dry_run, &j->plan, &fresh);
	gate_keep(cx, rq, fresh);
	if (j->refused != ERR_NONE) {
		j->problem = cx->problem;
		ctx_clear_problem(cx);
	}
	rq->prepared = j;
	return ERR_NONE;
}

static enum err deploy(struct ctx *cx, struct req *rq)
{
	const struct job *j = rq->prepared;
	struct deployment_plan plan = j->plan;
	struct deployment *d = ARENA_NEW(cx->arena, struct deployment);

	if (j->refused != ERR_NONE) {
		cx->problem = j->problem;
		return j->refused;
	}
	TRY(deployments_begin(cx, &plan, d));
	deployments_show(cx, d);
	rq->object_id = d->deployment_id;
	rq->detail = deployments_detail(cx, plan.in);
	rq->location = arena_printf(cx->arena, "/api/v1/tenants/%s/deployments/%s", cx->tenant->id,
				    d->deployment_id);
	return reply(rq, d);
}

static enum err read_tenants(struct ctx *cx, void *arg)
{
	q_region_tenants_later(cx->db, arg);
	return ERR_NONE;
}

static int64_t tenants_in(const struct db_rows *groups, const char *region)
{
	for (size_t i = 0; i < groups->n; i++)
		if (str_eq(DB_ROW(groups, struct tenant_group, i)->region, region))
			return DB_ROW(groups, struct tenant_group, i)->tenants;
	return 0;
}

static const char *regions_text(struct ctx *cx, const struct db_rows *groups, bool operator)
{
	const struct world *w = cx->world;
	struct str out;
	struct jw jw;

	str_init(&out, cx->arena, 512);
	jw_init(&jw, &out);
	jw_array(&jw);
	for (size_t i = 0; i < w->nregions; i++) {
		const struct region_row row = {
			.id = w->regions[i].id, .group = w->regions[i].group,
			.status = region_is_down(&w->regions[i]) ? "unavailable" : "available",
			.tenants = operator ? tenants_in(groups, w->regions[i].id) : INT_NULL,
		};

		schema_write(&jw, &region_row_schema, &row, WRITE_FULL);
	}
	jw_array_end(&jw);
	return out.data;
}

static enum err region_list(struct ctx *cx, struct req *rq)
{
	const bool operator = cx->actor != NULL && (cx->actor->scopes & scope_bit("platform:read")) != 0;
	struct region_list *list = ARENA_NEW(cx->arena, struct region_list);
	struct db_rows groups = { 0 };
	struct db_place place;

	place_platform(cx->world, &place);
	if (operator)
		TRY(db_unit(cx, &place, DB_READ, read_tenants, &groups));
	list->regions = regions_text(cx, &groups, operator);
	return reply(rq, list);
}

#define BASE "/tenants/{tenant_id}/deployments"
#define ALWAYS .flags = (ROUTE_VOLATILE | ROUTE_SUSPENDED_OK)
#define READ .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_READ, .object = "deployment", \
	.status = 200, .reply = &deployment_schema

static const struct route routes[] = {
	{ M_POST, "/tenants/{tenant_id}/deploy", "deployTenant", "deployments:write", "platform:tenants",
	  .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_WRITE, ALWAYS, .object = "deployment",
	  .status = 202, .before = deploy_prepare, .handler = deploy, .body = &deployment_new_schema,
	  .reply = &deployment_schema,
	  .errors = { ERR_IN_REGION, ERR_HAS_DATA, ERR_OPERATION_RUNNING, ERR_REGION_DOWN, ERR_TENANT_GONE,
		      ERR_TENANT_PROVISIONING },
	  .summary = "Move a tenant to another region",
	  .doc = "While it works: the copy runs beside it, both sides are compared, and only the change "
		 "itself holds writes up, for a moment. A dry run says how much there is, how long it will "
		 "take, and what is in the way." },
	{ M_GET, BASE, "listDeployments", "deployments:read", "platform:read", READ, ALWAYS,
	  .handler = deployment_list, .query = &deployment_query_schema, .list = "deployments",
	  .summary = "List a tenant's moves", .doc = "The youngest first." },
	{ M_GET, BASE "/{deployment_id}", "getDeployment", "deployments:read", "platform:read", READ, ALWAYS,
	  .handler = deployment_get, .summary = "Get a move",
	  .doc = "How far it came, when each step began, and what it copied." },
	{ M_POST, BASE "/{deployment_id}/cancel", "cancelDeployment", "deployments:write", "platform:tenants",
	  .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_WRITE, .object = "deployment", ALWAYS,
	  .status = 202, .handler = deployment_cancel, .reply = &deployment_schema,
	  .errors = { ERR_NOT_CANCELLABLE },
	  .summary = "Cancel a move",
	  .doc = "Until the region has changed. The tenant stays where it is, with all it has." },
	{ M_GET, "/regions", "listRegions", SCOPE_ANY, .auth = AUTH_ANY, .store = STORE_NONE, .mode = DB_READ,
	  .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK | ROUTE_DELETED_OK, .status = 200,
	  .handler = region_list, .reply = &region_list_schema,
	  .summary = "List the regions", .doc = "Those of this service, and whether each answers." },
};
ROUTE_GROUP(deployment_routes, "Deployments", "/api/v1", routes);
