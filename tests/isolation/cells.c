/* SPDX-License-Identifier: Apache-2.0 */
/* One request of the matrix: put together, sent, and the traces it leaves taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "certs.h"
#include "matrix.h"

#define BASE "controlcore.io"

/* Of a credential's tenant: the other one of its region (or else any other), and one of another region. */
static int party_of(const struct credential *cred, enum who who)
{
	static const int near[ACTORS] = { 1, 0, 0 }, far[ACTORS] = { 2, 2, 1 };

	if (who == NEAR)
		return near[cred->party];
	if (who == FAR)
		return far[cred->party];
	return who == OWN ? cred->party : -1;
}

/* The text that names the tenant; NULL: none. */
static const char *name_of(const struct cell *c, const struct naming *n)
{
	const int party = n->who == PARTY ? n->party : party_of(c->cred, n->who);

	if (n->who == NOBODY)
		return NULL;
	if (n->who == LITERAL)
		return n->text;
	if (n->who == NOWHERE)
		return n->form == BY_ID ? c->s->unknown_id : c->s->unknown_slug;
	return n->form == BY_ID ? c->s->party[party].t.id : c->s->party[party].t.slug;
}

static void add_sent(struct cell *c, const char *text)
{
	snprintf(c->text[c->nsent], sizeof(c->text[0]), "%s", text);
	c->sent[c->nsent] = c->text[c->nsent];
	c->nsent++;
}

/* Where the path leads: the party whose tenant it names, or whose objects its ids are. */
static int target_party(const struct cell *c, const struct naming *path)
{
	const struct source *s = c->source;

	if (path_names_tenant(c->route) && path->who != LITERAL)
		return party_of(c->cred, path->who);
	for (int i = 0; i < PLACES; i++)
		if (s->at[i].who != NOBODY && s->at[i].who != LITERAL && s->at[i].who != OWN)
			return party_of(c->cred, s->at[i].who);
	return c->cred->party;
}

static bool ends_in(const struct route *r, const char *action)
{
	const size_t n = strlen(r->path), end = strlen(action);

	return n > end && strcmp(r->path + n - end, action) == 0;
}

/* An action on an object, by the last part of its path. */
static bool is_action(const struct route *r, const char *action)
{
	return !path_names_tenant(r) && ends_in(r, action);
}

/* The operation can succeed, and needs an object that nobody else does. */
static bool takes_object(const struct cell *c)
{
	struct verdicts v;

	cell_expect(c, &v);
	return v.success && (c->route->method == M_DELETE || is_action(c->route, "/restore") ||
				    is_action(c->route, "/disable") || ends_in(c->route, "/rotate"));
}

static void delete_object(const struct cell *c, const struct party *p, const char *made_at, const char *id)
{
	struct client *owner = client_of(c->s->d, &p->t);

	assert_status(200, client_delete(owner, "%s/%s", made_at, id));
	client_close(owner);
}

static void object_text(const struct cell *c, const char *made_at, char *ret, size_t size)
{
	struct party *p = &c->s->party[c->party < 0 ? c->cred->party : c->party];

	if (takes_object(c)) {
		stage_fresh_object(c->s, p, made_at, ret, size);
		if (is_action(c->route, "/restore"))
			delete_object(c, p, made_at, ret);
	} else {
		snprintf(ret, size, "%s", stage_object(c->s, p, made_at));
	}
}

static void make_target(struct cell *c, const char *tenant_text)
{
	char object[64] = "", maker[128];
	const bool has_object = path_maker(c->route, maker, sizeof(maker));
	size_t n = (size_t)snprintf(c->target, sizeof(c->target), "%s", c->prefix);

	if (has_object)
		object_text(c, maker, object, sizeof(object));
	for (const char *p = c->route->path; *p != '\0' && n < sizeof(c->target) - 1;) {
		const char *value = strncmp(p, "{tenant_id}", 11) == 0 ? tenant_text : object;

		if (*p != '{') {
			c->target[n++] = *p++;
			c->target[n] = '\0';
			continue;
		}
		n += (size_t)snprintf(c->target + n, sizeof(c->target) - n, "%s", value);
		p = strchr(p, '}') + 1;
	}
}

static void add_query(struct cell *c, const char *tenant)
{
	const size_t n = strlen(c->target);
	const char *mark = strchr(c->target, '?') == NULL ? "?" : "&";

	snprintf(c->target + n, sizeof(c->target) - n, "%stenant_id=%s", mark, tenant);
}

static void add_header(struct cell *c, const char *name, const char *value)
{
	const size_t n = strlen(c->headers);

	snprintf(c->headers + n, sizeof(c->headers) - n, "%s: %s\r\n", name, value);
}

static void make_context(struct cell *c)
{
	const struct source *s = c->source;
	const char *host = name_of(c, &s->at[IN_HOST]), *header = name_of(c, &s->at[IN_HEADER]);
	const char *query = name_of(c, &s->at[IN_QUERY]), *again = name_of(c, &s->again);

	if (host != NULL && s->at[IN_HOST].who == LITERAL)
		snprintf(c->host, sizeof(c->host), "%s", host);
	else if (host != NULL)
		snprintf(c->host, sizeof(c->host), "%s." BASE, host);
	if (header != NULL)
		add_header(c, "X-Tenant-ID", header);
	if (query != NULL)
		add_query(c, query);
	if (again != NULL && s->again_in == IN_HEADER)
		add_header(c, "X-Tenant-ID", again);
	else if (again != NULL)
		add_query(c, again);
	for (int i = 0; i < PLACES; i++)
		if (name_of(c, &s->at[i]) != NULL && name_of(c, &s->at[i])[0] != '\0')
			add_sent(c, name_of(c, &s->at[i]));
	if (again != NULL)
		add_sent(c, again);
}

