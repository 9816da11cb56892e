/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_WORLD_H
#define CC_CORE_WORLD_H

#include <stdatomic.h>

#include "cc/base/bytes.h"
#include "cc/base/lock.h"
#include "cc/base/str.h"
#include "cc/base/turnover.h"
#include "cc/core/control_watch.h"
#include "cc/core/engine.h"
#include "cc/core/envelope.h"
#include "cc/core/job_meters.h"
#include "cc/core/plan.h"
#include "cc/core/signing.h"
#include "cc/core/slots.h"
#include "cc/core/stripe.h"
#include "cc/db/pool.h"
#include "cc/db/server.h"
#include "cc/db/unit.h"

#define SHARD_MAX 64            /* pool roles per region; 256 tenants each */
#define SHARD_TENANTS 256

struct issuers;
struct key_blocklist;
struct objstore;

struct region {
	const char *id;                 /* "us-east-1" */
	const char *group;              /* na eu ap */
	const char *conninfo;           /* without user and password */
	const char *ident;              /* "us_east_1": part of role names */
	struct db_budget *budget;       /* all shards of the region on this node */
	struct objstore *store;         /* its own; NULL: that of the world, see core/objects.h */
	struct db_server *server;       /* whether it answers: core/region_watch.h; NULL: nobody watches */
	atomic_bool unprepared;         /* it was silent when this node started: setup_region() is to come */
	_Atomic int64_t asked_us;       /* how long its latest answer took the one who watches; 0: none yet */
	int in_vain;                    /* the watcher's: questions without an answer, in a row */
	_Atomic int64_t no_writes_ms;   /* when it refused a write; 0: it took the latest one */
	struct replication replication; /* of its server */
	struct lock lock;               /* guards what follows */
	struct db_pool *pool[SHARD_MAX];/* made on first use */
	struct db_pool *prov;           /* of cc_prov; made on first use */
	struct db_pool *watch;          /* one connection of cc_prov that asks whether the server is there */
	bool shard_ready[SHARD_MAX];    /* its roles are known to exist */
	int64_t spares_at_ms;           /* no spare is made before: the last attempt failed */
};

/* A resolver as whoever looked at a domain last found it. Any thread. */
struct resolver_state {
	_Atomic int64_t answered_us;    /* when it last did, wall clock; 0: not yet */
	_Atomic int64_t silent_us;      /* when it first did not since; 0: it did */
};

/* In the life of a tenant's domain, in seconds. */
struct domain_times {
	int64_t claim_s;                /* one that is not proven by then is no more waited for */
	int64_t pending_alert_s;        /* one that has waited for so long is told of */
	int64_t check_s, check_most_s;  /* it is looked at after this time, doubled up to that one */
	int64_t recheck_s[3];           /* one that is: so long after the proof, once more, and every … */
	int64_t stale_s;                /* one that fails for so long is stale */
	int64_t detach_s;               /* one that is stale for so long is served no more */
	int64_t quarantine_s;           /* nobody else can have what was given up so lately */
};

