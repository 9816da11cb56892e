/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/quota.h"
#include "cc/core/tenants.h"

/* Two databases answer: what is in use is asked of the region, before anything else. */
struct job {
	struct req *rq;
	struct tenant_quota *quota;     /* the answer */
	struct tenant_usage used;
};

static enum err read_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return quota_read(cx, &j->used, j->quota);
}

static enum err change_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	TRY(quota_change(cx, j->rq->body, &j->used, j->quota, &j->rq->changed));
	if (j->rq->changed.n == 0)
		gate_unchanged(j->rq);
	return ERR_NONE;
}

static enum err run(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);
	const struct tenant *fresh;

	*j = (struct job){ .rq = rq, .quota = ARENA_NEW(cx->arena, struct tenant_quota) };
	tenants_usage(cx, &j->used, &fresh);
	gate_keep(cx, rq, fresh);
	TRY(reply(rq, j->quota));
	return gate_control(cx, rq, mode, work, j);
}

static enum err quota_get(struct ctx *cx, struct req *rq)
{
	return run(cx, rq, DB_READ, read_work);
}

static enum err quota_put(struct ctx *cx, struct req *rq)
{
	return run(cx, rq, DB_WRITE, change_work);
}

#define PATH "/tenants/{tenant_id}/quota"
static const struct route routes[] = {
	{ M_GET, PATH, "getQuota", "tenant:read", "platform:read", .auth = AUTH_TENANT, .store = STORE_NONE,
	  .mode = DB_READ, .flags = ROUTE_VOLATILE, .status = 200, .handler = quota_get,
	  .reply = &tenant_quota_schema,
	  .summary = "What a tenant may have, and has",
	  .doc = "By metric: the limit, what happens beyond it, and how much is in use." },
	{ M_PUT, PATH, "setQuota", "platform:tenants", NULL, .auth = AUTH_OPERATOR, .store = STORE_NONE,
	  .mode = DB_WRITE, .flags = ROUTE_PUT_KEEPS, .object = "tenant", .status = 200,
	  .handler = quota_put, .body = &tenant_quota_schema, .reply = &tenant_quota_schema,
	  .errors = { ERR_BELOW_USAGE, ERR_TENANT_GONE, ERR_TENANT_PROVISIONING },
	  .summary = "Set what a tenant may have",
	  .doc = "Members that are not sent stay. The limits are those of the tenant's settings. Every node "
		 "holds to it within a second." },
};
ROUTE_GROUP(quota_routes, "Tenants", "/api/v1", routes);
