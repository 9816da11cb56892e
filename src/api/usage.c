/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant used in a period, and the ledger that says so line by line. */
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "groups.h"
#include "usage_period.h"

#include "cc/core/tenant.h"
#include "cc/core/usage.h"
#include "cc/core/world.h"
#include "cc/model/metrics.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/schema/csv.h"
#include "cc/schema/write.h"

#define PIECE_ROWS 1000
#define TYPE_CSV "text/csv"
#define TYPE_NDJSON "application/x-ndjson"

/* How much there is ---------------------------------------------------------------------------------- */

struct usage_query {
	const char *start_date, *end_date, *metric;
};

#define T struct usage_query
static const struct field usage_query_fields[] = {
	PERIOD_FIELDS(T),
	ENUM(T, metric, F_CREATE | F_NULLABLE, usage_metrics, NULL, "Only this one."),
};
#undef T
static SCHEMA(usage_query_schema, struct usage_query, "UsageQuery", usage_query_fields);

struct job {
	struct arena *arena;
	const struct usage_query *query;
	struct period period;
	struct metric_gauges gauges;
	struct db_rows sums;
	struct usage_report *report;
};

static enum err look(struct ctx *cx, void *arg)
{
	q_metric_gauges_later(cx->db, &((struct job *)arg)->gauges);
	return ERR_NONE;
}

static enum err count(struct ctx *cx, void *arg)
{
	struct job *j = arg;
	const struct period *p = &j->period;

	q_usage_sums_later(cx->db, &j->sums, cx->tenant->id, p->since, p->until, p->days_from, p->days_until);
	return ERR_NONE;
}

static int64_t sum_of(const struct db_rows *sums, const char *meter)
{
	int64_t n = 0;

	for (size_t i = 0; i < sums->n; i++) {
		const struct usage_sum *s = DB_ROW(sums, struct usage_sum, i);

		n += str_eq(s->meter, meter) ? s->quantity : 0;
	}
	return n;
}

static void complete(struct req *rq, void *arg)
{
	struct job *j = arg;
	const struct metric_gauges *g = &j->gauges;
	const int64_t gauges[] = { g->policies, g->resources, g->users, g->bouncers,
				   g->storage_bytes };
	struct str out;
	struct jw w;

	(void)rq;
	str_init(&out, j->arena, 512);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; usage_metrics[i] != NULL; i++) {
		const bool counter = i <= USAGE_BOUNCER_REQUESTS;
		const struct usage_item item = {
			.metric = usage_metrics[i],
			.kind = usage_kinds[counter ? 0 : 1],
			.quantity = counter ? sum_of(&j->sums, usage_metrics[i])
					    : gauges[i - USAGE_BOUNCER_REQUESTS - 1],
		};

		if (j->query->metric == NULL || str_eq(j->query->metric, item.metric))
			schema_write(&w, &usage_item_schema, &item, WRITE_FULL);
	}
	jw_array_end(&w);
	j->report->usage = out.data;
	j->report->period = j->period.said;
}

static enum err usage_get(struct ctx *cx, struct req *rq)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);

	j->arena = cx->arena;
	j->query = rq->query;
	j->report = ARENA_NEW(cx->arena, struct usage_report);
	TRY(period_read(cx, j->query->start_date, j->query->end_date, &j->period));
	TRY(gate_look(cx, rq, look, j));
	TRY(reply(rq, j->report));
	reply_complete(rq, complete, j);
	return gate_control(cx, rq, DB_READ, count, j);
}

/* The ledger ----------------------------------------------------------------------------------------- */

static const char *const formats[] = { "ndjson", "csv", NULL };

struct events_query {
	const char *start_date, *end_date, *format;
};

#define T struct events_query
static const struct field events_query_fields[] = {
	PERIOD_FIELDS(T),
	ENUM(T, format, F_CREATE, formats, "ndjson", "A JSON object in each line, or csv for spreadsheets."),
};
#undef T
static SCHEMA(events_query_schema, struct events_query, "UsageEventsQuery", events_query_fields);

