/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include "cc/api/api.h"
#include "cc/base/clock.h"
#include "cc/base/expo.h"
#include "cc/core/health.h"
#include "cc/core/world.h"

struct liveness {
	const char *status;
};

#define T struct liveness
static const struct field liveness_fields[] = {
	TEXT(T, status, F_OUT, 0, 0,
	     "ok; or degraded: the control database is away, and reads are served from memory."),
};
#undef T
static SCHEMA(liveness_schema, struct liveness, "Liveness", liveness_fields);

struct component {
	const char *status;
	double latency_ms;
	const char *detail;
};

#define T struct component
static const struct field component_fields[] = {
	TEXT(T, status, F_OUT, 0, 0,
	     "healthy; degraded when it answers and takes no writes; unhealthy when it does not answer; "
	     "disabled when none is configured."),
	NUM(T, latency_ms, F_OUT | F_NULLABLE, "How long the answer took; null without one."),
	TEXT(T, detail, F_OUT | F_NULLABLE, 0, 0, "What is wrong; null when nothing is known to be."),
};
#undef T
static SCHEMA(component_schema, struct component, "HealthOfComponent", component_fields);

struct region_component {
	const char *region, *status;
	double latency_ms;
};

#define T struct region_component
static const struct field region_component_fields[] = {
	TEXT(T, region, F_OUT, 0, 0, "Its name.", .example = "eu-west-1"),
	TEXT(T, status, F_OUT, 0, 0,
	     "healthy; unhealthy when its PostgreSQL does not answer this node: then requests about its "
	     "tenants' data are 503, and nobody else's."),
	NUM(T, latency_ms, F_OUT | F_NULLABLE, "How long the latest answer took; null without one."),
};
#undef T
static SCHEMA(region_component_schema, struct region_component, "HealthOfRegion", region_component_fields);

struct components {
	struct component database, redis, certificate, dns;
	const char *regions;
};

#define T struct components
static const struct field components_fields[] = {
	OBJ(T, database, F_OUT, struct component, &component_schema,
	    "PostgreSQL: the control database, and writes everywhere."),
	OBJ(T, redis, F_OUT, struct component, &component_schema, "Redis. Nothing is lost without it."),
	OBJ(T, certificate, F_OUT, struct component, &component_schema,
	    "Of the certificates of tls.certificates the one that ends first: degraded from a week before "
	    "its end on, unhealthy from its end on; disabled without one."),
	OBJ(T, dns, F_OUT, struct component, &component_schema,
	    "The resolvers that tenants' domains are looked up with, as the latest look found them: "
	    "degraded when some did not answer, unhealthy when none did; disabled when none was asked yet. "
	    "Domains that are proven stay so, and the whole counts as healthy."),
	JSON_LIST(T, regions, F_OUT, 9, &region_component_schema,
		  "PostgreSQL of each region that this node serves."),
};
#undef T
static SCHEMA(components_schema, struct components, "HealthOfComponents", components_fields);

struct health_report {
	const char *status, *version;
	int64_t uptime_seconds;
	struct components components;
	int64_t timestamp;
};

#define T struct health_report
static const struct field health_fields[] = {
	TEXT(T, status, F_OUT, 0, 0,
	     "healthy; degraded without Redis or a region, when PostgreSQL refused the latest write, or when "
	     "the platform's certificate ends within a week; unhealthy without the control database."),
	TEXT(T, version, F_OUT, 0, 0, "Of the program."),
	INT(T, uptime_seconds, F_OUT, 0, 0, "Since this node started."),
	OBJ(T, components, F_OUT, struct components, &components_schema, "What it depends on."),
	TIME(T, timestamp, F_OUT, "Now."),
};
#undef T
static SCHEMA(health_schema, struct health_report, "Health", health_fields);

static const struct liveness fine = { .status = "ok" }, degraded = { .status = "degraded" };

static enum err live(struct ctx *cx, struct req *rq)
{
	(void)cx;
	return reply(rq, &fine);
}

static enum err ready(struct ctx *cx, struct req *rq)
{
	bool from_memory;

	TRY(health_ready(cx, &from_memory));
	return reply(rq, from_memory ? &degraded : &fine);
}

