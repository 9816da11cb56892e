/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_GATE_FAKE_H
#define CC_TESTS_GATE_FAKE_H

/*
 * The gate on a registry made of a few tenants in memory. Defines the functions of core/registry.h, so it
 * is included once in a program, and the real ones stay out of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cc/api/api.h"
#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/limiter.h"
#include "cc/core/marks.h"
#include "cc/core/registry.h"
#include "cc/core/token.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"

/* The registry of these tests --------------------------------------------------------------------- */

static const struct plan plan = {
	.name = "pro", .tenant_rate = { 1000, 60 }, .key_rate = { 500, 60 },
};
static const struct plan tight = { .name = "tight", .tenant_rate = { 3, 60 }, .key_rate = { 3, 60 } };

static const struct tenant tenants[] = {
	{ .id = "tenant-alpha-aaaaaa", .slug = "alpha", .status = TENANT_ACTIVE, .plan = &plan },
	{ .id = "tenant-beta-bbbbbb", .slug = "beta", .status = TENANT_ACTIVE, .plan = &plan },
	{ .id = "tenant-quiet-cccccc", .slug = "quiet", .status = TENANT_SUSPENDED, .suspend_mode = "blocked",
	  .plan = &plan },
	{ .id = "tenant-still-dddddd", .slug = "still", .status = TENANT_SUSPENDED,
	  .suspend_mode = "read_only", .plan = &plan },
	{ .id = "tenant-gone-eeeeee", .slug = "gone", .status = TENANT_DELETION_SCHEDULED, .plan = &plan },
	{ .id = "tenant-going-ffffff", .slug = "going", .status = TENANT_DELETING, .plan = &plan },
	{ .id = "tenant-coming-gggggg", .slug = "coming", .status = TENANT_PROVISIONING, .plan = &plan },
	{ .id = "tenant-tight-hhhhhh", .slug = "tight", .status = TENANT_ACTIVE, .plan = &tight },
};
#define ALPHA_HOST "policies.alpha.org"
#define BETA_HOST "policies.beta.org"

static int references, lookups;
static bool degraded;
static enum err trust;

enum err tenant_get(struct ctx *cx, const char *name, bool may_load, const struct tenant **ret)
{
	(void)cx;
	(void)may_load;
	lookups++;
	for (size_t i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++)
		if (str_eq(name, tenants[i].id) || str_eq(name, tenants[i].slug)) {
			references++;
			*ret = &tenants[i];
			return ERR_NONE;
		}
	return ERR_TENANT_NOT_FOUND;
}

enum err tenant_get_by_host(struct ctx *cx, const char *host, bool may_load, const struct tenant **ret)
{
	if (str_eq(host, ALPHA_HOST))
		return tenant_get(cx, "alpha", may_load, ret);
	if (str_eq(host, BETA_HOST))
		return tenant_get(cx, "beta", may_load, ret);
	return ERR_TENANT_NOT_FOUND;
}

enum err tenant_reload(struct ctx *cx, const char *id, const struct tenant **ret)
{
	return tenant_get(cx, id, true, ret);
}

void tenant_put(const struct tenant *t)
{
	references -= t != NULL;
}

bool tenant_has_host(const struct tenant *t, const char *host)
{
	return t == &tenants[0] && str_eq(host, ALPHA_HOST);
}

#define KEY(slug, sc) { .kind = ACTOR_KEY, .id = "key-" slug, .tenant_id = slug, .scopes = (sc) }
static struct actor actors[16];

/* The text of a credential is its id; "cold" ones must be loaded first. */
enum err cred_get(struct ctx *cx, const char *text, bool may_load, const struct actor **ret)
{
	const bool cold = str_starts(text, "cold ");

	if (cold && !may_load)
		return ERR_NEED_LOAD;
	if (str_eq(text, "expired"))
		return refuse(cx, ERR_KEY_EXPIRED, "the API key has expired");
	for (size_t i = 0; actors[i].id != NULL; i++)
		if (str_eq(actors[i].id, cold ? text + 5 : text)) {
			references++;
			*ret = &actors[i];
			return ERR_NONE;
		}
	return refuse(cx, ERR_UNAUTHORIZED, "the credential is not valid");
}