/* What core needs of the configuration; filled by daemon, constant. */
struct settings {
	const char *node;               /* host/process: who has what on lease; may be NULL */
	const char *base_domain;        /* "controlcore.io" */
	const char *state_dir;          /* a folder that can be written to; NULL: none */
	const char *const *group_domains;       /* "eu.controlcore.io" …: of the regions; NULL-terminated */
	const char *const *neutral_hosts;       /* hosts that name no tenant; NULL-terminated */
	struct strv cors_origins;       /* whose scripts may read answers where no tenant is named */
	const char *control_conninfo;   /* of the control database, without user and password */
	const char *admin_conninfo;     /* who makes roles and databases; NULL: nobody */
	bool migrate;                   /* tables are brought up to date when serving */
	struct bytes pepper;            /* API keys; ≥ 32 bytes */
	struct bytes audit_key;         /* macs of the audit; ≥ 32 bytes */
	int64_t audit_key_version;
	struct signing_key signing;     /* checkpoints of the audit … */
	const struct signing_key *signing_previous;     /* … until lately; NULL: none */
	/* passwords of login roles are HMACs of their names under it; p NULL: none */
	struct bytes role_secret;
	int64_t undo_window_s;          /* DELETE tenant → purge */
	int64_t provision_lease_s;      /* a creation older than this is undone */
	int64_t soft_delete_days;
	int64_t name_hold_days;         /* nobody else can have a slug that a tenant had so lately */
	int64_t checkpoint_s;           /* the heads of the audit are signed this often */
	int64_t usage_look_s;           /* a tenant is looked at for alerts of usage at most this often */
	int spare_schemas;              /* per region, kept ready; 0: none */
	int control_connections, region_connections, shard_connections;
	int connection_schemas;         /* a connection ends when it has served more */
	int connection_statements;      /* … and keeps so many prepared for single ones */
	int statement_ms, request_ms;
	int poll_ms;                    /* change feed */
	/* how long cached credentials serve reads without the control database */
	int64_t stale_max_s;
	int64_t api_keys_max;           /* live ones of a tenant */
	int64_t domains_max;            /* of a tenant */
	bool ends_tls;                  /* TLS of tenants' domains ends here, and no proxy does it for us */
	const char *const *resolvers;   /* what proves domains, for dns_ask() … */
	size_t nresolvers;
	int dns_ms, dns_concurrent;
	struct kek_set keks;            /* private keys of certificates */
	const struct key_blocklist *blocked_keys;       /* … that are known to others; NULL: none */
	const char *trust_store;        /* what certificates must lead to, PEM; NULL: the system's */
	struct domain_times domain;     /* what follows for tenants' domains when */
	int64_t operator_rate;          /* cost of one operator key's requests in a minute, on this node */
	int64_t auth_failures;          /* a minute, from one address and of one key */
	struct engine_settings engine;
	struct stripe_settings stripe;
	const struct issuers *issuers;  /* who may sign tokens for people of any tenant */
	bool private_issuers;           /* keys of issuers may come from private addresses, and over http */
	int64_t keys_fresh_s;           /* older sets of keys are asked for again */
	int64_t keys_pause_s;           /* between two fetches of one set … */
	int64_t keys_retry_s;           /* … and after one that failed */
	/* fetches that requests may wait for, and requests that wait for another's: core/key_waits.h */
	int key_waits;
};

struct registry;
struct bundles;
struct limiter;
struct marks;
struct usage;
struct http_client;
struct redis_conf;
struct jobs;

/* Everything that reaches beyond one transaction. Made by daemon/wire.c; shared by all threads. */
struct platform_end;