/* In tenths of a millisecond. */
static struct component component_of(bool up, bool used, int64_t us)
{
	const int64_t tenths = (us + 50) / 100;

	return (struct component){
		.status = !used ? "disabled" : up ? "healthy" : "unhealthy",
		.latency_ms = up ? (double)tenths / 10 : (double)__builtin_nanf(""),
		.detail = used && !up ? "it does not answer" : NULL,
	};
}

static struct component certificate_of(struct arena *a, const struct health *found)
{
	static const char *const statuses[] = {
		[END_FAR] = "healthy", [END_QUARTER] = "healthy", [END_WEEK] = "degraded",
		[END_DAYS] = "degraded", [END_PAST] = "unhealthy",
	};
	const struct platform_end *end = &found->certificate;
	struct component c = { .status = "disabled", .latency_ms = (double)__builtin_nanf("") };

	if (!found->certificate_used)
		return c;
	c.status = statuses[end->nearness];
	if (end->nearness != END_FAR)
		c.detail = arena_printf(a, "the one for %s %s at %s", end->name,
					end->nearness == END_PAST ? "ended" : "ends",
					time_format(a, end->until));
	return c;
}

static struct component dns_of(struct arena *a, const struct health *found)
{
	struct component c = { .status = "disabled", .latency_ms = (double)__builtin_nanf("") };

	if (found->resolvers_asked == 0)
		return c;
	c.status = found->resolvers_silent == 0			       ? "healthy"
		   : found->resolvers_silent < found->resolvers_asked ? "degraded"
								       : "unhealthy";
	if (found->resolvers_silent > 0)
		c.detail = arena_printf(a, "%d of %d resolvers do not answer", found->resolvers_silent,
					found->resolvers_asked);
	return c;
}

/* What is near its end is said early, and is no trouble yet. */
static bool is_degraded(const struct components *c)
{
	return c->database.detail != NULL || c->redis.detail != NULL ||
	       (c->certificate.detail != NULL && !str_eq(c->certificate.status, "healthy"));
}

/* JSON; *ret_all: every one answers. */
static const char *components_of_regions(struct ctx *cx, const struct health *found, bool *ret_all)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	jw_array(&w);
	*ret_all = true;
	for (size_t i = 0; i < found->nregions; i++) {
		const struct region_health *r = &found->regions[i];
		const struct component c = component_of(r->up, true, r->us);
		const struct region_component shown = { r->id, c.status, c.latency_ms };

		schema_write(&w, &region_component_schema, &shown, WRITE_FULL);
		*ret_all = *ret_all && r->up;
	}
	jw_array_end(&w);
	return out.data;
}

static enum err health(struct ctx *cx, struct req *rq)
{
	struct health_report *h = ARENA_NEW(cx->arena, struct health_report);
	struct health found;
	struct components c;
	bool all;

	health_check(cx, &found);
	c = (struct components){
		.database = component_of(found.database_up, true, found.database_us),
		.redis = component_of(found.redis_up, found.redis_used, found.redis_us),
		.certificate = certificate_of(cx->arena, &found),
		.dns = dns_of(cx->arena, &found),
		.regions = components_of_regions(cx, &found, &all),
	};
	if (found.refusing != NULL && found.database_up) {
		c.database.status = "degraded";
		c.database.detail = arena_printf(cx->arena, "writes are refused by %s", found.refusing);
	}
	*h = (struct health_report){
		.status = is_degraded(&c) || !all ? "degraded" : "healthy",
		.version = CC_VERSION,
		.uptime_seconds = found.uptime_s,
		.components = c,
		.timestamp = clock_wall_us(),
	};
	if (!found.database_up) {
		h->status = "unhealthy";
		rq->status = err_info(ERR_UNAVAILABLE)->status;
	}
	return reply(rq, h);
}

static enum err openapi(struct ctx *cx, struct req *rq)
{
	struct str out;

	str_init(&out, cx->arena, (size_t)128 * 1024);
	openapi_write(&out, &api_reference);
	rq->raw_out = out.data;
	return ERR_NONE;
}

static enum err devdocs(struct ctx *cx, struct req *rq)
{
	struct str out;

	str_init(&out, cx->arena, (size_t)512 * 1024);
	devdocs_write(&out, &api_reference);
	rq->raw_out = out.data;
	req_header(rq, "Content-Security-Policy", devdocs_csp);
	return ERR_NONE;
}

