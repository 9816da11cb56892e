/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/tenant.h"

#include "cc/base/str.h"
#include "cc/core/actor.h"
#include "cc/core/region_watch.h"
#include "cc/core/world.h"
#include "cc/model/migrations.h"
#include "cc/model/tenant.h"

const char *tenant_status_name(enum tenant_status s)
{
	return tenant_statuses[s];
}

bool tenant_status_parse(const char *s, enum tenant_status *ret)
{
	for (size_t i = 0; tenant_statuses[i] != NULL; i++)
		if (str_eq(tenant_statuses[i], s)) {
			*ret = (enum tenant_status)i;
			return true;
		}
	return false;
}

enum err tenant_place(struct ctx *cx, const struct tenant *t, struct db_place *ret)
{
	/* Code serves the newest schema and the one before it: a daemon can be replaced in operation. */
	const int64_t oldest = (int64_t)tenant_migrations.n - 1;

	if (t->status == TENANT_PROVISIONING || t->schema_id == NULL)
		return refuse(cx, ERR_TENANT_PROVISIONING, "the tenant is being created; retry");
	if (t->pool == NULL)
		return refuse(cx, ERR_UNAVAILABLE, "the tenant's region is not served by this node");
	TRY(region_refuse_down(cx, region_find(cx->world, t->region)));
	if (t->schema_version < oldest)
		return refuse(cx, ERR_TENANT_MIGRATING, "the tenant's schema is being upgraded; retry");
	*ret = (struct db_place){
		.pool = t->pool,
		.tenant = t->id,
		.role = t->schema_id,
		.search_path = t->search_path,
		.statement_ms = cx->world->settings->statement_ms,
	};
	return ERR_NONE;
}

enum err tenant_may_grow(struct ctx *cx)
{
	if (cx->actor == NULL || cx->actor->kind == ACTOR_OPERATOR)
		return ERR_NONE;
	if (cx->tenant->status == TENANT_SUSPENDED)
		return refuse(cx, ERR_TENANT_SUSPENDED, "the tenant is suspended: nothing can be added");
	if (cx->tenant->overdue)
		return refuse(cx, ERR_PAYMENT_OVERDUE,
			"the subscription has not been paid for a week: nothing can be added until it is");
	return ERR_NONE;
}
