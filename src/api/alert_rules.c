/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/usage_watch.h"

static enum err rules_get(struct ctx *cx, struct req *rq)
{
	struct alert_rules *r = ARENA_NEW(cx->arena, struct alert_rules);

	TRY(alert_rules_read(cx, r));
	return reply(rq, r);
}

static enum err rules_put(struct ctx *cx, struct req *rq)
{
	struct alert_rules *r = ARENA_NEW(cx->arena, struct alert_rules);

	TRY(alert_rules_change(cx, rq->body, r, &rq->changed));
	if (rq->changed.n == 0)
		gate_unchanged(rq);
	return reply(rq, r);
}

#define PATH "/tenants/{tenant_id}/alert-rules"
static const struct route routes[] = {
	{ M_GET, PATH, "getAlertRules", "alerts:read", "platform:read", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_READ, .status = 200, .flags = ROUTE_VOLATILE,
	  .handler = rules_get, .reply = &alert_rules_schema,
	  .summary = "Of what usage a tenant is told",
	  .doc = "By metric: the shares of its limit that raise an alert." },
	{ M_PUT, PATH, "setAlertRules", "alerts:write", "platform:tenants", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_WRITE, .flags = ROUTE_PUT_KEEPS, .object = "tenant",
	  .status = 200, .handler = rules_put, .body = &alert_rules_schema, .reply = &alert_rules_schema,
	  .summary = "Set of what usage a tenant is told",
	  .doc = "Members that are not sent stay. Alerts whose threshold is gone are over with the next "
		 "look, seconds after the tenant's next call." },
};
ROUTE_GROUP(alert_rule_routes, "Alerts", "/api/v1", routes);
