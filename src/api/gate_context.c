/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tenant a request means: host, header, query parameter and path, as far as they are there, must
 * name one. A tenant's own credential learns nothing here about any other tenant, not even whether it exists.
 */
#include <string.h>

#include "gate.h"

#include "cc/core/actor.h"
#include "cc/core/failures.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/names.h"

#define PARAMETER "tenant_id"
#define SOURCES 3               /* beside the host: header, query, path */

enum host_kind { HOST_NEUTRAL, HOST_LABEL, HOST_OTHER };

struct sources {
	enum host_kind host_kind;
	const char *label;              /* HOST_LABEL: what stands before the base domain */
	const char *text[SOURCES];
	int n;
};

static enum err add_source(struct ctx *cx, struct sources *s, const char *text, int times, const char *what)
{
	if (times == 0)
		return ERR_NONE;
	if (times > 1)
		return refuse(cx, ERR_TENANT_INVALID, "%s is there more than once", what);
	if (text == NULL || text[0] == '\0')
		return refuse(cx, ERR_TENANT_INVALID, "%s is empty", what);
	if (!name_is_wellformed(text))
		return refuse(cx, ERR_TENANT_INVALID, "%s is neither the id nor the slug of a tenant", what);
	s->text[s->n++] = text;
	return ERR_NONE;
}

const char *gate_path_tenant(const struct req *rq)
{
	for (int i = 0; i < rq->nparams; i++)
		if (str_eq(rq->param_name[i], PARAMETER))
			return rq->param[i];
	return NULL;
}

static bool is_neutral(const struct settings *s, const char *host)
{
	if (host[0] == '\0' || str_eq(host, s->base_domain))
		return true;
	for (const char *const *h = s->neutral_hosts; h != NULL && *h != NULL; h++)
		if (str_eq(*h, host))
			return true;
	return false;
}

/* acme.controlcore.io, and since a tenant may have moved also acme.eu.controlcore.io. */
static const char *label_of(struct ctx *cx, const char *host)
{
	const struct settings *s = cx->world->settings;
	const char *const *base = s->group_domains;
	const char *label = NULL;

	for (; base != NULL && *base != NULL && label == NULL; base++)
		label = host_label(cx->arena, host, *base);
	return label != NULL ? label : host_label(cx->arena, host, s->base_domain);
}

static void read_host(struct ctx *cx, const char *host, struct sources *s)
{
	const struct settings *settings = cx->world->settings;

	s->host_kind = HOST_NEUTRAL;
	if (is_neutral(settings, host))
		return;
	s->label = label_of(cx, host);
	if (s->label == NULL)
		s->host_kind = HOST_OTHER;
	else if (!str_eq(s->label, "api"))
		s->host_kind = HOST_LABEL;
}

static enum err read_sources(struct ctx *cx, const struct req *rq, struct sources *s)
{
	const struct http_in *in = rq->in;
	const char *query = NULL, *path = gate_path_tenant(rq);
	int times = 0;

	for (size_t i = 0; i < in->nquery; i++)
		if (strcmp(in->query[i].key, PARAMETER) == 0) {
			query = in->query[i].value;
			times++;
		}
	read_host(cx, in->host, s);
	TRY(add_source(cx, s, in->tenant_header, in->n_tenant_header, "the header X-Tenant-ID"));
	TRY(add_source(cx, s, query, times, "the query parameter " PARAMETER));
	return add_source(cx, s, path, path != NULL ? 1 : 0, "the tenant in the path");
}

/* Nothing of a tenant is said to a host that is not ours. */
static enum err misdirected(struct ctx *cx, struct req *rq)
{
	rq->tenant_named = NULL;
	return refuse(cx, ERR_MISDIRECTED, "this host is not served here");
}

static enum err denied(struct ctx *cx, struct req *rq, const char *text)
{
	rq->tenant_named = text;
	return refuse(cx, ERR_TENANT_DENIED, "Access denied for tenant %s", text);
}

static bool is_called(const struct tenant *t, const char *name)
{
	return str_eq(name, t->id) || str_eq(name, t->slug);
}

/* Compared as text with what is its own: nobody else's name is ever looked up. */
static enum err own_host(struct ctx *cx, struct req *rq, bool may_load, const struct sources *s,
			 const struct tenant *own)
{
	const struct tenant *other = NULL;
	enum err e;

	if (s->host_kind == HOST_LABEL && !is_called(own, s->label))
		return denied(cx, rq, s->label);
	if (s->host_kind != HOST_OTHER || tenant_has_host(own, rq->in->host))
		return ERR_NONE;
	e = tenant_get_by_host(cx, rq->in->host, may_load, &other);
	tenant_put(other);
	if (e == ERR_NONE)
		return denied(cx, rq, rq->in->host);
	return e == ERR_TENANT_NOT_FOUND ? misdirected(cx, rq) : e;
}

static enum err own_context(struct ctx *cx, struct req *rq, bool may_load, const struct sources *s,
			    struct gate *g)
{
	rq->tenant_named = s->n > 0 ? s->text[0] : arena_strdup(cx->arena, g->own->id);
	TRY(own_host(cx, rq, may_load, s, g->own));
	for (int i = 0; i < s->n; i++)
		if (!is_called(g->own, s->text[i]))
			return denied(cx, rq, s->text[i]);
	g->tenant = g->own;
	rq->tenant_named = arena_strdup(cx->arena, g->own->id);
	return ERR_NONE;
}

