/* SPDX-License-Identifier: Apache-2.0 */
/* The credential: before any tenant is looked at. */
#include <string.h>
#include <strings.h>

#include "gate.h"

#include "cc/core/actor.h"
#include "cc/core/failures.h"
#include "cc/core/tenant.h"
#include "cc/core/token.h"
#include "cc/core/world.h"

static const char *bearer(const char *value)
{
	static const char scheme[] = "Bearer ";
	const size_t n = sizeof(scheme) - 1;

	if (strncasecmp(value, scheme, n) != 0)
		return NULL;
	value += n;
	while (*value == ' ')
		value++;
	return value;
}

static enum err read_credential(struct ctx *cx, const struct http_in *in, const char **ret)
{
	const char *secret = http_query_secret(in);

	/* A secret in a URL ends up in logs and histories of others: it is not even looked at. */
	if (secret != NULL)
		return refuse(cx, ERR_INVALID_REQUEST,
			      "credentials are not taken from the query string (%s); revoke this one",
			      secret);
	if (in->n_authorization + in->n_api_key > 1)
		return refuse(cx, ERR_INVALID_REQUEST,
			      "send one credential: Authorization or X-API-Key, once");
	*ret = in->api_key;
	if (in->authorization != NULL)
		*ret = bearer(in->authorization);
	if (*ret == NULL || **ret == '\0')
		return refuse(cx, ERR_UNAUTHORIZED,
			      "send an API key or a token: Authorization: Bearer <it>, or X-API-Key: <key>");
	return ERR_NONE;
}

/* The control database cannot be asked: what is known still answers questions, but changes nothing. */
static enum err check_trust(struct ctx *cx, struct req *rq, bool may_load, struct gate *g)
{
	TRY(registry_confirm(cx, may_load, &g->degraded));
	if (!g->degraded)
		return ERR_NONE;
	req_header(rq, "X-Degraded", "true");
	if (rq->route->mode == DB_WRITE)
		return refuse(cx, ERR_UNAVAILABLE,
			      "changes are not taken while the control database cannot be reached");
	return ERR_NONE;
}

/* Without its plan nobody knows its rates. An operator can still see it and give it another. */
static enum err check_plan(struct ctx *cx, const struct tenant *own)
{
	if (own->plan != NULL)
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE, "the tenant's plan is not configured on this node");
}

/* A key of a tenant that is not there yet, or no more, is no key. */
static enum err find_own(struct ctx *cx, struct req *rq, bool may_load, struct gate *g)
{
	const struct tenant *own = NULL;
	enum err e = tenant_get(cx, g->actor->tenant_id, may_load, &own);

	if (e == ERR_TENANT_NOT_FOUND && g->actor->kind == ACTOR_KEY)
		registry_forget_key(cx->world->registry, g->actor->id);
	if (e == ERR_NONE) {
		gate_keep(cx, rq, own);
		if (own->status != TENANT_PROVISIONING && own->status != TENANT_DELETING) {
			TRY(check_plan(cx, own));
			g->own = own;
			return ERR_NONE;
		}
		e = ERR_TENANT_NOT_FOUND;
	}
	return e == ERR_TENANT_NOT_FOUND ? refuse(cx, ERR_UNAUTHORIZED, "the credential is not valid") : e;
}

static enum err authenticate(struct ctx *cx, struct req *rq, const char *text, bool may_load, struct gate *g)
{
	if (token_is(text))
		TRY(token_get(cx, text, gate_hint(cx, rq), may_load, &g->actor));
	else
		TRY(cred_get(cx, text, may_load, &g->actor));
	if (!actor_at_home(g->actor, cx->remote_ip))
		return refuse(cx, ERR_ADDRESS, "the API key is not taken from %s", cx->remote_ip);
	return g->actor->kind != ACTOR_OPERATOR ? find_own(cx, rq, may_load, g) : ERR_NONE;
}

enum err gate_credential(struct ctx *cx, struct req *rq, bool may_load, struct gate *g)
{
	const char *text = NULL;

	TRY(read_credential(cx, rq->in, &text));
	TRY(check_trust(cx, rq, may_load, g));
	return failures_note(cx, text, authenticate(cx, rq, text, may_load, g));
}
