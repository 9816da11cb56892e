/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <stddef.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/expo.h"
#include "cc/core/bundles.h"
#include "cc/core/limiter.h"
#include "cc/core/marks.h"
#include "cc/core/metrics.h"
#include "cc/core/registry.h"
#include "cc/core/usage.h"
#include "cc/net/http_client.h"

#include "dns_update.h"
#include "stores.h"

static void fill_regions(struct wire *w)
{
	const struct config *c = w->config;

	w->world.regions = ARENA_ARRAY(w->arena, struct region, c->nregions);
	w->world.nregions = c->nregions;
	for (size_t i = 0; i < c->nregions; i++) {
		const struct region_info *info = region_info_find(c->region[i].id);
		struct region *r = &w->world.regions[i];

		r->id = info->id;
		r->group = info->group;
		r->ident = info->ident;
		r->conninfo = c->region[i].conninfo;
		r->budget = db_budget_create((int)c->region[i].connections);
		r->server = db_server_create();
		lock_init(&r->lock, RANK_POOL);
	}
}

static struct db_pool *control_pool(const struct wire *w, const char *role)
{
	return db_pool_create(&(struct db_pool_conf){
		.name = role,
		.conninfo = w->world.settings->control_conninfo,
		.user = role,
		.password = role_password(w->arena, w->world.settings, role),
		.max = w->world.settings->control_connections,
		.connect_ms = DB_CONNECT_MS,
		.idle_close_ms = DB_IDLE_CLOSE_MS,
		.lifetime_ms = DB_LIFETIME_MS,
	});
}

static void data_changed(struct world *world, const char *tenant_id)
{
	const struct wire *w = (const struct wire *)((uintptr_t)world - offsetof(struct wire, world));

	answers_changed(w->answers, tenant_id);
	bundles_changed(world, tenant_id);
	if (world->tell_changed != NULL)
		world->tell_changed(world, tenant_id);
}

static void data_changed_there(struct world *world, const char *tenant_id)
{
	const struct wire *w = (const struct wire *)((uintptr_t)world - offsetof(struct wire, world));

	answers_doubt(w->answers, tenant_id);
	bundles_changed(world, tenant_id);
}

static void bundle_ready(struct world *world, uint64_t topic, uint64_t mark)
{
	struct wire *w = (struct wire *)((uintptr_t)world - offsetof(struct wire, world));
	struct http_server *http = atomic_load(&w->waiting);

	if (http != NULL)
		http_server_wake(http, topic, mark);
}

static void tenant_changed(struct world *world, const char *tenant_id)
{
	const struct wire *w = (const struct wire *)((uintptr_t)world - offsetof(struct wire, world));

	answers_doubt(w->answers, tenant_id);
	bundles_recheck(world, tenant_id);
	if (w->tls != NULL)
		tls_keeper_changed(w->tls, tenant_id);
}

static const char *certificate_fault(struct arena *a, const char *chain, const char *key, bool *ret_at_key)
{
	return tls_cert_fault(a, bytes_of(chain), bytes_of(key), ret_at_key);
}

static const char *host_of(const struct config *c, const char *region)
{
	for (size_t i = 0; i < c->nregions; i++)
		if (str_eq(c->region[i].id, region))
			return c->region[i].host;
	return NULL;
}

/* By whichever of its names somebody comes. */
static enum err lead_names(struct ctx *cx, const char *slug, const char *region)
{
	const struct wire *w = (const struct wire *)((uintptr_t)cx->world - offsetof(struct wire, world));
	const struct settings *s = w->world.settings;
	const char **names = ARENA_ARRAY(cx->arena, const char *, w->config->nregions + 2);
	const struct dns_change change = { .names = names, .target = host_of(w->config, region) };
	size_t n = 0;

	if (change.target == NULL)
		return ERR_NONE;
	names[n++] = arena_printf(cx->arena, "%s.%s", slug, s->base_domain);
	for (const char *const *g = s->group_domains; *g != NULL; g++)
		names[n++] = arena_printf(cx->arena, "%s.%s", slug, *g);
	names[n] = NULL;
	return dns_update(cx, &w->config->dns, s->base_domain, &change);
}

static bool platform_end(struct world *world, struct platform_end *ret)
{
	const struct wire *w = (const struct wire *)((uintptr_t)world - offsetof(struct wire, world));

	return w->tls != NULL && tls_keeper_end(w->tls, ret);
}

static void kept_answers(struct world *world, int64_t *ret_n, int64_t *ret_bytes)
{
	const struct wire *w = (const struct wire *)((uintptr_t)world - offsetof(struct wire, world));
	struct answers_stats s;

	answers_stats(w->answers, &s);
	*ret_n = (int64_t)s.answers;
	*ret_bytes = (int64_t)s.bytes;
}

