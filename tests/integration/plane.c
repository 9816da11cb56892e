/* SPDX-License-Identifier: Apache-2.0 */
#include "plane.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "wholeness.h"

#include "cc/base/clock.h"
#include "cc/core/limiter.h"
#include "cc/core/marks.h"
#include "cc/core/registry.h"
#include "cc/db/query.h"

#define WAIT_MS 60000

static const struct plan plans[] = {
	{.name = "free",                   .limits = { 5, 5, 3, 1 }, .price_minor = 0, .currency = "USD"},
	{ .name = "pro",
         .limits = { 1000, 1000, 50, 10 },
         .term_months = 12,
         .price_minor = 9900,
         .currency = "USD" },
};
static const struct plan_set plan_set = { plans, sizeof(plans) / sizeof(plans[0]) };

static const struct db_constraint constraints[] = {
	{"name_pkey", ERR_SLUG_TAKEN, NULL, "The name is taken." },
	{ "domain_holder",       ERR_DOMAIN_TAKEN, NULL, "The domain is taken." },
	{ 0         },
};

static struct pg *pg_of(struct plane *p, const char *database)
{
	return str_eq(database, PLANE_WEST) ? p->west : p->pg;
}

static void region_make(struct plane *p, size_t i, const char *id, const char *ident, const char *database)
{
	struct region *r = &p->regions[i];

	r->id = id;
	r->group = "na";
	r->ident = ident;
	r->conninfo = arena_strdup(p->arena, pg_conninfo(pg_of(p, database), database));
	r->budget = db_budget_create(8);
	lock_init(&r->lock, RANK_REGISTRY);
}

static struct db_pool *control_pool(struct plane *p, const char *role)
{
	const struct db_pool_conf conf = {
		.name = role,
		.conninfo = p->settings.control_conninfo,
		.user = role,
		.max = 8,
		.connect_ms = 5000,
		.password = role_password(p->arena, &p->settings, role),
		.idle_close_ms = 60000,
		.lifetime_ms = 600000,
	};

	return db_pool_create(&conf);
}

static struct plane *join(struct pg *pg, struct pg *west)
{
	static const unsigned char secret[32] = "a secret of thirty-two bytes...";
	struct plane *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	db_constraints_register(constraints);
	p->pg = pg;
	p->west = west;
	p->arena = arena_create(65536);
	p->settings = (struct settings){
		.base_domain = "controlcore.io",
		.control_conninfo = arena_strdup(p->arena, pg_conninfo(pg, PLANE_CONTROL)),
		.pepper = {secret,  sizeof(secret)},
		.audit_key = {secret,  sizeof(secret)},
		.audit_key_version = 1,
		.role_secret = { secret, sizeof(secret)},
		.undo_window_s = 60,
		.provision_lease_s = 30,
		.soft_delete_days = 30,
		.name_hold_days = 90,
		.checkpoint_s = 3600,
		.control_connections = 8,
		.region_connections = 8,
		.shard_connections = 8,
		.connection_schemas = 256,
		.connection_statements = 512,
		.statement_ms = 10000,
		.request_ms = 30000,
		.poll_ms = 500,
		.stale_max_s = 60,
		.api_keys_max = 1000,
		.operator_rate = 1000000,
		.auth_failures = 1000000,
	};
	signing_key_make(p->settings.audit_key, &p->settings.signing);
	region_make(p, 0, "us-east-1", "us_east_1", PLANE_EAST);
	region_make(p, 1, "eu-west-1", "eu_west_1", PLANE_WEST);
	p->world = (struct world){
		.settings = &p->settings,
		.plans = &plan_set,
		.regions = p->regions,
		.nregions = PLANE_REGIONS,
	};
	p->world.ctl = control_pool(p, ROLE_CTL);
	p->world.ctl_tenant = control_pool(p, ROLE_CTL_TENANT);
	p->world.limiter = limiter_create();
	p->world.failures = limiter_create();
	p->world.marks = marks_create();
	p->world.registry = registry_create(&p->world);
	return p;
}