/* Operators work on hosts of their own: on a tenant's, a page of the tenant's could use their key. */
static enum err operator_host(struct ctx *cx, struct req *rq, bool may_load, const struct sources *s)
{
	const struct tenant *t = NULL;
	enum err e;

	if (s->host_kind == HOST_NEUTRAL)
		return ERR_NONE;
	if (s->host_kind == HOST_OTHER) {
		e = tenant_get_by_host(cx, rq->in->host, may_load, &t);
		tenant_put(t);
		if (e != ERR_NONE)
			return e == ERR_TENANT_NOT_FOUND ? misdirected(cx, rq) : e;
	}
	return refuse(cx, ERR_OPERATOR_HOST, "operator credentials are not accepted on tenant hosts");
}

static enum err resolve(struct ctx *cx, struct req *rq, bool may_load, const char *text, struct gate *g)
{
	const struct tenant *t = NULL;
	enum err e = tenant_get(cx, text, may_load, &t);

	gate_keep(cx, rq, t);
	if (e == ERR_TENANT_NOT_FOUND || (e == ERR_NONE && t->status == TENANT_DELETING)) {
		rq->tenant_named = text;
		return refuse(cx, ERR_TENANT_NOT_FOUND, "Tenant %s not found", text);
	}
	TRY(e);
	if (g->tenant != NULL && !str_eq(g->tenant->id, t->id))
		return refuse(cx, ERR_TENANT_CONFLICT,
			      "the header, the query and the path name different tenants");
	g->tenant = t;
	return ERR_NONE;
}

static enum err operator_context(struct ctx *cx, struct req *rq, bool may_load, const struct sources *s,
				 struct gate *g)
{
	rq->tenant_named = s->n > 0 ? s->text[0] : NULL;
	TRY(operator_host(cx, rq, may_load, s));
	for (int i = 0; i < s->n; i++)
		TRY(resolve(cx, rq, may_load, s->text[i], g));
	if (g->tenant == NULL && rq->route->auth == AUTH_TENANT)
		return refuse(cx, ERR_TENANT_REQUIRED,
			      "name the tenant: by the header X-Tenant-ID or the parameter " PARAMETER);
	if (g->tenant != NULL)
		rq->tenant_named = arena_strdup(cx->arena, g->tenant->id);
	return ERR_NONE;
}

enum err gate_context(struct ctx *cx, struct req *rq, bool may_load, struct gate *g)
{
	struct sources s = { .n = 0 };

	g->tenant = NULL;
	rq->tenant_named = NULL;
	TRY(read_sources(cx, rq, &s));
	if (g->actor->kind != ACTOR_OPERATOR)
		return own_context(cx, rq, may_load, &s, g);
	return operator_context(cx, rq, may_load, &s, g);
}

const char *gate_hint(struct ctx *cx, const struct req *rq)
{
	struct sources s = { .n = 0 };

	if (read_sources(cx, rq, &s) != ERR_NONE) {
		ctx_clear_problem(cx);          /* said when the context is looked at */
		return NULL;
	}
	return s.n > 0 ? s.text[0] : s.label;
}

static bool is_there(const struct tenant *t)
{
	return t->status != TENANT_PROVISIONING && t->status != TENANT_DELETING;
}

/* Whoever asks is unknown yet, so a tenant that is not there is like one that names no origins. */
enum err gate_origin(struct ctx *cx, const struct req *rq, const char *origin, bool may_load,
		     bool *ret_allowed)
{
	const char *path = gate_path_tenant(rq);
	const struct tenant *t = NULL;
	struct sources s = { .n = 0 };
	enum err e;

	read_host(cx, rq->in->host, &s);
	if (s.host_kind == HOST_NEUTRAL && path == NULL) {
		*ret_allowed = strv_has(&cx->world->settings->cors_origins, origin);
		return ERR_NONE;
	}
	if (may_load)
		TRY(failures_before_origin(cx));
	if (s.host_kind == HOST_OTHER)
		e = tenant_get_by_host(cx, rq->in->host, may_load, &t);
	else
		e = tenant_get(cx, s.host_kind == HOST_LABEL ? s.label : path, may_load, &t);
	*ret_allowed = e == ERR_NONE && is_there(t) && strv_has(&t->cors_origins, origin);
	tenant_put(t);
	return e == ERR_TENANT_NOT_FOUND ? ERR_NONE : e;
}

static void source(struct jw *w, const char *name, const char *value)
{
	if (value == NULL)
		return;
	jw_object(w);
	jw_key(w, "source");
	jw_text(w, name);
	jw_key(w, "value");
	jw_text(w, value);
	jw_object_end(w);
}

const char *gate_sources(struct ctx *cx, const struct req *rq)
{
	const struct gate *g = rq->gate;
	const char *query = NULL;
	struct sources s = { .n = 0 };
	struct str out;
	struct jw w;

	for (size_t i = 0; i < rq->in->nquery; i++)
		if (strcmp(rq->in->query[i].key, PARAMETER) == 0)
			query = rq->in->query[i].value;
	read_host(cx, rq->in->host, &s);
	str_init(&out, cx->arena, 256);
	jw_init(&w, &out);
	jw_array(&w);
	source(&w, "credential", g->actor->tenant_id);
	source(&w, "host", s.host_kind != HOST_NEUTRAL ? rq->in->host : NULL);
	source(&w, "header", rq->in->tenant_header);
	source(&w, "query", query);
	jw_array_end(&w);
	return out.data;
}
