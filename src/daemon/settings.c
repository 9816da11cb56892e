/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_parts.h"

#include <string.h>

#include "cc/model/check.h"

const struct region_info known_regions[REGIONS_MAX] = {
	{"us-east-1",       "na", "us_east_1"     },
	{ "us-west-2",      "na", "us_west_2"     },
	{ "ca-central-1",   "na", "ca_central_1"  },
	{ "eu-west-1",      "eu", "eu_west_1"     },
	{ "eu-central-1",   "eu", "eu_central_1"  },
	{ "eu-north-1",     "eu", "eu_north_1"    },
	{ "ap-southeast-1", "ap", "ap_southeast_1"},
	{ "ap-northeast-1", "ap", "ap_northeast_1"},
	{ "ap-south-1",     "ap", "ap_south_1"    },
};

static const char *const region_ids[] = {
	"us-east-1",
	"us-west-2",
	"ca-central-1",
	"eu-west-1",
	"eu-central-1",
	"eu-north-1",
	"ap-southeast-1",
	"ap-northeast-1",
	"ap-south-1",
	NULL,
};
static const char *const forwarded_headers[] = { "x-forwarded", "forwarded", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };

const struct region_info *region_info_find(const char *id)
{
	for (size_t i = 0; i < REGIONS_MAX; i++)
		if (str_eq(known_regions[i].id, id))
			return &known_regions[i];
	return NULL;
}

/* --- The tables ---------------------------------------------------------------------------------- */