struct plane *plane_join(struct pg *pg)
{
	return join(pg, pg);
}

void plane_leave(struct plane *p)
{
	registry_destroy(p->world.registry);
	limiter_destroy(p->world.limiter);
	limiter_destroy(p->world.failures);
	marks_destroy(p->world.marks);
	region_pools_destroy(&p->world);
	for (size_t i = 0; i < PLANE_REGIONS; i++) {
		db_budget_destroy(p->regions[i].budget);
		lock_finish(&p->regions[i].lock);
	}
	db_pool_destroy(p->world.ctl);
	db_pool_destroy(p->world.ctl_tenant);
	arena_destroy(p->arena);
	free(p);
}

static void must(struct ctx *cx, const char *what, enum err e)
{
	if (e == ERR_NONE)
		return;
	print_error("%s: %s: %s (%s)\n", what, err_info(e)->code,
		cx->problem.message != NULL ? cx->problem.message : "",
		cx->problem.cause != NULL ? cx->problem.cause : "");
	fail();
}

static struct plane *start(struct pg *pg, struct pg *west)
{
	struct plane *p = join(pg, west);
	struct setup_report r;
	struct ctx cx = plane_ctx(p);
	const char *admin = arena_printf(cx.arena, "host=%s port=5432 user=%s", pg_dir(p->pg), PG_SUPERUSER);

	must(&cx, "set-up", setup_all(&cx, admin, false, &r));
	plane_done(&cx);
	return p;
}

struct plane *plane_start(void)
{
	struct pg *pg = pg_start();

	return start(pg, pg);
}

struct plane *plane_start_two(void)
{
	struct pg *pg = pg_start();

	return start(pg, pg_start());
}

void plane_stop(struct plane *p)
{
	struct pg *pg = p->pg, *west = p->west;

	plane_leave(p);
	if (west != pg)
		pg_stop(west);
	pg_stop(pg);
}

struct ctx plane_ctx(struct plane *p)
{
	return (struct ctx){
		.arena = arena_create(16384),
		.world = &p->world,
		.request_id = "req-test",
		.deadline_ms = clock_mono_ms() + WAIT_MS,
	};
}

void plane_done(struct ctx *cx)
{
	arena_destroy(cx->arena);
	cx->arena = NULL;
}

struct tenant_spec plane_spec(struct plane *p, const char *slug)
{
	return (struct tenant_spec){
		.name = "Acme Corporation",
		.slug = slug,
		.plan = &plans[1],
		.region = "us-east-1",
		.domain = arena_printf(p->arena, "%s.controlcore.io", slug),
		.limits = plans[1].limits,
		.owner_email = "owner@acme.com",
		.owner_username = "owner",
	};
}

const char *plane_tenant(struct plane *p, const char *slug)
{
	const struct tenant_spec spec = plane_spec(p, slug);
	struct ctx cx = plane_ctx(p);
	const char *id = NULL;

	must(&cx, slug, tenant_create(&cx, &spec, &id));
	id = arena_strdup(p->arena, id);
	plane_done(&cx);
	return id;
}

struct tick_report plane_tick(struct plane *p)
{
	struct ctx cx = plane_ctx(p);
	struct tick_report r;

	must(&cx, "tick", provision_tick(&cx, &r));
	plane_done(&cx);
	return r;
}

void plane_expire(struct plane *p)
{
	plane_sql(p, PLANE_CONTROL,
		"UPDATE cc.tenant SET lease_until = now() - interval '1 s'"
		" WHERE lease_until IS NOT NULL;"
		" UPDATE cc.tenant SET purge_at = now() WHERE status = 'deletion_scheduled';"
		" UPDATE cc.tenant_schema SET lease_until = now() - interval '1 s'");
}

