/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bouncers on their own behalf: they register and say what they run. And what that comes to for those who
 * wait for it.
 */
#include <inttypes.h>
#include <string.h>

#include "gate.h"
#include "groups.h"
#include "managed.h"
#include "cc/core/actor.h"
#include "cc/core/head.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/bouncer.h"
#include "cc/model/check.h"
#include "cc/model/pep.h"
#include "cc/model/q_tenant.h"
#include "cc/model/resource.h"
#include "cc/schema/doc.h"

#define BEHIND_MAX 100
#define FAULT_MAX 2000
#define REVISION_MAX 200
#define BOUNCER_ID_MAX 120
#define NO_HOST "unknown.invalid" /* no name of any host (RFC 2606) */

/* Registering -------------------------------------------------------------------------------------- */

/*
 * The key decides, and what the body says must agree with it. Where neither says anything nobody is harmed.
 */
static enum err environment_of(struct ctx *cx, const struct pep *in, const char **ret)
{
	const char *own = cx->actor->environment, *said = in->deployment_info.environment;

	if (own != NULL && said != NULL && !str_eq(own, said))
		return refuse(cx, ERR_ENVIRONMENT,
			"the API key is for bouncers of the %s environment, not of %s", own, said);
	*ret = own != NULL ? own : said != NULL ? said : "sandbox";
	return ERR_NONE;
}

static enum err check_tenant(struct ctx *cx, const struct pep *in)
{
	if (in->tenant_id == NULL || str_eq(in->tenant_id, cx->tenant->id) ||
		str_eq(in->tenant_id, cx->tenant->slug))
		return ERR_NONE;
	cx->problem.tenant_id = in->tenant_id;
	return refuse(cx, ERR_TENANT_DENIED, "the credential does not belong to tenant %s", in->tenant_id);
}

/* "https://api.acme.com:8443/x" → "api.acme.com", "https://[::1]/" → "::1"; NULL: there is none. */
static const char *host_of(struct arena *a, const char *url)
{
	const char *host = url != NULL ? strstr(url, "://") : NULL;
	size_t n;

	if (host == NULL)
		return NULL;
	host += 3;
	if (host[0] == '[')
		return arena_strndup(a, host + 1, strcspn(host + 1, "]"));
	n = strcspn(host, ":/?#");
	return n > 0 ? arena_strndup(a, host, n) : NULL;
}

static const char *authority_of(struct arena *a, const char *url)
{
	const char *host = url != NULL ? strstr(url, "://") : NULL;

	return host != NULL ? arena_strndup(a, host + 3, strcspn(host + 3, "/?#")) : NULL;
}

static void say(const struct pep_resource *in, const char *name, const char *said, const char **ret)
{
	if (schema_seen(&pep_resource_schema, in, name))
		*ret = said;
}

/* What it says of its resource. One that people made says what they want. */
static void describe_resource(struct ctx *cx, const struct pep_resource *in, struct resource *r)
{
	say(in, "type", in->type, &r->type);
	say(in, "target_host", in->target_host, &r->target_host);
	say(in, "original_host_url", authority_of(cx->arena, in->original_host_url), &r->original_host);
	say(in, "deployment_url", in->deployment_url, &r->url);
	say(in, "default_security_posture", in->default_security_posture, &r->default_security_posture);
}

static bool is_same_resource(const struct resource *a, const struct resource *b)
{
	return str_eq(a->type, b->type) && str_eq(a->target_host, b->target_host) &&
	       str_eq(a->original_host, b->original_host) && str_eq(a->url, b->url) &&
	       str_eq(a->default_security_posture, b->default_security_posture);
}

/* What it protects: the tenant may have none of this name yet, or another say of it. */
static enum err find_resource(struct ctx *cx, const struct pep_resource *in, const char *environment,
	int64_t *ret_id, bool *ret_changed)
{
	struct resource *r = ARENA_NEW(cx->arena, struct resource);
	struct resource was;
	bool found;

	TRY(q_pep_resource(cx->db, r, &found, environment, in->name));
	if (!found) {
		*ret_changed = true;
		TRY(head_add(cx, TAKE_RESOURCE, ret_id));
		q_pep_resource_insert_later(cx->db, *ret_id, in->name, in->type, environment,
			in->deployment_url, authority_of(cx->arena, in->original_host_url), in->target_host,
			in->default_security_posture, managed_creator(cx), cx->head->now, cx->head->version);
		return ERR_NONE;
	}
	*ret_id = r->id;
	was = *r;
	if (r->auto_discovered)
		describe_resource(cx, in, r);
	*ret_changed = !is_same_resource(&was, r);
	if (*ret_changed)
		q_pep_resource_update_later(cx->db, r->id, r->type, r->url, r->original_host, r->target_host,
			r->default_security_posture, cx->head->now, cx->head->version);
	return ERR_NONE;
}

