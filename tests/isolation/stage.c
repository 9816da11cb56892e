/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "cc/api/api.h"

#define TENANT_PARAM "{tenant_id}"

/* The table of contents ----------------------------------------------------------------------------- */

const struct route *route_at(size_t index, const char **ret_prefix)
{
	for (const struct route_group *const *g = api_groups; *g != NULL; g++) {
		if (index < (*g)->n) {
			*ret_prefix = (*g)->prefix;
			return &(*g)->routes[index];
		}
		index -= (*g)->n;
	}
	return NULL;
}

const struct route *route_named(enum method m, const char *path)
{
	const struct route *r;
	const char *prefix;

	for (size_t i = 0; (r = route_at(i, &prefix)) != NULL; i++)
		if (r->method == m && strcmp(r->path, path) == 0)
			return r;
	return NULL;
}

bool path_names_tenant(const struct route *r)
{
	return strstr(r->path, TENANT_PARAM) != NULL;
}

bool path_maker(const struct route *r, char *ret, size_t size)
{
	const char *param = strrchr(r->path, '{');

	if (param != NULL && strncmp(param, "{n}", 3) == 0)
		while (--param > r->path && *param != '{')
			;
	if (param == NULL || *param != '{' || strncmp(param, TENANT_PARAM, strlen(TENANT_PARAM)) == 0)
		return false;
	snprintf(ret, size, "%.*s", (int)(param - r->path - 1), r->path);
	return true;
}

/* Objects ------------------------------------------------------------------------------------------- */

/* The path with the tenant's id in place of its parameter. */
static void fill_tenant(const char *path, const char *tenant, char *ret, size_t size)
{
	const char *at = strstr(path, TENANT_PARAM);

	if (at == NULL)
		snprintf(ret, size, "%s", path);
	else
		snprintf(ret, size, "%.*s%s%s", (int)(at - path), path, tenant, at + strlen(TENANT_PARAM));
}

/* An operation on the tenant: a deletion that was taken back. */
static void make_operation(struct stage *s, const struct party *p, char *ret, size_t size)
{
	const struct answer *a = assert_status(202, client_delete(s->op, "/tenants/%s", p->t.id));
	const char *where = answer_header(a, "Location");
	char path[128];

	assert_non_null(where);
	snprintf(ret, size, "%s", strrchr(where, '/') + 1);
	snprintf(path, sizeof(path), "/tenants/%s/restore", p->t.id);
	assert_status(200, client_post(s->op, path, "{}"));
}

/* One that was raised, with the tenant's marker in its words. */
static void make_alert(struct stage *s, const struct party *p, char *ret, size_t size)
{
	char sql[400];

	snprintf(ret, size, "alert-%012d", ++s->made);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.alert (id, tenant_id, type, severity, subject, message)"
		 " VALUES ('%s', '%s', 'domain_stale', 'warning', '%d.example.com', '%s')",
		 ret, p->t.id, s->made, p->marker);
	fixture_control(s->d, sql);
}

/* Of a tenant that is gone: operators may see it. */
static void make_held_name(struct stage *s, char *ret, size_t size)
{
	char sql[400];

	snprintf(ret, size, "held-%d", ++s->made);
	snprintf(sql, sizeof(sql), "INSERT INTO cc.tenant_tombstone (id, region, created_at, deleted_at)"
		 " VALUES ('tenant-gone-aaaaaa', 'us-east-1', now(), now()) ON CONFLICT DO NOTHING;"
		 "INSERT INTO cc.name (name, tenant_id, kind, until) VALUES"
		 " ('%s', 'tenant-gone-aaaaaa', 'retired', now() + interval '1 day')", ret);
	fixture_control(s->d, sql);
}

static void make_certificate(struct stage *s, char *ret, size_t size)
{
	char sql[400];

	snprintf(ret, size, "tenant-purged%d-aaaaaa", ++s->made);
	snprintf(sql, sizeof(sql),
		"INSERT INTO cc.tenant_tombstone (id, region, created_at, deleted_at, removed, certificate)"
		" VALUES ('%s', 'us-east-1', now(), now(), '{\"schemas\":1}', 'a.b.c')",
		ret);
	fixture_control(s->d, sql);
}