#define T struct server_conf
static const struct field server_fields[] = {
	S_TEXT(T, address, 1, 64, check_address, "127.0.0.1", "Address to listen on; :: is every address."),
	S_INT(T, port, 0, 65535, "8082", "TCP port; 0 takes any free one."),
	S_TEXT(T, port_file, 1, 4096, check_path, NULL, "File that gets the port number once it is open."),
	S_TEXT(T, state_dir, 1, 4096, check_path, NULL,
		"An existing folder for the journal of tenants' usage (9 MiB), the only thing that a node "
		"keeps of its own: what a node that dies has counted is sent by the next start there, or "
		"within a minute by another node that has the same folder. Without one, what was counted in "
		"the last second goes with the process. Large objects of a tenant that moves to a region "
		"with another store pass through it one by one; without one, through the system's folder for "
		"temporary files."),
	S_TEXT(T, user, 1, 32, NULL, NULL,
		"Who the daemon goes on as when root starts it: it takes its ports, and then it has this "
		"user's groups and no right of root's any more, for good. What it reads or writes later must "
		"be this user's: state_dir, store.folder, port_file and the folders of sockets, "
		"certificates, and for a reload all files of the settings. Not for --embedded; systemd's "
		"User= needs none of it."),
	S_BOOL(T, lock_memory, "false",
		"Nothing of the daemon's memory is ever swapped out; else that holds for the secrets of the "
		"settings and what is made of them, and not for what libraries keep: private keys that TLS "
		"shows, passwords of connections. Needs LimitMEMLOCK=infinity (ulimit -l unlimited), or "
		"root."),
	S_INT(T, io_threads, 1, 64, "2", "Threads that parse requests and answer from memory."),
	S_INT(T, workers, 1, 512, "16", "Threads that wait for PostgreSQL."),
	S_INT(T, queue_max, 1, 100000, "512",
		"Requests waiting for a worker; further ones are answered 503."),
	S_INT(T, tenant_workers, 0, 512, "0",
		"Workers that one tenant may have at a time, however many of its requests wait. "
		"0: a quarter of them."),
	S_INT(T, tenant_queue_max, 0, 100000, "0",
		"Requests of one tenant waiting for a worker; further ones are answered 503. "
		"0: a quarter of queue_max, and not less than 16."),
	S_INT(T, region_workers, 0, 512, "0",
		"Workers that all tenants of one region may have at a time, where there are several regions: "
		"one that does not answer leaves the rest to the others. 0: three quarters of them."),
	S_INT(T, streams_max, 1, 1000, "16",
		"Answers that are made while they are sent (exports), at a time; two of them for one tenant. "
		"Further ones are answered 503."),
	S_INT(T, connections_max, 1, 1000000, "10000",
		"Client connections at most; fewer when the process may not have so many descriptors."),
	S_INT(T, connections_per_address, 0, 1000000, "4096",
		"Of these from one address, and never more than three quarters of them; further ones are "
		"closed at once. 0: no such bound, for a proxy in front that holds more."),
	S_INT(T, body_max, 1024, 67108864, "1048576",
		"Bytes of a request body, unless its operation takes less."),
	S_INT(T, bodies_max, 1048576, 1099511627776, "268435456",
		"Bytes of all request bodies on their way; further ones are answered 503. Never less than "
		"body_max."),
	S_INT(T, head_max, 2048, 65536, "8192", "Bytes of a request line with its header fields."),
	S_INT(T, header_ms, 100, 60000, "10000",
		"From the first byte of a request to the end of its header, in ms."),
	S_INT(T, request_ms, 1000, 300000, "30000",
		"From the first byte of a request to the end of its answer, in ms."),
	S_INT(T, idle_ms, 1000, 3600000, "60000",
		"How long a kept connection may rest between requests, in ms."),
	S_LIVE_INT(T, lag_ms, 0, 300000, "5000",
		"After SIGTERM requests are served for so long while /readyz says 503, in ms: until every "
		"load balancer has noticed. After SIGINT, and with --embedded, 0."),
	S_LIVE_INT(T, drain_ms, 0, 300000, "25000",
		"… and then connections are refused, and running requests may take so long, in ms."),
	S_BOOL(T, shared_ports, "false",
		"Other processes of the same user may listen on the ports too (SO_REUSEPORT): a new daemon "
		"is started beside the old one. Whichever of the two gets SIGTERM hands new connections to "
		"the other one."),
	S_TEXT(T, base_domain, 3, 200, check_host_name, "controlcore.io",
		"Tenants are served as <slug>.<base_domain>."),
	{AT(T, neutral_hosts, struct strv), .kind = K_STRS, .min = 0, .max = 32, .item_max = 253,
           .check = check_neutral_host,
           .doc = "Further hosts that name no tenant. localhost, 127.0.0.1, [::1], the base domain and "
		       "api.<base_domain> never do."},
	{AT(T, trusted_proxies, struct strv), .kind = K_STRS, .min = 0, .max = 64, .item_max = 47,
           .check = check_network,
           .doc = "Addresses or networks of proxies in front: from these alone forwarded_header is read, and "
		       "the rightmost address in it that is none of them is the client's. Without any, the "
		       "client is who connects."},
	{AT(T, forwarded_header, const char *), .kind = K_ENUM, .values = forwarded_headers,
           .def = "x-forwarded",
           .doc = "Where they say who asks, and whether over https: X-Forwarded-For and "
		       "X-Forwarded-Proto, or Forwarded (RFC 7239). The other one is not read: they must "
		       "overwrite the one that is."},
	{AT_LIVE(T, cors_origins, struct strv), .kind = K_STRS, .min = 0, .max = 64, .item_max = ORIGIN_MAX,
           .check = check_origin,
           .doc = "Origins whose scripts may call this API in browsers (CORS) where neither host nor path "
		       "names a tenant; there the tenant's setting cors_origins decides."},
	S_BOOL(T, proxy_protocol, "false",
		"Connections begin with a header of the PROXY protocol, version 2: from trusted_proxies, and "
		"from nobody else."),
};
#undef T
static SCHEMA(server_conf_schema, struct server_conf, "server", server_fields);

#define T struct control_conf
static const struct field control_fields[] = {
	S_CONNINFO(T, conninfo,
		"The control database: libpq keywords without user and password."),
	S_SECRET(T, admin_conninfo, 0, 1, 2000, check_admin_conninfo,
		"A role that may create login roles and databases; used by `migrate` and at start only. "
		"Without it the databases and the role cc_prov must be there already."),
	S_INT(T, connections, 1, 500, "16",
		"Connections to the control database, for each of its two roles."),
	S_INT(T, wait_s, 0, 3600, "60",
		"At a start: how long a control database that does not answer is waited for, in seconds."),
	S_BOOL(T, migrate, "true",
		"Create and migrate what is missing when serving; false: `controlcored migrate` does it."),
};
#undef T
static SCHEMA(control_conf_schema, struct control_conf, "control", control_fields);

