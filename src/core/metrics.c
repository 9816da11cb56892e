/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/metrics.h"

#include "cc/base/clock.h"
#include "cc/base/expo.h"
#include "cc/core/health.h"
#include "cc/core/limiter.h"
#include "cc/core/region_watch.h"
#include "metrics_in.h"
#include "cc/core/registry.h"

/* One line of each pool in each of these families. */
enum { POOL_OPEN, POOL_LEASED, POOL_WAITING, POOL_OPENED, POOL_FAILED, POOL_TRIPS, POOL_WAITS, POOL_WAITED,
       POOL_FAMILIES };
static const struct {
	const char *name, *help;
	enum expo_type type;
	bool us;
} families[POOL_FAMILIES] = {
	{ "controlcored_db_connections", "Connections to PostgreSQL that are open.", EXPO_GAUGE, false },
	{ "controlcored_db_leased", "Connections that a unit of work has.", EXPO_GAUGE, false },
	{ "controlcored_db_waiting", "Units of work that wait for a connection.", EXPO_GAUGE, false },
	{ "controlcored_db_opened_total", "Connections that were opened.", EXPO_COUNTER, false },
	{ "controlcored_db_failed_total", "Connections that could not be opened.", EXPO_COUNTER, false },
	{ "controlcored_db_trips_total", "Round trips of units of work.", EXPO_COUNTER, false },
	{ "controlcored_db_waits_total", "Units of work that waited for a connection.", EXPO_COUNTER, false },
	{ "controlcored_db_wait_seconds_total", "How long units of work waited for a connection.",
	  EXPO_COUNTER, true },
};

struct pool_line {
	const char *name;
	int64_t v[POOL_FAMILIES];
};

static void add_pool(struct pool_line *l, struct db_pool *p)
{
	struct db_pool_stats s;

	if (p == NULL)
		return;
	db_pool_stats(p, &s);
	l->v[POOL_OPEN] += s.open;
	l->v[POOL_LEASED] += s.leased;
	l->v[POOL_WAITING] += s.waiting;
	l->v[POOL_OPENED] += s.opened_total;
	l->v[POOL_FAILED] += s.failed_total;
	l->v[POOL_TRIPS] += s.trips_total;
	l->v[POOL_WAITS] += s.waits_total;
	l->v[POOL_WAITED] += s.waited_us;
}

/* The shards of a region are one. Pools that are made stay: they are looked at without the lock. */
static void add_region(struct pool_line *l, struct region *r)
{
	struct db_pool *pool[SHARD_MAX];

	l->name = r->id;
	lock_take(&r->lock);
	for (int i = 0; i < SHARD_MAX; i++)
		pool[i] = r->pool[i];
	lock_drop(&r->lock);
	for (int i = 0; i < SHARD_MAX; i++)
		add_pool(l, pool[i]);
}

static void write_pools(struct world *w, struct str *out)
{
	struct pool_line *l = ARENA_ARRAY(out->arena, struct pool_line, w->nregions + 1);

	l[0].name = "control";
	add_pool(&l[0], w->ctl);
	add_pool(&l[0], w->ctl_tenant);
	for (size_t i = 0; i < w->nregions; i++)
		add_region(&l[i + 1], &w->regions[i]);
	for (int f = 0; f < POOL_FAMILIES; f++) {
		expo_family(out, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i <= w->nregions; i++)
			(families[f].us ? expo_us : expo_int)(
				out, families[f].name, "",
				arena_printf(out->arena, "database=\"%s\"", l[i].name), l[i].v[f]);
	}
}

static void write_regions(const struct world *w, struct str *out)
{
	static const char up[] = "controlcored_region_up";

	expo_family(out, up, EXPO_GAUGE, "1: the PostgreSQL of the region answers this node.");
	for (size_t i = 0; i < w->nregions; i++)
		expo_int(out, up, "", arena_printf(out->arena, "region=\"%s\"", w->regions[i].id),
			 !region_is_down(&w->regions[i]));
}