static void make_deployment(struct stage *s, const struct party *p, char *ret, size_t size)
{
	char sql[600];

	/* There can be one; it goes to no region that anybody serves, and can be cancelled for ever. */
	snprintf(ret, size, "deploy-%s", p->marker);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.deployment (id, tenant_id, from_region, from_schema, from_shard, epoch,"
		 " to_region, bare, window_at, estimated_at, started_by, step, completed_at)"
		 " SELECT '%s', id, region, schema_id, shard, epoch, 'nowhere', false, now(), now(), '%s',"
		 " 'scheduled', NULL FROM cc.tenant WHERE id = '%s' ON CONFLICT DO NOTHING",
		 ret, p->marker, p->t.id);
	fixture_control(s->d, sql);
}

/* The revision of a bundle: that of the party's own key, which is of production. */
static void make_rollout(struct stage *s, const struct party *p, char *ret, size_t size)
{
	struct client *c = client_of(s->d, &p->t);
	const struct answer *a =
		assert_status(200, client_call(c, "GET", "/api/v1/bundles/production", NULL, NULL));

	snprintf(ret, size, "%.32s", answer_header(a, "ETag") + 1);
	client_close(c);
}

/* What stage_body() says a status of. */
static void make_bouncer(struct stage *s, const struct party *p, char *ret, size_t size)
{
	struct client *c = client_of(s->d, &p->t);

	snprintf(ret, size, STAGE_BOUNCER);
	assert_status(200, client_post(c, "/peps/register",
				       "{'bouncer_id':'%s','bouncer_name':'%s','resource':{'name':'%s'}}",
				       ret, p->marker, p->marker));
	client_close(c);
}

static void make_by_post(struct stage *s, struct party *p, const char *made_at, char *ret, size_t size)
{
	const struct route *r;
	char path[256], target[300];
	const struct answer *a;
	struct client *c;
	bool platform;
	json_t *id;
	char *body;

	/* Bouncers have two names. */
	if (strcmp(made_at, "/peps") == 0)
		made_at = "/bouncers";
	r = route_named(M_POST, made_at);
	if (r == NULL)
		fail_msg("no route makes what lies below %s", made_at);
	/* What is no tenant's is made by an operator, and all operators may see it. */
	platform = r->auth == AUTH_OPERATOR;
	c = platform ? client_operator(s->d) : client_of(s->d, &p->t);
	body = stage_body(s, r, platform ? "platform" : p->marker);
	fill_tenant(made_at, p->t.id, path, sizeof(path));
	snprintf(target, sizeof(target), "/api/v1%s", path);
	a = client_call(c, "POST", target, NULL, body);
	assert_status(201, a);
	id = answer_at(a, "id");
	if (json_is_integer(id))
		snprintf(ret, size, "%lld", (long long)json_integer_value(id));
	else
		snprintf(ret, size, "%s", answer_text(a, id != NULL ? "id" : "domain"));
	free(body);
	client_close(c);
}

void stage_fresh_object(struct stage *s, struct party *p, const char *made_at, char *ret, size_t size)
{
	if (strstr(made_at, "/operations") != NULL)
		make_operation(s, p, ret, size);
	else if (strstr(made_at, "/alerts") != NULL)
		make_alert(s, p, ret, size);
	else if (strstr(made_at, "/held-names") != NULL)
		make_held_name(s, ret, size);
	else if (strcmp(made_at, "/tenants") == 0)
		make_certificate(s, ret, size);
	else if (strcmp(made_at, "/bundles") == 0)
		snprintf(ret, size, "production");
	else if (strcmp(made_at, "/.well-known/controlcore-keys") == 0)
		snprintf(ret, size, "tenant-anybody-234567");
	else if (strcmp(made_at, "/rollouts") == 0)
		make_rollout(s, p, ret, size);
	else if (strcmp(made_at, "/status") == 0)
		make_bouncer(s, p, ret, size);
	else if (strstr(made_at, "/deployments") != NULL)
		make_deployment(s, p, ret, size);
	else
		make_by_post(s, p, made_at, ret, size);
}

const char *stage_object(struct stage *s, struct party *p, const char *made_at)
{
	for (int i = 0; i < p->nobjects; i++) {
		if (strcmp(p->object[i].made_at, made_at) != 0)
			continue;
		/* Bundles that are no longer wanted go after a while. */
		if (strcmp(made_at, "/rollouts") == 0)
			make_rollout(s, p, p->object[i].id, sizeof(p->object[i].id));
		return p->object[i].id;
	}
	assert_true(p->nobjects < OBJECTS_MAX);
	p->object[p->nobjects].made_at = strdup(made_at);
	stage_fresh_object(s, p, made_at, p->object[p->nobjects].id, sizeof(p->object[0].id));
	return p->object[p->nobjects++].id;
}

