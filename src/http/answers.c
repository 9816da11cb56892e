/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/http/answers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/lock.h"
#include "cc/base/map.h"
#include "cc/base/mem.h"

#define OWNERS_MAX 8192 /* tenants; the one that was asked about longest ago goes */
#define LARGEST 8       /* one answer takes at most this part of all room, … */
#define SHARE 4         /* … one tenant's at most this */

struct link {
	struct link *prev, *next;
};

/* A tenant. */
struct owner {
	struct link link; /* in answers.owners, the last one used first */
	const char *id;
	struct data_version version; /* of all its answers */
	int64_t asked_us;            /* when that version was asked for; 0: it is not trusted */
	int64_t learned_us;          /* when it was first known */
	int64_t changed_us;          /* what was asked for before counts no more */
	struct map *answers;         /* struct item by key */
	struct link items;           /* the last one used first */
	size_t bytes;
};

struct item {
	struct kept kept;     /* first: a reference to it is one to the item */
	struct link all, own; /* in answers.items, in owner.items */
	struct owner *owner;  /* NULL: not in the cache any more */
	const char *key;
	size_t bytes;
	atomic_int refs;
};

struct answers {
	struct lock lock;
	size_t max;
	/* guarded by: lock */
	size_t bytes;
	struct map *by_tenant; /* struct owner */
	struct link owners, items;
	int64_t changed_us; /* of the owners that went */
	int64_t found, made; /* as in answers_stats */
};

#define FROM(link_, type, member) ((type *)(void *)((char *)(link_)-offsetof(type, member)))

static void link_init(struct link *l)
{
	l->prev = l->next = l;
}

static void link_out(struct link *l)
{
	/* The analysis does not see that the list of what is freed has been taken from. */
	l->prev->next = l->next; /* NOLINT(clang-analyzer-unix.Malloc) */
	l->next->prev = l->prev;
}

static void link_in(struct link *list, struct link *l)
{
	l->next = list->next;
	l->prev = list;
	l->next->prev = l;
	list->next = l;
}

struct answers *answers_create(size_t bytes_max)
{
	struct answers *a = mem_alloc(1, sizeof(*a));

	lock_init(&a->lock, RANK_ANSWERS);
	a->max = bytes_max;
	a->by_tenant = map_create();
	link_init(&a->owners);
	link_init(&a->items);
	return a;
}

static struct item *item_of(const struct kept *k)
{
	/* Kept answers are const to everyone but this file, which made them as the head of an item. */
	return (struct item *)(uintptr_t)k;
}

void kept_put(const struct kept *k)
{
	if (k != NULL && atomic_fetch_sub_explicit(&item_of(k)->refs, 1, memory_order_acq_rel) == 1)
		free(item_of(k));
}

/* All that follow want the lock held. */

static void item_drop(struct answers *a, struct item *i)
{
	link_out(&i->all);
	link_out(&i->own);
	(void)map_take(i->owner->answers, i->key);
	i->owner->bytes -= i->bytes;
	a->bytes -= i->bytes;
	i->owner = NULL;
	kept_put(&i->kept);
}

static void owner_empty(struct answers *a, struct owner *o)
{
	while (o->items.next != &o->items)
		item_drop(a, FROM(o->items.next, struct item, own));
}

static void owner_drop(struct answers *a, struct owner *o)
{
	owner_empty(a, o);
	/* Who comes back must not be told what was asked before. */
	if (o->changed_us > a->changed_us)
		a->changed_us = o->changed_us;
	link_out(&o->link);
	(void)map_take(a->by_tenant, o->id);
	map_destroy(o->answers, NULL);
	free((void *)(uintptr_t)o->id);
	free(o);
}

void answers_destroy(struct answers *a)
{
	if (a == NULL)
		return;
	while (a->owners.next != &a->owners)
		owner_drop(a, FROM(a->owners.next, struct owner, link));
	map_destroy(a->by_tenant, NULL);
	lock_finish(&a->lock);
	free(a);
}

static struct owner *owner_find(struct answers *a, const char *id)
{
	struct owner *o = map_get(a->by_tenant, id);

	if (o != NULL) {
		link_out(&o->link);
		link_in(&a->owners, &o->link);
	}
	return o;
}

static struct owner *owner_make(struct answers *a, const char *id)
{
	struct owner *o = owner_find(a, id);

	if (o != NULL)
		return o;
	if (map_count(a->by_tenant) >= OWNERS_MAX)
		owner_drop(a, FROM(a->owners.prev, struct owner, link));
	o = mem_alloc(1, sizeof(*o));
	o->id = mem_strdup(id);
	o->answers = map_create();
	o->changed_us = a->changed_us;
	link_init(&o->items);
	link_in(&a->owners, &o->link);
	(void)map_set(a->by_tenant, o->id, o);
	return o;
}

static bool is_trusted(const struct owner *o)
{
	return o->asked_us != 0 && clock_mono_us() - o->asked_us <= ANSWERS_TRUST_US;
}

static int compare(struct data_version x, struct data_version y)
{
	if (x.epoch != y.epoch)
		return x.epoch < y.epoch ? -1 : 1;
	return (x.version > y.version) - (x.version < y.version);
}

static void learn(struct answers *a, struct owner *o, struct data_version v, int64_t asked_us)
{
	const int order = o->version.known ? compare(v, o->version) : 1;

	/* Of two reads at once the older one may come back last; but data can also be put back. */
	if (asked_us <= o->changed_us || (order < 0 && asked_us <= o->learned_us))
		return;
	if (order != 0) {
		owner_empty(a, o);
		o->version = v;
		o->learned_us = clock_mono_us();
		o->asked_us = asked_us;
	} else if (asked_us > o->asked_us) {
		o->asked_us = asked_us;
	}
}