/* Who watches is answered whatever else goes on. */
#define PROBE_INLINE (ROUTE_PROBE | ROUTE_NO_LIMIT | ROUTE_INLINE)
#define PROBE (ROUTE_PROBE | ROUTE_NO_LIMIT | ROUTE_VOLATILE | ROUTE_EXPRESS)

static const struct route routes[] = {
	{ M_GET, "/livez", "live", .auth = AUTH_PUBLIC, .flags = PROBE_INLINE, .status = 200,
	  .handler = live, .reply = &liveness_schema, .summary = "Is the program alive?",
	  .doc = "Answered without looking at anything else." },
	{ M_GET, "/startupz", "started", .auth = AUTH_PUBLIC, .flags = PROBE_INLINE,
	  .status = 200, .handler = live, .reply = &liveness_schema, .summary = "Is the start over?",
	  .doc = "The port is opened at the end of the start: until then there is no connection." },
	{ M_GET, "/readyz", "ready", .auth = AUTH_PUBLIC,
	  .flags = PROBE, .status = 200,
	  .handler = ready, .reply = &liveness_schema, .errors = { ERR_UNAVAILABLE },
	  .summary = "Can it serve requests?",
	  .doc = "503 while it starts or stops, and when the control database has been away for so long that "
		 "nothing is served from memory any more (limits.stale_max_s)." },
	{ M_GET, "/api/v1/health", "health", .auth = AUTH_PUBLIC,
	  .flags = PROBE | ROUTE_REPLY_503, .status = 200,
	  .handler = health, .reply = &health_schema, .errors = { ERR_UNAVAILABLE },
	  .summary = "How the program and what it depends on are",
	  .doc = "The same body with 503 when the control database does not answer." },
#define OPENAPI .auth = AUTH_PUBLIC, .flags = ROUTE_INLINE | ROUTE_NO_LIMIT | ROUTE_FIXED, .status = 200, \
	.handler = openapi, .media = { "application/json" }, .summary = "This API as an OpenAPI 3.1 document"
	{ M_GET, "/openapi.json", "openapi", OPENAPI,
	  .doc = "Made from the tables that the server itself works by." },
	{ M_GET, "/api/v1/openapi.json", "openapiOfVersion", OPENAPI,
	  .doc = "The same as /openapi.json, below the prefix of this version." },
	{ M_GET, "/devdocs", "devdocs", .auth = AUTH_PUBLIC,
	  .flags = ROUTE_INLINE | ROUTE_NO_LIMIT | ROUTE_FIXED, .status = 200, .handler = devdocs,
	  .media = { "text/html; charset=utf-8" }, .summary = "This API as a page for people",
	  .doc = "One page without scripts, from the same tables." },
};
ROUTE_GROUP(system_routes, "System", "", routes);

/* Where a credential is no use: the answer is a text that is read as fast as it is made. */
static enum err metrics(struct ctx *cx, struct req *rq)
{
	struct str out;

	if (cx->world->metrics == NULL)
		return ERR_NOT_FOUND;
	str_init(&out, cx->arena, (size_t)64 * 1024);
	cx->world->metrics(cx->world, &out);
	rq->raw_out = out.data;
	rq->raw_type = EXPO_TYPE;
	return ERR_NONE;
}

static const struct route routes_of_admin[] = {
	{ M_GET, "/livez", "adminLive", .auth = AUTH_PUBLIC, .flags = PROBE_INLINE,
	  .status = 200, .handler = live, .reply = &liveness_schema, .summary = "Is the program alive?" },
	{ M_GET, "/readyz", "adminReady", .auth = AUTH_PUBLIC,
	  .flags = PROBE, .status = 200, .handler = ready,
	  .reply = &liveness_schema, .errors = { ERR_UNAVAILABLE }, .summary = "Can it serve requests?" },
	{ M_GET, "/metrics", "metrics", .auth = AUTH_PUBLIC,
	  .flags = PROBE, .status = 200, .handler = metrics,
	  .media = { EXPO_TYPE }, .summary = "What this node counts, for Prometheus" },
};
ROUTE_GROUP(admin_routes, "Admin", "", routes_of_admin);
