/* SPDX-License-Identifier: Apache-2.0 */
/* Regions, their pools, and the names of roles. */
#include "cc/core/world.h"

#include <string.h>

#include "cc/crypto/digest.h"

#define PROV_CONNECTIONS 2

struct region *region_find(const struct world *w, const char *id)
{
	for (size_t i = 0; id != NULL && i < w->nregions; i++)
		if (strcmp(w->regions[i].id, id) == 0)
			return &w->regions[i];
	return NULL;
}

const char *role_owner(struct arena *a, const struct region *r, int shard)
{
	return arena_printf(a, "cc_o_%s_%02d", r->ident, shard);
}

const char *role_pool(struct arena *a, const struct region *r, int shard)
{
	return arena_printf(a, "cc_pool_%s_%02d", r->ident, shard);
}

const char *role_password(struct arena *a, const struct settings *s, const char *role)
{
	unsigned char mac[32];
	const char *hex;

	if (s->role_secret.p == NULL)
		return NULL;
	arena_hold_secret(a);
	hmac_sha256(s->role_secret.p, s->role_secret.n, role, strlen(role), mac);
	hex = hex_encode(a, mac, sizeof(mac));
	bytes_wipe(mac, sizeof(mac));
	return hex;
}

static struct db_pool *pool_open(struct world *w, const struct region *r, const char *role, int max,
	int share, struct db_budget *budget, struct db_server *server)
{
	struct arena *a = arena_create(512);
	const struct db_pool_conf conf = {
		.name = role,
		.conninfo = r->conninfo,
		.user = role,
		.password = role_password(a, w->settings, role),
		.max = max,
		.share = share,
		.connect_ms = DB_CONNECT_MS,
		.idle_close_ms = DB_IDLE_CLOSE_MS,
		.lifetime_ms = DB_LIFETIME_MS,
		.schemas_max = w->settings->connection_schemas,
		.statements_max = w->settings->connection_statements,
		.budget = budget,
		.server = server,
	};
	struct db_pool *p = db_pool_create(&conf);

	arena_destroy(a);
	return p;
}

static struct db_pool *pool_peek(struct region *r, struct db_pool *const *at)
{
	struct db_pool *p;

	lock_take(&r->lock);
	p = *at;
	lock_drop(&r->lock);
	return p;
}

/* Pools have locks of their own, so one is made outside the region's; of two made at once one stays. */
static struct db_pool *pool_keep(struct region *r, struct db_pool **at, struct db_pool *made)
{
	struct db_pool *p;

	lock_take(&r->lock);
	if (*at == NULL)
		*at = made;
	p = *at;
	lock_drop(&r->lock);
	if (p != made)
		db_pool_destroy(made);
	return p;
}

struct db_pool *region_pool(struct world *w, struct region *r, int shard)
{
	const int max = w->settings->shard_connections;
	struct db_pool *p;
	struct arena *a;

	if (shard < 0 || shard >= SHARD_MAX)
		return NULL;
	p = pool_peek(r, &r->pool[shard]);
	if (p != NULL)
		return p;
	a = arena_create(128);
	p = pool_open(w, r, role_pool(a, r, shard), max, max >= 4 ? max / 4 : 1, r->budget,
		r->server);
	arena_destroy(a);
	return pool_keep(r, &r->pool[shard], p);
}

/* Not from the region's budget: tenants at work must not keep others from being made or undone. */
struct db_pool *region_prov_pool(struct world *w, struct region *r)
{
	struct db_pool *p = pool_peek(r, &r->prov);

	if (p != NULL)
		return p;
	return pool_keep(r, &r->prov, pool_open(w, r, ROLE_PROV, PROV_CONNECTIONS, 0, NULL, r->server));
}

struct db_pool *region_watch_pool(struct world *w, struct region *r)
{
	struct db_pool *p = pool_peek(r, &r->watch);

	if (p != NULL)
		return p;
	return pool_keep(r, &r->watch, pool_open(w, r, ROLE_PROV, 1, 0, NULL, NULL));
}

static void for_pools(struct region *r, void (*act)(struct db_pool *))
{
	struct db_pool *pools[SHARD_MAX + 1];
	size_t n = 0;

	lock_take(&r->lock);
	for (size_t i = 0; i < SHARD_MAX; i++)
		if (r->pool[i] != NULL)
			pools[n++] = r->pool[i];
	if (r->prov != NULL)
		pools[n++] = r->prov;
	lock_drop(&r->lock);
	while (n > 0)
		act(pools[--n]);
}

void region_pools_turn(struct region *r)
{
	for_pools(r, db_pool_turn);
}

void region_pools_sweep(struct world *w)
{
	for (size_t i = 0; i < w->nregions; i++)
		for_pools(&w->regions[i], db_pool_sweep);
}

void region_pools_destroy(struct world *w)
{
	for (size_t i = 0; i < w->nregions; i++) {
		struct region *r = &w->regions[i];

		for (size_t shard = 0; shard < SHARD_MAX; shard++) {
			db_pool_destroy(r->pool[shard]);
			r->pool[shard] = NULL;
		}
		db_pool_destroy(r->prov);
		r->prov = NULL;
		db_pool_destroy(r->watch);
		r->watch = NULL;
	}
}

void place_platform(const struct world *w, struct db_place *ret)
{
	*ret = (struct db_place){
		.pool = w->ctl,
		.search_path = "cc, pg_temp",
		.statement_ms = w->settings->statement_ms,
	};
}

void place_control(const struct world *w, const char *tenant_id, struct db_place *ret)
{
	*ret = (struct db_place){
		.pool = w->ctl_tenant,
		.tenant = tenant_id,
		.search_path = "cc, pg_temp",
		.statement_ms = w->settings->statement_ms,
	};
}
