/* SPDX-License-Identifier: Apache-2.0 */
/* What a credential is, and what it was taken to mean. */
#include "gate.h"
#include "groups.h"
#include "managed.h"

#include "cc/core/actor.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/model/q_tenant.h"
#include "cc/model/user.h"

/* The credential alone ------------------------------------------------------------------------------- */

struct credential_view {
	const char *kind, *id, *name, *issuer;
	int64_t expires_at;
};

#define T struct credential_view
static const struct field credential_fields[] = {
	TEXT(T, kind, F_OUT, 0, 0, "api_key, user or operator."),
	TEXT(T, id, F_OUT, 0, 0, "Id of the key, or the token's `sub`."),
	TEXT(T, name, F_OUT, 0, 0, "As its creator or the token calls it."),
	TEXT(T, issuer, F_OUT | F_NULLABLE, 0, 0, "Who signed the token; null for keys."),
	TIME(T, expires_at, F_OUT | F_NULLABLE, "From then on it is refused; null is never."),
};
#undef T
static SCHEMA(credential_schema, struct credential_view, "Credential", credential_fields);

static struct credential_view credential_of(const struct actor *a)
{
	return (struct credential_view){
		.kind = actor_kind_name(a->kind),
		.id = a->id,
		.name = a->name,
		.issuer = a->issuer,
		.expires_at = a->expires_at,
	};
}

/* GET /auth/validate --------------------------------------------------------------------------------- */

struct validation {
	bool valid;
	const char *tenant_id;
	struct credential_view credential;
	struct strv scopes;
};

#define T struct validation
static const struct field validation_fields[] = {
	BOOL(T, valid, F_OUT, "True: anything else is an error."),
	TEXT(T, tenant_id, F_OUT, 0, 0, "The tenant that the request means."),
	OBJ(T, credential, F_OUT, struct credential_view, &credential_schema, "What was sent."),
	STRS(T, scopes, F_OUT, 0, 64, NULL, 64, "What it may do."),
};
#undef T
static SCHEMA(validation_schema, struct validation, "Validation", validation_fields);

static enum err validate(struct ctx *cx, struct req *rq)
{
	struct validation *v = ARENA_NEW(cx->arena, struct validation);

	*v = (struct validation){
		.valid = true,
		.tenant_id = cx->tenant->id,
		.credential = credential_of(cx->actor),
		.scopes = scope_list(cx->arena, cx->actor->scopes),
	};
	return reply(rq, v);
}

/* GET /whoami ---------------------------------------------------------------------------------------- */

struct rate_view {
	int64_t limit, window;
};

#define T struct rate_view
static const struct field rate_fields[] = {
	INT(T, limit, F_OUT | F_NULLABLE, 0, 0, "Requests …; null without a tenant or its plan."),
	INT(T, window, F_OUT | F_NULLABLE, 0, 0, "… in this many seconds."),
};
#undef T
static SCHEMA(rate_schema, struct rate_view, "Rate", rate_fields);

struct rates_view {
	struct rate_view tenant, credential;
};

#define T struct rates_view
static const struct field rates_fields[] = {
	OBJ(T, tenant, F_OUT, struct rate_view, &rate_schema, "Of all that the tenant's credentials send."),
	OBJ(T, credential, F_OUT, struct rate_view, &rate_schema, "Of each of them."),
};
#undef T
static SCHEMA(rates_schema, struct rates_view, "Rates", rates_fields);

struct tenant_view {
	const char *id, *slug, *name, *domain, *region, *plan_type, *status;
};

#define T struct tenant_view
static const struct field tenant_view_fields[] = {
	TEXT(T, id, F_OUT | F_NULLABLE, 0, 0, "Immutable; null, as all the rest, without a tenant."),
	TEXT(T, slug, F_OUT | F_NULLABLE, 0, 0, "First label of its domain; names it as well."),
	TEXT(T, name, F_OUT | F_NULLABLE, 0, 0, "As shown to people."),
	TEXT(T, domain, F_OUT | F_NULLABLE, 0, 0, "The host of its own."),
	TEXT(T, region, F_OUT | F_NULLABLE, 0, 0, "Where its data lives."),
	TEXT(T, plan_type, F_OUT | F_NULLABLE, 0, 0, "Its plan; null when this node does not know it."),
	TEXT(T, status, F_OUT | F_NULLABLE, 0, 0, "As in GET /tenants/{tenant_id}."),
};
#undef T
static SCHEMA(tenant_view_schema, struct tenant_view, "WhoamiTenant", tenant_view_fields);

struct whoami {
	struct credential_view credential;
	struct tenant_view tenant;
	const char *resolved_from;
	struct strv scopes;
	struct rates_view limits;
};

#define T struct whoami
static const struct field whoami_fields[] = {
	OBJ(T, credential, F_OUT, struct credential_view, &credential_schema, "What was sent."),
	OBJ(T, tenant, F_OUT, struct tenant_view, &tenant_view_schema, "The tenant that the request means."),
	JSON(T, resolved_from, F_OUT | F_ANY_JSON, 0,
		"All that named the tenant: objects of source (credential, host, header, query) and value."),
	STRS(T, scopes, F_OUT, 0, 64, NULL, 64, "What the credential may do."),
	OBJ(T, limits, F_OUT, struct rates_view, &rates_schema,
		"How often it may ask, by the tenant's plan."),
};
#undef T
static SCHEMA(whoami_schema, struct whoami, "Whoami", whoami_fields);

