/* SPDX-License-Identifier: Apache-2.0 */
/* Which bundles are wanted, and which of them are in memory. */
#include "bundle_turns.h"
#include "bundles_in.h"
#include "objects_in.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/lock.h"
#include "cc/base/map.h"
#include "cc/base/mem.h"
#include "cc/core/registry.h"
#include "cc/model/policy.h"

#define UNUSED_MS 3600000  /* so long what nobody asks for stays in memory */
#define NO_MARK UINT64_MAX /* of no revision */
#define ASKED_MS 10000     /* who asks without waiting comes back within this time, or not at all */

/* What is kept in memory: refcounted, so that who sends it need not hold the lock. */
struct kept_bundle {
	struct bundle b;
	atomic_int refs;
	char *name;                      /* tenant and key */
	int64_t used_ms;                 /* guarded by: bundles.lock */
	struct kept_bundle *prev, *next; /* guarded by: bundles.lock; used lately first */
};

struct bundles {
	struct lock lock;
	size_t bytes, bytes_max;
	struct map *kept;
	struct kept_bundle ring;
	struct bundle_turns *turns; /* guarded by: lock */
};

struct bundles *bundles_create(size_t bytes_max)
{
	struct bundles *b = mem_alloc(1, sizeof(*b));

	lock_init(&b->lock, RANK_BUNDLES);
	b->bytes_max = bytes_max;
	b->kept = map_create();
	b->turns = bundle_turns_create();
	b->ring.prev = b->ring.next = &b->ring;
	return b;
}

/* Kept --------------------------------------------------------------------------------------------- */

static struct kept_bundle *kept_of(const void *bundle)
{
	return (struct kept_bundle *)(uintptr_t)bundle;
}