/* Behind which line the next piece begins. */
struct ledger {
	const char *tenant_id;
	struct period period;
	bool csv, begun;
	int64_t hour;
	char meter[USAGE_DETAIL_MAX], detail[2 * USAGE_DETAIL_MAX];
	struct db_rows rows;
};

static enum err read_events(struct ctx *cx, void *arg)
{
	struct ledger *l = arg;

	q_usage_events_later(cx->db, &l->rows, l->tenant_id, l->period.until, l->hour, l->meter, l->detail,
			     PIECE_ROWS);
	return ERR_NONE;
}

static void write_event(struct ledger *l, struct str *out, const struct usage_event *e)
{
	struct jw w;

	l->hour = e->hour;
	(void)snprintf(l->meter, sizeof(l->meter), "%s", e->meter);
	(void)snprintf(l->detail, sizeof(l->detail), "%s", e->detail);
	if (l->csv) {
		csv_row(out, &usage_event_schema, e);
		return;
	}
	jw_init(&w, out);
	schema_write(&w, &usage_event_schema, e, WRITE_FULL);
	str_add_char(out, '\n');
}

static enum err more(struct ctx *cx, void *arg, struct str *out, bool *ret_last)
{
	struct ledger *l = arg;
	struct db_place place;

	place_control(cx->world, l->tenant_id, &place);
	l->rows = (struct db_rows){ .n = 0 };
	TRY(db_unit(cx, &place, DB_READ, read_events, l));
	if (!l->begun && l->csv)
		csv_head(out, &usage_event_schema);
	l->begun = true;
	for (size_t i = 0; i < l->rows.n; i++)
		write_event(l, out, DB_ROW(&l->rows, struct usage_event, i));
	*ret_last = l->rows.n < PIECE_ROWS;
	return ERR_NONE;
}

static enum err events_get(struct ctx *cx, struct req *rq)
{
	const struct events_query *q = rq->query;
	struct ledger *l = ARENA_NEW(cx->arena, struct ledger);
	struct stream *s = ARENA_NEW(cx->arena, struct stream);

	TRY(period_read(cx, q->start_date, q->end_date, &l->period));
	l->tenant_id = arena_strdup(cx->arena, cx->tenant->id);
	l->csv = str_eq(q->format, "csv");
	l->hour = l->period.since;
	*s = (struct stream){ .more = more, .arg = l, .owner = l->tenant_id };
	return reply_stream(rq, s, l->csv ? TYPE_CSV : TYPE_NDJSON);
}

#define BASE "/tenants/{tenant_id}/usage"
#define READS_IT "billing:read", "platform:read", .auth = AUTH_TENANT, .store = STORE_NONE, .mode = DB_READ, \
	.status = 200, .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK
static const struct route routes[] = {
	{ M_GET, BASE, "getUsage", READS_IT, .handler = usage_get, .query = &usage_query_schema,
	  .reply = &usage_report_schema, .rate = RATE_LIST,
	  .errors = { ERR_TENANT_MOVING, ERR_TENANT_MIGRATING },
	  .summary = "What a tenant used in a period",
	  .doc = "Counters are the sums of the ledger over the hours that the period touches; gauges are of "
		 "this moment. api_failures are never billed." },
	{ M_GET, BASE "/events", "exportUsage", READS_IT, .handler = events_get,
	  .query = &events_query_schema, .media = { TYPE_NDJSON, TYPE_CSV }, .rate = RATE_EXPORT,
	  .summary = "Export the ledger of usage",
	  .doc = "A line for each hour, meter and detail, oldest first. What is billed is the sum of it. The "
		 "lines of a closed hour never change. An answer that cannot be completed ends without its "
		 "last chunk." },
};
ROUTE_GROUP(usage_routes, "Usage", "/api/v1", routes);
