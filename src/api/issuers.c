/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/actor.h"
#include "cc/core/issuers.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/issuer.h"
#include "cc/model/q_control.h"

static enum err issuers_get(struct ctx *cx, struct req *rq)
{
	struct issuer_list *list = ARENA_NEW(cx->arena, struct issuer_list);

	q_issuers_get_later(cx->db, list, cx->tenant->id);
	return reply(rq, list);
}

/* Whoever names an issuer can be anybody in the tenant. */
static enum err check_power(struct ctx *cx)
{
	const uint64_t held = cx->actor->scopes;

	if ((scope_all_tenant() & ~held) == 0 || (held & scope_bit("platform:tenants")) != 0)
		return ERR_NONE;
	return refuse(cx, ERR_SCOPE_GRANT, "issuers can grant every scope: only who holds all may name them");
}

static enum err issuers_replace(struct ctx *cx, struct req *rq)
{
	const struct issuer_list *sent = rq->body;
	struct issuer_list *list = ARENA_NEW(cx->arena, struct issuer_list);
	const struct issuers *compiled;

	TRY(check_power(cx));
	TRY(issuers_read(cx, sent->issuers, cx->world->settings->private_issuers, &compiled));
	TRY(q_issuers_lock(cx->db, list, cx->tenant->id));
	TRY(ctx_check_version(cx, list->row_version));
	TRY(schema_overlay(cx, &issuer_list_schema, list, sent, rq->read_mode, &rq->changed));
	if (rq->changed.n == 0) {
		gate_unchanged(rq);
		return reply(rq, list);
	}
	list->row_version++;
	q_issuers_set_later(cx->db, cx->tenant->id, list->issuers);
	return reply(rq, list);
}

#define PATH "/tenants/{tenant_id}/auth/issuers"
static const struct route routes[] = {
	{ M_GET, PATH, "getIssuers", "tenant:read", "platform:read", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_READ, .status = 200, .handler = issuers_get,
	  .reply = &issuer_list_schema,
	  .summary = "Who may sign tokens for the tenant's people",
	  .doc = "Tokens of these issuers are taken where an API key is." },
	{ M_PUT, PATH, "setIssuers", "tenant:write", "platform:tenants", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_WRITE, .object = "tenant", .status = 200,
	  .handler = issuers_replace, .body = &issuer_list_schema, .reply = &issuer_list_schema,
	  .errors = { ERR_SCOPE_GRANT },
	  .summary = "Set who may sign tokens for the tenant's people",
	  .doc = "Tokens need iss, aud, sub, exp, kid and the tenant's id or slug in tenant_claim; they "
		 "live a day at most. Roles and scopes of the token say what it may do. An issuer of a "
		 "tenant speaks for that tenant alone." },
};
ROUTE_GROUP(issuer_routes, "Authentication", "/api/v1", routes);
