/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of tenants. */
#include <stddef.h>
#include <string.h>

#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/core/quota.h"
#include "cc/model/names.h"
#include "cc/model/q_control.h"
#include "cc/model/tally.h"

#define HOST_DENIED_MS 5000
#define PURGED_ASKS_MAX 50 /* a second: anybody can ask of ids that nobody has */

static struct tenant_entry *entry_of(const struct tenant *t)
{
	/* Snapshots are const to everyone but the registry, which made them as part of an entry. */
	return (struct tenant_entry *)((uintptr_t)t - offsetof(struct tenant_entry, t));
}

void tenant_put(const struct tenant *t)
{
	if (t != NULL)
		entry_put(&entry_of(t)->e);
}

const struct issuers *tenant_issuers(const struct tenant *t)
{
	return &entry_of(t)->issuers;
}

uint64_t tenant_serial(const struct tenant *t)
{
	return entry_of(t)->e.serial;
}

bool tenant_has_host(const struct tenant *t, const char *host)
{
	return strv_has(&entry_of(t)->hosts, host);
}

static struct tenant_entry *tenant_entry_at(struct entry *e)
{
	return (struct tenant_entry *)(void *)e;
}

/* A name that is another's by now belongs to that one. */
static void unname(struct lru *l, const char *name, const struct entry *e)
{
	if (map_get(l->map, name) == e)
		(void)map_take(l->map, name);
}

static void tenant_forget(struct registry *r, struct entry *e)
{
	struct tenant_entry *t = tenant_entry_at(e);

	unname(&r->tenants, t->t.id, e);
	unname(&r->tenants, t->t.slug, e);
	for (size_t i = 0; i < t->hosts.n; i++)
		unname(&r->tenants, t->hosts.v[i], e);
	lru_unlink(&r->tenants, e);
}

void tenants_drop(struct registry *r, const char *tenant_id)
{
	struct entry *e = map_get(r->tenants.map, tenant_id);

	if (e != NULL)
		tenant_forget(r, e);
}

void tenants_drop_all(struct registry *r)
{
	while (r->tenants.count > 0)
		tenant_forget(r, r->tenants.ring.prev);
}

/* Who had the name before is out of date: all of it goes. */
static void tenant_name(struct registry *r, const char *name, struct entry *e)
{
	struct entry *before = map_get(r->tenants.map, name);

	if (before != NULL && before != e)
		tenant_forget(r, before);
	(void)map_set(r->tenants.map, name, e);
}

static void tenant_keep(struct registry *r, struct entry *e)
{
	const struct tenant_entry *t = tenant_entry_at(e);

	tenants_drop(r, t->t.id);
	if (r->tenants.count >= r->tenants.max)
		tenant_forget(r, r->tenants.ring.prev);
	lru_link(&r->tenants, e);
	tenant_name(r, t->t.id, e);
	tenant_name(r, t->t.slug, e);
	for (size_t i = 0; i < t->hosts.n; i++)
		tenant_name(r, t->hosts.v[i], e);
}

static void tenant_set_place(struct world *w, struct arena *a, const struct tenant_place_row *row,
			     struct tenant *t)
{
	struct region *region = region_find(w, row->region);

	t->region = arena_strdup(a, row->region);
	t->schema_id = arena_strdup(a, row->schema_id);
	t->epoch = row->epoch;
	t->shard = row->shard == INT_NULL ? -1 : (int)row->shard;
	t->schema_version = row->schema_version == INT_NULL ? 0 : (int)row->schema_version;
	if (row->schema_id == NULL)
		return;
	t->search_path = arena_printf(a, "%s, pg_temp", row->schema_id);
	if (region != NULL)
		t->pool = region_pool(w, region, t->shard);
}

static struct strv copy_texts(struct arena *a, const struct strv *from)
{
	const char **v = ARENA_ARRAY(a, const char *, from->n + 1);