/* What a registration makes of the bouncer that is there, or of none. */
static void describe(struct ctx *cx, const struct pep *in, struct bouncer *b, int64_t resource_id)
{
	const char *host = host_of(cx->arena, in->resource.deployment_url);

	b->bouncer_id = in->bouncer_id;
	b->name = in->bouncer_name != NULL ? in->bouncer_name : in->bouncer_id;
	b->hostname = NO_HOST;
	if (host != NULL && check_host(host) == NULL)
		b->hostname = host;
	else if (check_host(in->bouncer_id) == NULL)
		b->hostname = in->bouncer_id;
	b->bouncer_type = in->bouncer_type;
	b->version = in->deployment_info.version;
	b->platform = in->deployment_info.platform;
	b->resource_id = resource_id;
	if (cx->actor->kind == ACTOR_KEY)
		b->key_id = cx->actor->id;
}

static bool is_same(const struct bouncer *a, const struct bouncer *b)
{
	return str_eq(a->bouncer_id, b->bouncer_id) && str_eq(a->name, b->name) &&
	       str_eq(a->hostname, b->hostname) && str_eq(a->bouncer_type, b->bouncer_type) &&
	       str_eq(a->version, b->version) && str_eq(a->platform, b->platform) &&
	       str_eq(a->key_id, b->key_id) && a->resource_id == b->resource_id;
}

static enum err insert(struct ctx *cx, struct bouncer *b, const char *environment)
{
	TRY(head_add(cx, TAKE_BOUNCER, &b->id));
	b->environment = environment;
	b->created_at = cx->head->now;
	q_pep_insert_later(cx->db, b->id, b->name, b->hostname, environment, b->bouncer_type, b->version,
		b->bouncer_id, b->resource_id, b->platform, managed_creator(cx), cx->head->now,
		cx->head->version, b->key_id);
	return ERR_NONE;
}

/* One that calls itself so, or one of that name that was made by hand and never heard of. */
static enum err find_bouncer(
	struct ctx *cx, const struct pep *in, const char *environment, struct bouncer *ret, bool *ret_found)
{
	TRY(q_pep_find(cx->db, ret, ret_found, in->bouncer_id));
	if (*ret_found && !str_eq(ret->environment, environment))
		return refuse(cx, ERR_BOUNCER_TAKEN,
			"the %s environment has a bouncer that calls itself %s", ret->environment,
			in->bouncer_id);
	if (*ret_found)
		return ERR_NONE;
	return q_pep_adopt(cx->db, ret, ret_found, environment,
		in->bouncer_name != NULL ? in->bouncer_name : in->bouncer_id);
}

static enum err registered(struct ctx *cx, struct req *rq, const struct bouncer *b, bool changed)
{
	struct pep_registered *out = ARENA_NEW(cx->arena, struct pep_registered);

	*out = (struct pep_registered){ .id = b->id,
		.bouncer_id = b->bouncer_id,
		.name = b->name,
		.status = "active",
		.environment = b->environment,
		.is_connected = true,
		.last_heartbeat = cx->head->now,
		.created_at = b->created_at,
		.resource_id = b->resource_id };
	q_pep_alive_later(cx->db, b->id);
	rq->environment = b->environment;
	return changed ? reply(rq, out) : managed_unchanged(cx, rq, out);
}

static enum err pep_register(struct ctx *cx, struct req *rq)
{
	const struct pep *in = rq->body;
	struct bouncer *b = ARENA_NEW(cx->arena, struct bouncer);
	struct bouncer was;
	const char *environment = NULL;
	bool found, changed;
	int64_t resource_id;

	TRY(check_tenant(cx, in));
	TRY(environment_of(cx, in, &environment));
	TRY(find_bouncer(cx, in, environment, b, &found));
	TRY(find_resource(cx, &in->resource, environment, &resource_id, &changed));
	was = *b;
	describe(cx, in, b, resource_id);
	if (!found) {
		TRY(insert(cx, b, environment));
		return registered(cx, rq, b, true);
	}
	if (!is_same(&was, b))
		q_pep_update_later(cx->db, b->id, b->name, b->hostname, b->bouncer_type, b->version,
			b->bouncer_id, b->resource_id, b->platform, cx->head->now, cx->head->version,
			b->key_id);
	return registered(cx, rq, b, changed || !is_same(&was, b));
}