struct world {
	/*
	 * A reload puts others in place. Those before go when the requests and the steps of jobs that began
	 * before it are done; each of them has entered.
	 */
	const struct settings *_Atomic settings;
	const struct plan_set *_Atomic plans;
	struct turnover turnover;
	struct region *regions;
	size_t nregions;
	struct db_pool *ctl;            /* role cc_ctl: may cross tenants */
	struct db_pool *ctl_tenant;     /* role cc_ctl_tenant: row security bound to cc.tenant */
	struct registry *registry;
	struct limiter *limiter;
	struct limiter *failures;       /* of credentials that were refused: core/failures.h */
	struct marks *marks;            /* credentials that were used */
	struct usage *usage;            /* what tenants use: core/usage.h; NULL: nobody counts */
	struct http_client *http;       /* towards other servers; never used inside a transaction */
	/* cc/store/objstore.h; never used inside a transaction; of regions without their own; NULL: none */
	struct objstore *store;
	struct bundles *bundles;        /* core/bundles.h; NULL: none are made */
	struct slots engine_slots;      /* requests at the policy engine */
	struct slots dns_slots;         /* checks of domains that are under way */
	struct resolver_state *resolver;        /* of each of settings->resolvers; NULL: nobody keeps it */
	struct slots billing_slots;     /* requests that wait for Stripe */
	const struct redis_conf *redis; /* NULL: none configured */
	void (*changed)(struct world *w);       /* wakes the pusher after a control change; may be NULL */
	/* This node changed a tenant's data, or may have: what was read before counts no more; may be NULL */
	void (*data_changed)(struct world *w, const char *tenant_id);
	/* … so that other nodes hear of it, in data_changed_there (NULL: any tenant's); may be NULL */
	void (*tell_changed)(struct world *w, const char *tenant_id);
	void (*data_changed_there)(struct world *w, const char *tenant_id);
	/* The control database says something new of a tenant, or with NULL of any; may be NULL */
	void (*tenant_changed)(struct world *w, const char *tenant_id);
	void (*work_due)(struct world *w);      /* wakes the jobs; may be NULL */
	void (*usage_due)(struct world *w);     /* usage_send() should not wait; may be NULL */
	void (*bundles_due)(struct world *w);   /* something for bundles_tick(); may be NULL */
	/* The bundle of this topic is the one of this mark: who waits for it goes on; may be NULL */
	void (*bundle_ready)(struct world *w, uint64_t topic, uint64_t mark);
	void (*keys_due)(struct world *w);      /* something for issuer_keys_refresh(); may be NULL */
	/*
	 * Could the TLS listener of a node show it? NULL, or why not; *ret_at_key: it is the key's fault.
	 * PEM, key a secret. Any thread; takes milliseconds. NULL: nobody knows.
	 */
	const char *(*certificate_fault)(struct arena *a, const char *chain, const char *key,
					 bool *ret_at_key);
	/*
	 * The names that the tenant has below the base domain lead to the region from now on, wherever this
	 * service looks after records. Not inside a unit of work; blocks, until cx's deadline. NULL: nowhere.
	 */
	enum err (*lead_names)(struct ctx *cx, const char *slug, const char *region);
	/* The end of the platform's certificate that ends first; false: there is none. May be NULL. */
	bool (*platform_end)(struct world *w, struct platform_end *ret);
	/* Answers that are kept, and their bytes; may be NULL. */
	void (*kept_answers)(struct world *w, int64_t *ret_n, int64_t *ret_bytes);
	/* All that this node counts, for Prometheus: cc/base/expo.h. May be NULL. */
	void (*metrics)(struct world *w, struct str *out);
	void (*calls_due)(struct world *w);     /* something for outbox_step(); may be NULL */
	struct job_meter job_meter[JOB_METERS_MAX];     /* core/job_meters.h */
	struct control_state control_state;
	int64_t started_us;             /* wall clock: this node's begin */
	struct jobs *jobs;              /* whom the three reach; NULL: none run */
	atomic_bool leaving;            /* it stops soon: nobody new shall be sent here */
	atomic_bool stopping;           /* the jobs are to end: what takes long is left to other nodes */
};

struct region *region_find(const struct world *w, const char *id);      /* NULL: unknown */
/* The pool of one shard, made on first use. NULL: shard out of range. */
struct db_pool *region_pool(struct world *w, struct region *r, int shard);
/* The few connections by which schemas of the region are made, opened and dropped: role cc_prov. */
struct db_pool *region_prov_pool(struct world *w, struct region *r);
/* The watcher's: its one connection is made, and waited for, while the region is down. */
struct db_pool *region_watch_pool(struct world *w, struct region *r);
/* db_pool_turn() for all pools of the region that ask whether it is down. */
void region_pools_turn(struct region *r);
/* Closes what is idle in the pools of the regions; those of the control database are the caller's. */
void region_pools_sweep(struct world *w);
/* All leases are back; the daemon is going down. */
void region_pools_destroy(struct world *w);
/* Deterministic password of a login role, or NULL. */
const char *role_password(struct arena *a, const struct settings *s, const char *role);

/* Units of work in the control database: across tenants (jobs, operators), or bound to one tenant. */
void place_platform(const struct world *w, struct db_place *ret);
void place_control(const struct world *w, const char *tenant_id, struct db_place *ret);

/* Role names, in one place. */
const char *role_owner(struct arena *a, const struct region *r, int shard);     /* cc_o_us_east_1_00 */
const char *role_pool(struct arena *a, const struct region *r, int shard);      /* cc_pool_us_east_1_00 */
#define ROLE_CTL "cc_ctl"
#define ROLE_CTL_TENANT "cc_ctl_tenant"
#define ROLE_PROV "cc_prov"

#endif