__attribute__((format(printf, 2, 0))) static char *vformat(struct plane *p, const char *fmt, va_list ap)
{
	char *text = arena_alloc(p->arena, 4096);

	vsnprintf(text, 4096, fmt, ap);
	return text;
}

const char *plane_text(struct plane *p, const char *database, const char *sql_fmt, ...)
{
	va_list ap;
	char *sql;

	va_start(ap, sql_fmt);
	sql = vformat(p, sql_fmt, ap);
	va_end(ap);
	return arena_strdup(p->arena, pg_value(pg_of(p, database), database, sql));
}

int64_t plane_number(struct plane *p, const char *database, const char *sql_fmt, ...)
{
	int64_t v = 0;
	va_list ap;
	char *sql;

	va_start(ap, sql_fmt);
	sql = vformat(p, sql_fmt, ap);
	va_end(ap);
	assert_true(parse_int64(pg_value(pg_of(p, database), database, sql), &v));
	return v;
}

void plane_sql(struct plane *p, const char *database, const char *sql_fmt, ...)
{
	va_list ap;
	char *sql;

	va_start(ap, sql_fmt);
	sql = vformat(p, sql_fmt, ap);
	va_end(ap);
	pg_sql(pg_of(p, database), database, sql);
}

static void check_control(struct plane *p)
{
	for (size_t i = 0; wholeness_control[i] != NULL; i++)
		assert_string_equal("", plane_text(p, PLANE_CONTROL, "%s", wholeness_control[i]));
}

static const char *recorded(struct plane *p, const char *where)
{
	return plane_text(p, PLANE_CONTROL,
		"SELECT string_agg(schema_id, ' ' ORDER BY schema_id) FROM cc.tenant_schema %s", where);
}

void plane_check_whole(struct plane *p)
{
	static const char schemas[] = "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace"
				      " WHERE nspname LIKE 't\\_%'";

	check_control(p);
	assert_string_equal(
		recorded(p, "WHERE region = 'us-east-1'"), plane_text(p, PLANE_EAST, "%s", schemas));
	assert_string_equal(
		recorded(p, "WHERE region = 'eu-west-1'"), plane_text(p, PLANE_WEST, "%s", schemas));
	assert_string_equal(
		recorded(p, ""), plane_text(p, PLANE_EAST,
					 "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles"
					 " WHERE rolname LIKE 't\\_%%'"));
}

int64_t plane_count(struct plane *p, const char *table_and_where)
{
	return plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM %s", table_and_where);
}

const char *plane_schema(struct plane *p, const char *id)
{
	return plane_text(p, PLANE_CONTROL, "SELECT schema_id FROM cc.tenant WHERE id = '%s'", id);
}

void plane_check_tenant(struct plane *p, const char *id)
{
	const char *schema = plane_schema(p, id);

	assert_string_equal(
		"active", plane_text(p, PLANE_CONTROL, "SELECT status FROM cc.tenant WHERE id = '%s'", id));
	assert_string_equal("t|1000|50|10|1 year",
		plane_text(p, PLANE_CONTROL,
			"SELECT concat_ws('|', lease_until IS NULL, max_policies, max_users, max_bouncers,"
			" age(expires_at, created_at)) FROM cc.tenant WHERE id = '%s'",
			id));
	assert_string_equal("1 1 t 1 1 1", plane_text(p, PLANE_EAST,
						   "SELECT concat_ws(' ', version, epoch, writable, "
						   "users_used, last_user_id, audit_seq) FROM %s.head",
						   schema));
	assert_string_equal("1 owner@acme.com owner {Admin}",
		plane_text(p, PLANE_EAST, "SELECT concat_ws(' ', id, email, username, roles) FROM %s.users",
			schema));
	assert_string_equal("1 createTenant",
		plane_text(p, PLANE_EAST, "SELECT concat_ws(' ', seq, action) FROM %s.audit", schema));
	assert_string_equal("1 createTenant",
		plane_text(p, PLANE_CONTROL,
			"SELECT concat_ws(' ', seq, action) FROM cc.tenant_audit WHERE tenant_id = '%s'",
			id));
	assert_string_equal(
		"1", plane_text(p, PLANE_CONTROL,
			     "SELECT version FROM cc.tenant_schema WHERE schema_id = '%s'", schema));
}

