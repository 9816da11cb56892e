/* SPDX-License-Identifier: Apache-2.0 */
/* The settings as core needs them, from those that were read. */
#include "wire.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define KEY_WAIT_SHARE 4 /* of the workers one in so many may wait for issuers */

/* What a client may write in Host without naming a tenant. */
static const char *const *neutral_hosts(struct arena *a, const struct server_conf *c)
{
	const char *const always[] = { "localhost", "127.0.0.1", "[::1]", "::1", c->address, c->base_domain,
		arena_printf(a, "api.%s", c->base_domain) };
	const size_t n = sizeof(always) / sizeof(always[0]);
	const char **hosts = ARENA_ARRAY(a, const char *, n + c->neutral_hosts.n + 1);

	for (size_t i = 0; i < n; i++)
		hosts[i] = always[i];
	for (size_t i = 0; i < c->neutral_hosts.n; i++)
		hosts[n + i] = str_lower(a, c->neutral_hosts.v[i]);
	return hosts;
}

/* Tenants have a name below each, wherever they live. */
static const char *const *group_domains(struct arena *a, const struct config *c)
{
	const char **v = ARENA_ARRAY(a, const char *, c->nregions + 1);
	size_t n = 0;

	for (size_t i = 0; i < c->nregions; i++) {
		const char *group = region_info_find(c->region[i].id)->group;
		const char *name = arena_printf(a, "%s.%s", group, c->server.base_domain);
		size_t k = 0;

		while (k < n && strcmp(v[k], name) != 0)
			k++;
		v[k] = name;
		n += k == n;
	}
	v[n] = NULL;
	return v;
}

struct bytes bytes_of(const char *secret)
{
	return (struct bytes){ .p = (const unsigned char *)secret, .n = secret != NULL ? strlen(secret) : 0 };
}

static int most_connections(const struct config *c)
{
	int64_t most = 0;

	for (size_t i = 0; i < c->nregions; i++)
		if (c->region[i].connections > most)
			most = c->region[i].connections;
	return (int)most;
}

static const char *const of_the_system[] = { NULL };

static struct domain_times domain_times(const struct domains_conf *c)
{
	return (struct domain_times){
		.claim_s = c->claim_s,
		.pending_alert_s = c->pending_alert_s,
		.check_s = c->check_s,
		.check_most_s = c->check_most_s,
		.recheck_s = { c->recheck_first_s, c->recheck_second_s, c->recheck_s },
		.stale_s = c->stale_s,
		.detach_s = c->detach_s,
		.quarantine_s = c->quarantine_s,
	};
}

static struct stripe_settings stripe_of(const struct stripe_conf *c)
{
	const char *previous = c->webhook_secret_previous;
	const char *first = c->webhook_secret != NULL ? c->webhook_secret : previous;

	return (struct stripe_settings){
		.url = c->url,
		.key = c->key,
		.webhook_secrets = { first, first != previous ? previous : NULL },
		.meter_event = { c->meter_api_calls, c->meter_bouncer_requests },
		.timeout_ms = (int)c->timeout_ms,
		.concurrent = (int)c->concurrent,
		.pause_ms = c->retry_ms,
		.pause_most_ms = c->retry_most_ms,
		.window_s = c->key_window_s,
		.evidence_s = c->evidence_s,
		.reconcile_s = c->reconcile_s,
		.replay_s = c->replay_s,
		.live = c->key != NULL && strncmp(c->key + 3, "live_", 5) == 0,
	};
}

static struct engine_settings engine_of(const struct engine_conf *c)
{
	return (struct engine_settings){
		.url = c->url,
		.token = c->token,
		.timeout_ms = (int)c->timeout_ms,
		.test_ms = (int)c->test_ms,
		.concurrent = (int)c->concurrent,
	};
}

/* For people: leases are known by their numbers. */
static const char *process_name(struct arena *a)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	return arena_printf(a, "%s/%ld", host, (long)getpid());
}

/* A trusted proxy without the PROXY protocol speaks HTTP to us, and TLS with certificates of its own. */
static bool ends_tls(const struct config *c)
{
	return c->tls.address != NULL && (c->server.trusted_proxies.n == 0 || c->tls.proxy_protocol);
}

static void make_signing_keys(struct arena *a, const struct secrets_conf *c, struct settings *s)
{
	signing_key_make(bytes_of(c->signing_key), &s->signing);
	if (c->signing_key_previous != NULL) {
		struct signing_key *previous = ARENA_NEW(a, struct signing_key);

		signing_key_make(bytes_of(c->signing_key_previous), previous);
		s->signing_previous = previous;
	}
}

const struct settings *wire_settings(struct arena *a, const struct config *c)
{
	struct settings *s = ARENA_NEW(a, struct settings);

	*s = (struct settings){
		.node = process_name(a),
		.base_domain = c->server.base_domain,
		.state_dir = c->server.state_dir,
		.group_domains = group_domains(a, c),
		.neutral_hosts = neutral_hosts(a, &c->server),
		.cors_origins = c->server.cors_origins,
		.control_conninfo = c->control.conninfo,
		.admin_conninfo = c->control.admin_conninfo,
		.migrate = c->control.migrate,
		.pepper = bytes_of(c->secrets.pepper),
		.audit_key = bytes_of(c->secrets.audit_key),
		.audit_key_version = c->secrets.audit_key_version,
		.role_secret = bytes_of(c->secrets.role_secret),
		.undo_window_s = c->jobs.undo_window_s,
		.provision_lease_s = c->jobs.provision_lease_s,
		.soft_delete_days = c->jobs.soft_delete_days,
		.name_hold_days = c->jobs.name_hold_days,
		.checkpoint_s = c->jobs.audit_checkpoint_s,
		.usage_look_s = c->jobs.usage_look_s,
		.spare_schemas = (int)c->jobs.spare_schemas,
		.control_connections = (int)c->control.connections,
		.region_connections = most_connections(c),
		.shard_connections = (int)c->limits.shard_connections,
		.connection_schemas = (int)c->limits.connection_tenants,
		.connection_statements = (int)c->limits.connection_statements,
		.statement_ms = (int)c->limits.statement_ms,
		.request_ms = (int)c->server.request_ms,
		.poll_ms = (int)c->jobs.poll_ms,
		.stale_max_s = c->limits.stale_max_s,
		.api_keys_max = c->limits.api_keys,
		.operator_rate = c->limits.operator_rate,
		.auth_failures = c->limits.auth_failures,
		.engine = engine_of(&c->engine),
		.stripe = stripe_of(&c->stripe),
		.domains_max = c->domains.per_tenant,
		.ends_tls = ends_tls(c),
		.resolvers = c->domains.resolvers.n > 0 ? c->domains.resolvers.v : of_the_system,
		.nresolvers = c->domains.resolvers.n > 0 ? c->domains.resolvers.n : 1,
		.dns_ms = (int)c->domains.dns_ms,
		.dns_concurrent = (int)c->domains.concurrent,
		.keks = c->keks,
		.blocked_keys = c->blocked_keys,
		.trust_store = c->domains.trust_store,
		.domain = domain_times(&c->domains),
		.issuers = c->issuers,
		.private_issuers = c->auth.private_issuers,
		.keys_fresh_s = c->auth.keys_fresh_s,
		.keys_pause_s = c->auth.keys_pause_s,
		.keys_retry_s = c->auth.keys_retry_s,
		.key_waits = (int)c->server.workers / KEY_WAIT_SHARE,
	};
	make_signing_keys(a, &c->secrets, s);
	return s;
}
