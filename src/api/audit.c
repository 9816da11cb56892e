/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/audit.h"
#include "cc/model/check.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

/* Two chains are read from their ends and merged: what lies deeper is asked for by time. */
#define DEPTH_MAX 10000
#define DAY_US (INT64_C(86400) * TIME_SECOND)

struct audit_query {
	int64_t skip, limit;
	const char *start_date, *end_date, *actor, *action, *object, *outcome;
};

#define T struct audit_query
static const struct field audit_query_fields[] = {
	{ .name = "skip", .kind = K_INT, .flags = F_CREATE, .offset = FIELD_AT(T, skip, int64_t), .min = 0,
	  .max = DEPTH_MAX, .def = "0", .doc = "How many records to pass over; skip + limit ≤ 10000." },
	{ .name = "limit", .kind = K_INT, .flags = F_CREATE, .offset = FIELD_AT(T, limit, int64_t), .min = 1,
	  .max = PAGE_LIMIT_MAX, .def = PAGE_LIMIT_DEFAULT, .doc = "How many records to return at most." },
	TEXT_LIKE(T, start_date, F_CREATE | F_NULLABLE, 1, 40, check_time_or_date,
		  "From this date or date-time on."),
	TEXT_LIKE(T, end_date, F_CREATE | F_NULLABLE, 1, 40, check_time_or_date,
		  "Up to this date-time; a date means the whole day."),
	TEXT(T, actor, F_CREATE | F_NULLABLE, 1, 120, "Only what this credential did."),
	TEXT(T, action, F_CREATE | F_NULLABLE, 1, 120, "Only this operation: createPolicy, …"),
	TEXT(T, object, F_CREATE | F_NULLABLE, 1, 120, "Only this kind of object: policy, …"),
	TEXT(T, outcome, F_CREATE | F_NULLABLE, 1, 40, "Only this outcome: success."),
};
#undef T
static SCHEMA(audit_query_schema, struct audit_query, "AuditQuery", audit_query_fields);

/* What is asked of either chain, and its answer. */
struct ask {
	const struct audit_query *q;
	const char *tenant_id;
	int64_t since, until, depth;
	struct db_rows rows;
	int64_t total;
};

static enum err ask_data(struct ctx *cx, void *arg)
{
	struct ask *a = arg;
	const struct audit_query *q = a->q;

	q_audit_page_later(cx->db, &a->rows, a->since, a->until, q->actor, q->action, q->object, q->outcome,
			   a->depth);
	q_audit_count_later(cx->db, tally_at(&a->total), a->since, a->until, q->actor, q->action, q->object,
			    q->outcome);
	return ERR_NONE;
}

static enum err ask_control(struct ctx *cx, void *arg)
{
	struct ask *a = arg;
	const struct audit_query *q = a->q;

	q_tenant_audit_page_later(cx->db, &a->rows, a->tenant_id, a->since, a->until, q->actor, q->action,
				  q->object, q->outcome, a->depth);
	q_tenant_audit_count_later(cx->db, tally_at(&a->total), a->tenant_id, a->since, a->until, q->actor,
				   q->action, q->object, q->outcome);
	return ERR_NONE;
}

static enum err read_data(struct ctx *cx, struct ask *a)
{
	const struct tenant *held = cx->tenant, *fresh;
	enum err e = head_read(cx, ask_data, a, &fresh);

	cx->tenant = held;
	tenant_put(fresh);
	return e;
}

static enum err read_control(struct ctx *cx, struct ask *a)
{
	struct db_place place = { 0 };

	place_control(cx->world, a->tenant_id, &place);
	return db_unit(cx, &place, DB_READ, ask_control, a);
}

static enum err read_times(struct ctx *cx, const struct audit_query *q, struct ask *ret)
{
	ret->since = ret->until = TIME_NULL;
	if (q->start_date != NULL)
		(void)time_parse(q->start_date, true, &ret->since);
	if (q->end_date != NULL)
		(void)time_parse(q->end_date, true, &ret->until);
	if (q->end_date != NULL && strchr(q->end_date, ':') == NULL)
		ret->until += DAY_US - 1;
	if (ret->since != TIME_NULL && ret->until != TIME_NULL && ret->until < ret->since)
		return refuse_field(cx, "end_date", "range", "end_date must not be before start_date");
	return ERR_NONE;
}

/* The newest of both, less the first `skip`. */
static void merge(struct arena *a, const struct ask *x, const struct ask *y, struct db_rows *ret)
{
	const struct audit_query *q = x->q;
	struct audit_row *to = ARENA_ARRAY(a, struct audit_row, (size_t)q->limit);
	size_t i = 0, j = 0, n = 0;

	for (int64_t k = 0; k < x->depth && (i < x->rows.n || j < y->rows.n); k++) {
		const struct audit_row *row;

		if (j == y->rows.n || (i < x->rows.n && DB_ROW(&x->rows, struct audit_row, i)->timestamp >=
							DB_ROW(&y->rows, struct audit_row, j)->timestamp))
			row = DB_ROW(&x->rows, struct audit_row, i++);
		else
			row = DB_ROW(&y->rows, struct audit_row, j++);
		if (k >= q->skip)
			to[n++] = *row;
	}
	*ret = (struct db_rows){ .v = to, .n = n };
}

static enum err audit_list(struct ctx *cx, struct req *rq)
{
	const struct audit_query *q = rq->query;
	struct ask data = { .q = q, .tenant_id = cx->tenant->id, .depth = q->skip + q->limit };
	struct ask control;

	if (data.depth > DEPTH_MAX)
		return refuse_field(cx, "skip", "range",
				    "skip + limit must be at most %d; ask for what is older by end_date",
				    DEPTH_MAX);
	TRY(read_times(cx, q, &data));
	control = data;
	TRY(read_data(cx, &data));
	TRY(read_control(cx, &control));
	merge(cx->arena, &data, &control, &rq->list);
	rq->total = data.total + control.total;
	return reply_list(rq, q->skip, q->limit);
}

#define LIST(p, name) \
	{ M_GET, p, name, "audit:read", .auth = AUTH_TENANT, .store = STORE_NONE, .mode = DB_READ, \
	  .status = 200, .handler = audit_list, .query = &audit_query_schema, .reply = &audit_row_schema, \
	  .list = "logs", .flags = ROUTE_VOLATILE, .summary = "List audit records", \
	  .doc = "Newest first. Two chains: data, the tenant's objects; control, the tenant itself." }
static const struct route routes[] = {
	LIST("/audit/logs", "listAuditLogs"),
	LIST("/audit", "listAudit"),
};
ROUTE_GROUP(audit_routes, "Audit", "/api/v1", routes);