	for (size_t i = 0; i < from->n; i++)
		v[i] = arena_strdup(a, from->v[i]);
	return (struct strv){ .v = v, .n = from->n };
}

/* ERR_INTERNAL: the row holds what this daemon does not know. */
static enum err tenant_make(struct ctx *cx, const struct tenant_place_row *row, struct entry **ret)
{
	struct tenant_entry *te = entry_new(sizeof(*te));
	struct arena *a = te->e.arena;

	te->t = (struct tenant){
		.id = arena_strdup(a, row->id),
		.slug = arena_strdup(a, row->slug),
		.name = arena_strdup(a, row->name),
		.domain = arena_strdup(a, row->domain),
		.suspend_mode = arena_strdup(a, row->suspend_mode),
		.plan = plan_find(cx->world->plans, row->plan_type),
		.warn = { .max_policies = row->max_policies, .max_resources = row->max_resources,
			  .max_users = row->max_users, .max_bouncers = row->max_bouncers },
		.require_if_match = row->require_if_match,
		.require_tests = row->require_tests,
		.overdue = row->overdue,
	};
	quota_hard_limits(a, row->quotas, &te->t.warn, &te->t.limits);
	te->t.cors_origins = copy_texts(a, &row->cors_origins);
	te->hosts = copy_texts(a, &row->hosts);
	tenant_set_place(cx->world, a, row, &te->t);
	/* They were checked when they were set; one that is not good any more just vouches for nobody. */
	(void)issuers_compile(a, row->issuers, &te->issuers);
	if (!tenant_status_parse(row->status, &te->t.status)) {
		entry_put(&te->e);
		return refuse(cx, ERR_INTERNAL, "tenant %s: status \"%s\" is not known here", row->id,
			      row->status);
	}
	*ret = &te->e;
	return ERR_NONE;
}

struct lookup {
	const char *name;
	bool by_host;
	bool found;
	struct tenant_place_row row;
};

static enum err look_up(struct ctx *cx, void *arg)
{
	struct lookup *l = arg;

	if (l->by_host)
		q_tenant_place_by_host_later(cx->db, &l->row, &l->found, l->name);
	else
		q_tenant_place_by_name_later(cx->db, &l->row, &l->found, l->name);
	return ERR_NONE;
}

static enum err tenant_load(struct ctx *cx, const char *name, struct entry **ret)
{
	struct lookup l = { .name = name, .by_host = strchr(name, '.') != NULL };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, look_up, &l));
	return l.found ? tenant_make(cx, &l.row, ret) : ERR_TENANT_NOT_FOUND;
}

static bool cached(struct registry *r, const char *name, const struct tenant **ret)
{
	struct entry *e;

	if (!registry_usable(r))
		return false;
	e = lru_find(&r->tenants, name);
	if (e != NULL)
		*ret = &tenant_entry_at(entry_ref(e))->t;
	return e != NULL;
}

static enum err tenant_fly(struct ctx *cx, const char *prefix, const char *name, const struct tenant **ret)
{
	struct entry *e;

	TRY(flight_run(cx, arena_printf(cx->arena, "%s%s", prefix, name), name, tenant_load, tenant_keep,
		       &e));
	*ret = &tenant_entry_at(e)->t;
	return ERR_NONE;
}

enum err tenant_get(struct ctx *cx, const char *id_or_slug, bool may_load, const struct tenant **ret)
{
	struct registry *r = cx->world->registry;
	bool hit;

	/* What cannot be one needs no question. */
	if (!name_is_wellformed(id_or_slug))
		return ERR_TENANT_NOT_FOUND;
	lock_take(&r->lock);
	hit = cached(r, id_or_slug, ret);
	lock_drop(&r->lock);
	if (hit)
		return ERR_NONE;
	return may_load ? tenant_fly(cx, "tenant ", id_or_slug, ret) : ERR_NEED_LOAD;
}

static void host_tag(const char *host, unsigned char ret[16])
{
	const uint64_t h[2] = { hash64_of(host, strlen(host), 1), hash64_of(host, strlen(host), 2) };

	memcpy(ret, h, sizeof(h));
}

