/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/alerts.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

struct alert_query {
	PAGE_MEMBERS;
	const char *status, *severity, *type;
};

#define T struct alert_query
static const struct field alert_query_fields[] = {
	PAGE_SKIP_FIELD(T, PAGE_SKIP_MAX, "How many alerts to pass over."),
	PAGE_LIMIT_FIELD(T),
	PAGE_CURSOR_FIELD(T),
	ENUM(T, status, F_CREATE | F_NULLABLE, alert_statuses, NULL,
	     "Only these. open: neither acknowledged nor resolved."),
	ENUM(T, severity, F_CREATE | F_NULLABLE, alert_severities, NULL, "Only alerts of this severity."),
	ENUM(T, type, F_CREATE | F_NULLABLE, alert_types, NULL, "Only alerts of this type."),
};
#undef T
static SCHEMA(alert_query_schema, struct alert_query, "AlertQuery", alert_query_fields);

static enum err alert_list(struct ctx *cx, struct req *rq)
{
	const struct alert_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "-created_at", &page));
	q_alert_list_later(cx->db, &rq->list, &page->order, cx->tenant->id, page->skip, page->rows, q->status,
			   q->severity, q->type);
	q_alert_count_later(cx->db, tally_at(&rq->total), cx->tenant->id, q->status, q->severity, q->type);
	return ERR_NONE;
}

static enum err alert_acknowledge_it(struct ctx *cx, struct req *rq)
{
	struct alert *a = ARENA_NEW(cx->arena, struct alert);
	bool changed;

	TRY(alert_acknowledge(cx, rq->param[1], a, &changed));
	if (!changed)
		gate_unchanged(rq);
	return reply(rq, a);
}

#define BASE "/tenants/{tenant_id}/alerts"

static const struct route routes[] = {
	{ M_GET, BASE, "listAlerts", "alerts:read", "platform:read", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_READ, .status = 200,
	  .flags = ROUTE_VOLATILE | ROUTE_BARE_ARRAY | ROUTE_SUSPENDED_OK, .handler = alert_list,
	  .query = &alert_query_schema, .reply = &alert_schema, .list = "alerts",
	  .summary = "List a tenant's alerts",
	  .doc = "The youngest first, with those that are over, which are kept for 90 days. A bare array; "
		 "further pages are named by the header Link." },
	{ M_POST, BASE "/{alert_id}/acknowledge", "acknowledgeAlert", "alerts:write", "platform:tenants",
	  .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_WRITE, .status = 200,
	  .flags = ROUTE_VOLATILE, .handler = alert_acknowledge_it, .reply = &alert_schema,
	  .object = "alert",
	  .summary = "Say that an alert is known",
	  .doc = "It stays until it is over; that it finds out by itself." },
};
ROUTE_GROUP(alert_routes, "Alerts", "/api/v1", routes);
