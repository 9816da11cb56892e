/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "audit_query.h"
#include "groups.h"
#include "cc/base/clock.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

/* Two chains are read from their ends and merged: what lies deeper is asked for by time. */
#define DEPTH_MAX 10000
#define DAY_US (INT64_C(86400) * TIME_SECOND)

struct audit_query {
	PAGE_MEMBERS;
	struct audit_filter filter;
};

#define T struct audit_query
static const struct field audit_query_fields[] = {
	PAGE_SKIP_FIELD(T, DEPTH_MAX, "How many records to pass over; skip + limit ≤ 10000."),
	PAGE_LIMIT_FIELD(T),
	PAGE_CURSOR_FIELD(T),
	AUDIT_FILTER_FIELDS(T),
};
#undef T
static SCHEMA(audit_query_schema, struct audit_query, "AuditQuery", audit_query_fields);

enum err audit_filter_times(struct ctx *cx, struct audit_filter *f)
{
	f->since = f->until = TIME_NULL;
	if (f->start_date != NULL)
		(void)time_parse(f->start_date, true, &f->since);
	if (f->end_date != NULL)
		(void)time_parse(f->end_date, true, &f->until);
	if (f->end_date != NULL && strchr(f->end_date, ':') == NULL)
		f->until += DAY_US - 1;
	if (f->since != TIME_NULL && f->until != TIME_NULL && f->until < f->since)
		return refuse_field(cx, "end_date", "range", "end_date must not be before start_date");
	return ERR_NONE;
}

bool audit_filter_chain(const struct audit_filter *f, const char *chain)
{
	return f->chain == NULL || str_eq(f->chain, chain);
}

/* What is asked of either chain, and its answer. */
struct ask {
	const struct audit_filter *filter;
	const char *tenant_id;
	int64_t before_at, before_seq;  /* only what is older; TIME_NULL: all */
	int64_t depth;
	struct db_rows rows;
	int64_t total;
};

static enum err ask_data(struct ctx *cx, void *arg)
{
	struct ask *a = arg;
	const struct audit_filter *f = a->filter;

	q_audit_page_later(cx->db, &a->rows, f->since, f->until, f->actor, f->action, f->category, f->object,
			   f->object_id, f->environment, f->outcome, a->before_at, a->before_seq, a->depth);
	q_audit_count_later(cx->db, tally_at(&a->total), f->since, f->until, f->actor, f->action, f->category,
			    f->object, f->object_id, f->environment, f->outcome);
	return ERR_NONE;
}

static enum err ask_control(struct ctx *cx, void *arg)
{
	struct ask *a = arg;
	const struct audit_filter *f = a->filter;

	q_tenant_audit_page_later(cx->db, &a->rows, a->tenant_id, f->since, f->until, f->actor, f->action,
				  f->category, f->object, f->object_id, f->environment, f->outcome,
				  a->before_at, a->before_seq, a->depth);
	q_tenant_audit_count_later(cx->db, tally_at(&a->total), a->tenant_id, f->since, f->until, f->actor,
				   f->action, f->category, f->object, f->object_id, f->environment,
				   f->outcome);
	return ERR_NONE;
}

static enum err read_data(struct ctx *cx, struct ask *a)
{
	const struct tenant *held = cx->tenant, *fresh;
	enum err e;

	if (!audit_filter_chain(a->filter, AUDIT_CHAIN_DATA))
		return ERR_NONE;
	e = head_read(cx, ask_data, a, &fresh);
	cx->tenant = held;
	tenant_put(fresh);
	return e;
}

static enum err read_control(struct ctx *cx, struct ask *a)
{
	struct db_place place = { 0 };

	if (!audit_filter_chain(a->filter, AUDIT_CHAIN_CONTROL))
		return ERR_NONE;
	place_control(cx->world, a->tenant_id, &place);
	return db_unit(cx, &place, DB_READ, ask_control, a);
}

static const struct audit_row *row_at(const struct ask *a, size_t i)
{
	return i < a->rows.n ? DB_ROW(&a->rows, struct audit_row, i) : NULL;
}

/* The newest of both, less the first `skip`. Of two at one time data is the newer, wherever a page begins. */
static void merge(struct arena *a, const struct ask *data, const struct ask *control, int64_t skip,
		  struct db_rows *ret)
{
	struct audit_row *to = ARENA_ARRAY(a, struct audit_row, (size_t)(data->depth - skip));
	size_t i = 0, j = 0, n = 0;

	for (int64_t k = 0; k < data->depth; k++) {
		const struct audit_row *x = row_at(data, i), *y = row_at(control, j);

		if (x == NULL && y == NULL)
			break;
		if (y == NULL || (x != NULL && x->timestamp >= y->timestamp)) {
			i++;
		} else {
			j++;
			x = y;
		}
		if (k >= skip)
			to[n++] = *x;
	}
	*ret = (struct db_rows){ .v = to, .n = n };
}

/*
 * Where each chain goes on behind the last record of the page before: of those of the same time, what is
 * left of its own chain, and of the control chain also all, for the data chain comes first.
 */
static void begin_behind(const struct page *page, struct ask *data, struct ask *control)
{
	const struct db_arg *last = page->order.after;

	if (last == NULL)
		return;
	data->before_at = control->before_at = last[0].number;
	data->before_seq = control->before_seq = last[2].number;
	if (str_eq(last[1].text, AUDIT_CHAIN_DATA))
		control->before_seq = INT64_MAX;
	else
		data->before_seq = 0;
}

static enum err audit_list(struct ctx *cx, struct req *rq)
{
	const struct audit_query *q = rq->query;
	struct audit_filter filter = q->filter;
	struct ask data = { .filter = &filter, .tenant_id = cx->tenant->id, .before_at = TIME_NULL };
	const struct page *page;
	struct ask control;

	if (q->page.skip + q->page.limit > DEPTH_MAX)
		return refuse_field(cx, "skip", "range",
				    "skip + limit must be at most %d; ask for what is older by cursor",
				    DEPTH_MAX);
	TRY(req_page(cx, rq, &q->page, "-timestamp,chain,-seq", &page));
	TRY(audit_filter_times(cx, &filter));
	data.depth = page->skip + page->rows;
	control = data;
	begin_behind(page, &data, &control);
	TRY(read_data(cx, &data));
	TRY(read_control(cx, &control));
	merge(cx->arena, &data, &control, page->skip, &rq->list);
	rq->total = data.total + control.total;
	return ERR_NONE;
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