#define T struct region_conf
static const struct field region_fields[] = {
	{.name = "id",
         .flags = F_CREATE | F_REQUIRED,
         .offset = FIELD_AT(T, id, const char *),
         .kind = K_ENUM,
         .values = region_ids,
         .doc = "The region's name."},
	S_CONNINFO(T, conninfo,
		"Its database: libpq keywords without user and password."),
	S_INT(T, connections, 1, 500, "32", "Connections of this node to the region."),
	S_TEXT(T, host, 1, 253, check_host_name, NULL,
		"The name that clients of its tenants are led to, by the records that dns.server is given."),
	S_TEXT(T, store_folder, 1, 4096, check_path, NULL,
		"Objects of its tenants lie in a folder of their own, see store.folder."),
	S_TEXT(T, store_endpoint, 1, 2000, check_engine, NULL,
		"They lie in a bucket of their own, or on a server of their own: what is not said here is as "
		"in the section store. No bucket may be reached by two names: what a tenant leaves behind "
		"when it moves is removed."),
	S_TEXT(T, store_region, 1, 64, NULL, NULL, "What that server calls its region."),
	S_TEXT(T, store_bucket, 3, 63, check_host_name, NULL, "The bucket."),
	S_SECRET(T, store_access_key, 0, 1, 256, NULL, "The id of the key."),
	S_SECRET(T, store_secret_key, 0, 1, 512, NULL, "The key itself."),
};
#undef T
SCHEMA(region_conf_schema, struct region_conf, "regions", region_fields);

#define T struct redis_settings
static const struct field redis_fields[] = {
	S_TEXT(T, address, 1, 300, check_redis, NULL,
		"host:port or unix:/path; without it nodes learn of changes by polling, and each counts "
		"rate limits by itself."),
	S_SECRET(T, password, 0, 1, 512, NULL, "Password of Redis."),
	S_INT(T, database, 0, 15, "0", "Number of the Redis database."),
};
#undef T
static SCHEMA(redis_settings_schema, struct redis_settings, "redis", redis_fields);

#define T struct secrets_conf
static const struct field secrets_fields[] = {
	S_SECRET(T, pepper, F_REQUIRED, 32, 1024, check_secret,
		"API keys are stored as HMACs under it; without it no key is worth anything. 32 bytes or "
		"more."),
	S_SECRET(T, audit_key, F_REQUIRED, 32, 1024, check_secret,
		"The audit's rows are chained by HMACs under it: who can write to the databases but does not "
		"know it cannot change the past unseen. The same on every node; kept, so that the past can "
		"be verified."),
	S_INT(T, audit_key_version, 1, 1000000, "1",
		"Number of this audit_key; one more whenever it is replaced."),
	S_SECRET(T, signing_key, F_REQUIRED, 32, 1024, check_secret,
		"Checkpoints of the audit are signed with a key made of it. The same on every node; the "
		"public half is at /.well-known/controlcore-keys."),
	S_SECRET(T, signing_key_previous, 0, 32, 1024, check_secret,
		"The signing_key before the last change: its public half stays published."),
	S_LIVE_TEXT(T, kek_folder, 1, 4096, check_path, NULL,
		"A folder with the keys that private keys of certificates are sealed under (KEKs), each a "
		"file of its own: 32 bytes in 64 hexadecimal digits, mode 0400 or 0600."),
	{AT_LIVE(T, keks, struct strv), .kind = K_STRS, .min = 0, .max = 16, .item_max = 64,
           .check = check_kek_id,
           .doc = "Which of them: names of files. What is new is sealed under the first, the others only "
		       "open what is there. Without any no certificates are kept. The same on every node."},
	S_SECRET(T, role_secret, 0, 32, 1024, check_secret,
		"Passwords of PostgreSQL login roles are derived from it; without it they log in without "
		"(peer, trust)."),
};
#undef T
static SCHEMA(secrets_conf_schema, struct secrets_conf, "secrets", secrets_fields);

