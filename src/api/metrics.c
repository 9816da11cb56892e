/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant has and does: gauges from its region, counters from the control database. */
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
#include "cc/schema/write.h"

#define HOUR_US (INT64_C(3600) * TIME_SECOND)
#define DAY_US (24 * HOUR_US)
#define HOURS_DAYS_MAX 367 /* a year by hour, and what of the days at its ends it touches */

struct metrics_query {
	const char *start_date, *end_date, *granularity;
};

#define T struct metrics_query
static const struct field metrics_query_fields[] = {
	PERIOD_FIELDS(T),
	ENUM(T, granularity, F_CREATE | F_NULLABLE, metric_granularities, NULL,
	     "Also answer the period in such stretches: by hour for a year at most. Weeks begin on Monday, "
	     "all of them in UTC."),
};
#undef T
static SCHEMA(metrics_query_schema, struct metrics_query, "MetricsQuery", metrics_query_fields);

struct job {
	struct arena *arena;
	const struct metrics_query *query;
	struct period period;
	struct metric_gauges gauges;
	struct db_rows sums, series;
	struct metrics_report *report;
};

static bool is_by_hour(const struct job *j)
{
	return str_eq(j->query->granularity, metric_granularities[0]);
}

static enum err look(struct ctx *cx, void *arg)
{
	struct job *j = arg;

	q_metric_gauges_later(cx->db, &j->gauges);
	return ERR_NONE;
}

/* "/policies 2xx" is of /policies, and so is "/policies 4xx late". */
static size_t family_of(const struct usage_sum *s)
{
	return strcspn(s->detail, " ");
}

/* Sums come by meter and detail, so those of a family are neighbours. */
static const char *by_endpoint(struct arena *a, const struct db_rows *sums, int64_t *ret_total)
{
	struct str out;
	struct jw w;

	*ret_total = 0;
	str_init(&out, a, 256);
	jw_init(&w, &out);
	jw_object(&w);
	for (size_t i = 0; i < sums->n;) {
		const struct usage_sum *first = DB_ROW(sums, struct usage_sum, i);
		const size_t n = family_of(first);
		int64_t calls = 0;

		for (; i < sums->n; i++) {
			const struct usage_sum *s = DB_ROW(sums, struct usage_sum, i);

			if (!str_eq(s->meter, first->meter) || family_of(s) != n ||
			    strncmp(s->detail, first->detail, n) != 0)
				break;
			calls += s->quantity;
		}
		if (!str_eq(first->meter, usage_meters[USAGE_API_CALLS]))
			continue;
		jw_key(&w, arena_strndup(a, first->detail, n));
		jw_int(&w, calls);
		*ret_total += calls;
	}
	jw_object_end(&w);
	return out.data;
}

static const char *series_json(struct arena *a, const struct db_rows *series)
{
	struct str out;
	struct jw w;

	str_init(&out, a, series->n * 112 + 16);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < series->n; i++)
		schema_write(&w, &usage_bucket_schema, DB_ROW(series, struct usage_bucket, i), WRITE_FULL);
	jw_array_end(&w);
	return out.data;
}

/* Hours come only where they have something. */
static const char *hours_json(struct arena *a, const struct db_rows *hours, const struct period *p)
{
	size_t next = 0;
	struct str out;
	struct jw w;

	str_init(&out, a, (size_t)((p->until - p->since) / HOUR_US) * 112 + 16);
	jw_init(&w, &out);
	jw_array(&w);
	for (int64_t at = p->since; at < p->until; at += HOUR_US) {
		struct usage_bucket b = { .start = at };

		if (next < hours->n && DB_ROW(hours, struct usage_bucket, next)->start == at)
			b = *DB_ROW(hours, struct usage_bucket, next++);
		schema_write(&w, &usage_bucket_schema, &b, WRITE_FULL);
	}
	jw_array_end(&w);
	return out.data;
}

static enum err count(struct ctx *cx, void *arg)
{
	struct job *j = arg;
	const struct period *p = &j->period;

	q_usage_sums_later(cx->db, &j->sums, cx->tenant->id, p->since, p->until, p->days_from, p->days_until);
	if (is_by_hour(j))
		q_usage_hours_later(cx->db, &j->series, cx->tenant->id, p->since, p->until);
	else if (j->query->granularity != NULL)
		q_usage_series_later(cx->db, &j->series, cx->tenant->id, p->since, p->until,
				     j->query->granularity);
	return ERR_NONE;
}

static void complete(struct req *rq, void *arg)
{
	struct job *j = arg;
	struct metrics_report *r = j->report;
	struct arena *a = j->arena;
	const struct metric_gauges *g = &j->gauges;

	(void)rq;
	r->metrics.policies =
		(struct metric_policies){ g->policies, g->policies_active, g->policies_sandbox };
	r->metrics.bouncers =
		(struct metric_bouncers){ g->bouncers, g->bouncers_active, g->requests_per_minute };
	r->metrics.users = (struct metric_users){ g->users, g->users_active };
	r->metrics.api_calls.by_endpoint = by_endpoint(a, &j->sums, &r->metrics.api_calls.total);
	r->period = j->period.said;
	if (is_by_hour(j))
		r->series = hours_json(a, &j->series, &j->period);
	else
		r->series = j->query->granularity != NULL ? series_json(a, &j->series) : NULL;
}

static enum err check_stretches(struct ctx *cx, const struct job *j)
{
	if (is_by_hour(j) &&
	    j->period.until - j->period.since > HOURS_DAYS_MAX * DAY_US)
		return refuse_field(cx, "granularity", "period_too_long",
				    "by hour the period must be at most a year long");
	return ERR_NONE;
}

static enum err metrics_get(struct ctx *cx, struct req *rq)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);

	j->arena = cx->arena;
	j->query = rq->query;
	j->report = ARENA_NEW(cx->arena, struct metrics_report);
	TRY(period_read(cx, j->query->start_date, j->query->end_date, &j->period));
	TRY(check_stretches(cx, j));
	TRY(gate_look(cx, rq, look, j));
	TRY(reply(rq, j->report));
	reply_complete(rq, complete, j);
	return gate_control(cx, rq, DB_READ, count, j);
}

static const struct route routes[] = {
	{ M_GET, "/tenants/{tenant_id}/metrics", "getMetrics", "metrics:read", "platform:read",
	  .auth = AUTH_TENANT, .store = STORE_NONE, .mode = DB_READ, .status = 200,
	  .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK, .handler = metrics_get, .rate = RATE_LIST,
	  .query = &metrics_query_schema, .reply = &metrics_report_schema,
	  .errors = { ERR_TENANT_MOVING, ERR_TENANT_MIGRATING },
	  .summary = "What a tenant has, and how much it is used",
	  .doc = "Calls of the API in the period, by the hours that it touches; what there is of policies, "
		 "bouncers and users, now. What was counted in the last second or two is not in it yet." },
};
ROUTE_GROUP(metrics_routes, "Usage", "/api/v1", routes);
