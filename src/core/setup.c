/* SPDX-License-Identifier: Apache-2.0 */
/* Set-up of roles, databases and tables. Everything here may be repeated, and by several nodes at once. */
#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/region_watch.h"
#include "cc/db/conninfo.h"
#include "cc/db/migrate.h"
#include "cc/model/migrations.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"

#define SETUP_STEP_MS 120000
#define CONNECT_MS 5000

static void step(struct ctx *cx)
{
	cx->deadline_ms = clock_mono_ms() + SETUP_STEP_MS;
}

/* A unit of work with a connection that serves nothing else. */
static enum err unit_once(struct ctx *cx, const char *conninfo, const char *user, db_work work, void *arg)
{
	const struct db_pool_conf conf = {
		.name = "set-up",
		.conninfo = conninfo,
		.user = user,
		.max = 1,
		.connect_ms = CONNECT_MS,
		.password = user != NULL ? role_password(cx->arena, cx->world->settings, user) : NULL,
		.idle_close_ms = CONNECT_MS,
		.lifetime_ms = SETUP_STEP_MS,
	};
	struct db_pool *pool = db_pool_create(&conf);
	const struct db_place place = {
		.pool = pool, .search_path = "pg_catalog, pg_temp", .statement_ms = SETUP_STEP_MS
	};
	enum err e;

	step(cx);
	e = db_unit(cx, &place, DB_WRITE, work, arg);
	db_pool_destroy(pool);
	return e;
}

/* Roles and databases, by an administrator ------------------------------------------------------------ */

struct server {
	const char *conninfo; /* of the administrator, in the database he lands in */
	bool control;         /* the control database is here */
};

static enum err make_role(struct ctx *cx, struct db_session *s, const char *role)
{
	const char *password = role_password(cx->arena, cx->world->settings, role);

	return db_session_login_role(cx, s, role, password, str_eq(role, ROLE_PROV));
}

static void tell_wait(const char *what)
{
	LOG(LOG_INFO, "waiting for another node's migration", LOG_TEXT("what", what));
}

static enum err lock_roles(struct ctx *cx)
{
	struct tally got = { 0 };

	TRY(q_setup_try_lock(cx->db, &got));
	if (got.total > 0)
		return ERR_NONE;
	tell_wait("roles");
	return q_setup_lock(cx->db);
}

static enum err make_roles(struct ctx *cx, void *arg)
{
	const struct server *server = arg;
	struct db_session *s = NULL;
	enum err e;

	TRY(lock_roles(cx));
	TRY(db_session_open(cx, server->conninfo, NULL, NULL, &s));
	e = make_role(cx, s, ROLE_PROV);
	if (e == ERR_NONE && server->control)
		e = make_role(cx, s, ROLE_CTL);
	if (e == ERR_NONE && server->control)
		e = make_role(cx, s, ROLE_CTL_TENANT);
	db_session_close(s);
	return e;
}

static enum err make_database(struct ctx *cx, const struct server *server, const char *name)
{
	struct db_session *s = NULL;
	enum err e;

	step(cx);
	TRY(db_session_open(cx, server->conninfo, NULL, NULL, &s));
	e = db_session_create_database(cx, s, name, ROLE_PROV);
	db_session_close(s);
	return e;
}

/* The administrator at the server of a database: name and password are his, the rest is of its conninfo. */
static enum err find_server(struct ctx *cx, const char *admin, const char *conninfo, const char *what,
	struct server *ret, const char **ret_database)
{
	const char *database = conninfo_get(cx->arena, conninfo, "dbname");
	const char *lands = conninfo_get(cx->arena, admin, "dbname");
	const char *own;

	if (database == NULL)
		return refuse(cx, ERR_CONFLICT, "The conninfo of %s names no database (dbname=…).", what);
	own = arena_printf(cx->arena, "dbname=%s", lands != NULL ? "" : "postgres");
	own = lands != NULL ? admin : conninfo_join(cx->arena, admin, own);
	lands = lands != NULL ? lands : "postgres";
	own = own != NULL ? conninfo_join(cx->arena, own, conninfo) : NULL;
	if (own == NULL)
		return refuse(cx, ERR_CONFLICT,
			"The administrator's conninfo for %s is no connection string.", what);
	ret->conninfo = conninfo_join(cx->arena, own, arena_printf(cx->arena, "dbname='%s'", lands));
	*ret_database = database;
	return ERR_NONE;
}

static enum err make_place(
	struct ctx *cx, const char *admin, const char *conninfo, const char *what, bool control)
{
	struct server server = { .control = control };
	const char *database = NULL;
	enum err e;

	TRY(find_server(cx, admin, conninfo, what, &server, &database));
	e = unit_once(cx, server.conninfo, NULL, make_roles, &server);
	if (e == ERR_NONE)
		e = make_database(cx, &server, database);
	if (e != ERR_NONE)
		return refuse(cx, e,
			"Roles and the database of %s could not be made with the administrator's connection.",
			what);
	return ERR_NONE;
}