/* Every kind of object that the table of contents can make in a tenant. */
static void furnish(struct stage *s, struct party *p)
{
	const struct route *r;
	const char *prefix;
	char made_at[128];

	for (size_t i = 0; (r = route_at(i, &prefix)) != NULL; i++)
		if (r->auth == AUTH_TENANT && path_maker(r, made_at, sizeof(made_at)))
			(void)stage_object(s, p, made_at);
}

/* Tenants ------------------------------------------------------------------------------------------- */

char *stage_value(struct daemon *d, const char *database, const char *sql)
{
	char *conninfo = daemon_conninfo(d, database), *value;
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *res = PQexec(pg, sql);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	value = strdup(PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(pg);
	free(conninfo);
	return value;
}

static void read_schema(struct stage *s, struct party *p)
{
	char sql[200], *value;

	snprintf(sql, sizeof(sql), "SELECT schema_id FROM cc.tenant WHERE id = '%s'", p->t.id);
	value = stage_value(s->d, DAEMON_CONTROL_DB, sql);
	assert_int_equal(18, (int)strlen(value));
	snprintf(p->schema, sizeof(p->schema), "%s", value);
	free(value);
}

static void settle(struct stage *s, int index, const char *region)
{
	static const char *const words[PARTIES] = { "quartz", "basalt", "granit", "marble", "pumice" };
	struct party *p = &s->party[index];
	char slug[32], path[128];

	snprintf(slug, sizeof(slug), "zz%s", words[index]);
	snprintf(p->title, sizeof(p->title), "Title %s of its own", words[index]);
	snprintf(p->marker, sizeof(p->marker), "mark-%s-secret", words[index]);
	fixture_tenant(s->d, slug, "enterprise", region, NULL, &p->t);
	snprintf(path, sizeof(path), "/tenants/%s", p->t.id);
	assert_status(200, client_put(s->op, path, "{'name':'%s'}", p->title));
	p->limited_key = fixture_key(s->d, p->t.id, "policies:read", NULL);
	read_schema(s, p);
	furnish(s, p);
}

static void make_unknown(struct stage *s)
{
	const struct party *p = &s->party[0];
	const size_t n = strlen(p->t.id);

	/* As long as the others, so that nothing but the name differs. */
	snprintf(s->unknown_slug, sizeof(s->unknown_slug), "zzschist");
	snprintf(s->unknown_id, sizeof(s->unknown_id), "tenant-zzschis-%s", p->t.id + n - 6);
}

static void check_neighbours(struct stage *s)
{
	char *near = stage_value(s->d, DAEMON_CONTROL_DB,
				 "SELECT count(DISTINCT (region, shard)) FROM cc.tenant "
				 "WHERE slug IN ('zzquartz', 'zzbasalt')");

	assert_string_equal("1", near);
	free(near);
}

struct stage *stage_build(struct daemon *d)
{
	struct stage *s = calloc(1, sizeof(*s));
	char path[128], *id = NULL;

	assert_non_null(s);
	s->d = d;
	s->op = client_operator(d);
	settle(s, 0, "us-east-1");
	settle(s, 1, "us-east-1");
	settle(s, 2, "eu-west-1");
	settle(s, ASLEEP, "us-east-1");
	settle(s, GONE, "us-east-1");
	make_unknown(s);
	check_neighbours(s);
	s->reader = daemon_make_operator_key(d, "platform:read");
	s->revoked = fixture_key(d, s->party[0].t.id, "policies:read,policies:write,tenant:read", &id);
	assert_status(200, client_delete(s->op, "/tenants/%s/api-keys/%s", s->party[0].t.id, id));
	free(id);
	snprintf(path, sizeof(path), "/tenants/%s/suspend", s->party[ASLEEP].t.id);
	assert_status(200, client_post(s->op, path, "{'reason':'matrix','mode':'blocked'}"));
	assert_status(202, client_delete(s->op, "/tenants/%s", s->party[GONE].t.id));
	client_forget(s->op);
	return s;
}

void stage_clear(struct stage *s)
{
	for (int i = 0; i < PARTIES; i++) {
		free(s->party[i].limited_key);
		for (int k = 0; k < s->party[i].nobjects; k++)
			free((char *)(uintptr_t)s->party[i].object[k].made_at);
	}
	free(s->reader);
	free(s->revoked);
	client_close(s->op);
	free(s);
}
