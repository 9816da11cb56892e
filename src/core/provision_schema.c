/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas of tenants: recorded first, then made; dropped first, then forgotten. */
#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/audit.h"
#include "cc/core/region_watch.h"
#include "cc/db/migrate.h"
#include "cc/model/migrations.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"

#define DDL_MS 10000 /* making or dropping a schema outlasts what a request's statement may */

int64_t newest_version(void)
{
	return (int64_t)tenant_migrations.n;
}

static struct strv names(struct ctx *cx, bool also_down)
{
	const struct world *w = cx->world;
	const char **v = ARENA_ARRAY(cx->arena, const char *, w->nregions + 1);
	size_t n = 0;

	for (size_t i = 0; i < w->nregions; i++)
		if (also_down || !region_is_down(&w->regions[i]))
			v[n++] = w->regions[i].id;
	return (struct strv){ .v = v, .n = n };
}

struct strv region_names(struct ctx *cx)
{
	return names(cx, false);
}

struct strv region_names_all(struct ctx *cx)
{
	return names(cx, true);
}

enum err region_need(struct ctx *cx, const char *id, struct region **ret)
{
	struct region *r = region_find(cx->world, id);

	*ret = r;
	if (r != NULL)
		return region_refuse_down(cx, r);
	(void)refuse(cx, ERR_UNAVAILABLE, "Region %s is not served by this node.", id);
	return ERR_UNAVAILABLE;
}

void place_prov(struct world *w, struct region *r, struct db_place *ret)
{
	const int64_t lease_ms = w->settings->provision_lease_s * 1000;

	*ret = (struct db_place){
		.pool = region_prov_pool(w, r),
		.search_path = "cc_region, pg_temp",
		.statement_ms = lease_ms < DDL_MS ? (int)lease_ms : DDL_MS,
	};
}

void place_owner(struct ctx *cx, struct region *r, const struct slot *s, struct db_place *ret)
{
	*ret = (struct db_place){
		.pool = region_prov_pool(cx->world, r),
		.role = role_owner(cx->arena, r, (int)s->shard),
		.search_path = arena_printf(cx->arena, "%s, pg_temp", s->schema_id),
		.statement_ms = cx->world->settings->statement_ms,
	};
}

/* What is done under a lease ends with it: whoever cleans up behind us must not be overtaken. */
void deadline_by_lease(struct ctx *cx)
{
	const int64_t end = clock_mono_ms() + cx->world->settings->provision_lease_s * 1000;

	if (cx->deadline_ms == 0 || end < cx->deadline_ms)
		cx->deadline_ms = end;
}

enum err region_session(struct ctx *cx, struct region *r, struct db_session **ret)
{
	return db_session_open_at(cx, r->server, r->conninfo, ROLE_PROV,
		role_password(cx->arena, cx->world->settings, ROLE_PROV), ret);
}

/* Shards -------------------------------------------------------------------------------------------- */

enum err shard_reserve(struct ctx *cx, const char *region, int64_t *ret_shard)
{
	struct slot s = { 0 };
	bool found = false;

	TRY(q_shard_take(cx->db, &s, &found, region));
	if (!found)
		TRY(q_shard_add(cx->db, &s, &found, region, SHARD_MAX));
	if (!found) /* somebody else added it meanwhile */
		TRY(q_shard_take(cx->db, &s, &found, region));
	if (!found)
		return refuse(cx, ERR_UNAVAILABLE, "Region %s is full: it holds %d tenants.", region,
			SHARD_MAX * SHARD_TENANTS);
	*ret_shard = s.shard;
	return ERR_NONE;
}

struct shard_roles {
	struct region *region;
	const char *owner, *pool;
};

static struct shard_roles shard_roles(struct ctx *cx, struct region *r, int64_t shard)
{
	return (struct shard_roles){ r, role_owner(cx->arena, r, (int)shard),
		role_pool(cx->arena, r, (int)shard) };
}

/* Under a lock: nodes that start together would be in each other's way. */
static enum err create_shard(struct ctx *cx, void *arg)
{
	const struct shard_roles *roles = arg;
	const char *password = role_password(cx->arena, cx->world->settings, roles->pool);
	struct db_session *s = NULL;
	enum err e;