enum err tenant_get_by_host(struct ctx *cx, const char *host, bool may_load, const struct tenant **ret)
{
	struct registry *r = cx->world->registry;
	unsigned char tag[16];
	bool hit, denied;
	enum err e;

	if (strchr(host, '.') == NULL || strlen(host) > 253)
		return ERR_TENANT_NOT_FOUND;
	host_tag(host, tag);
	lock_take(&r->lock);
	hit = cached(r, host, ret);
	denied = !hit && registry_usable(r) &&
		 denied_has(r->denied_hosts, DENIED_HOSTS, tag, clock_mono_ms());
	lock_drop(&r->lock);
	if (hit || denied)
		return hit ? ERR_NONE : ERR_TENANT_NOT_FOUND;
	if (!may_load)
		return ERR_NEED_LOAD;
	e = tenant_fly(cx, "tenant ", host, ret);
	if (e == ERR_TENANT_NOT_FOUND) {
		lock_take(&r->lock);
		denied_add(r->denied_hosts, DENIED_HOSTS, tag, clock_mono_ms() + HOST_DENIED_MS);
		lock_drop(&r->lock);
	}
	return e;
}

static void purged_tag(const char *id, bool purged, unsigned char ret[16])
{
	host_tag(id, ret);
	ret[15] ^= purged ? 0x01 : 0x02;
	ret[0] ^= purged ? 0x01 : 0x02;
}

/* What was said of it lately, with the hosts that nobody has; or whether it may be asked. */
static bool purged_known(struct registry *r, const char *id, bool *ret_purged, bool *ret_may_ask)
{
	const int64_t now = clock_mono_ms();
	unsigned char gone[16], not_gone[16];
	bool known;

	purged_tag(id, true, gone);
	purged_tag(id, false, not_gone);
	lock_take(&r->lock);
	*ret_purged = denied_has(r->denied_hosts, DENIED_HOSTS, gone, now);
	known = *ret_purged || denied_has(r->denied_hosts, DENIED_HOSTS, not_gone, now);
	if (r->purged_second != now / 1000) {
		r->purged_second = now / 1000;
		r->purged_asks = 0;
	}
	*ret_may_ask = !known && registry_usable(r) && r->purged_asks < PURGED_ASKS_MAX;
	r->purged_asks += *ret_may_ask ? 1 : 0;
	lock_drop(&r->lock);
	return known;
}

struct purged_ask {
	const char *id;
	struct tally tombstones;
};

static enum err ask_purged(struct ctx *cx, void *arg)
{
	struct purged_ask *p = arg;

	return q_tenant_purged(cx->db, &p->tombstones, p->id);
}

bool tenant_is_purged(struct ctx *cx, const char *id)
{
	struct registry *r = cx->world->registry;
	struct purged_ask p = { .id = id };
	const struct tenant *t = NULL;
	struct db_place control;
	unsigned char tag[16];
	bool purged, may_ask;

	if (tenant_get(cx, id, false, &t) == ERR_NONE) {
		tenant_put(t);
		return false;
	}
	ctx_clear_problem(cx);
	if (purged_known(r, id, &purged, &may_ask) || !may_ask)
		return purged;
	place_platform(cx->world, &control);
	if (db_unit(cx, &control, DB_READ, ask_purged, &p) != ERR_NONE) {
		ctx_clear_problem(cx);
		return false;
	}
	purged_tag(id, p.tombstones.total > 0, tag);
	lock_take(&r->lock);
	denied_add(r->denied_hosts, DENIED_HOSTS, tag, clock_mono_ms() + HOST_DENIED_MS);
	lock_drop(&r->lock);
	return p.tombstones.total > 0;
}

enum err tenant_reload(struct ctx *cx, const char *id, const struct tenant **ret)
{
	return tenant_fly(cx, "again ", id, ret);
}