/* Tokens are looked up as keys are. */
bool token_is(const char *text)
{
	return str_starts(text, "token ");
}

enum err token_get(struct ctx *cx, const char *text, const char *hint, bool may_load,
		   const struct actor **ret)
{
	(void)hint;
	return cred_get(cx, text, may_load, ret);
}

void cred_put(const struct actor *a)
{
	references -= a != NULL;
}

struct registry *registry_create(struct world *w)
{
	(void)w;
	return NULL;
}

void registry_destroy(struct registry *r)
{
	(void)r;
}

void registry_forget_tenant(struct registry *r, const char *tenant_id)
{
	(void)r;
	(void)tenant_id;
}

void registry_forget_key(struct registry *r, const char *key_id)
{
	(void)r;
	(void)key_id;
}

enum err registry_poll(struct ctx *cx)
{
	(void)cx;
	return ERR_NONE;
}

int64_t registry_fresh_at(const struct registry *r)
{
	(void)r;
	return clock_mono_ms();
}

void registry_stats(struct registry *r, struct registry_stats *ret)
{
	(void)r;
	*ret = (struct registry_stats){ 0 };
}

/* The registry's own: src/core/registry_in.h. */
bool registry_usable(const struct registry *r);
bool registry_usable(const struct registry *r)
{
	(void)r;
	return true;
}

enum err registry_confirm(struct ctx *cx, bool may_load, bool *ret_degraded)
{
	(void)cx;
	(void)may_load;
	*ret_degraded = degraded;
	return trust;
}

/* A request through the gate ----------------------------------------------------------------------- */

struct fixture {
	struct arena *arena;
	struct settings settings;
	struct world world;
	struct ctx cx;
	struct req rq;
	struct http_in in;
	struct kv query[4];
};

struct ask {
	const struct route *route;
	const char *key;                        /* NULL: no credential */
	const char *host, *header, *query, *path;
	const char *extra;                      /* one more query parameter of this name */
	int headers;                            /* how often the header came; 0: once, if at all */
	bool also_api_key;
	bool query_twice;
};

static const struct route list_policies = {
	.op = "listPolicies", .auth = AUTH_TENANT, .scope = "policies:read", .store = STORE_TENANT,
	.mode = DB_READ,
};
static const struct route create_policy = {
	.op = "createPolicy", .auth = AUTH_TENANT, .scope = "policies:write", .store = STORE_TENANT,
	.mode = DB_WRITE,
};
static const struct route get_tenant = {
	.op = "getTenant", .auth = AUTH_TENANT, .scope = "tenant:read", .scope_or = "platform:read",
	.store = STORE_NONE, .mode = DB_READ, .flags = ROUTE_DELETED_OK | ROUTE_SUSPENDED_OK,
};
static const struct route patch_tenant = {
	.op = "updateTenant", .auth = AUTH_TENANT, .scope = "tenant:write", .scope_or = "platform:tenants",
	.store = STORE_NONE, .mode = DB_WRITE,
};
static const struct route list_tenants = {
	.op = "listTenants", .auth = AUTH_OPERATOR, .scope = "platform:read", .store = STORE_PLATFORM,
	.mode = DB_READ,
};
static const struct route live = { .op = "live", .auth = AUTH_PUBLIC };

static const char *const neutral[] = { "localhost", "127.0.0.1", NULL };