#define T struct jobs_conf
static const struct field jobs_fields[] = {
	S_LIVE_INT(T, undo_window_s, 1, 31536000, "2592000",
		"A deleted tenant can be restored this long, in seconds (30 days)."),
	S_LIVE_INT(T, provision_lease_s, 1, 3600, "5", "A creation that takes longer is undone, in seconds."),
	S_LIVE_INT(T, spare_schemas, 0, 64, "4", "Tenant schemas kept ready in each region."),
	S_INT(T, poll_ms, 50, 1000, "500", "How often a node asks what other nodes changed, in ms."),
	S_LIVE_INT(T, audit_checkpoint_s, 1, 604800, "3600",
		"How often the heads of every tenant's audit are signed, in seconds."),
	S_LIVE_INT(T, usage_look_s, 1, 3600, "15",
		"Who uses something is looked at for alerts of usage, not more often than this, in seconds."),
	S_LIVE_INT(T, name_hold_days, 0, 3650, "90",
		"How long nobody else can have the slug of a tenant that was renamed or purged."),
	S_LIVE_INT(T, soft_delete_days, 1, 3650, "30",
		"Deleted policies, resources and bouncers are kept this many days."),
};
#undef T
static SCHEMA(jobs_conf_schema, struct jobs_conf, "jobs", jobs_fields);

#define T struct limits_conf
static const struct field limits_fields[] = {
	S_LIVE_INT(T, stale_max_s, 1, 300, "60",
		"Reads go on this long while the control database is away, in seconds."),
	S_INT(T, statement_ms, 100, 60000, "5000", "Time limit of one SQL statement, in ms."),
	S_INT(T, shard_connections, 1, 500, "16",
		"Connections of one shard of a region (256 tenants share a shard)."),
	S_INT(T, connection_tenants, 1, 100000, "256",
		"A connection of a region ends when it has served more tenants: PostgreSQL remembers the "
		"tables of each until then."),
	S_INT(T, connection_statements, 0, 100000, "512",
		"Statements that a connection of a region keeps prepared for single tenants, about 25 KiB "
		"of PostgreSQL's memory each; others are planned again with every change of tenant."),
	S_LIVE_INT(T, api_keys, 1, 100000, "1000",
		"API keys of one tenant that are neither revoked nor expired."),
	S_LIVE_INT(T, operator_rate, 1, 1000000000, "6000",
		"What the requests of one operator key may cost in a minute on one node: a read costs 1, "
		"a list or a change more. It only stops a script that runs away."),
	S_LIVE_INT(T, auth_failures, 1, 1000000, "20",
		"Credentials that may be refused in a minute, from one address (of IPv6: one /64) and for "
		"one key; further ones are answered 429."),
	S_INT(T, answers_mib, 0, 65536, "64",
		"Memory for answers that are given again while their tenant's data stays the same, in MiB."),
};
#undef T
static SCHEMA(limits_conf_schema, struct limits_conf, "limits", limits_fields);

#define T struct auth_conf
static const struct field auth_fields[] = {
	S_LIVE_TEXT(T, issuers, 1, 4096, check_path, NULL,
		"A JSON file: issuers that may sign tokens for people of any tenant, as in the body of "
		"PUT /tenants/{tenant_id}/auth/issuers."),
	S_BOOL(T, private_issuers, "false",
		"Keys of issuers may also be fetched over http and from addresses that are not public."),
	S_LIVE_INT(T, keys_fresh_s, 1, 86400, "600",
		"Keys that an issuer publishes are asked for again when they are older; until that succeeds "
		"they serve on, for a day at most."),
	S_LIVE_INT(T, keys_pause_s, 1, 3600, "60",
		"Between two fetches of an issuer's keys, whatever ids of keys tokens name."),
	S_LIVE_INT(T, keys_retry_s, 1, 3600, "30",
		"… and after a fetch that failed. Tokens that need it are answered 503 meanwhile."),
};
#undef T
static SCHEMA(auth_conf_schema, struct auth_conf, "auth", auth_fields);

#define T struct engine_conf
static const struct field engine_fields[] = {
	S_LIVE_TEXT(T, url, 1, 2000, check_engine, NULL,
		"Where a policy engine with the REST API of OPA listens; without it policies are checked for "
		"their syntax only, and tests of policies answer 501. It runs what tenants write: give it no "
		"other task, no network, and bounds of memory and time."),
	S_SECRET(T, token, 0, 1, 512, NULL, "Sent to it as Authorization: Bearer."),
	S_LIVE_INT(T, timeout_ms, 10, 20000, "2000", "How long it may take for one call."),
	S_LIVE_INT(T, test_ms, 10, 25000, "10000", "… and for all calls of one request."),
	S_INT(T, concurrent, 1, 64, "4",
		"Requests of this node that may be at it at a time, of one tenant at most half of them."),
};
#undef T
static SCHEMA(engine_conf_schema, struct engine_conf, "engine", engine_fields);

