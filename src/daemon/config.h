/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_CONFIG_H
#define CC_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/str.h"
#include "cc/core/envelope.h"
#include "cc/core/issuers.h"
#include "cc/core/plan.h"
#include "cc/crypto/certificate.h"
#include "cc/schema/schema.h"

/*
 * The settings. Each section is a struct with a field table (settings.c); the file, the environment,
 * the defaults, `config check` and the example file all read these tables. Constant once loaded;
 * everything lives in the arena it was loaded with.
 */
struct server_conf {
	const char *address;
	int64_t port;
	const char *port_file, *state_dir, *user;
	int64_t io_threads, workers, queue_max, tenant_workers, tenant_queue_max, region_workers, streams_max;
	int64_t connections_max, connections_per_address;
	int64_t body_max, bodies_max, head_max;
	int64_t header_ms, request_ms, idle_ms, lag_ms, drain_ms;
	bool lock_memory, shared_ports;
	const char *base_domain;
	struct strv neutral_hosts;
	struct strv trusted_proxies, cors_origins;
	const char *forwarded_header;
	bool proxy_protocol;
};

struct tls_conf {
	const char *address; /* NULL: no TLS listener */
	int64_t port, public_port;
	const char *port_file;
	struct strv certificates, keys; /* paths, by pairs */
	int64_t io_threads, connections_max, handshake_ms, hsts_s;
	bool proxy_protocol;
};

/* The listener for those who run the daemon. */
struct admin_conf {
	const char *socket, *address; /* NULL: not on one */
	int64_t port;
	const char *port_file;
};

struct control_conf {
	const char *conninfo, *admin_conninfo;
	int64_t connections, wait_s;
	bool migrate;
};

struct region_conf {
	const char *id, *conninfo, *host;
	const char *store_folder; /* what differs from [store] */
	const char *store_endpoint, *store_region, *store_bucket, *store_access_key, *store_secret_key;
	int64_t connections;
};

struct redis_settings {
	const char *address, *password;
	int64_t database;
};

struct secrets_conf {
	const char *pepper, *role_secret;
	const char *audit_key, *signing_key, *signing_key_previous;
	int64_t audit_key_version;
	const char *kek_folder;
	struct strv keks;
};

struct jobs_conf {
	int64_t undo_window_s, provision_lease_s, spare_schemas, poll_ms;
	int64_t soft_delete_days, name_hold_days, audit_checkpoint_s, usage_look_s;
};

struct limits_conf {
	int64_t stale_max_s, statement_ms, shard_connections, connection_tenants, connection_statements;
	int64_t api_keys, operator_rate, auth_failures;
	int64_t answers_mib;
};

struct auth_conf {
	const char *issuers;
	bool private_issuers;
	int64_t keys_fresh_s, keys_pause_s, keys_retry_s;
};

struct stripe_conf {
	const char *key, *url, *webhook_secret, *webhook_secret_previous;
	const char *meter_api_calls, *meter_bouncer_requests;
	int64_t timeout_ms, concurrent, retry_ms, retry_most_ms, key_window_s, evidence_s;
	int64_t reconcile_s, replay_s;
};

struct engine_conf {
	const char *url, *token;
	int64_t timeout_ms, test_ms, concurrent;
};

struct domains_conf {
	int64_t per_tenant, claim_s;
	struct strv resolvers;
	int64_t dns_ms, concurrent;
	const char *trust_store, *key_blocklist;
	int64_t check_s, check_most_s, recheck_first_s, recheck_second_s, recheck_s;
	int64_t stale_s, detach_s, quarantine_s, pending_alert_s;
};

struct dns_conf {
	const char *server, *key_file, *zone, *program;
	int64_t ttl;
};

struct log_conf {
	const char *level;
};

struct plans_conf {
	const char *file;
};

/* Where objects lie: in a folder, or in a bucket. */
struct store_conf {
	const char *folder;
	const char *endpoint, *region, *bucket, *access_key, *secret_key;
	bool path_style;
	int64_t attempt_ms, bundles_mib;
};