/* Objects carry the marker that nobody else may see, what operators see of a tenant its title. */
static const char *text_for(const struct cell *c)
{
	const struct route *r = c->route;
	char maker[128];
	struct verdicts v;
	const struct party *p;

	cell_expect(c, &v);
	p = &c->s->party[v.success && c->party >= 0 ? c->party : c->cred->party];
	if (path_maker(r, maker, sizeof(maker)) ||
	    (r->auth == AUTH_TENANT && r->method == M_POST && route_named(M_GET, r->path) != NULL))
		return p->marker;
	return p->title;
}

/* Of the domain that the path names. */
static char *certificate_for(const struct cell *c)
{
	char domain[256] = "nobodys.example.com";
	const char *at = strstr(c->target, "/domains/");

	if (at != NULL)
		snprintf(domain, sizeof(domain), "%.*s", (int)strcspn(at + 9, "/"), at + 9);
	return cert_body_for(domain);
}

bool cell_make(struct cell *c, struct stage *s, const struct route *r, const char *prefix,
	       const struct source *source, const struct credential *cred)
{
	const struct naming own = { .who = OWN, .form = BY_ID };
	const struct naming *path = &source->at[IN_PATH];

	*c = (struct cell){ .s = s, .route = r, .prefix = prefix, .source = source, .cred = cred };
	if (path->who != NOBODY && !path_names_tenant(r))
		return false;
	if (path->who == NOBODY)
		path = &own;
	c->party = target_party(c, path);
	make_target(c, name_of(c, path));
	make_context(c);
	if (path_names_tenant(r) && path == &own)
		add_sent(c, name_of(c, path));
	if (cred->key != NULL && cred->as_api_key)
		add_header(c, "X-API-Key", cred->key);
	c->body = strcmp(r->op, "setCertificate") == 0 ? certificate_for(c) : stage_body(s, r, text_for(c));
	return true;
}

void cell_clear(struct cell *c)
{
	free(c->body);
	c->body = NULL;
}

const struct answer *cell_send(const struct cell *c, struct client *http)
{
	client_key(http, c->cred->as_api_key ? NULL : c->cred->key);
	client_host(http, c->host[0] != '\0' ? c->host : NULL);
	return client_call(http, method_name(c->route->method), c->target,
			   c->headers[0] != '\0' ? c->headers : NULL, c->body);
}

const char *cell_label(const struct cell *c)
{
	static char text[400];

	snprintf(text, sizeof(text), "%s %s | %s | %s", method_name(c->route->method), c->route->path,
		 c->source->label, c->cred->label);
	return text;
}

/* Operations on a tenant that change what it is: what brings it there first, and back afterwards. */
static const struct {
	enum method method;
	const char *path, *before, *after;      /* "DELETE", or the last part of a POST */
} reversible[] = {
	{ M_DELETE, "/tenants/{tenant_id}", NULL, "restore" },
	{ M_POST, "/tenants/{tenant_id}/restore", "DELETE", NULL },
	{ M_POST, "/tenants/{tenant_id}/suspend", NULL, "resume" },
	{ M_POST, "/tenants/{tenant_id}/resume", "suspend", NULL },
};

static void step(const struct cell *c, const char *what)
{
	const char *id = c->s->party[c->party].t.id;
	const struct answer *a;
	char path[160];

	if (strcmp(what, "DELETE") == 0) {
		a = client_delete(c->s->op, "/tenants/%s", id);
	} else {
		snprintf(path, sizeof(path), "/api/v1/tenants/%s/%s", id, what);
		a = client_call(c->s->op, "POST", path, NULL,
				strcmp(what, "suspend") == 0 ? "{\"mode\":\"blocked\"}" : NULL);
	}
	if (a->status < 200 || a->status > 299)
		fail_msg("%s: %s of the tenant answered %d %s", cell_label(c), what, a->status, a->body);
}

static int reversible_index(const struct cell *c)
{
	const struct route *r = c->route;

	for (size_t i = 0; i < sizeof(reversible) / sizeof(reversible[0]); i++)
		if (reversible[i].method == r->method && strcmp(reversible[i].path, r->path) == 0)
			return (int)i;
	return -1;
}

static bool makes_default(const struct cell *c)
{
	return strcmp(c->route->op, "makeDefaultDomain") == 0;
}

static bool proves(const struct cell *c)
{
	return strcmp(c->route->op, "verifyDomain") == 0;
}

void cell_prepare(const struct cell *c)
{
	const int i = reversible_index(c);
	struct verdicts v;

	cell_expect(c, &v);
	if (i >= 0 && v.success && c->party >= 0 && reversible[i].before != NULL)
		step(c, reversible[i].before);
	if (v.success && makes_default(c))
		fixture_control(c->s->d, "UPDATE cc.domain SET status = 'verified' WHERE status = 'pending'");
	if (v.success && proves(c))
		fixture_control(c->s->d, "UPDATE cc.domain SET token = 'proof' WHERE custom");
}

void cell_repair(const struct cell *c, const struct answer *a)
{
	const int i = reversible_index(c);

	if (i >= 0 && c->party >= 0 && a->status >= 200 && a->status <= 299 && reversible[i].after != NULL)
		step(c, reversible[i].after);
	/* The default one cannot be deleted by a cell to come. */
	if (a->status == 200 && makes_default(c))
		fixture_control(c->s->d,
				"UPDATE cc.domain SET is_default = false WHERE custom;"
				"UPDATE cc.domain SET is_default = true WHERE NOT custom");
	/* What is proven or the default is among what operators see of a tenant: not this one. */
	if (a->status == 200 && (makes_default(c) || proves(c)))
		fixture_control(c->s->d, "UPDATE cc.tenant SET custom_domain = NULL");
}