static enum err make_region_place(struct ctx *cx, const char *admin, const struct region *r)
{
	return make_place(cx, admin, r->conninfo, arena_printf(cx->arena, "region %s", r->id), false);
}

/* One that is silent is no reason to stay away from the others; one that refuses us is set up wrongly. */
static enum err leave_out(struct ctx *cx, struct region *r, unsigned how, enum err e)
{
	if (e != ERR_UNAVAILABLE || (how & SETUP_WITHOUT_SILENT) == 0 || db_server_answers(r->conninfo))
		return e;
	atomic_store(&r->unprepared, true);
	ctx_clear_problem(cx);
	return ERR_NONE;
}

static enum err make_places(struct ctx *cx, const char *admin, unsigned how)
{
	const struct world *w = cx->world;

	TRY(make_place(cx, admin, w->settings->control_conninfo, "the control database", true));
	for (size_t i = 0; i < w->nregions; i++)
		TRY(leave_out(cx, &w->regions[i], how, make_region_place(cx, admin, &w->regions[i])));
	return ERR_NONE;
}

/* Tables ---------------------------------------------------------------------------------------------- */

static enum err migrate(struct ctx *cx, const char *conninfo, const struct migration_set *set,
	const char *schema, bool dry, int *ret_n)
{
	const char *password = role_password(cx->arena, cx->world->settings, ROLE_PROV);
	struct db_session *s = NULL;
	bool busy = false;
	enum err e;

	step(cx);
	TRY(db_session_open(cx, conninfo, ROLE_PROV, password, &s));
	e = migrate_is_busy(cx, s, schema, &busy);
	if (busy)
		tell_wait(schema);
	if (e == ERR_NONE)
		e = migrate_database(cx, s, set, schema, dry, ret_n);
	db_session_close(s);
	return e;
}

static enum err control_rights(struct ctx *cx, void *arg)
{
	(void)arg;
	return q_setup_control(cx->db);
}

static enum err region_rights(struct ctx *cx, void *arg)
{
	(void)arg;
	return q_region_setup(cx->db);
}

/* A sentence for what an administrator has to do; a sentence that says more is kept. */
static enum err explain(struct ctx *cx, enum err e, const char *what)
{
	if (e == ERR_NONE || cx->problem.message != NULL)
		return e;
	if (e == ERR_UNAVAILABLE)
		return refuse(cx, e,
			"The database of %s cannot be reached as role %s. Both must exist (an "
			"administrator's connection makes them), and pg_hba.conf must let the role in "
			"with its password.",
			what, ROLE_PROV);
	return refuse(cx, e, "The tables of %s could not be brought up to date.", what);
}

static enum err setup_control_tables(struct ctx *cx, bool dry, struct setup_report *ret)
{
	const char *conninfo = cx->world->settings->control_conninfo;
	enum err e = dry ? ERR_NONE : unit_once(cx, conninfo, ROLE_PROV, control_rights, NULL);
	int n = 0;

	if (e == ERR_NONE)
		e = migrate(cx, conninfo, &control_migrations, "cc", dry, &n);
	*(dry ? &ret->control_pending : &ret->control_applied) += n;
	return explain(cx, e, "the control side");
}

static enum err read_identity(struct ctx *cx, void *arg)
{
	return q_control_identity(cx->db, arg);
}

static enum err claim_home(struct ctx *cx, void *arg)
{
	const struct stock *control = arg;
	struct stock home = { 0 };

	TRY(q_region_home(cx->db, &home, control->region));
	return str_eq(home.region, control->region) ? ERR_NONE : ERR_CONFLICT;
}

/* Two control planes in one region would drop each other's schemas as orphans. */
static enum err check_home(struct ctx *cx, const struct region *r, struct stock *control)
{
	enum err e = unit_once(cx, r->conninfo, ROLE_PROV, claim_home, control);

	if (e == ERR_CONFLICT)
		return refuse(cx, e,
			"The database of region %s belongs to another control database: give the region a "
			"database of its own.",
			r->id);
	return e;
}

static enum err setup_region_tables(
	struct ctx *cx, const struct region *r, bool dry, struct stock *control, struct setup_report *ret)
{
	enum err e = dry ? ERR_NONE : unit_once(cx, r->conninfo, ROLE_PROV, region_rights, NULL);
	int n = 0;

	if (e == ERR_NONE)
		e = migrate(cx, r->conninfo, &region_migrations, "cc_region", dry, &n);
	*(dry ? &ret->region_pending : &ret->region_applied) += n;
	if (e == ERR_NONE && !dry)
		e = check_home(cx, r, control);
	return explain(cx, e, arena_printf(cx->arena, "region %s", r->id));
}

static enum err setup_regions(struct ctx *cx, unsigned how, struct setup_report *ret)
{
	const bool dry = (how & SETUP_DRY) != 0;
	struct stock control = { 0 };

