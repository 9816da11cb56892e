/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_REGISTRY_H
#define CC_CORE_REGISTRY_H

#include "cc/base/ctx.h"
#include "cc/core/actor.h"
#include "cc/core/tenant.h"

/*
 * What this node knows of the control database: immutable snapshots of tenants (by id, slug,
 * verified host) and of credentials (by key id), bounded, and dropped when the change feed says so
 * (polled twice a second; a push over Redis only shortens the wait). Look-ups never block; loads
 * are for workers. Any thread.
 */
struct registry;

struct registry *registry_create(struct world *w);
void registry_destroy(struct registry *r);

/* ret is referenced: give it back with tenant_put(). ERR_NEED_LOAD: not in memory (only when !may_load). */
enum err tenant_get(struct ctx *cx, const char *id_or_slug, bool may_load,
		    const struct tenant **ret) MUST_USE;
enum err tenant_get_by_host(struct ctx *cx, const char *host, bool may_load,
			    const struct tenant **ret) MUST_USE;
/*
 * Around every cache: asks the control database now (a zero-row gate, a placement in doubt). Single flight
 * per tenant.
 */
enum err tenant_reload(struct ctx *cx, const char *id, const struct tenant **ret) MUST_USE;
void tenant_put(const struct tenant *t);        /* NULL is fine */
/*
 * Of any text that could be an id. Workers: unless it is known, the control database is asked, so many times
 * a second on behalf of everybody. Where nobody can be asked it is not said to be gone.
 */
bool tenant_is_purged(struct ctx *cx, const char *id);
/* One of its verified custom domains? */
bool tenant_has_host(const struct tenant *t, const char *host);

/*
 * Credential text → actor. ERR_UNAUTHORIZED, ERR_KEY_EXPIRED, ERR_KEY_REVOKED; ERR_NEED_LOAD.
 * A text with a bad CRC costs no look-up. Unknown keys are remembered for a few seconds, by hash.
 */
enum err cred_get(struct ctx *cx, const char *text, bool may_load, const struct actor **ret) MUST_USE;
void cred_put(const struct actor *a);           /* NULL is fine */

/* This node changed something: forget at once. */
void registry_forget_tenant(struct registry *r, const char *tenant_id);
void registry_forget_key(struct registry *r, const char *key_id);
/* Other settings and plans count: what was made with those before is made anew, whoever holds it now. */
void registry_forget_all(struct registry *r);
/* One poll of the change feed: drops what changed since the last; everything when the feed has a gap. */
enum err registry_poll(struct ctx *cx) MUST_USE;
/* clock_mono_ms() of the last successful poll: beyond the stated bound nothing cached is trusted. */
int64_t registry_fresh_at(const struct registry *r);
/* What is kept, and how much could be. */
struct registry_stats {
	struct {
		const char *what;
		size_t entries, most;
	} cache[4];
};
void registry_stats(struct registry *r, struct registry_stats *ret);
/*
 * Before anything is decided from memory: polls when the last poll is older than a second and nobody
 * else has. *ret_degraded: the control database cannot be asked, what is cached may still serve reads.
 * ERR_UNAVAILABLE beyond settings->stale_max_s; ERR_NEED_LOAD when a worker must ask.
 */
enum err registry_confirm(struct ctx *cx, bool may_load, bool *ret_degraded) MUST_USE;

#endif