void bundle_put(void *bundle)
{
	struct kept_bundle *k = kept_of(bundle);

	if (k == NULL || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	free(k->name);
	free((void *)(uintptr_t)k->b.revision);
	free((void *)(uintptr_t)k->b.bytes);
	free(k);
}

/* Under the lock. */
static void unlink_kept(struct bundles *b, struct kept_bundle *k)
{
	(void)map_take(b->kept, k->name);
	k->prev->next = k->next;
	k->next->prev = k->prev;
	b->bytes -= k->b.n;
	bundle_put(k);
}

static void link_first(struct bundles *b, struct kept_bundle *k)
{
	k->used_ms = clock_mono_ms();
	k->next = b->ring.next;
	k->prev = &b->ring;
	k->next->prev = k;
	b->ring.next = k;
}

static const char *name_of(struct arena *a, const char *tenant_id, const char *rest)
{
	return arena_printf(a, "%s %s", tenant_id, rest);
}

const struct bundle *bundles_kept(struct bundles *b, const char *tenant_id, const char *key)
{
	struct arena *a = arena_create(512);
	const char *name = name_of(a, tenant_id, key);
	struct kept_bundle *k;

	lock_take(&b->lock);
	k = map_get(b->kept, name);
	if (k != NULL) {
		k->prev->next = k->next;
		k->next->prev = k->prev;
		link_first(b, k);
		atomic_fetch_add(&k->refs, 1);
	}
	lock_drop(&b->lock);
	arena_destroy(a);
	return k != NULL ? &k->b : NULL;
}

const struct bundle *bundles_keep(struct bundles *b, const char *tenant_id, const char *key,
	const char *revision, const void *p, size_t n)
{
	struct arena *a = arena_create(512);
	struct kept_bundle *k = mem_alloc(1, sizeof(*k)), *old;
	void *copy = mem_alloc(1, n + 1);

	memcpy(copy, p, n);
	k->name = mem_strdup(name_of(a, tenant_id, key));
	k->b = (struct bundle){ .revision = mem_strdup(revision), .bytes = copy, .n = n };
	atomic_store(&k->refs, 2); /* the ring's, and the caller's */
	arena_destroy(a);
	lock_take(&b->lock);
	old = map_get(b->kept, k->name);
	if (old != NULL)
		unlink_kept(b, old);
	(void)map_set(b->kept, k->name, k);
	link_first(b, k);
	b->bytes += n;
	while (b->bytes > b->bytes_max && b->ring.prev != &b->ring)
		unlink_kept(b, b->ring.prev);
	lock_drop(&b->lock);
	return &k->b;
}

void bundles_forget(struct bundles *b, const char *tenant_id)
{
	const size_t n = strlen(tenant_id);

	lock_take(&b->lock);
	for (struct kept_bundle *k = b->ring.next, *next; k != &b->ring; k = next) {
		next = k->next;
		if (strncmp(k->name, tenant_id, n) == 0 && k->name[n] == ' ')
			unlink_kept(b, k);
	}
	lock_drop(&b->lock);
}

/* Of tenants that are gone nobody tells the other nodes. Under the lock. */
static void drop_unused(struct bundles *b, int64_t now)
{
	while (b->ring.prev != &b->ring && b->ring.prev->used_ms < now - UNUSED_MS)
		unlink_kept(b, b->ring.prev);
}

/* Wanted ------------------------------------------------------------------------------------------- */

uint64_t bundle_topic(const char *tenant_id, const char *environment)
{
	return hash64_of(environment, strlen(environment), hash64_of(tenant_id, strlen(tenant_id), 0));
}

uint64_t bundle_mark(const char *revision)
{
	return hash64_of(revision, strlen(revision), 0);
}

static void alarm_jobs(struct world *w)
{
	if (w->bundles_due != NULL)
		w->bundles_due(w);
}

void bundle_want(struct world *w, const char *tenant_id, const char *environment, int64_t until_ms)
{
	struct bundles *b = w->bundles;
	bool due;

	lock_take(&b->lock);
	due = bundle_turns_want(b->turns, tenant_id, environment, until_ms, clock_mono_ms());
	lock_drop(&b->lock);
	if (due)
		alarm_jobs(w);
}

static void hurry(struct world *w, const char *tenant_id, bool changed)
{
	struct bundles *b = w->bundles;
	bool due;

	lock_take(&b->lock);
	due = bundle_turns_hurry(b->turns, tenant_id, changed, clock_mono_ms());
	lock_drop(&b->lock);
	if (due)
		alarm_jobs(w);
}

void bundles_changed(struct world *w, const char *tenant_id)
{
	hurry(w, tenant_id, true);
}

static void wake(struct world *w, const char *tenant_id, const char *environment, uint64_t mark)
{
	if (w->bundle_ready != NULL)
		w->bundle_ready(w, bundle_topic(tenant_id, environment), mark);
}

void bundles_recheck(struct world *w, const char *tenant_id)
{
	for (const char *const *e = environments; tenant_id != NULL && *e != NULL; e++)
		wake(w, tenant_id, *e, NO_MARK);
}

static void release(struct world *w, struct bundle_turn *x, bool failed)
{
	struct bundles *b = w->bundles;
	bool due;

	lock_take(&b->lock);
	due = bundle_turns_release(b->turns, x, failed, clock_mono_ms());
	lock_drop(&b->lock);
	if (due)
		alarm_jobs(w);
}

/*
 * Whoever does not have what there is goes on: with the bundle that holds all, or, where it could not be
 * made, with the newest or the reason.
 */
static void tell(struct world *w, const struct bundle_turn *x, const struct bundle *found, const char *newest,
	bool failed)
{
	const char *revision = found != NULL ? found->revision : newest;

	if (found != NULL || failed)
		wake(w, x->tenant_id, x->environment, revision != NULL ? bundle_mark(revision) : NO_MARK);
}

static enum err look_for(struct ctx *cx, const struct bundle_turn *x)
{
	const struct bundle_ask ask = { .environment = x->environment, .wish = BUNDLE_MAKE };
	const struct tenant *own, *fresh = NULL;
	const struct bundle *found = NULL;
	const char *newest = NULL;
	enum err e = ERR_NONE;

	TRY(tenant_get(cx, x->tenant_id, true, &own));
	cx->tenant = own;
	/* Of one that is being deleted nothing is stored any more. */
	if (own->status == TENANT_ACTIVE || own->status == TENANT_SUSPENDED)
		e = bundle_look(cx, &ask, &found, &newest, &fresh);
	cx->tenant = NULL;
	tenant_put(own);
	tenant_put(fresh);
	tell(cx->world, x, found, newest, e != ERR_NONE);
	bundle_put((void *)(uintptr_t)found);
	return e;
}

enum err bundles_tick(struct ctx *cx, bool quick, bool *ret_did, int64_t *ret_next_ms)
{
	struct bundles *b = cx->world->bundles;
	struct bundle_turn *x;
	enum err e;

	lock_take(&b->lock);
	drop_unused(b, clock_mono_ms());
	x = bundle_turns_claim(b->turns, quick, clock_mono_ms(), ret_next_ms);
	lock_drop(&b->lock);
	*ret_did = x != NULL;
	if (x == NULL)
		return ERR_NONE;
	e = look_for(cx, x);
	release(cx->world, x, e != ERR_NONE);
	return e;
}

void bundle_expect(struct ctx *cx, const char *environment)
{
	if (region_store(cx->world, cx->tenant->region) == NULL)
		return;
	bundle_want(cx->world, cx->tenant->id, environment, clock_mono_ms() + ASKED_MS);
	hurry(cx->world, cx->tenant->id, false);
}

enum err bundle_find(struct ctx *cx, const struct bundle_ask *ask, const struct bundle **ret,
	const char **ret_newest, const struct tenant **ret_fresh)
{
	const enum err e = bundle_look(cx, ask, ret, ret_newest, ret_fresh);

	if (*ret == NULL && (e == ERR_NONE || e == ERR_UNAVAILABLE))
		bundle_expect(cx, ask->environment);
	return e;
}

void bundles_destroy(struct bundles *b)
{
	if (b == NULL)
		return;
	bundle_turns_destroy(b->turns);
	while (b->ring.prev != &b->ring)
		unlink_kept(b, b->ring.prev);
	map_destroy(b->kept, NULL);
	lock_finish(&b->lock);
	free(b);
}
