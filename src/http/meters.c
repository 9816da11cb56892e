/* SPDX-License-Identifier: Apache-2.0 */
#include "meters.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/expo.h"
#include "cc/base/mem.h"

static const char requests_name[] = "controlcored_http_requests_total";
static const char time_name[] = "controlcored_http_request_duration_seconds";
static const char limited_name[] = "controlcored_rate_limited_total";
static const char tenants_name[] = "controlcored_tenant_requests_total";

/* Upper bounds, in microseconds and as the label says them. */
static const struct {
	int64_t us;
	const char *le;
} bounds[METER_BUCKETS] = {
	{ 500, "0.0005" }, { 1000, "0.001" }, { 2500, "0.0025" }, { 5000, "0.005" }, { 10000, "0.01" },
	{ 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" }, { 250000, "0.25" }, { 1000000, "1" },
	{ 5000000, "5" }, { 30000000, "30" },
};

static const char *const classes[METER_CLASSES] = { "gone", "1xx", "2xx", "3xx", "4xx", "5xx" };

void meters_init(struct meters *m, const struct router *r)
{
	m->n = router_count(r) + 1;
	m->v = mem_alloc(m->n, sizeof(*m->v));
	lock_init(&m->lock, RANK_METERS);
}

void meters_finish(struct meters *m)
{
	if (m->v == NULL)
		return;
	free(m->v);
	lock_finish(&m->lock);
}

static size_t bucket_of(int64_t us)
{
	size_t i = 0;

	while (i < METER_BUCKETS && us > bounds[i].us)
		i++;
	return i;
}

static struct tenant_meter *find(struct tenant_meter *v, size_t n, const char *id)
{
	for (size_t i = 0; i < n && v[i].id[0] != '\0'; i++)
		if (strcmp(v[i].id, id) == 0)
			return &v[i];
	return NULL;
}

/* A free place, or whose is missed least. */
static struct tenant_meter *least(struct tenant_meter *v, size_t n)
{
	struct tenant_meter *t = &v[0];

	for (size_t i = 0; i < n && t->id[0] != '\0'; i++)
		if (v[i].id[0] == '\0' || v[i].weight < t->weight)
			t = &v[i];
	return t;
}

static void name_meter(struct tenant_meter *t, const char *id, int64_t weight)
{
	*t = (struct tenant_meter){ .weight = weight };
	memcpy(t->id, id, strlen(id) + 1);
}

static void fade(struct meters *m)
{
	m->fade = METER_FADE;
	for (size_t i = 0; i < METER_TENANTS; i++)
		m->tenant[i].weight /= 2;
	for (size_t i = 0; i < METER_RIVALS; i++)
		m->rival[i].weight /= 2;
}

/* Who is shown now; NULL: it is one of the others. A stranger inherits the weight of whom it drives out. */
static struct tenant_meter *shown(struct meters *m, const char *id)
{
	struct tenant_meter *t = find(m->tenant, METER_TENANTS, id), *rival, *last;

	if (t != NULL)
		return t;
	last = least(m->tenant, METER_TENANTS);
	rival = last->id[0] != '\0' ? find(m->rival, METER_RIVALS, id) : NULL;
	if (last->id[0] != '\0' && rival == NULL) {
		rival = least(m->rival, METER_RIVALS);
		name_meter(rival, id, rival->weight);
	}
	if (rival != NULL && ++rival->weight <= 2 * last->weight + METER_RIVALS)
		return NULL;
	name_meter(last, id, rival != NULL ? rival->weight : 0);
	if (rival != NULL)
		rival->weight = 0;
	return last;
}

static void count_tenant(struct meters *m, const char *id)
{
	struct tenant_meter *t;

	lock_take(&m->lock);
	if (--m->fade <= 0)
		fade(m);
	t = strlen(id) < sizeof(t->id) ? shown(m, id) : NULL;
	if (t != NULL) {
		t->requests++;
		t->weight++;
	} else {
		m->others++;
	}
	lock_drop(&m->lock);
}

void meters_count(struct meters *m, const struct entry *e, const char *tenant_id, int status, int64_t us)
{
	struct meter *v = &m->v[e != NULL ? e->number : 0];
	const int class = status >= 100 && status < 600 ? status / 100 : 0;

	atomic_fetch_add_explicit(&v->by_class[class], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&v->bucket[bucket_of(us)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&v->sum_us, us, memory_order_relaxed);
	if (status == 429)
		atomic_fetch_add_explicit(&m->limited, 1, memory_order_relaxed);
	if (tenant_id != NULL)
		count_tenant(m, tenant_id);
}

static const char *labels_of(struct arena *a, const struct entry *e, const char *more)
{
	if (e == NULL)
		return arena_printf(a, "op=\"none\",method=\"\",route=\"\"%s", more);
	return arena_printf(a, "op=\"%s\",method=\"%s\",route=\"%s\"%s", e->route->op,
			    method_name(e->route->method), expo_label(a, e->path), more);
}

static int64_t read_count(const _Atomic int64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void write_classes(struct str *out, const struct meter *v, const struct entry *e)
{
	struct arena *a = out->arena;

	for (int i = 0; i < METER_CLASSES; i++) {
		const char *class = arena_printf(a, ",class=\"%s\"", classes[i]);
		const int64_t n = read_count(&v->by_class[i]);

		if (n > 0)
			expo_int(out, requests_name, "", labels_of(a, e, class), n);
	}
}

/* Each bucket holds those below it too. */
static void write_times(struct str *out, const struct meter *v, const struct entry *e)
{
	struct arena *a = out->arena;
	int64_t n = 0;

	for (int i = 0; i <= METER_BUCKETS; i++) {
		const char *le = i < METER_BUCKETS ? bounds[i].le : "+Inf";

		n += read_count(&v->bucket[i]);
		expo_int(out, time_name, "_bucket", labels_of(a, e, arena_printf(a, ",le=\"%s\"", le)), n);
	}
	expo_us(out, time_name, "_sum", labels_of(a, e, ""), read_count(&v->sum_us));
	expo_int(out, time_name, "_count", labels_of(a, e, ""), n);
}

static bool is_used(const struct meter *v)
{
	for (int i = 0; i < METER_CLASSES; i++)
		if (read_count(&v->by_class[i]) > 0)
			return true;
	return false;
}

static void write_tenants(struct meters *m, struct str *out)
{
	expo_family(out, tenants_name, EXPO_COUNTER,
		    "Requests by tenant: the busiest of late; all others are other.");
	lock_take(&m->lock);
	for (size_t i = 0; i < METER_TENANTS; i++) {
		if (m->tenant[i].id[0] == '\0')
			continue;
		expo_int(out, tenants_name, "",
			 arena_printf(out->arena, "tenant=\"%s\"", expo_label(out->arena, m->tenant[i].id)),
			 m->tenant[i].requests);
	}
	expo_int(out, tenants_name, "", "tenant=\"other\"", m->others);
	lock_drop(&m->lock);
}

void meters_write(struct meters *m, const struct router *r, struct str *out)
{
	expo_family(out, requests_name, EXPO_COUNTER,
		    "Requests that were answered, by operation and class of status.");
	for (const struct entry *e = NULL; (e = router_next(r, e)) != NULL;)
		write_classes(out, &m->v[e->number], e);
	write_classes(out, &m->v[0], NULL);
	expo_family(out, time_name, EXPO_HISTOGRAM, "From the first byte of a request to its answer.");
	for (const struct entry *e = NULL; (e = router_next(r, e)) != NULL;)
		if (is_used(&m->v[e->number]))
			write_times(out, &m->v[e->number], e);
	if (is_used(&m->v[0]))
		write_times(out, &m->v[0], NULL);
	expo_family(out, limited_name, EXPO_COUNTER, "Requests beyond a rate limit: status 429.");
	expo_int(out, limited_name, "", NULL, read_count(&m->limited));
	write_tenants(m, out);
}