void plane_schedule(struct plane *p, const char *id)
{
	plane_sql(p, PLANE_CONTROL,
		"UPDATE cc.tenant SET status = 'deletion_scheduled', purge_at = now(), deleted_at = now()"
		" WHERE id = '%s'",
		id);
}

void plane_keys(struct plane *p, const char *id, int n)
{
	plane_sql(p, PLANE_CONTROL,
		"INSERT INTO cc.api_key (id, key_id, tenant_id, name, scopes, hash, display, created_by,"
		" created_at) SELECT 'key-%s-' || n, '%s' || n, '%s', 'k', '{}', sha256('x'), 'x', 'x', now()"
		" FROM generate_series(1, %d) AS n",
		id, id, id, n);
}

/* Whatever was left is taken away by two ticks: one for the tenant, one more if its schema came later. */
void plane_recover(struct plane *p)
{
	plane_expire(p);
	(void)plane_tick(p);
	plane_check_whole(p);
}

void plane_clean(struct plane *p)
{
	struct tick_report r;

	p->settings.spare_schemas = 0;
	plane_sql(p, PLANE_CONTROL,
		"UPDATE cc.tenant SET status = 'deletion_scheduled', purge_at = now(), deleted_at = now()"
		" WHERE status = 'active';"
		" UPDATE cc.tenant_schema SET state = 'dropping' WHERE state = 'ready'");
	do {
		plane_expire(p);
		r = plane_tick(p);
	} while (r.undone + r.purged + r.dropped > 0);
	plane_check_whole(p);
	plane_sql(p, PLANE_CONTROL,
		"DELETE FROM cc.name WHERE kind = 'retired'; DELETE FROM cc.domain_quarantine");
	assert_int_equal(0, plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.tenant_schema"));
}

/* The parent's connections are only left alone: this process never closes them, it ends by _exit(). */
__attribute__((noreturn)) static void child(
	struct plane *parent, const char *failpoint, plane_work work, void *arg)
{
	struct plane *p;
	struct ctx cx;
	enum err e;

	setenv("CC_FAILPOINT", failpoint, 1);
	p = join(parent->pg, parent->west);
	p->settings = parent->settings;
	cx = plane_ctx(p);
	e = work(p, &cx, arg);
	if (e != ERR_NONE)
		fprintf(stderr, "%s: %s %s\n", err_info(e)->code,
			cx.problem.message != NULL ? cx.problem.message : "",
			cx.problem.cause != NULL ? cx.problem.cause : "");
	_exit(e == ERR_NONE ? 0 : 1);
}

/* What the dead had sent is still being done: by sessions that began after `since` and end with it. */
static void await_ghosts(struct plane *p, const char *since)
{
	const struct timespec nap = { .tv_nsec = 2000000 };

	while (plane_number(p, "postgres",
		       "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'controlcored'"
		       " AND backend_start > '%s' AND pid <> pg_backend_pid()",
		       since) > 0)
		nanosleep(&nap, NULL);
}

bool plane_dies_at(struct plane *p, const char *failpoint, plane_work work, void *arg)
{
	const char *since = plane_text(p, "postgres", "SELECT clock_timestamp()");
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		child(p, failpoint, work, arg);
	assert_true(pid > 0);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	await_ghosts(p, since);
	if (WIFSIGNALED(status)) {
		assert_int_equal(SIGKILL, WTERMSIG(status));
		return true;
	}
	assert_int_equal(0, WEXITSTATUS(status));
	return false;
}