static void write_feed(const struct world *w, struct str *out)
{
	static const char age[] = "controlcored_feed_age_seconds";
	const int64_t fresh = registry_fresh_at(w->registry);

	expo_family(out, age, EXPO_GAUGE, "Since this node last heard what changed in the control database.");
	if (fresh != 0)
		expo_us(out, age, "", NULL, (clock_mono_ms() - fresh) * 1000);
}

static void write_limiter(const struct world *w, struct str *out)
{
	static const char shared[] = "controlcored_limiter_shared", alone[] = "controlcored_limiter_alone";
	struct limiter_stats s;

	limiter_stats(w->limiter, &s);
	expo_one(out, shared, EXPO_GAUGE, "1: nodes count rate limits together, by Redis.",
		 s.shared && !s.degraded);
	expo_one(out, alone, EXPO_GAUGE, "Requests decided alone since Redis stopped answering.",
		 s.alone);
}

static void write_meters(const struct world *w, struct str *out)
{
	static const char meters[] = "controlcored_limiter_meters", nodes[] = "controlcored_limiter_nodes";
	struct limiter_stats s, f;

	limiter_stats(w->limiter, &s);
	limiter_stats(w->failures, &f);
	expo_one(out, nodes, EXPO_GAUGE, "Nodes that count rate limits together, as Redis last said.",
		 s.nodes);
	expo_family(out, meters, EXPO_GAUGE, "Meters of rate limits that are kept.");
	expo_int(out, meters, "", "of=\"requests\"", s.meters);
	expo_int(out, meters, "", "of=\"failures\"", f.meters);
}

static void write_caches(const struct world *w, struct str *out)
{
	static const char entries[] = "controlcored_cache_entries", most[] = "controlcored_cache_entries_max";
	struct registry_stats s;

	registry_stats(w->registry, &s);
	expo_family(out, most, EXPO_GAUGE, "How much of it this node has room for.");
	for (size_t i = 0; i < sizeof(s.cache) / sizeof(s.cache[0]); i++)
		expo_int(out, most, "", arena_printf(out->arena, "cache=\"%s\"", s.cache[i].what),
			 (int64_t)s.cache[i].most);
	expo_family(out, entries, EXPO_GAUGE, "What this node keeps of the control database.");
	for (size_t i = 0; i < sizeof(s.cache) / sizeof(s.cache[0]); i++)
		expo_int(out, entries, "", arena_printf(out->arena, "cache=\"%s\"", s.cache[i].what),
			 (int64_t)s.cache[i].entries);
}

static void write_resolvers(const struct world *w, struct str *out)
{
	static const char silent[] = "controlcored_resolver_silent";

	expo_family(out, silent, EXPO_GAUGE, "1: the resolver did not answer when it was last asked.");
	for (size_t i = 0; w->resolver != NULL && i < w->settings->nresolvers; i++) {
		const char *name = w->settings->resolvers[i];

		expo_int(out, silent, "",
			 arena_printf(out->arena, "resolver=\"%s\"",
				      expo_label(out->arena, name != NULL ? name : "system")),
			 atomic_load(&w->resolver[i].silent_us) != 0);
	}
}

static void write_certificate(struct world *w, struct str *out)
{
	static const char ends[] = "controlcored_certificate_end_seconds";
	struct platform_end end;

	if (w->platform_end == NULL || !w->platform_end(w, &end))
		return;
	expo_family(out, ends, EXPO_GAUGE, "Until the platform's certificate that ends first does so.");
	expo_us(out, ends, "", NULL, end.until - clock_wall_us());
}

void world_metrics(struct world *w, struct str *out)
{
	write_pools(w, out);
	write_regions(w, out);
	write_feed(w, out);
	write_limiter(w, out);
	write_meters(w, out);
	write_caches(w, out);
	background_metrics(w, out);
	write_resolvers(w, out);
	write_certificate(w, out);
}
