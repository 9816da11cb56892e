/* SPDX-License-Identifier: Apache-2.0 */
/* What a server or a role must not be: the walls between tenants, or commits, would not hold. */
#include "provision_parts.h"

#include <inttypes.h>

#include "cc/base/clock.h"
#include "cc/core/region_watch.h"
#include "cc/model/q_control.h"

#define CHECK_MS 15000
#define VERSION_LEAST 150009 /* older ones let a plan made for one role run for another */
#define MEMBERSHIPS_MAX 512
#define PROV_CONNECTIONS 4 /* making and dropping schemas: a small pool and a session; and the watch */

/* One running server, and how many connections this node may want of it. */
struct load {
	const char *server, *places;
	int64_t has, wants;
};

struct check {
	const char *where; /* "region us-east-1" */
	struct strv roles;
	struct server_facts server;
	struct role_facts *facts; /* one per role */
	bool *found;
	int64_t wants;
	bool may_lack; /* a shard is recorded before its roles are made, perhaps by another node just now */
};

static enum err ask(struct ctx *cx, void *arg)
{
	struct check *c = arg;

	q_server_facts_later(cx->db, &c->server);
	for (size_t i = 0; i < c->roles.n; i++)
		q_role_facts_later(cx->db, &c->facts[i], &c->found[i], c->roles.v[i]);
	return ERR_NONE;
}

static enum err check_role(struct ctx *cx, const struct check *c, size_t i)
{
	const struct role_facts *f = &c->facts[i];
	const char *role = c->roles.v[i];

	if (!c->found[i] && c->may_lack)
		return ERR_NONE;
	if (!c->found[i])
		return refuse(cx, ERR_CONFLICT, "Role %s does not exist at %s.", role, c->where);
	if (f->superuser)
		return refuse(cx, ERR_CONFLICT,
			"Role %s at %s is a superuser: nothing would keep tenants apart.", role, c->where);
	if (f->bypassrls)
		return refuse(cx, ERR_CONFLICT,
			"Role %s at %s has BYPASSRLS: row security would not bind it.", role, c->where);
	if (f->createrole)
		return refuse(cx, ERR_CONFLICT,
			"Role %s at %s has CREATEROLE: it could make itself any tenant.", role, c->where);
	if (f->memberships > MEMBERSHIPS_MAX)
		return refuse(cx, ERR_CONFLICT,
			"Role %s at %s is a member of %" PRId64 " roles; at most %d are served.", role,
			c->where, f->memberships, MEMBERSHIPS_MAX);
	if (f->temp)
		return refuse(cx, ERR_CONFLICT,
			"Role %s has the TEMP privilege on database %s (%s): a temporary table could "
			"hide a tenant's.",
			role, c->server.database, c->where);
	if (f->public_create)
		return refuse(cx, ERR_CONFLICT, "Role %s may create in schema public of database %s (%s).",
			role, c->server.database, c->where);
	if (f->hasty)
		return refuse(cx, ERR_CONFLICT,
			"Role %s at %s has synchronous_commit = off: its commits would not last.", role,
			c->where);
	return ERR_NONE;
}

static enum err check_server(struct ctx *cx, const struct check *c)
{
	const struct server_facts *s = &c->server;

	if (s->version < VERSION_LEAST)
		return refuse(cx, ERR_CONFLICT,
			"PostgreSQL at %s is version %" PRId64 ".%" PRId64 "; 15.9 or newer is needed.",
			c->where, s->version / 10000, s->version % 10000);
	if (!s->fsync)
		return refuse(cx, ERR_CONFLICT,
			"PostgreSQL at %s runs with fsync = off: commits would not last.", c->where);
	if (!s->full_page_writes)
		return refuse(cx, ERR_CONFLICT,
			"PostgreSQL at %s runs with full_page_writes = off: a crash could tear pages.",
			c->where);
	if (str_eq(s->synchronous_commit, "off"))
		return refuse(cx, ERR_CONFLICT,
			"PostgreSQL at %s runs with synchronous_commit = off: commits would not last.",
			c->where);
	for (size_t i = 0; i < c->roles.n; i++)
		TRY(check_role(cx, c, i));
	return ERR_NONE;
}

static enum err check_load(struct ctx *cx, const struct check *c, struct load *loads, size_t *n)
{
	size_t i = 0;