static void write_answers(struct str *out, struct answers *answers)
{
	static const char given[] = "controlcored_answers_given_total";
	struct answers_stats s;

	answers_stats(answers, &s);
	expo_family(out, "controlcored_answers_bytes", EXPO_GAUGE, "Held of answers that are kept.");
	expo_int(out, "controlcored_answers_bytes", "", NULL, (int64_t)s.bytes);
	expo_family(out, "controlcored_answers", EXPO_GAUGE, "Answers that are kept.");
	expo_int(out, "controlcored_answers", "", NULL, (int64_t)s.answers);
	expo_family(out, given, EXPO_COUNTER, "Answers of a kind that is kept, by where they were had from.");
	expo_int(out, given, "", "from=\"memory\"", s.found);
	expo_int(out, given, "", "from=\"database\"", s.made);
}

static void write_reload(const struct wire *w, struct str *out)
{
	static const char ok[] = "controlcored_config_reload_ok";
	static const char at[] = "controlcored_config_read_timestamp_seconds";

	expo_family(out, ok, EXPO_GAUGE, "Settings were valid when last read; 0: those before count.");
	expo_int(out, ok, "", NULL, !atomic_load(&w->reload_refused));
	expo_family(out, at, EXPO_GAUGE, "When the settings that count were read.");
	expo_int(out, at, "", NULL, atomic_load(&w->read_us) / 1000000);
}

static void metrics(struct world *world, struct str *out)
{
	const struct wire *w = (const struct wire *)((uintptr_t)world - offsetof(struct wire, world));
	struct http_server *http = atomic_load(&w->waiting);

	expo_family(out, "controlcored_info", EXPO_GAUGE, "What is running.");
	expo_int(out, "controlcored_info", "", "version=\"" CC_VERSION "\"", 1);
	write_reload(w, out);
	/* Whoever comes while the ports are being opened may be served before this is known. */
	if (http != NULL)
		http_server_metrics(http, out);
	write_answers(out, w->answers);
	world_metrics(world, out);
}

/* Until it ends; the next start is another node. */
static const char *node_name(struct arena *a)
{
	char name[17];

	random_text(name, sizeof(name) - 1, ALPHABET_BASE32);
	name[sizeof(name) - 1] = '\0';
	return arena_strdup(a, name);
}

void wire_open(struct wire *w, struct arena *a, const struct config *config)
{
	*w = (struct wire){ .arena = a, .config = config, .read_us = clock_wall_us() };
	w->world.settings = wire_settings(a, config);
	w->world.plans = &config->plan_set;
	w->world.started_us = clock_wall_us();
	fill_regions(w);
	w->world.resolver = ARENA_ARRAY(a, struct resolver_state, w->world.settings->nresolvers);
	if (config->redis.address != NULL) {
		w->redis = (struct redis_conf){ .address = config->redis.address,
			.password = config->redis.password,
			.database = (int)config->redis.database };
		w->world.redis = &w->redis;
	}
	w->world.ctl = control_pool(w, ROLE_CTL);
	w->world.ctl_tenant = control_pool(w, ROLE_CTL_TENANT);
	w->world.limiter = limiter_create();
	if (w->world.redis != NULL)
		limiter_share(w->world.limiter, node_name(a));
	w->world.failures = limiter_create();
	w->world.marks = marks_create();
	w->world.http = http_client_create(&(struct http_client_conf){ 0 });
	w->world.registry = registry_create(&w->world);
	w->world.bundles = bundles_create((size_t)config->store.bundles_mib << 20);
	w->answers = answers_create((size_t)config->limits.answers_mib << 20);
	w->world.data_changed = data_changed;
	w->world.data_changed_there = data_changed_there;
	w->world.bundle_ready = bundle_ready;
	w->world.certificate_fault = certificate_fault;
	w->world.platform_end = platform_end;
	w->world.metrics = metrics;
	w->world.kept_answers = kept_answers;
	w->world.lead_names = config->dns.server != NULL ? lead_names : NULL;
	w->world.tenant_changed = tenant_changed;
	db_constraints_register(api_constraints);
}

struct ctx wire_ctx(struct wire *w, struct arena *a, int ms)
{
	return (struct ctx){
		.arena = a, .world = &w->world, .request_id = "", .deadline_ms = clock_mono_ms() + ms
	};
}

/* They passed the check of their setting. */
static const struct cidr *trusted_proxies(struct arena *a, const struct server_conf *c)
{
	struct cidr *v = ARENA_ARRAY(a, struct cidr, c->trusted_proxies.n + 1);

	for (size_t i = 0; i < c->trusted_proxies.n; i++)
		(void)cidr_parse(c->trusted_proxies.v[i], &v[i]);
	return v;
}

/* The rest is for health checks, redirects and proxies. */
static int tls_connections(const struct tls_conf *c, int64_t clients)
{
	const int64_t most = clients - clients / 4;

	return (int)(c->connections_max > 0 && c->connections_max < most ? c->connections_max : most);
}

static struct http_tls tls_of(const struct wire *w, int64_t clients)
{
	const struct tls_conf *c = &w->config->tls;

	if (w->tls == NULL)
		return (struct http_tls){ 0 };
	return (struct http_tls){
		.address = c->address,
		.port = (int)c->port,
		.public_port = (int)c->public_port,
		.io_threads = (int)c->io_threads,
		.connections_max = tls_connections(c, clients),
		.handshake_ms = (int)c->handshake_ms,
		.inherited = w->sockets.tls,
		.bound = w->held.tls,
		.hsts_s = c->hsts_s,
		.proxy_protocol = c->proxy_protocol,
		.store = tls_keeper_store(w->tls),
	};
}