/* Status ------------------------------------------------------------------------------------------- */

struct report {
	const char *bouncer_id, *environment;
	const char *revision, *fault;
	int64_t rows, known;
	struct tally tally;
};

static enum err put_status(struct ctx *cx, void *arg)
{
	struct report *r = arg;

	TRY(q_pep_status(
		cx->db, &r->rows, r->bouncer_id, r->environment, r->revision, r->fault, cx->tenant->epoch));
	if (r->rows > 0)
		return ERR_NONE;
	TRY(q_pep_known(cx->db, &r->tally, r->bouncer_id, r->environment));
	return r->tally.total > 0 ? ERR_TENANT_MOVING : refuse_missing(cx, "bouncer", r->bouncer_id);
}

static const char *cut(struct arena *a, const char *text, size_t max)
{
	size_t n = 0, step;

	while (text[n] != '\0' && (step = utf8_step(text + n, strlen(text + n))) > 0 && n + step <= max)
		n += step;
	return arena_strndup(a, text, n);
}

/* "bundle_error: verification failed"; NULL: it says that all is well. */
static const char *fault_of(struct ctx *cx, const struct doc *bundle)
{
	const char *code = doc_text(bundle, "code"), *message = doc_text(bundle, "message");

	if (code == NULL && message == NULL)
		return NULL;
	return cut(cx->arena,
		arena_printf(cx->arena, "%s: %s", code != NULL ? code : "error",
			message != NULL ? message : "no message"),
		FAULT_MAX);
}

/* One bundle is ours. Among several it is the one that is called as the environment is. */
static const struct doc *our_bundle(const struct doc *bundles, const char *environment)
{
	const struct doc *ours = doc_object(bundles, environment);
	const char *only = doc_name(bundles, 1) == NULL ? doc_name(bundles, 0) : NULL;

	return ours != NULL || only == NULL ? ours : doc_object(bundles, only);
}

static enum err read_bundles(struct ctx *cx, const char *json, struct report *r)
{
	const char *why = "", *revision;
	struct doc *d = doc_parse(cx->arena, json, strlen(json), &why);
	const struct doc *ours;

	if (d == NULL)
		return refuse_field(cx, "bundles", "format", "`bundles`: %s", why);
	ours = our_bundle(d, r->environment);
	revision = ours != NULL ? doc_text(ours, "active_revision") : NULL;
	if (revision != NULL && revision[0] != '\0')
		r->revision = cut(cx->arena, revision, REVISION_MAX);
	if (ours != NULL)
		r->fault = fault_of(cx, ours);
	doc_free(d);
	return ERR_NONE;
}

/* The path says it, or a label. */
static enum err read_who(struct ctx *cx, const struct req *rq, const char *labels, const char **ret)
{
	const char *why = "", *label = NULL;
	struct doc *d;

	if (rq->nparams > 0) {
		*ret = rq->param[0];
		return ERR_NONE;
	}
	d = labels != NULL ? doc_parse(cx->arena, labels, strlen(labels), &why) : NULL;
	if (d != NULL)
		label = arena_strdup(cx->arena, doc_text(d, "bouncer_id"));
	doc_free(d);
	if (label == NULL || label[0] == '\0' || strlen(label) > BOUNCER_ID_MAX)
		return refuse_field(cx, "labels", "required",
			"`labels` must have a bouncer_id, as the path does not say whose status it is");
	*ret = label;
	return ERR_NONE;
}

static enum err status_take(struct ctx *cx, struct req *rq)
{
	const struct opa_status *in = rq->body;
	struct report r = { .environment = cx->actor->environment };
	struct opa_thanks *out = ARENA_NEW(cx->arena, struct opa_thanks);
	const struct tenant *fresh = NULL;
	enum err e;

	TRY(read_who(cx, rq, in->labels, &r.bouncer_id));
	if (in->bundles != NULL)
		TRY(read_bundles(cx, in->bundles, &r));
	e = head_note(cx, put_status, &r, &fresh);
	gate_keep(cx, rq, fresh);
	*out = (struct opa_thanks){ r.bouncer_id, r.revision };
	return e == ERR_NONE ? reply(rq, out) : e;
}