#define T struct stripe_conf
static const struct field stripe_fields[] = {
	S_SECRET(T, key, 0, 8, 255, check_stripe_key,
		"Secret or restricted key of a Stripe account; without it billing is on the ledger of this "
		"service, and nobody is charged."),
	S_TEXT(T, url, 1, 2000, check_engine, "https://api.stripe.com", "Where Stripe's API is."),
	S_SECRET(T, webhook_secret, 0, 8, 255, NULL,
		"Events of Stripe's are signed with it (whsec_…); without it none are taken."),
	S_SECRET(T, webhook_secret_previous, 0, 8, 255, NULL,
		"A second secret that is taken, while the first is being replaced."),
	S_TEXT(T, meter_api_calls, 1, 100, check_meter, "controlcore_api_calls",
		"event_name of the meter at Stripe that counts requests to the API …"),
	S_TEXT(T, meter_bouncer_requests, 1, 100, check_meter, "controlcore_bouncer_requests",
		"… and requests at bouncers."),
	S_INT(T, timeout_ms, 100, 80000, "20000", "How long Stripe may take for one call, in ms."),
	S_INT(T, concurrent, 1, 8, "2", "Calls that this node has under way at a time."),
	S_INT(T, retry_ms, 10, 60000, "1000",
		"Before a call that failed is tried again, in ms; doubled each time up to retry_most_ms."),
	S_INT(T, retry_most_ms, 10, 3600000, "300000", "The longest time between two tries, in ms."),
	S_INT(T, key_window_s, 1, 86400, "82800",
		"How long a call is repeated under the same idempotency key, in seconds (23 hours; Stripe "
		"remembers keys for a day)."),
	S_INT(T, evidence_s, 1, 86400, "600",
		"Between two looks at a subscription that must agree before its tenant loses something, and "
		"between the last hours that Stripe was told of and their subscription's end; in seconds."),
	S_INT(T, reconcile_s, 1, 604800, "86400",
		"How often the hours of a tenant are compared with those that Stripe has, in seconds."),
	S_INT(T, replay_s, 1, 86400, "300",
		"How often Stripe's list of events is read for some that never came, in seconds."),
};
#undef T
static SCHEMA(stripe_conf_schema, struct stripe_conf, "stripe", stripe_fields);

#define YEAR_S 31536000

#define T struct domains_conf
static const struct field domains_fields[] = {
	S_LIVE_INT(T, per_tenant, 1, 10000, "100", "Domains of one tenant, with its default one."),
	S_LIVE_INT(T, claim_s, 1, YEAR_S, "604800",
		"How long a domain may wait to be proven, in seconds (7 days)."),
	S_LIVE_INT(T, pending_alert_s, 1, YEAR_S, "86400",
		"… and until its tenant is told that it still waits, by an alert (a day)."),
	{AT(T, resolvers, struct strv), .kind = K_STRS, .min = 0, .max = 8, .item_max = 60,
           .check = check_resolver,
           .doc = "Addresses of resolvers, with a port if it is not 53. A domain is proven when all of them "
		       "see its record: take several, in different networks, that validate DNSSEC. Without "
		       "any those of the system are asked, as one; with fewer than two there is a "
		       "warning in the log at start."},
	S_LIVE_INT(T, dns_ms, 100, 20000, "5000", "How long they may take for one check, in ms."),
	S_INT(T, concurrent, 1, 64, "4",
		"Checks of this node that may be under way at a time, of one tenant at most half of them."),
	S_LIVE_TEXT(T, trust_store, 1, 4096, check_path, NULL,
		"A file of CA certificates in PEM that tenants' certificates must lead to; without it those "
		"of the system."),
	S_LIVE_TEXT(T, key_blocklist, 1, 4096, check_path, NULL,
		"A file with the SHA-256 of public keys (SubjectPublicKeyInfo) that no certificate may have, "
		"64 hexadecimal digits in a line."),
	S_LIVE_INT(T, check_s, 1, YEAR_S, "60",
		"When one that is claimed is looked at, in seconds; doubled each time up to check_most_s."),
	S_LIVE_INT(T, check_most_s, 1, YEAR_S, "3600", "The longest time between two looks, in seconds."),
	S_LIVE_INT(T, recheck_first_s, 1, YEAR_S, "86400",
		"When one that is proven is looked at again, in seconds after the proof (a day) …"),
	S_LIVE_INT(T, recheck_second_s, 1, YEAR_S, "604800", "… and once more (7 days), …"),
	S_LIVE_INT(T, recheck_s, 1, YEAR_S, "2592000", "… and then each time after so long (30 days)."),
	S_LIVE_INT(T, stale_s, 1, YEAR_S, "259200",
		"How long its records may be missing until it is stale, in seconds (72 hours)."),
	S_LIVE_INT(T, detach_s, 1, YEAR_S, "604800", "… and stale until it is served no more (7 days)."),
	S_LIVE_INT(T, quarantine_s, 1, YEAR_S, "2592000",
		"How long nobody else can have a proven name that was given up, in seconds (30 days)."),
};
#undef T
static SCHEMA(domains_conf_schema, struct domains_conf, "domains", domains_fields);