	while (i < *n && !str_eq(loads[i].server, c->server.server))
		i++;
	if (i == *n)
		loads[(*n)++] = (struct load){
			.server = c->server.server, .places = "", .has = c->server.connections
		};
	loads[i].wants += c->wants;
	loads[i].places = arena_printf(
		cx->arena, "%s%s%s", loads[i].places, loads[i].places[0] != '\0' ? ", " : "", c->where);
	if (loads[i].wants > loads[i].has)
		return refuse(cx, ERR_CONFLICT,
			"PostgreSQL has %" PRId64 " connections for %s; this node alone may want %" PRId64
			": raise max_connections, or lower the connections of the control database and the "
			"regions.",
			loads[i].has, loads[i].places, loads[i].wants);
	return ERR_NONE;
}

static enum err run_check(
	struct ctx *cx, struct check *c, const struct db_place *place, struct load *loads, size_t *n)
{
	enum err e;

	c->facts = ARENA_ARRAY(cx->arena, struct role_facts, c->roles.n + 1);
	c->found = ARENA_ARRAY(cx->arena, bool, c->roles.n + 1);
	cx->deadline_ms = clock_mono_ms() + CHECK_MS;
	e = db_unit(cx, place, DB_READ, ask, c);
	if (e == ERR_UNAVAILABLE || e == ERR_OVERLOADED)
		return refuse(cx, e, "PostgreSQL at %s cannot be reached.", c->where);
	TRY(e);
	TRY(check_server(cx, c));
	return check_load(cx, c, loads, n);
}

static enum err read_shards(struct ctx *cx, void *arg)
{
	q_shard_list_later(cx->db, arg);
	return ERR_NONE;
}

static struct strv pool_roles(struct ctx *cx, const struct region *r, const struct db_rows *shards)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, shards->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < shards->n; i++) {
		const struct slot *s = DB_ROW(shards, struct slot, i);

		if (str_eq(s->region, r->id))
			v[n++] = role_pool(cx->arena, r, (int)s->shard);
	}
	return (struct strv){ .v = v, .n = n };
}

static enum err check_region(
	struct ctx *cx, struct region *r, const struct db_rows *shards, struct load *loads, size_t *n)
{
	struct check c = {
		.where = arena_printf(cx->arena, "region %s", r->id),
		.roles = pool_roles(cx, r, shards),
		.may_lack = true,
		.wants = cx->world->settings->region_connections + PROV_CONNECTIONS,
	};
	struct db_place place;

	place_prov(cx->world, r, &place);
	return run_check(cx, &c, &place, loads, n);
}

/* What cannot be asked is not known to be safe; what was left out is not served. */
static enum err check_regions(struct ctx *cx, const struct db_rows *shards, struct load *loads, size_t *n)
{
	struct world *w = cx->world;

	for (size_t i = 0; i < w->nregions; i++)
		if (!region_is_down(&w->regions[i]))
			TRY(check_region(cx, &w->regions[i], shards, loads, n));
	return ERR_NONE;
}

enum err setup_refusals_of(struct ctx *cx, struct region *r)
{
	struct db_place place;
	struct db_rows shards;
	struct load load;
	size_t n = 0;

	place_platform(cx->world, &place);
	cx->deadline_ms = clock_mono_ms() + CHECK_MS;
	TRY(db_unit(cx, &place, DB_READ, read_shards, &shards));
	return check_region(cx, r, &shards, &load, &n);
}

enum err setup_refusals(struct ctx *cx)
{
	static const char *const control_roles[] = { ROLE_CTL, ROLE_CTL_TENANT };
	const int64_t deadline = cx->deadline_ms;
	struct load *loads = ARENA_ARRAY(cx->arena, struct load, cx->world->nregions + 1);
	struct check control = {
		.where = "the control database",
		.roles = {.v = control_roles, .n = 2},
		.wants = 2 * (int64_t)cx->world->settings->control_connections,
	};
	struct db_place place;
	struct db_rows shards;
	size_t n = 0;
	enum err e;

	place_platform(cx->world, &place);
	e = run_check(cx, &control, &place, loads, &n);
	if (e == ERR_NONE)
		e = db_unit(cx, &place, DB_READ, read_shards, &shards);
	if (e == ERR_NONE)
		e = check_regions(cx, &shards, loads, &n);
	cx->deadline_ms = deadline;
	return e;
}
