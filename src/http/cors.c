/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross-origin requests of browsers (CORS, fetch.spec.whatwg.org). An origin that is configured is named in
 * the answer, never "*"; and credentials that browsers add by themselves are not let in, for there are none
 * here: a key or a token is what a script sends.
 */
#include "openapi.h"
#include "call.h"

#include <string.h>

/* How long a browser may remember the answer to a preflight: one that is taken away ends then. */
#define MAX_AGE_S "600"

/* What has no row in the tables, because it is no operation's own. */
static const char common_headers[] =
	"Authorization, X-API-Key, Content-Type, Accept, Accept-Encoding, Cache-Control, Prefer";

void cors_init(struct http_server *s)
{
	struct str allowed, exposed;

	str_init(&allowed, s->arena, 512);
	str_add(&allowed, common_headers);
	for (const struct shared_param *p = shared_params; p->component != NULL; p++)
		if (strcmp(p->in, "header") == 0)
			str_addf(&allowed, ", %s", p->name);
	str_init(&exposed, s->arena, 512);
	for (const struct shared_header *h = shared_headers; h->component != NULL; h++)
		str_addf(&exposed, "%s%s", exposed.len > 0 ? ", " : "", h->name);
	s->cors_allowed = allowed.data;
	s->cors_exposed = exposed.data;
}

bool cors_is_preflight(const struct call *c)
{
	return c->in.method == M_OPTIONS && c->in.n_origin == 1 && c->in.cors_method != NULL;
}

enum err cors_look(struct call *c, bool may_load)
{
	const struct http_hooks *hooks = c->server->conf.hooks;
	enum err e;

	if (c->origin_known || c->in.n_origin != 1 || c->listener->admin || hooks->origin == NULL)
		return ERR_NONE;
	e = hooks->origin(&c->cx, &c->rq, c->in.origin, may_load, &c->origin_ok);
	c->origin_known = e == ERR_NONE;
	return e;
}

void cors_headers(struct MHD_Response *r, const struct call *c)
{
	if (!c->origin_ok)
		return;
	(void)MHD_add_response_header(r, "Access-Control-Allow-Origin", c->in.origin);
	if (!c->preflight) {
		(void)MHD_add_response_header(r, "Access-Control-Expose-Headers", c->server->cors_exposed);
		return;
	}
	(void)MHD_add_response_header(r, "Access-Control-Allow-Methods", c->allow);
	(void)MHD_add_response_header(r, "Access-Control-Allow-Headers", c->server->cors_allowed);
	(void)MHD_add_response_header(r, "Access-Control-Max-Age", MAX_AGE_S);
}