#define T struct dns_conf
static const struct field dns_fields[] = {
	S_TEXT(T, server, 1, 60, check_resolver, NULL,
		"The address of a DNS server that takes dynamic updates (RFC 2136), with a port if it is not "
		"53. When a tenant has moved, its names below server.base_domain become CNAMEs of the "
		"region's `host`, which each region must have then. Nothing waits for it: every node serves "
		"tenants of every region. Without it no record is changed."),
	S_TEXT(T, key_file, 1, 4096, check_path, NULL,
		"The key that updates are signed with (TSIG), as tsig-keygen writes it; only nsupdate reads "
		"it."),
	S_TEXT(T, zone, 1, 253, check_host_name, NULL,
		"The zone that is updated; without it server.base_domain."),
	S_INT(T, ttl, 1, 86400, "60", "How long resolvers may keep these records, in seconds."),
	S_TEXT(T, program, 1, 4096, check_path, "/usr/bin/nsupdate",
		"The program that does it, nsupdate of BIND 9."),
};
#undef T
static SCHEMA(dns_conf_schema, struct dns_conf, "dns", dns_fields);

#define T struct log_conf
static const struct field log_fields[] = {
	{AT_LIVE(T, level, const char *), .kind = K_ENUM, .values = log_levels, .def = "info",
         .doc = "JSON lines go to standard error."},
};
#undef T
static SCHEMA(log_conf_schema, struct log_conf, "log", log_fields);

#define T struct plans_conf
static const struct field plans_fields[] = {
	S_LIVE_TEXT(T, file, 1, 4096, check_path, NULL,
		"Plans: limits, rates, prices; without it the built-in ones. A reload reads the file again."),
};
#undef T
static SCHEMA(plans_conf_schema, struct plans_conf, "plans", plans_fields);

#define SECTION(member, table, text) \
	{ .name = #member, .schema = &(table), \
	  .offset = offsetof(struct config, member), .doc = (text) }
const struct section sections[] = {
	SECTION(server, server_conf_schema, "The HTTP listener."),
	SECTION(control, control_conf_schema, "The control database."),
	SECTION(redis, redis_settings_schema,
		"Shortens waits between nodes; never the only home of anything."),
	SECTION(secrets, secrets_conf_schema, "Best as files that only the daemon can read."),
	SECTION(jobs, jobs_conf_schema, "Background work."),
	SECTION(limits, limits_conf_schema, "Bounds inside the daemon."),
	SECTION(auth, auth_conf_schema, "Tokens of people."),
	SECTION(engine, engine_conf_schema, "The policy engine."),
	SECTION(stripe, stripe_conf_schema, "Billing through Stripe."),
	SECTION(domains, domains_conf_schema, "Tenants' own domains."),
	SECTION(tls, tls_conf_schema, "The TLS listener, beside that of the section server."),
	SECTION(dns, dns_conf_schema, "Records of tenants that move."),
	SECTION(admin, admin_conf_schema,
		"The listener for those who run the daemon: /metrics for Prometheus, without a credential. "
		"Without a socket and an address there is none."),
	SECTION(store, store_conf_schema, "Objects: bundles of policies, and what else is a file."),
	SECTION(log, log_conf_schema, "What is logged."),
	SECTION(plans, plans_conf_schema, "What tenants can subscribe to."),
};
const size_t nsections = sizeof(sections) / sizeof(sections[0]);
