/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/quota.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "tenants_in.h"

#include "cc/core/head.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/doc.h"
#include "cc/schema/write.h"

#define PERCENT_MAX 1000
#define NOWHERE SIZE_MAX

/* One metric in the shapes it has. */
static const struct metric {
	const char *name;
	size_t at;              /* in struct tenant_quota */
	size_t max;             /* in struct quota_row */
	size_t limit;           /* in struct limits */
	size_t used;            /* in struct tenant_usage */
	int64_t least;
} metrics[] = {
#define METRIC(m, lo) \
	{ #m, offsetof(struct tenant_quota, m), offsetof(struct quota_row, max_##m), \
	  offsetof(struct limits, max_##m), offsetof(struct tenant_usage, m##_used), (lo) }
	METRIC(policies, 0), METRIC(resources, 0), METRIC(users, 1), METRIC(bouncers, 0),
#undef METRIC
	{ "api_keys", offsetof(struct tenant_quota, api_keys), offsetof(struct quota_row, max_api_keys),
	  NOWHERE, NOWHERE, 0 },
};
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

static int64_t get(const void *obj, size_t at)
{
	int64_t v;

	memcpy(&v, (const char *)obj + at, sizeof(v));
	return v;
}

static void set(void *obj, size_t at, int64_t v)
{
	memcpy((char *)obj + at, &v, sizeof(v));
}

static struct quota_metric *metric_of(struct tenant_quota *q, const struct metric *m)
{
	return (struct quota_metric *)(void *)((char *)q + m->at);
}

int64_t quota_hard_limit(int64_t limit, const char *enforcement, int64_t grace_percent)
{
	if (limit == INT_NULL || str_eq(enforcement, "soft"))
		return INT_NULL;
	return str_eq(enforcement, "grace") ? limit + limit * grace_percent / 100 : limit;
}

/* What was never set is the table's default. */
static void read_rules(struct arena *a, const struct doc *d, const char *name, struct quota_metric *ret)
{
	const struct doc *o = d != NULL ? doc_object(d, name) : NULL;
	const struct quota_metric *fresh = schema_new(a, &quota_metric_schema);
	const char *enforcement = o != NULL ? doc_text(o, "enforcement") : NULL;
	const char *thresholds = o != NULL ? doc_text(o, "thresholds") : NULL;

	*ret = *fresh;
	if (enforcement != NULL)
		ret->enforcement = arena_strdup(a, enforcement);
	if (thresholds != NULL)
		ret->thresholds = arena_strdup(a, thresholds);
	if (o != NULL)
		(void)doc_int(o, "grace_percent", &ret->grace_percent);
}

void quota_hard_limits(struct arena *a, const char *json, const struct limits *limits, struct limits *ret)
{
	const char *why = NULL;
	struct doc *d = doc_parse(a, json, strlen(json), &why);
	struct quota_metric q;

	for (size_t i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];

		if (m->limit == NOWHERE)
			continue;
		read_rules(a, d, m->name, &q);
		set(ret, m->limit, quota_hard_limit(get(limits, m->limit), q.enforcement, q.grace_percent));
	}
	doc_free(d);
}

/* Thresholds ------------------------------------------------------------------------------------------- */

bool quota_thresholds(const char *text, struct percents *ret)
{
	const char *p = text;

	ret->n = 0;
	if (*p++ != '[')
		return false;
	while (*p != ']') {
		int64_t v = 0;
		size_t digits = strspn(p, "0123456789");

		if (ret->n == PERCENTS_MAX || digits == 0 || digits > 4)
			return false;
		for (; digits > 0; digits--)
			v = v * 10 + *p++ - '0';
		if (v < 1 || v > PERCENT_MAX || (ret->n > 0 && v <= ret->v[ret->n - 1]))
			return false;
		ret->v[ret->n++] = v;
		if (*p == ',' && p[1] != ']')
			p++;
		else if (*p != ']')
			return false;
	}
	return p[1] == '\0';
}

static int64_t reached(const struct quota_metric *q)
{
	int64_t highest = INT_NULL;
	struct percents t;

	if (q->limit == INT_NULL || q->used == INT_NULL || !quota_thresholds(q->thresholds, &t))
		return INT_NULL;
	for (size_t i = 0; i < t.n; i++)
		if (q->used * 100 >= q->limit * t.v[i])
			highest = t.v[i];
	return highest;
}

static void derive(struct quota_metric *q, int64_t used)
{
	q->used = used;
	q->hard_limit = quota_hard_limit(q->limit, q->enforcement, q->grace_percent);
	q->threshold = reached(q);
	q->state = q->threshold != INT_NULL ? "warning" : "ok";
	if (used != INT_NULL && q->limit != INT_NULL && used > q->limit)
		q->state = "over";
	if (used != INT_NULL && q->hard_limit != INT_NULL && used >= q->hard_limit)
		q->state = "full";
}

/* The whole -------------------------------------------------------------------------------------------- */

static int64_t used_of(const struct metric *m, const struct tenant_usage *used, const struct quota_row *row)
{
	return m->used == NOWHERE ? row->api_keys_used : get(used, m->used);
}

static void expand(struct ctx *cx, const struct quota_row *row, const struct tenant_usage *used,
		   struct tenant_quota *ret)
{
	const char *why = NULL;
	struct doc *d = doc_parse(cx->arena, row->quotas, strlen(row->quotas), &why);

	*ret = (struct tenant_quota){ .row_version = row->row_version };
	for (size_t i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];
		struct quota_metric *q = metric_of(ret, m);

		read_rules(cx->arena, d, m->name, q);
		q->limit = get(row, m->max);
		if (m->limit == NOWHERE && q->limit == INT_NULL)
			q->limit = cx->world->settings->api_keys_max;
		derive(q, used_of(m, used, row));
	}
	doc_free(d);
}

