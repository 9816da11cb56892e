/* SPDX-License-Identifier: Apache-2.0 */
/* Which bundles are wanted, and which of them are in memory. */
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

#define WANTED_MAX 50000
#define LOOK_MS 1000   /* between two looks for what is waited for */
#define FAILED_MS 1000 /* … and after one that failed, doubled for each further one */
#define FAILED_MOST_MS 8000
#define LONG_MS 1000        /* of what took longer nobody takes up both threads */
#define LONG_REST_MOST_MS 10000
#define LONG_KNOWN_MS 60000 /* that it did */
#define MAKERS 2            /* threads of the background that make bundles */
#define NEVER_MS 60000
#define UNUSED_MS 3600000 /* so long what nobody asks for stays in memory */
#define ENVIRONMENTS 2
#define NO_MARK UINT64_MAX /* of no revision */
#define ASKED_MS 10000 /* who asks without waiting comes back within this time, or not at all */

static const char *const environment_names[ENVIRONMENTS] = { "sandbox", "production" };

/* What is kept in memory: refcounted, so that who sends it need not hold the lock. */
struct kept_bundle {
	struct bundle b;
	atomic_int refs;
	char *name;                      /* tenant and key */
	int64_t used_ms;                 /* guarded by: bundles.lock */
	struct kept_bundle *prev, *next; /* guarded by: bundles.lock; used lately first */
};

/* A bundle that somebody waits for. */
struct wanted {
	struct wanted *next; /* guarded by: bundles.lock, as all of it */
	char *tenant_id, *name, *environment;
	int64_t until_ms, look_ms;
	int64_t rest_ms; /* not before, whatever happens */
	int64_t long_ms; /* until then it is one that takes long */
	int64_t began_ms;
	int failures; /* in a row */
	bool busy, changed;
};

struct bundles {
	struct lock lock;
	size_t bytes, bytes_max;
	struct map *kept;
	struct kept_bundle ring;
	struct map *wanted;
	struct wanted *first;
	const struct wanted *busy[MAKERS];
};

struct bundles *bundles_create(size_t bytes_max)
{
	struct bundles *b = mem_alloc(1, sizeof(*b));

	lock_init(&b->lock, RANK_BUNDLES);
	b->bytes_max = bytes_max;
	b->kept = map_create();
	b->wanted = map_create();
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

static struct wanted *want(
	struct bundles *b, const char *name, const char *tenant_id, const char *environment)
{
	struct wanted *x = map_get(b->wanted, name);

	if (x != NULL || map_count(b->wanted) >= WANTED_MAX)
		return x;
	x = mem_alloc(1, sizeof(*x));
	x->tenant_id = mem_strdup(tenant_id);
	x->name = mem_strdup(name);
	x->environment = mem_strdup(environment);
	x->next = b->first;
	b->first = x;
	(void)map_set(b->wanted, name, x);
	return x;
}

void bundle_want(struct world *w, const char *tenant_id, const char *environment, int64_t until_ms)
{
	struct arena *a = arena_create(512);
	const char *name = name_of(a, tenant_id, environment);
	struct bundles *b = w->bundles;
	struct wanted *x;
	bool due = false;

	lock_take(&b->lock);
	x = want(b, name, tenant_id, environment);
	if (x != NULL) {
		due = x->until_ms == 0;
		if (until_ms > x->until_ms)
			x->until_ms = until_ms;
	}
	lock_drop(&b->lock);
	arena_destroy(a);
	if (due)
		alarm_jobs(w);
}

/* Not only when its turn comes. */
static void hurry(struct wanted *x)
{
	x->changed = true;
	x->look_ms = 0;
}

/* Under the lock. */
static bool hurry_those_of(struct bundles *b, const char *tenant_id)
{
	struct arena *a = arena_create(512);
	bool any = false;

	for (size_t i = 0; i < ENVIRONMENTS; i++) {
		struct wanted *x = map_get(b->wanted, name_of(a, tenant_id, environment_names[i]));

		if (x != NULL)
			hurry(x);
		any = any || x != NULL;
	}
	arena_destroy(a);
	return any;
}

void bundles_changed(struct world *w, const char *tenant_id)
{
	struct bundles *b = w->bundles;
	bool due;

	lock_take(&b->lock);
	due = tenant_id != NULL ? hurry_those_of(b, tenant_id) : b->first != NULL;
	for (struct wanted *x = b->first; tenant_id == NULL && x != NULL; x = x->next)
		hurry(x);
	lock_drop(&b->lock);
	if (due)
		alarm_jobs(w);
}

void bundles_recheck(struct world *w, const char *tenant_id)
{
	if (tenant_id == NULL || w->bundle_ready == NULL)
		return;
	for (size_t i = 0; i < ENVIRONMENTS; i++)
		w->bundle_ready(w, bundle_topic(tenant_id, environment_names[i]), NO_MARK);
}

static void drop(struct bundles *b, struct wanted **at)
{
	struct wanted *x = *at;

	*at = x->next;
	(void)map_take(b->wanted, x->name);
	free(x->name);
	free(x->tenant_id);
	free(x->environment);
	free(x);
}

/* One at a time of each tenant: nobody takes up all threads. Under the lock, as what follows. */
static bool is_taken(const struct bundles *b, const struct wanted *x)
{
	for (size_t i = 0; i < MAKERS; i++)
		if (b->busy[i] != NULL && strcmp(b->busy[i]->tenant_id, x->tenant_id) == 0)
			return true;
	return false;
}

static void note_busy(struct bundles *b, const struct wanted *was, const struct wanted *x)
{
	for (size_t i = 0; i < MAKERS; i++)
		if (b->busy[i] == was) {
			b->busy[i] = x;
			return;
		}
	abort();
}

/* Nobody waits, and what it has cost is forgotten. */
static bool is_over(const struct wanted *x, int64_t now)
{
	return !x->busy && x->until_ms <= now && x->rest_ms <= now && x->long_ms <= now;
}

static int64_t due_ms(const struct wanted *x)
{
	return x->look_ms > x->rest_ms ? x->look_ms : x->rest_ms;
}

static bool may_take(const struct bundles *b, const struct wanted *x, bool quick, int64_t now)
{
	return x->until_ms > now && !is_taken(b, x) && !(quick && x->long_ms > now);
}

/* The one that is most due, claimed; NULL: *ret_next_ms says when the next one is. */
static struct wanted *claim(struct bundles *b, bool quick, int64_t now, int64_t *ret_next_ms)
{
	struct wanted **at = &b->first, *best = NULL;

