/* SPDX-License-Identifier: Apache-2.0 */
/* What the two caches of the registry share: entries, order of use, loads under way. */
#include <stdlib.h>
#include <string.h>

#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/base/mem.h"

void *entry_new(size_t size)
{
	struct arena *a = arena_create(size + 768);
	static _Atomic(uint64_t) last;
	struct entry *e = arena_alloc(a, size);

	e->arena = a;
	e->serial = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	atomic_init(&e->refs, 1);
	return e;
}

struct entry *entry_ref(struct entry *e)
{
	if (e != NULL)
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void entry_put(struct entry *e)
{
	if (e != NULL && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
		arena_destroy(e->arena);        /* the entry lies in it */
}

void lru_init(struct lru *l, size_t max)
{
	l->map = map_create();
	l->ring.prev = l->ring.next = &l->ring;
	l->max = max;
}

void lru_finish(struct lru *l)
{
	map_destroy(l->map, NULL);
}

static void ring_out(struct entry *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	e->prev = e->next = NULL;
}

static void ring_in(struct lru *l, struct entry *e)
{
	e->next = l->ring.next;
	e->prev = &l->ring;
	e->next->prev = e;
	l->ring.next = e;
}

struct entry *lru_find(struct lru *l, const char *name)
{
	struct entry *e = map_get(l->map, name);

	if (e != NULL) {
		ring_out(e);
		ring_in(l, e);
	}
	return e;
}

void lru_link(struct lru *l, struct entry *e)
{
	ring_in(l, entry_ref(e));
	l->count++;
}

void lru_unlink(struct lru *l, struct entry *e)
{
	ring_out(e);
	l->count--;
	entry_put(e);
}

static size_t slot_of(const unsigned char tag[16], size_t slots)
{
	uint32_t n;

	memcpy(&n, tag, sizeof(n));
	return n & (slots - 1);
}

void denied_add(struct denied *table, size_t slots, const unsigned char tag[16], int64_t until_ms)
{
	struct denied *d = &table[slot_of(tag, slots)];

	memcpy(d->tag, tag, sizeof(d->tag));
	d->until_ms = until_ms;
}

bool denied_has(const struct denied *table, size_t slots, const unsigned char tag[16], int64_t now_ms)
{
	const struct denied *d = &table[slot_of(tag, slots)];

	return d->until_ms > now_ms && memcmp(d->tag, tag, sizeof(d->tag)) == 0;
}

static struct flight *flight_find(struct registry *r, const char *key)
{
	for (struct flight *f = r->flights; f != NULL; f = f->next)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

static void flight_unlink(struct registry *r, struct flight *f)
{
	struct flight **at = &r->flights;

	while (*at != NULL && *at != f)
		at = &(*at)->next;
	if (*at == f)
		*at = f->next;
}

void flights_stale(struct registry *r)
{
	struct flight **at = &r->flights;

	while (*at != NULL) {
		if ((*at)->foreign) {
			at = &(*at)->next;
		} else {
			(*at)->stale = true;
			*at = (*at)->next;
		}
	}
}

/* The lock is held, and dropped while loading. */
static void flight_lead(struct ctx *cx, struct registry *r, struct flight *f, const char *name, load_fn load,
			keep_fn keep)
{
	struct entry *entry = NULL;
	enum err e;

	f->foreign = keep == NULL;
	f->next = r->flights;
	r->flights = f;
	lock_drop(&r->lock);
	e = load(cx, name, &entry);
	lock_take(&r->lock);
	f->err = e;
	f->entry = entry;
	f->done = true;
	if (!f->stale) {
		flight_unlink(r, f);
		if (entry != NULL && keep != NULL)
			keep(r, entry);
	}
	cond_wake_all(&r->changed);
}

static struct flight *flight_new(const char *key)
{
	struct flight *f = mem_alloc(1, sizeof(*f));

	f->key = key;
	return f;
}

static void flight_leave(struct flight *f)
{
	if (--f->users > 0)
		return;
	entry_put(f->entry);
	free(f);
}

enum err flight_run(struct ctx *cx, const char *key, const char *name, load_fn load, keep_fn keep,
		    struct entry **ret)
{
	struct registry *r = cx->world->registry;
	struct flight *f;
	bool in_time = true;
	enum err e;

	lock_take(&r->lock);
	f = flight_find(r, key);
	if (f == NULL) {
		f = flight_new(key);
		f->users = 1;
		flight_lead(cx, r, f, name, load, keep);
	} else {
		f->users++;
		while (!f->done && in_time)
			in_time = cond_wait_until(&r->changed, &r->lock, cx->deadline_ms);
	}
	e = f->done ? f->err : ERR_OVERLOADED;
	if (e == ERR_NONE)
		*ret = entry_ref(f->entry);
	flight_leave(f);
	lock_drop(&r->lock);
	return e;
}