/* What it comes to --------------------------------------------------------------------------------- */

static enum err revisions_get(struct ctx *cx, struct req *rq)
{
	struct bouncer_revisions *r = ARENA_NEW(cx->arena, struct bouncer_revisions);
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_bouncer_revisions_later(cx->db, r, id, cx->world->settings->signing.id);
	return reply(rq, r);
}

static enum err health_get(struct ctx *cx, struct req *rq)
{
	struct bouncer_health *h = ARENA_NEW(cx->arena, struct bouncer_health);
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_bouncer_health_later(cx->db, h, id);
	return reply(rq, h);
}

static enum err rollout_get(struct ctx *cx, struct req *rq)
{
	struct rollout *r = ARENA_NEW(cx->arena, struct rollout);
	struct db_rows rows = { .n = 0 };
	struct str out;
	struct jw w;

	TRY(q_rollout_look(cx->db, r, rq->param[0], cx->world->settings->signing.id));
	TRY(q_rollout_behind(cx->db, &rows, rq->param[0], BEHIND_MAX));
	r->summary = arena_printf(cx->arena, "%" PRId64 " of %" PRId64 " live", r->live, r->total);
	str_init(&out, cx->arena, 256);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < rows.n; i++)
		schema_write(
			&w, &rollout_bouncer_schema, DB_ROW(&rows, struct rollout_bouncer, i), WRITE_FULL);
	jw_array_end(&w);
	r->behind = out.data;
	return reply(rq, r);
}

#define VOLATILE .flags = ROUTE_VOLATILE
#define NOTES .auth = AUTH_TENANT, .store = STORE_NONE, .mode = DB_READ, .object = "bouncer", .status = 200
static const struct route routes[] = {
	{ M_POST, "/peps/register", "registerPep", "bouncers:connect", WRITES("bouncer"),
		.flags = ROUTE_VOLATILE | ROUTE_READ_ONLY_OK, .status = 200, .handler = pep_register,
		.body = &pep_schema, .reply = &pep_registered_schema,
		.errors = { ERR_QUOTA, ERR_NAME_TAKEN, ERR_ENVIRONMENT, ERR_BOUNCER_TAKEN },
		.summary = "Register a bouncer on its own behalf",
		.doc = "At every start: the same bouncer_id is the same bouncer. The first time takes a "
		       "place of the "
		       "tenant's limit, and another for the resource if the tenant has none of its name." },
	{ M_POST, "/status", "reportStatus", "bouncers:connect", NOTES, VOLATILE, .handler = status_take,
		.body = &opa_status_schema, .reply = &opa_thanks_schema, .rate = RATE_READ,
		.errors = { ERR_NOT_FOUND }, .summary = "Say what a bouncer runs",
		.doc = "What OPA's status plugin sends; what is not named here, as its metrics and "
		       "plugins, is passed over. The label bouncer_id says whose status it is. A sign of "
		       "life." },
	{ M_POST, "/status/{partition}", "reportStatusOf", "bouncers:connect", NOTES, VOLATILE,
		.handler = status_take, .body = &opa_status_schema, .reply = &opa_thanks_schema,
		.rate = RATE_READ, .errors = { ERR_NOT_FOUND },
		.summary = "Say what a bouncer runs, by its partition",
		.doc = "As POST /status; the partition is the bouncer_id." },
	{ M_GET, "/bouncers/{id}/revisions", "getBouncerRevisions", "bouncers:read", READS("bouncer"),
		VOLATILE, .status = 200, .handler = revisions_get, .reply = &bouncer_revisions_schema,
		.summary = "What a bouncer should run, and what it does", .doc = "By its last status." },
	{ M_GET, "/bouncers/{id}/health", "getBouncerHealth", "bouncers:read", READS("bouncer"), VOLATILE,
		.status = 200, .handler = health_get, .reply = &bouncer_health_schema,
		.summary = "How a bouncer is", .doc = "By its last heartbeat and status." },
	{ M_GET, "/rollouts/{revision}", "getRollout", "bouncers:read", READS("rollout"), VOLATILE,
		.status = 200, .handler = rollout_get, .reply = &rollout_schema,
		.summary = "How far a revision has come",
		.doc = "Of bundles that are kept: the ten newest of each environment." },
};
ROUTE_GROUP(fleet_routes, "Bouncers", "/api/v1", routes);