static struct rate_view rate_of(const struct rate *r)
{
	return r != NULL ? (struct rate_view){ .limit = r->limit, .window = r->window }
			 : (struct rate_view){ .limit = INT_NULL, .window = INT_NULL };
}

static struct tenant_view view_of(const struct tenant *t)
{
	return (struct tenant_view){
		.id = t->id,
		.slug = t->slug,
		.name = t->name,
		.domain = t->domain,
		.region = t->region,
		.plan_type = t->plan != NULL ? t->plan->name : NULL,
		.status = tenant_status_name(t->status),
	};
}

static enum err whoami(struct ctx *cx, struct req *rq)
{
	const struct tenant *t = cx->tenant;
	const struct plan *plan = t != NULL ? t->plan : NULL;
	struct whoami *w = ARENA_NEW(cx->arena, struct whoami);

	*w = (struct whoami){
		.credential = credential_of(cx->actor),
		.tenant = t != NULL ? view_of(t) : (struct tenant_view){ .id = NULL },
		.resolved_from = gate_sources(cx, rq),
		.scopes = scope_list(cx->arena, cx->actor->scopes),
		.limits = { rate_of(plan != NULL ? &plan->tenant_rate : NULL),
			    rate_of(plan != NULL ? &plan->key_rate : NULL) },
	};
	return reply(rq, w);
}

/* GET /auth/me --------------------------------------------------------------------------------------- */

struct me {
	const char *id, *email, *username;
	struct strv roles;
	const char *department, *attributes;
	struct strv permissions;
};

#define T struct me
static const struct field me_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "Id of the key, or the token's `sub`."),
	TEXT(T, email, F_OUT | F_NULLABLE, 0, 0, "As the token says; null for keys."),
	TEXT(T, username, F_OUT, 0, 0, "Of the tenant's user of this address, else as the credential says."),
	STRS(T, roles, F_OUT, 0, 64, NULL, 64, "Those of the token that are known here."),
	TEXT(T, department, F_OUT | F_NULLABLE, 0, 0, "Of the tenant's user of this address."),
	JSON(T, attributes, F_OUT | F_NULLABLE, 0, "Of the tenant's user of this address."),
	STRS(T, permissions, F_OUT, 0, 64, NULL, 64, "The scopes of the credential."),
};
#undef T
static SCHEMA(me_schema, struct me, "Me", me_fields);

struct person {
	const char *email;
	struct user user;
	bool found;
};

static enum err find_person(struct ctx *cx, void *arg)
{
	struct person *p = arg;

	return q_user_by_email(cx->db, &p->user, &p->found, p->email);
}

static enum err me(struct ctx *cx, struct req *rq)
{
	const struct actor *a = cx->actor;
	struct me *m = ARENA_NEW(cx->arena, struct me);
	struct person *p = ARENA_NEW(cx->arena, struct person);

	p->email = a->email;
	/* Only people have one, and they come with a tenant. */
	if (a->email != NULL && cx->tenant != NULL)
		TRY(gate_look(cx, rq, find_person, p));
	*m = (struct me){
		.id = a->id,
		.email = a->email,
		.username = p->found ? p->user.username : a->name,
		.roles = a->roles,
		.department = p->found ? p->user.department : NULL,
		.attributes = p->found ? p->user.attributes : NULL,
		.permissions = scope_list(cx->arena, a->scopes),
	};
	return reply(rq, m);
}

/* Always: also of a tenant that is suspended or waits for its deletion. */
#define VIEW .store = STORE_NONE, .mode = DB_READ, .status = 200
#define ALWAYS (ROUTE_VOLATILE | ROUTE_SUSPENDED_OK | ROUTE_DELETED_OK)
static const struct route routes[] = {
	{ M_GET, "/whoami", "whoami", SCOPE_ANY, .auth = AUTH_ANY, VIEW, .flags = ALWAYS,
	  .handler = whoami, .reply = &whoami_schema,
	  .summary = "What the credential is, which tenant is meant, and why",
	  .doc = "Shows each source of the tenant: key, path, header, host, query. An operator may name "
		 "none." },
	{ M_GET, "/auth/validate", "validateCredential", SCOPE_ANY, .auth = AUTH_TENANT, VIEW,
	  .flags = ALWAYS, .handler = validate, .reply = &validation_schema,
	  .summary = "Is the credential good for this tenant?",
	  .doc = "200 says yes, and which scopes it has; 401 or 403 say no." },
	{ M_GET, "/auth/me", "me", SCOPE_ANY, .auth = AUTH_ANY, VIEW, .flags = ALWAYS, .handler = me,
	  .reply = &me_schema, .errors = { ERR_TENANT_MOVING, ERR_TENANT_MIGRATING },
	  .summary = "Who the credential speaks for",
	  .doc = "A person behind a token, with roles and permissions, or a key. An operator may name no "
		 "tenant." },
};
ROUTE_GROUP(auth_routes, "Authentication", "/api/v1", routes);