	*ret_next_ms = now + NEVER_MS;
	while (*at != NULL) {
		struct wanted *x = *at;

		if (is_over(x, now)) {
			drop(b, at);
			continue;
		}
		if (due_ms(x) < *ret_next_ms && may_take(b, x, quick, now)) {
			*ret_next_ms = due_ms(x);
			best = x;
		}
		at = &x->next;
	}
	if (best == NULL || due_ms(best) > now)
		return NULL;
	best->busy = true;
	best->changed = false;
	best->began_ms = now;
	note_busy(b, NULL, best);
	return best;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Who takes long rests as long, so that the others have half of the time at least, and is left to one of the
 * threads; who fails comes back later and later.
 */
static void charge(struct wanted *x, bool failed, int64_t now)
{
	const int64_t took = now - x->began_ms;
	int64_t rest = took > LONG_MS ? least(took, LONG_REST_MOST_MS) : 0;

	/* A cheap look between says nothing of the next one. */
	if (took > LONG_MS)
		x->long_ms = now + LONG_KNOWN_MS;
	x->failures = failed ? x->failures + 1 : 0;
	if (failed)
		rest += x->failures > 3 ? FAILED_MOST_MS : FAILED_MS << (x->failures - 1);
	x->rest_ms = now + rest;
}

/* Nobody was told when those of a tenant are due as long as one of them was being made. */
static bool others_wait(struct bundles *b, const struct wanted *x, int64_t now)
{
	struct arena *a = arena_create(512);
	bool any = false;

	for (size_t i = 0; i < ENVIRONMENTS; i++) {
		const struct wanted *o = map_get(b->wanted, name_of(a, x->tenant_id, environment_names[i]));

		any = any || (o != NULL && o != x && o->until_ms > now);
	}
	arena_destroy(a);
	return any;
}

static void release(struct world *w, struct wanted *x, bool failed)
{
	const int64_t now = clock_mono_ms();
	struct bundles *b = w->bundles;
	bool due;

	lock_take(&b->lock);
	x->busy = false;
	note_busy(b, x, NULL);
	charge(x, failed, now);
	x->look_ms = x->changed ? 0 : now + LOOK_MS;
	due = others_wait(b, x, now);
	lock_drop(&b->lock);
	if (due)
		alarm_jobs(w);
}

static enum err look_for(struct ctx *cx, const struct wanted *x)
{
	const struct tenant *own, *fresh = NULL;
	const struct bundle *found = NULL;
	struct world *w = cx->world;
	enum err e = ERR_NONE;

	TRY(tenant_get(cx, x->tenant_id, true, &own));
	cx->tenant = own;
	/* Of one that is being deleted nothing is stored any more. */
	if (own->status == TENANT_ACTIVE || own->status == TENANT_SUSPENDED)
		e = bundle_look(cx, x->environment, true, &found, &fresh);
	cx->tenant = NULL;
	tenant_put(own);
	tenant_put(fresh);
	if (e == ERR_NONE && found != NULL && w->bundle_ready != NULL)
		w->bundle_ready(w, bundle_topic(x->tenant_id, x->environment), bundle_mark(found->revision));
	bundle_put((void *)(uintptr_t)found);
	return e;
}

enum err bundles_tick(struct ctx *cx, bool quick, bool *ret_did, int64_t *ret_next_ms)
{
	struct bundles *b = cx->world->bundles;
	struct wanted *x;
	enum err e;

	lock_take(&b->lock);
	drop_unused(b, clock_mono_ms());
	x = claim(b, quick, clock_mono_ms(), ret_next_ms);
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
	bundles_changed(cx->world, cx->tenant->id);
}

enum err bundle_find(
	struct ctx *cx, const char *environment, const struct bundle **ret, const struct tenant **ret_fresh)
{
	const enum err e = bundle_look(cx, environment, false, ret, ret_fresh);

	if (*ret == NULL && (e == ERR_NONE || e == ERR_UNAVAILABLE))
		bundle_expect(cx, environment);
	return e;
}

void bundles_destroy(struct bundles *b)
{
	if (b == NULL)
		return;
	while (b->first != NULL)
		drop(b, &b->first);
	while (b->ring.prev != &b->ring)
		unlink_kept(b, b->ring.prev);
	map_destroy(b->kept, NULL);
	map_destroy(b->wanted, NULL);
	lock_finish(&b->lock);
	free(b);
}