static void fill_actors(void)
{
	const struct actor all[] = {
		KEY("alpha", scope_all_tenant()), KEY("beta", scope_all_tenant()), KEY("quiet",
										       scope_all_tenant()),
		KEY("still", scope_all_tenant()), KEY("gone", scope_all_tenant()), KEY("going",
										       scope_all_tenant()),
		KEY("coming", scope_all_tenant()), KEY("tight", scope_all_tenant()),
		KEY("nobody", scope_all_tenant()),
		{ .kind = ACTOR_KEY, .id = "key-reader", .tenant_id = "alpha",
		  .scopes = scope_bit("policies:read") },
		{ .kind = ACTOR_OPERATOR, .id = "op", .scopes = scope_all_platform() | scope_all_tenant() },
		{ .kind = ACTOR_OPERATOR, .id = "op-platform", .scopes = scope_all_platform() },
	};

	memcpy(actors, all, sizeof(all));
}

static int open_gate(void **state)
{
	struct fixture *f;
	struct arena *a = arena_create(16384);

	f = ARENA_NEW(a, struct fixture);
	f->arena = a;
	f->settings = (struct settings){ .base_domain = "controlcore.io", .neutral_hosts = neutral,
					.auth_failures = 20,
					.operator_rate = 6000 };
	f->world.settings = &f->settings;
	f->world.limiter = limiter_create();
	f->world.failures = limiter_create();
	f->world.marks = marks_create();
	fill_actors();
	references = lookups = 0;
	degraded = false;
	trust = ERR_NONE;
	*state = f;
	return 0;
}

static int close_gate(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(0, references);
	limiter_destroy(f->world.limiter);
	limiter_destroy(f->world.failures);
	marks_destroy(f->world.marks);
	arena_destroy(f->arena);
	return 0;
}

static void fill_in(struct fixture *f, const struct ask *q)
{
	size_t n = 0;

	if (q->query != NULL)
		f->query[n++] = (struct kv){ "tenant_id", q->query };
	if (q->query_twice)
		f->query[n++] = (struct kv){ "tenant_id", q->query };
	if (q->extra != NULL)
		f->query[n++] = (struct kv){ q->extra, "x" };
	f->in = (struct http_in){
		.host = q->host != NULL ? q->host : "127.0.0.1",
		.tenant_header = q->header,
		.n_tenant_header = q->headers != 0 ? q->headers : q->header != NULL,
		.query = f->query,
		.nquery = n,
	};
	if (q->key != NULL) {
		f->in.authorization = arena_printf(f->arena, "Bearer %s", q->key);
		f->in.n_authorization = 1;
	}
	if (q->also_api_key) {
		f->in.api_key = "key-alpha";
		f->in.n_api_key = 1;
	}
	f->rq = (struct req){ .route = q->route, .in = &f->in };
	if (q->path != NULL) {
		f->rq.param[0] = q->path;
		f->rq.param_name[0] = "tenant_id";
		f->rq.nparams = 1;
	}
}

/* First as the I/O thread asks, then as a worker does, if that is needed. */
static enum err pass(struct fixture *f, const struct ask *q)
{
	enum err e;

	fill_in(f, q);
	f->cx = (struct ctx){ .arena = f->arena, .world = &f->world };
	e = api_hooks.gate(&f->cx, &f->rq, false);
	if (e == ERR_NEED_LOAD) {
		f->rq.nheaders = 0;
		e = api_hooks.gate(&f->cx, &f->rq, true);
	}
	return e;
}

static void expect(struct fixture *f, enum err expected, const struct ask *q, int line)
{
	enum err e = pass(f, q);

	if (e != expected)
		fail_msg("line %d: %s (%s) instead of %s", line, err_info(e)->code,
			 f->cx.problem.message ? f->cx.problem.message : "", err_info(expected)->code);
	api_hooks.done(&f->cx, &f->rq, 0);
}

#define EXPECT(err, ...) expect(*state, (err), &(const struct ask){ __VA_ARGS__ }, __LINE__)
#define LIST .route = &list_policies
#define CREATE .route = &create_policy
#define GET .route = &get_tenant
#define PATCH .route = &patch_tenant

static inline const char *header_of(const struct fixture *f, const char *name)
{
	for (int i = 0; i < f->rq.nheaders; i++)
		if (strcmp(f->rq.header[i].name, name) == 0)
			return f->rq.header[i].value;
	return NULL;
}

#endif