/* Whoever connects first is shown what all are shown. */
static bool start_listeners(struct wire *w, const struct http_conf *conf, const char **ret_error)
{
	if (w->tls != NULL && !tls_keeper_start(w->arena, w->tls, ret_error))
		return false;
	w->http = http_server_start(w->arena, conf, ret_error);
	atomic_store(&w->waiting, w->http);
	if (w->http == NULL)
		tls_keeper_stop(w->tls);
	return w->http != NULL;
}

bool wire_start(struct wire *w, const struct descriptors *d, const char **ret_error)
{
	const struct server_conf *s = &w->config->server;
	struct http_conf conf = {
		.address = s->address,
		.port = (int)s->port,
		.inherited = w->sockets.plain,
		.bound = w->held.plain,
		.shared_ports = s->shared_ports,
		.io_threads = (int)s->io_threads,
		.workers = (int)s->workers,
		.queue_max = (int)s->queue_max,
		.tenant_workers = (int)s->tenant_workers,
		.tenant_queue_max = (int)s->tenant_queue_max,
		.payer_groups = (int)w->world.nregions,
		.group_workers = (int)s->region_workers,
		.streams_max = (int)s->streams_max,
		.connections_max = (int)d->clients,
		.connections_per_address = (int)descriptors_per_address(s, d->clients),
		.trusted = trusted_proxies(w->arena, s),
		.ntrusted = s->trusted_proxies.n,
		.proxy_protocol = s->proxy_protocol,
		.forwarded_standard = str_eq(s->forwarded_header, "forwarded"),
		.body_max = (size_t)s->body_max,
		.bodies_max = s->bodies_max > s->body_max ? s->bodies_max : s->body_max,
		.header_max = (size_t)s->head_max,
		.header_ms = (int)s->header_ms,
		.request_ms = (int)s->request_ms,
		.idle_ms = (int)s->idle_ms,
		.hooks = &api_hooks,
		.groups = api_groups,
		.world = &w->world,
		.turnover = &w->world.turnover,
		.answers = w->answers,
		.admin = { .path = w->config->admin.socket, .address = w->config->admin.address,
			   .port = (int)w->config->admin.port, .bound = w->held.admin,
			   .groups = admin_groups },
	};

	w->world.usage = usage_open(w->arena, s->state_dir, ret_error);
	if (w->world.usage == NULL)
		return false;
	if (w->config->tls.address != NULL) {
		w->tls = tls_keeper_open(&w->config->tls, &w->world);
		conf.tls = tls_of(w, d->clients);
	}
	if (!stores_open(w->arena, w->config, &w->world, ret_error))
		return false;
	w->jobs = jobs_start(&w->world);
	if (w->jobs == NULL) {
		*ret_error = "the background threads cannot be started";
		return false;
	}
	if (start_listeners(w, &conf, ret_error))
		return true;
	jobs_stop(w->jobs);
	w->jobs = NULL;
	return false;
}

void wire_reload(struct wire *w, struct arena *a, const struct config *config)
{
	w->config = config;
	w->world.settings = wire_settings(a, config);
	w->world.plans = &config->plan_set;
	/* What is known of tenants points to their plans of before. */
	registry_forget_all(w->world.registry);
}

void wire_reloaded(struct wire *w, bool good)
{
	atomic_store(&w->reload_refused, !good);
	if (good)
		atomic_store(&w->read_us, clock_wall_us());
}

bool wire_upkeep(struct wire *w)
{
	http_server_upkeep(w->http);
	return w->config->server.shared_ports && w->config->admin.socket != NULL;
}

void wire_leave(struct wire *w)
{
	atomic_store(&w->world.leaving, true);
	http_server_leave(w->http);
}

void wire_close(struct wire *w)
{
	/* Requests and jobs wake each other; both must be over before what they share goes. */
	if (w->http != NULL)
		http_server_drain(w->http, (int)w->config->server.drain_ms);
	tls_keeper_stop(w->tls);
	jobs_stop(w->jobs);
	if (w->http != NULL)
		http_server_destroy(w->http);
	tls_keeper_close(w->tls);
	answers_destroy(w->answers);
	bundles_destroy(w->world.bundles);
	stores_close(&w->world);
	registry_destroy(w->world.registry);
	limiter_destroy(w->world.limiter);
	limiter_destroy(w->world.failures);
	marks_destroy(w->world.marks);
	usage_close(w->world.usage);
	http_client_destroy(w->world.http);
	region_pools_destroy(&w->world);
	db_pool_destroy(w->world.ctl);
	db_pool_destroy(w->world.ctl_tenant);
	for (size_t i = 0; i < w->world.nregions; i++) {
		db_budget_destroy(w->world.regions[i].budget);
		db_server_destroy(w->world.regions[i].server);
		lock_finish(&w->world.regions[i].lock);
	}
}