static const char *rules_json(struct ctx *cx, struct tenant_quota *q)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	jw_object(&w);
	for (size_t i = 0; i < METRICS; i++) {
		const struct quota_metric *m = metric_of(q, &metrics[i]);

		jw_key(&w, metrics[i].name);
		jw_object(&w);
		jw_key(&w, "enforcement");
		jw_text(&w, m->enforcement);
		jw_key(&w, "grace_percent");
		jw_int(&w, m->grace_percent);
		jw_key(&w, "thresholds");
		jw_text(&w, m->thresholds);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	return out.data;
}

enum err quota_read(struct ctx *cx, const struct tenant_usage *used, struct tenant_quota *ret)
{
	struct quota_row row;
	bool found;

	TRY(q_quota_get(cx->db, &row, &found, cx->tenant->id));
	if (!found)
		return refuse(cx, ERR_TENANT_NOT_FOUND, "Tenant %s not found", cx->tenant->id);
	expand(cx, &row, used, ret);
	return ERR_NONE;
}

static void check_fields(struct ctx *cx, struct tenant_quota *q)
{
	for (size_t i = 0; i < METRICS; i++) {
		const struct quota_metric *m = metric_of(q, &metrics[i]);
		const char *thresholds = arena_printf(cx->arena, "%s.thresholds", metrics[i].name);
		const char *limit = arena_printf(cx->arena, "%s.limit", metrics[i].name);
		struct percents t;

		if (m->thresholds == NULL || !quota_thresholds(m->thresholds, &t))
			(void)refuse_field(cx, thresholds, "format",
					   "`%s` must be at most %d integers from 1 to %d, ascending",
					   thresholds, PERCENTS_MAX, PERCENT_MAX);
		if (m->limit != INT_NULL && m->limit < metrics[i].least)
			(void)refuse_field(cx, limit, "range", "`%s` must be at least %" PRId64, limit,
					   metrics[i].least);
	}
}

/* Where it is refused may stay below what there is, but not get there. */
static enum err check_usage(struct ctx *cx, struct tenant_quota *was, struct tenant_quota *is)
{
	for (size_t i = 0; i < METRICS; i++) {
		const int64_t before = metric_of(was, &metrics[i])->hard_limit;
		const struct quota_metric *m = metric_of(is, &metrics[i]);

		if (m->hard_limit == INT_NULL || (before != INT_NULL && m->hard_limit >= before))
			continue;
		if (m->used == INT_NULL)
			return refuse(cx, ERR_UNAVAILABLE,
				      "the tenant's region does not say what is in use; retry");
		if (m->hard_limit < m->used)
			return refuse(cx, ERR_BELOW_USAGE,
				      "%s cannot be refused beyond %" PRId64 ": %" PRId64 " in use",
				      metrics[i].name, m->hard_limit, m->used);
	}
	return ERR_NONE;
}

/* The node's own limit is not the tenant's, unless somebody makes it that. */
static int64_t keys_limit(const struct quota_row *row, const struct tenant_quota *q,
			  const struct strv *changed)
{
	return strv_has(changed, "api_keys.limit") ? q->api_keys.limit : row->max_api_keys;
}

enum err quota_change(struct ctx *cx, const struct tenant_quota *sent, const struct tenant_usage *used,
		      struct tenant_quota *ret, struct strv *ret_changed)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct tenant_quota was;
	struct quota_row row;
	bool found;

	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, tenant));
	TRY(ctx_check_version(cx, tenant->row_version));
	TRY(q_quota_get(cx->db, &row, &found, cx->tenant->id));
	expand(cx, &row, used, ret);
	was = *ret;
	TRY(schema_overlay(cx, &tenant_quota_schema, ret, sent, READ_MERGE, ret_changed));
	if (ret_changed->n == 0)
		return ERR_NONE;
	check_fields(cx, ret);
	TRY(ctx_faults(cx));
	row.max_api_keys = keys_limit(&row, ret, ret_changed);
	if (ret->api_keys.limit == INT_NULL)
		ret->api_keys.limit = cx->world->settings->api_keys_max;
	for (size_t i = 0; i < METRICS; i++)
		derive(metric_of(ret, &metrics[i]), used_of(&metrics[i], used, &row));
	TRY(check_usage(cx, &was, ret));
	ret->row_version++;
	q_quota_set_later(cx->db, cx->tenant->id, ret->policies.limit, ret->resources.limit, ret->users.limit,
			  ret->bouncers.limit, row.max_api_keys, rules_json(cx, ret));
	return ERR_NONE;
}

void quota_warn(struct ctx *cx, const char *metric, int64_t used, int64_t limit, int64_t hard)
{
	if (limit == INT_NULL || used == INT_NULL || used <= limit)
		return;
	cx->quota_warning = arena_printf(cx->arena, "%s; used=%" PRId64 "; limit=%" PRId64, metric, used,
					 limit);
	if (hard != INT_NULL)
		cx->quota_warning = arena_printf(cx->arena, "%s; hard=%" PRId64, cx->quota_warning, hard);
}

enum err quota_take_api_key(struct ctx *cx, const struct quota_row *row)
{
	static const struct tenant_usage none;
	struct tenant_quota q;

	expand(cx, row, &none, &q);
	if (q.api_keys.hard_limit != INT_NULL && row->api_keys_used >= q.api_keys.hard_limit)
		return refuse_quota_hard(cx, "api_keys", q.api_keys.limit, q.api_keys.hard_limit,
					 row->api_keys_used);
	quota_warn(cx, "api_keys", row->api_keys_used + 1, q.api_keys.limit, q.api_keys.hard_limit);
	return ERR_NONE;
}