	if (!dry)
		TRY(unit_once(cx, cx->world->settings->control_conninfo, ROLE_PROV, read_identity, &control));
	for (size_t i = 0; i < cx->world->nregions; i++) {
		struct region *r = &cx->world->regions[i];

		if (!region_is_down(r))
			TRY(leave_out(cx, r, how, setup_region_tables(cx, r, dry, &control, ret)));
	}
	return ERR_NONE;
}

/* Tenants --------------------------------------------------------------------------------------------- */

static enum err read_shards(struct ctx *cx, void *arg)
{
	q_shard_list_later(cx->db, arg);
	return ERR_NONE;
}

/*
 * The login roles of shards have passwords that follow the secret of the configuration. only: of one region;
 * NULL: of all that answer.
 */
static enum err refresh_shards(struct ctx *cx, const struct region *only)
{
	struct db_place control;
	struct db_rows rows;

	step(cx);
	place_platform(cx->world, &control);
	TRY(db_unit(cx, &control, DB_READ, read_shards, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct slot *s = DB_ROW(&rows, struct slot, i);
		struct region *r = region_find(cx->world, s->region);

		step(cx);
		if (r != NULL && (only != NULL ? r == only : !region_is_down(r)))
			TRY(shard_ensure(cx, r, (int)s->shard));
	}
	return ERR_NONE;
}

static enum err count_behind(struct ctx *cx, void *arg)
{
	const struct strv regions = region_names(cx);

	return q_schema_behind_count(cx->db, arg, &regions, newest_version());
}

/* One failure in two hundred stops it: what fails there will fail elsewhere. */
static enum err migrate_tenants(struct ctx *cx, int64_t total, int *ret_applied)
{
	int failed = 0, done = 0;
	bool did = true;

	while (did) {
		enum err e;

		did = false;
		step(cx);
		e = migrate_one(cx, &did, &done);
		*ret_applied = done;
		if (e == ERR_NONE)
			continue;
		if (!did || (int64_t)++failed * 200 > total)
			return refuse(cx, e,
				"Migrating the schemas of tenants stopped: %d are done, %d failed; "
				"run it again to go on.",
				done, failed);
		ctx_clear_problem(cx);
	}
	return ERR_NONE;
}

static enum err setup_tenants(struct ctx *cx, bool dry, struct setup_report *ret)
{
	struct stock behind = { 0 };
	struct db_place control;

	if (!dry)
		TRY(refresh_shards(cx, NULL));
	if (dry && ret->control_pending > 0)
		return ERR_NONE; /* the tables that would tell may not be there yet */
	step(cx);
	place_platform(cx->world, &control);
	TRY(db_unit(cx, &control, DB_READ, count_behind, &behind));
	ret->tenants_pending = dry ? (int)behind.spares : 0;
	return dry ? ERR_NONE : migrate_tenants(cx, behind.schemas, &ret->tenants_applied);
}

static enum err setup_region_now(struct ctx *cx, const struct region *r, bool dry)
{
	const struct settings *s = cx->world->settings;
	struct setup_report done = { 0 };
	struct stock control = { 0 };

	if (s->admin_conninfo != NULL && !dry)
		TRY(make_region_place(cx, s->admin_conninfo, r));
	if (!dry)
		TRY(unit_once(cx, s->control_conninfo, ROLE_PROV, read_identity, &control));
	TRY(setup_region_tables(cx, r, dry, &control, &done));
	if (done.region_pending > 0)
		return refuse(cx, ERR_CONFLICT,
			"Migrations of region %s are missing: run controlcored migrate.", r->id);
	return dry ? ERR_NONE : refresh_shards(cx, r);
}

enum err setup_region(struct ctx *cx, struct region *r)
{
	const int64_t deadline = cx->deadline_ms;
	enum err e;

	if (!db_server_answers(r->conninfo))
		return refuse(cx, ERR_UNAVAILABLE, "The server of region %s does not answer.", r->id);
	e = setup_region_now(cx, r, !cx->world->settings->migrate);
	if (e == ERR_NONE)
		e = setup_refusals_of(cx, r);
	if (e == ERR_NONE)
		atomic_store(&r->unprepared, false);
	cx->deadline_ms = deadline;
	return e;
}

enum err setup_all(struct ctx *cx, const char *admin_conninfo, unsigned how, struct setup_report *ret)
{
	const bool dry = (how & SETUP_DRY) != 0;
	const int64_t deadline = cx->deadline_ms;
	enum err e = ERR_NONE;

	*ret = (struct setup_report){ 0 };
	if (admin_conninfo != NULL && !dry)
		e = make_places(cx, admin_conninfo, how);
	if (e == ERR_NONE)
		e = setup_control_tables(cx, dry, ret);
	if (e == ERR_NONE)
		e = setup_regions(cx, how, ret);
	if (e == ERR_NONE)
		e = setup_tenants(cx, dry, ret);
	cx->deadline_ms = deadline;
	return e;
}