	TRY(q_region_lock(cx->db));
	TRY(region_session(cx, roles->region, &s));
	e = db_session_login_role(cx, s, roles->pool, password, false);
	db_session_close(s);
	if (e == ERR_NONE)
		q_region_shard_create_later(cx->db, roles->owner, roles->pool);
	return e;
}

static bool shard_mark(struct region *r, int shard, bool ready)
{
	lock_take(&r->lock);
	r->shard_ready[shard] = r->shard_ready[shard] || ready;
	ready = r->shard_ready[shard];
	lock_drop(&r->lock);
	return ready;
}

enum err shard_ensure(struct ctx *cx, struct region *r, int shard)
{
	struct shard_roles roles = shard_roles(cx, r, shard);
	struct db_place place;

	if (shard_mark(r, shard, false))
		return ERR_NONE;
	place_prov(cx->world, r, &place);
	TRY(db_unit(cx, &place, DB_WRITE, create_shard, &roles));
	shard_mark(r, shard, true);
	return ERR_NONE;
}

/* Schemas ------------------------------------------------------------------------------------------- */

struct schema_roles {
	const char *schema_id;
	struct shard_roles shard;
};

static enum err create_schema(struct ctx *cx, void *arg)
{
	const struct schema_roles *roles = arg;

	q_region_schema_create_later(cx->db, roles->schema_id, roles->shard.owner, roles->shard.pool);
	return ERR_NONE;
}

static enum err run_migrations(struct ctx *cx, struct region *r, const struct slot *s)
{
	struct db_session *session = NULL;
	enum err e;

	TRY(region_session(cx, r, &session));
	e = migrate_tenant_schema(cx, session, &tenant_migrations, s->schema_id,
		role_owner(cx->arena, r, (int)s->shard), (int)s->version, 0);
	db_session_close(session);
	return e;
}

enum err schema_make(struct ctx *cx, const struct slot *s)
{
	struct schema_roles roles = { .schema_id = s->schema_id };
	struct region *r = NULL;
	struct db_place place;

	TRY(region_need(cx, s->region, &r));
	TRY(shard_ensure(cx, r, (int)s->shard));
	FAILPOINT("schema.make.shard");
	roles.shard = shard_roles(cx, r, s->shard);
	place_prov(cx->world, r, &place);
	TRY(db_unit(cx, &place, DB_WRITE, create_schema, &roles));
	FAILPOINT("schema.make.schema");
	TRY(run_migrations(cx, r, s));
	FAILPOINT("schema.make.tables");
	return ERR_NONE;
}

static enum err drop_schema(struct ctx *cx, void *arg)
{
	const struct slot *s = arg;

	q_region_schema_drop_later(cx->db, s->schema_id);
	return ERR_NONE;
}

static enum err forget_schema(struct ctx *cx, void *arg)
{
	const struct slot *s = arg;

	q_schema_forget_later(cx->db, s->schema_id);
	return ERR_NONE;
}

enum err schema_drop(struct ctx *cx, const struct slot *s)
{
	struct slot copy = *s;
	struct region *r = NULL;
	struct db_place place;

	TRY(region_need(cx, s->region, &r));
	place_prov(cx->world, r, &place);
	if (place.statement_ms > PURGE_STATEMENT_MS)
		place.statement_ms = PURGE_STATEMENT_MS;
	TRY(db_unit(cx, &place, DB_WRITE, drop_schema, &copy));
	FAILPOINT("schema.drop.schema");
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, forget_schema, &copy));
	FAILPOINT("schema.drop.forgotten");
	return ERR_NONE;
}

static enum err record_version(struct ctx *cx, void *arg)
{
	const struct slot *s = arg;

	q_schema_migrated_later(cx->db, s->schema_id, newest_version());
	if (s->tenant_id != NULL)
		change_note_later(cx, s->tenant_id, "tenant", s->tenant_id);
	return ERR_NONE;
}

enum err schema_migrate(struct ctx *cx, const struct slot *s)
{
	struct slot copy = *s;
	struct region *r = NULL;
	struct db_place place;

	TRY(region_need(cx, s->region, &r));
	TRY(run_migrations(cx, r, s));
	FAILPOINT("schema.migrate.tables");
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, record_version, &copy));
	FAILPOINT("schema.migrate.recorded");
	return ERR_NONE;
}
