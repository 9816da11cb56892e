/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_REGISTRY_IN_H
#define CC_SRC_CORE_REGISTRY_IN_H

#include <stdatomic.h>

#include "issuer.h"
#include "key_waits.h"

#include "cc/base/lock.h"
#include "cc/base/map.h"
#include "cc/base/str.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/crypto/apikey.h"

/* How much is remembered; the least recently used is forgotten first. */
enum {
	TENANTS_MAX = 20000,
	CREDS_MAX = 50000,
	DENIED_CREDS = 65536,           /* slots; powers of two */
	DENIED_HOSTS = 4096,
	TOKENS_MAX = 10000,
	KEYSETS_MAX = 4096,
	JWKS_NOTES = 16384,
	REFRESHES_MAX = 64,
};

/* An immutable snapshot. It lives in its own arena and goes with the last reference. */
struct entry {
	struct entry *prev, *next;      /* guarded by: registry lock; NULL: not in the cache */
	struct arena *arena;
	atomic_int refs;                /* of them one belongs to the cache */
	uint64_t serial;                /* no other entry has it, or ever had; not 0 */
};

struct tenant_entry {
	struct entry e;
	struct tenant t;
	struct strv hosts;
	struct issuers issuers;
};

struct cred_entry {
	struct entry e;
	struct actor a;
	const char *key_id;
	unsigned char hash[APIKEY_HASH_LEN];
	int64_t revoked_at;
};

/* Who was proven by a token that was verified, and by what. */
struct token_entry {
	struct cred_entry c;            /* first: cred_put() */
	const char *name;               /* token_name() */
	const char *hint;               /* what named the tenant; NULL: the token itself */
	const char *url;                /* of the keys; NULL: the snapshot or the settings have them */
	const char *kid;                /* … and of the one among them */
	const char *owner;              /* the tenant whose issuer it is; NULL: the platform's */
	uint64_t tenant, set;           /* serials of the snapshots */
	int64_t until_ms;
};

/* What an issuer published. */
struct keyset_entry {
	struct entry e;
	const char *url;
	struct keyset keys;
	int64_t fetched_ms;
	/* guarded by: registry lock */
	int failures;                   /* attempts in vain since then, and … */
	int64_t tried_ms;               /* … the last of them */
};

/* A set that is to be asked for again in the background. */
struct key_refresh {
	char *url;                      /* malloc'ed */
	uint64_t owner;
};

/* Entries by name, most recently used first. */
struct lru {
	struct map *map;
	struct entry ring;              /* ring.next is the newest, ring.prev the oldest */
	size_t count, max;
};

/* What was asked for and is not there; a slot each, so the size is fixed and nothing is ever scanned. */
struct denied {
	unsigned char tag[16];
	int64_t until_ms;
};

/* One load under way, which others wait for instead of asking the same again. */
struct flight {
	struct flight *next;
	const char *key;
	int users;
	bool done;
	bool stale;                     /* something was forgotten meanwhile: not to be kept */
	bool foreign;                   /* not of the control database: what is forgotten there is not this */
	enum err err;
	struct entry *entry;            /* a reference; NULL: there is none */
};

struct health_memo {
	bool checking;
	int64_t at_ms;                  /* 0: never */
	bool database_up, redis_up;
	int64_t database_us, redis_us;
};

struct registry {
	struct world *world;
	int64_t born_ms;
	struct lock lock;
	struct cond changed;            /* a flight, a poll or a health check is over */
	/* guarded by: lock */
	struct lru tenants;             /* under id, slug and verified hosts */
	struct lru creds;               /* under key id */
	struct lru tokens;              /* under hashes of their texts */
	struct lru keysets;             /* under their URLs */
	struct denied *denied_creds, *denied_hosts;
	int64_t purged_second, purged_asks;     /* tenant_is_purged(): within one second */
	struct denied *jwks_notes;      /* URLs that are not to be asked again so soon: jwks.c */
	struct key_place key_places[KEY_PLACES_MAX];    /* requests that wait for keys of issuers */
	struct key_refresh refresh[REFRESHES_MAX];
	size_t nrefresh;
	struct flight *flights;
	bool polling;
	bool feed_known;
	int64_t feed_version;
	int64_t failed_ms;              /* last poll that failed; 0: none since one succeeded */
	struct health_memo health;
	_Atomic int64_t no_writes_ms;   /* of the control database, as of a region */
	_Atomic int64_t fresh_ms;
};

/* registry_cache.c; the lock is held */
void lru_init(struct lru *l, size_t max);
void lru_finish(struct lru *l);
struct entry *lru_find(struct lru *l, const char *name);        /* and marks it as used */
void lru_link(struct lru *l, struct entry *e);
void lru_unlink(struct lru *l, struct entry *e);                /* gives the cache's reference back */
void denied_add(struct denied *table, size_t slots, const unsigned char tag[16], int64_t until_ms);
bool denied_has(const struct denied *table, size_t slots, const unsigned char tag[16], int64_t now_ms);

/* registry_cache.c; any time */
void *entry_new(size_t size);                   /* a struct that begins with struct entry; one reference */
struct entry *entry_ref(struct entry *e);
void entry_put(struct entry *e);

/*
 * Runs load once for all who ask for the same key now. *ret is a reference. keep puts a loaded entry
 * into the cache (lock held) unless something was forgotten while it was loaded; NULL: load has put it
 * there, and it came from elsewhere than the control database.
 */
typedef enum err (*load_fn)(struct ctx *cx, const char *name, struct entry **ret);
typedef void (*keep_fn)(struct registry *r, struct entry *e);
enum err flight_run(struct ctx *cx, const char *key, const char *name, load_fn load, keep_fn keep,
		    struct entry **ret);
/* Loads under way will not be kept, and who asks from now on asks anew. The lock is held. */
void flights_stale(struct registry *r);

/* registry_tenant.c; the lock is held */
void tenants_drop(struct registry *r, const char *tenant_id);
void tenants_drop_all(struct registry *r);
/* cred.c; the lock is held */
void creds_drop(struct registry *r, const char *key_id);
void creds_drop_all(struct registry *r);
/* token_cache.c; the lock is held */
void tokens_drop_all(struct registry *r);
/* jwks.c; the lock is held */
void keysets_drop_all(struct registry *r);
/* registry_tenant.c: of a snapshot */
const struct issuers *tenant_issuers(const struct tenant *t);
uint64_t tenant_serial(const struct tenant *t);
/* What is cached may be used: the feed was read within the stated bound. */
bool registry_usable(const struct registry *r);

#endif