#define REGIONS_MAX 9

struct config {
	struct server_conf server;
	struct tls_conf tls;
	struct admin_conf admin;
	struct control_conf control;
	struct region_conf region[REGIONS_MAX];
	size_t nregions;
	struct redis_settings redis;
	struct secrets_conf secrets;
	struct jobs_conf jobs;
	struct limits_conf limits;
	struct auth_conf auth;
	struct engine_conf engine;
	struct stripe_conf stripe;
	struct domains_conf domains;
	struct dns_conf dns;
	struct store_conf store;
	struct log_conf log;
	struct plans_conf plans;
	struct plan_set plan_set; /* read from plans.file, or the built-in ones */
	const struct issuers *issuers; /* read from auth.issuers; NULL without it */
	struct kek_set keks; /* read from secrets.kek_folder */
	const struct key_blocklist *blocked_keys; /* read from domains.key_blocklist; NULL without it */
	unsigned char files[32]; /* digest of what the files of these four hold */
};

/* A section of the file: `server = { port = 8082; };`. */
struct section {
	const char *name;
	const struct schema *schema;
	size_t offset; /* of its struct in struct config */
	const char *doc;
};
extern const struct section sections[];
extern const size_t nsections;
extern const struct schema region_conf_schema;

/* The regions of the product: id, continent. NULL when unknown. */
struct region_info {
	const char *id, *group; /* "us-east-1"; na eu ap */
	const char *ident;      /* "us_east_1" */
};
extern const struct region_info known_regions[REGIONS_MAX];
const struct region_info *region_info_find(const char *id);

/* Every fault of a configuration, as one sentence each that begins with where it is. */
struct config_faults {
	struct arena *arena;
	struct str text; /* one line per fault */
	int n;
};
void config_faults_init(struct config_faults *f, struct arena *a);
/* where: "file:12", "environment CONTROLCORE_LOG_LEVEL"; setting: "log.level". */
void config_fault(struct config_faults *f, const char *where, const char *setting, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A setting that the command line decides (--embedded, --listen): stands above file and environment. */
struct preset {
	const char *setting; /* "control.conninfo", "regions.us-east-1.conninfo" */
	const char *value;
	const char *by; /* "--embedded": what a file must not contradict; NULL: it may */
	const char *where; /* what a fault names: "--listen", the file that is read; NULL: command line */
	const char *hint;  /* what to do about a fault; NULL: the fault says it */
	bool in_file;   /* value is the path of a file that holds it */
	bool weak;      /* only where nobody else says anything */
};
struct config_source {
	const char *path;       /* NULL: no file */
	const char *const *env; /* "NAME=value", NULL-terminated; NULL: none */
	const struct preset *preset;
	size_t npresets;
	const char *only; /* the section that is needed: no other is looked at; NULL: all are */
	bool rehearsal; /* folders of secrets are not made yet */
};

/* False: *faults says why, all of it, and nothing of *ret may be used. */
bool config_load(struct arena *a, const struct config_source *source, struct config *ret,
	struct config_faults *faults);
/* Text of a file of at most `max` bytes, or NULL with *ret_error. With secret the arena is wiped later. */
char *text_file_read(struct arena *a, const char *path, size_t max, size_t *ret_len, const char **ret_error);

/* The KEKs that secrets.keks names, and the list that domains.key_blocklist does. */
void config_load_keks(struct arena *a, struct config *ret, struct config_faults *faults);
void config_load_blocklist(struct arena *a, struct config *ret, struct config_faults *faults);

/* The commented example file that the tables say. */
void config_example(struct str *out);
/* docs/config.md */
void config_markdown(struct str *out);
/* What a field takes, as a noun: "an integer from 0 to 65535". */
void field_describe(struct str *out, const struct field *f);

/* Reads plans; path names the source in faults. */
bool plans_load(struct arena *a, const char *text, const char *path, struct plan_set *ret,
	struct config_faults *faults);
extern const char embedded_plans_conf[]; /* config/plans.conf, made part of the program by the build */

#endif