/* Room for so many bytes: first what its tenant has too much of, then what was used longest ago. */
static void make_room(struct answers *a, struct owner *o, size_t bytes)
{
	while (o->bytes > 0 && o->bytes + bytes > a->max / SHARE)
		item_drop(a, FROM(o->items.prev, struct item, own));
	while (a->bytes > 0 && a->bytes + bytes > a->max)
		item_drop(a, FROM(a->items.prev, struct item, all));
}

static void add(struct answers *a, struct owner *o, struct item *i)
{
	struct item *before = map_get(o->answers, i->key);

	if (before != NULL)
		item_drop(a, before);
	make_room(a, o, i->bytes);
	i->owner = o;
	link_in(&a->items, &i->all);
	link_in(&o->items, &i->own);
	(void)map_set(o->answers, i->key, i);
	o->bytes += i->bytes;
	a->bytes += i->bytes;
}

static void doubt(struct owner *o, int64_t now_us)
{
	o->changed_us = now_us;
	o->asked_us = 0;
}

/* The public side -------------------------------------------------------------------------------- */

void answers_changed(struct answers *a, const char *tenant_id)
{
	lock_take(&a->lock);
	doubt(owner_make(a, tenant_id), clock_mono_us());
	lock_drop(&a->lock);
}

void answers_doubt(struct answers *a, const char *tenant_id)
{
	const int64_t now = clock_mono_us();
	struct owner *o;

	lock_take(&a->lock);
	o = tenant_id != NULL ? owner_find(a, tenant_id) : NULL;
	if (o != NULL)
		doubt(o, now);
	else
		a->changed_us = now; /* for those that are not known yet */
	for (struct link *l = a->owners.next; tenant_id == NULL && l != &a->owners; l = l->next)
		doubt(FROM(l, struct owner, link), now);
	lock_drop(&a->lock);
}

void answers_learn(struct answers *a, const char *tenant_id, struct data_version v, int64_t asked_us)
{
	if (!v.known)
		return;
	lock_take(&a->lock);
	learn(a, owner_make(a, tenant_id), v, asked_us);
	lock_drop(&a->lock);
}

bool answers_version(struct answers *a, const char *tenant_id, struct data_version *ret)
{
	struct owner *o;
	bool trusted;

	lock_take(&a->lock);
	o = owner_find(a, tenant_id);
	trusted = o != NULL && is_trusted(o);
	if (trusted)
		*ret = o->version;
	lock_drop(&a->lock);
	return trusted;
}

static struct item *find(struct answers *a, const char *tenant_id, const char *key, bool *ret_stale)
{
	struct owner *o = owner_find(a, tenant_id);
	struct item *i = o != NULL ? map_get(o->answers, key) : NULL;

	*ret_stale = i != NULL && !is_trusted(o);
	if (i == NULL || *ret_stale)
		return NULL;
	a->found++;
	link_out(&i->all);
	link_in(&a->items, &i->all);
	link_out(&i->own);
	link_in(&o->items, &i->own);
	atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}

const struct kept *answers_find(struct answers *a, const char *tenant_id, const char *key, bool *ret_stale)
{
	struct item *i;

	lock_take(&a->lock);
	i = find(a, tenant_id, key, ret_stale);
	lock_drop(&a->lock);
	return i != NULL ? &i->kept : NULL;
}

static const char *put(char **at, const char *text, size_t n)
{
	char *to = *at;

	if (text == NULL)
		return NULL;
	memcpy(to, text, n);
	to[n] = '\0';
	*at += n + 1;
	return to;
}

static size_t length(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

/* One block: the item and behind it its texts. */
static struct item *item_make(const char *key, const struct kept *k)
{
	const size_t texts = length(key) + k->body_len + length(k->etag) + length(k->next_cursor) + 4;
	struct item *i = mem_alloc(1, sizeof(*i) + texts);
	char *at = (char *)(i + 1);

	i->bytes = sizeof(*i) + texts + length(key) + 64; /* what the map has of it */
	i->key = put(&at, key, length(key));
	i->kept = (struct kept){ .body_len = k->body_len, .total = k->total, .gzip = k->gzip };
	i->kept.body = put(&at, k->body, k->body_len);
	i->kept.etag = put(&at, k->etag, length(k->etag));
	i->kept.next_cursor = put(&at, k->next_cursor, length(k->next_cursor));
	atomic_init(&i->refs, 1);
	return i;
}

void answers_keep(struct answers *a, const char *tenant_id, struct data_version v, const char *key,
	const struct kept *k)
{
	struct item *i;
	struct owner *o;
	bool fits;

	if (!v.known || k->body_len + length(key) + 1024 > a->max / LARGEST)
		return;
	i = item_make(key, k);
	lock_take(&a->lock);
	o = owner_make(a, tenant_id);
	fits = o->version.known && compare(v, o->version) == 0;
	a->made++;
	if (fits)
		add(a, o, i);
	lock_drop(&a->lock);
	if (!fits)
		kept_put(&i->kept);
}

void answers_stats(struct answers *a, struct answers_stats *ret)
{
	lock_take(&a->lock);
	*ret = (struct answers_stats){ .bytes = a->bytes, .tenants = map_count(a->by_tenant),
		.found = a->found, .made = a->made };
	for (const struct link *l = a->items.next; l != &a->items; l = l->next)
		ret->answers++;
	lock_drop(&a->lock);
}
