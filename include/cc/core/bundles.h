/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_BUNDLES_H
#define CC_CORE_BUNDLES_H

#include "cc/base/ctx.h"
#include "cc/core/signing.h"
#include "cc/model/bundle_key.h"

/*
 * Bundles of policies, as OPA takes them: one for each tenant and environment, immutable, made of what the
 * tenant's schema holds and of nothing else, so that the same content has the same bytes on every node and
 * for ever. Its revision is a digest of the content.
 *
 * The version of the head row is the queue: a bundle says up to which version it holds all that counts, and
 * whoever asks, or waits, causes a look. What is behind is made by few threads of the background, one at a
 * time for each bundle, stored, and recorded in the tenant's catalogue; the newest are kept in memory.
 */
struct bundles;

struct bundle {
	const char *revision;
	const void *bytes; /* gzip'ed tar */
	size_t n;
};

#define BUNDLE_BYTES_MAX (64 << 20) /* of what it is made of; more is not made */

struct bundles *bundles_create(size_t bytes_max);
void bundles_destroy(struct bundles *b); /* NULL is fine */

enum bundle_wish {
	BUNDLE_NOW,    /* the one that holds all there is now; when it cannot be made, as BUNDLE_NEWEST */
	BUNDLE_NEWEST, /* … or, as long as there is none, the newest if it is newer than what one has */
	BUNDLE_MAKE,   /* … or else it is made: for the background alone */
};

struct bundle_ask {
	const char *environment;
	enum bundle_wish wish;
	struct strv has; /* revisions, of any key: one that nobody knows may be newer than any */
};

/*
 * The bundle that is wished for, a reference; NULL: it is being made, and bundle_topic() is woken when it
 * is there, or cannot be made. On a thread that may wait for PostgreSQL and the store, outside of any unit
 * of work. cx->tenant is its tenant, and may be replaced as by head_unit(). *ret_newest: the revision of the
 * newest that there is, whether it holds all or not; NULL: none, or it is not known. ERR_STORE_MISSING;
 * ERR_UNAVAILABLE: it could not be made or fetched the last time, and why.
 */
enum err bundle_find(struct ctx *cx, const struct bundle_ask *ask, const struct bundle **ret,
	const char **ret_newest, const struct tenant **ret_fresh) MUST_USE;
void bundle_put(void *bundle); /* NULL is fine. Any thread. */
/*
 * Until then (clock_mono_ms()) somebody waits for the next one: it is looked for once a second. Any thread.
 */
void bundle_want(struct world *w, const char *tenant_id, const char *environment, int64_t until_ms);
/* The same of cx->tenant where nobody waits, but somebody will soon ask. Nothing where there is no store. */
void bundle_expect(struct ctx *cx, const char *environment);
/*
 * This node changed the tenant's data, or another says that it did (NULL: of any tenant): what is wanted is
 * looked for now. Any thread.
 */
void bundles_changed(struct world *w, const char *tenant_id);
/*
 * The tenant itself changed: who waits for its bundles is asked again whether he may. NULL: nobody is. Any
 * thread.
 */
void bundles_recheck(struct world *w, const char *tenant_id);
/* It is gone, and what is in memory of it goes too. Any thread. */
void bundles_forget(struct bundles *b, const char *tenant_id);
/* What world.bundle_ready is called with. */
uint64_t bundle_topic(const char *tenant_id, const char *environment);
uint64_t bundle_mark(const char *revision);

/*
 * One of the background's two threads: makes or looks for the one that is most due, one at a time of each
 * tenant; `quick` leaves those that took long the last time to the other thread. *ret_did: there was one;
 * else *ret_next_ms says when to come again.
 */
enum err bundles_tick(struct ctx *cx, bool quick, bool *ret_did, int64_t *ret_next_ms) MUST_USE;

/*
 * The public half of the key that a tenant's bundles are signed with: ES256, made of the platform's and the
 * id.
 */
void bundle_jwk_make(
	struct arena *a, const struct signing_key *platform, const char *tenant_id, struct bundle_jwk *ret);

#endif
