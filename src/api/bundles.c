/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of policies for bouncers, by the protocol of OPA, and the keys that they are signed with. */
#include <string.h>

#include "gate.h"
#include "groups.h"
#include "cc/base/clock.h"
#include "cc/core/bundles.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/policy.h"

#define TYPE_GZIP "application/gzip"
#define TYPE_LONG_POLL "application/vnd.openpolicyagent.bundles"
#define WAIT_MOST_S 300
#define MAKING_MS 10000 /* so long a bundle that is being made is waited for … */
#define SETTLED_MS 1000 /* … and so long only the one that holds all there is now will do */
#define BRIEF_MS 100    /* a wait that is shorter may be over before it begins */
#define ID_MAX 80

/* "modes=snapshot;wait=30": how long it would like to wait, in seconds. -1: it cannot wait. */
static int64_t wait_wanted(const char *prefer)
{
	for (const char *p = prefer; p != NULL && *p != '\0'; p += strcspn(p, ",;")) {
		int64_t n = 0;

		p += strspn(p, ",; \t");
		if (strncmp(p, "wait=", 5) != 0)
			continue;
		for (p += 5; *p >= '0' && *p <= '9' && n <= WAIT_MOST_S; p++)
			n = 10 * n + (*p - '0');
		return n < WAIT_MOST_S ? n : WAIT_MOST_S;
	}
	return -1;
}

static const char *environment_of(const struct req *rq)
{
	for (const char *const *e = environments; *e != NULL; e++)
		if (str_eq(*e, rq->param[0]))
			return *e;
	return NULL;
}

/* A key is for the bouncers of one environment: what the other ones run is none of their business. */
static enum err check_environment(struct ctx *cx, const char *environment)
{
	const char *own = cx->actor->environment;

	if (own == NULL || str_eq(own, environment))
		return ERR_NONE;
	return refuse(cx, ERR_ENVIRONMENT, "the API key is for bouncers of the %s environment, not of %s",
		own, environment);
}

/* It is looked for once a second as long as somebody waits, and this one goes on when it is another. */
static void wait_for_next(
	struct ctx *cx, struct req *rq, const char *environment, uint64_t mark, int64_t until_ms)
{
	if (until_ms <= clock_mono_ms())
		return;
	bundle_want(cx->world, cx->tenant->id, environment, until_ms);
	reply_wait(rq, bundle_topic(cx->tenant->id, environment), mark, until_ms);
}

static void reply_bundle(struct ctx *cx, struct req *rq, const struct bundle *b, bool waits)
{
	rq->raw_out = b->bytes;
	rq->raw_len = b->n;
	rq->raw_type = waits ? TYPE_LONG_POLL : TYPE_GZIP;
	rq->raw_put = bundle_put;
	rq->raw_held = (void *)(uintptr_t)b;
	rq->etag = arena_strdup(cx->arena, b->revision);
}

/* What cannot be one of ours, and be no text for PostgreSQL either, is none that anybody knows. */
static struct strv revisions_of(struct ctx *cx, const struct req *rq)
{
	const struct strv tags = req_tags(cx, rq);
	const char **v = ARENA_ARRAY(cx->arena, const char *, tags.n);

	for (size_t i = 0; i < tags.n; i++)
		v[i] = tags.v[i][strspn(tags.v[i], "0123456789abcdef")] == '\0' ? tags.v[i] : "";
	return (struct strv){ .v = v, .n = tags.n };
}

/*
 * A tenant may change faster than its bundle is made: who has waited for a while takes what there is, and
 * asks for the next.
 */
static enum err find(struct ctx *cx, struct req *rq, const char *environment, bool settled,
	const struct bundle **ret, const char **ret_newest)
{
	const struct bundle_ask ask = { .environment = environment,
		.wish = settled ? BUNDLE_NEWEST : BUNDLE_NOW,
		.has = revisions_of(cx, rq) };
	const struct tenant *fresh = NULL;
	const enum err e = bundle_find(cx, &ask, ret, ret_newest, &fresh);

	gate_keep(cx, rq, fresh);
	return e;
}

/* How long the next look at a bundle that is being made may take to come. */
static int64_t made_until(const struct req *rq, bool settled)
{
	const int64_t soon = clock_mono_ms() + BRIEF_MS, settles = rq->arrived_ms + SETTLED_MS;

	if (settled)
		return rq->behind_ms + MAKING_MS;
	return settles > soon ? settles : soon;
}

/*
 * The one that holds all is being made. Who has the newest there is lacks nothing that he could have, and
 * waits as long as he wants; he is told before if it cannot be made.
 */
static enum err wait_for_making(struct ctx *cx, struct req *rq, const char *environment, bool settled,
	int64_t wait_s, const char *newest)
{
	if (rq->behind_ms == 0)
		rq->behind_ms = clock_mono_ms();
	if (wait_s > 0 && newest != NULL && req_has_tag(cx, rq, newest)) {
		wait_for_next(cx, rq, environment, 0, rq->arrived_ms + 1000 * wait_s);
		rq->raw_out = "";
		rq->raw_type = TYPE_LONG_POLL;
		rq->etag = newest;
		return ERR_NONE;
	}
	wait_for_next(cx, rq, environment, 0, made_until(rq, settled));
	return refuse(cx, ERR_UNAVAILABLE, "the bundle cannot be made at the moment; retry");
}

static enum err bundle_get(struct ctx *cx, struct req *rq)
{
	const char *environment = environment_of(rq);
	const int64_t wait_s = wait_wanted(rq->in->prefer);
	const bool settled = clock_mono_ms() - rq->arrived_ms >= SETTLED_MS;
	const struct bundle *b = NULL;
	const char *newest = NULL;

	if (environment == NULL)
		return refuse_missing(cx, "bundle", rq->param[0]);
	TRY(check_environment(cx, environment));
	TRY(find(cx, rq, environment, settled, &b, &newest));
	if (b == NULL)
		return wait_for_making(cx, rq, environment, settled, wait_s, newest);
	rq->behind_ms = 0;
	if (wait_s > 0 && req_has_tag(cx, rq, b->revision))
		wait_for_next(
			cx, rq, environment, bundle_mark(b->revision), rq->arrived_ms + 1000 * wait_s);
	reply_bundle(cx, rq, b, wait_s >= 0);
	return ERR_NONE;
}

/* Keys --------------------------------------------------------------------------------------------- */

static void write_key(
	struct ctx *cx, struct jw *w, const struct signing_key *platform, const char *tenant_id)
{
	struct bundle_jwk jwk;

	bundle_jwk_make(cx->arena, platform, tenant_id, &jwk);
	schema_write(w, &bundle_jwk_schema, &jwk, WRITE_FULL);
}

static bool is_tenant_id(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return str_starts(s, "tenant-") && strlen(s) <= ID_MAX && s[strspn(s, allowed)] == '\0';
}

/* Of any id that could be one, but for those that are gone: whether a tenant has it cannot be learnt here. */
static enum err keys(struct ctx *cx, struct req *rq)
{
	const struct settings *s = cx->world->settings;
	struct bundle_keys *set = ARENA_NEW(cx->arena, struct bundle_keys);
	struct str out;
	struct jw w;

	if (!is_tenant_id(rq->param[0]) || tenant_is_purged(cx, rq->param[0]))
		return refuse_missing(cx, "tenant", rq->param[0]);
	str_init(&out, cx->arena, 1024);
	jw_init(&w, &out);
	jw_array(&w);
	write_key(cx, &w, &s->signing, rq->param[0]);
	if (s->signing_previous != NULL)
		write_key(cx, &w, s->signing_previous, rq->param[0]);
	jw_array_end(&w);
	set->keys = out.data;
	return reply(rq, set);
}

#define BUNDLE(where, name, words)                                                                         \
	{                                                                                                  \
		M_GET, where, name, "bouncers:connect",                                                    \
			.auth = AUTH_TENANT, .store = STORE_NONE, .mode = DB_READ, .status = 200,          \
			.handler = bundle_get, .flags = ROUTE_VOLATILE, .rate = RATE_READ,                 \
			.object = "bundle", .media = { TYPE_GZIP, TYPE_LONG_POLL },                        \
			.errors = { ERR_ENVIRONMENT, ERR_STORE_MISSING, ERR_UNAVAILABLE },                 \
			.summary = (words),                                                                \
			.doc = "A gzip'ed tar as OPA takes it: the active policies of the environment, "   \
			       "its "                                                                      \
			       "resources in "                                                             \
			       "data.json, a manifest and a signature. The ETag is the revision. With "    \
			       "`Prefer: wait=N` (seconds, at most 300) a client that has the newest one " \
			       "is answered "                                                              \
			       "when there is another, or 304 when the time is over."                      \
	}
static const struct route routes[] = {
	BUNDLE("/bundles/{environment}", "getBundle", "Get the bundle of an environment"),
	BUNDLE("/bundles/{environment}/bundle.tar.gz", "downloadBundle",
		"The same under a name that ends in .tar.gz"),
};
ROUTE_GROUP(bundle_routes, "Bundles", "/api/v1", routes);

static const struct route key_routes[] = {
	{ M_GET, "/.well-known/controlcore-keys/{owner}", "listBundleKeys", .auth = AUTH_PUBLIC,
		.flags = ROUTE_NO_LIMIT, .store = STORE_NONE, .mode = DB_READ, .status = 200,
		.handler = keys, .object = "tenant", .reply = &bundle_keys_schema,
		.errors = { ERR_NOT_FOUND },
		.summary = "The public keys that a tenant's bundles are signed with",
		.doc = "A JWK set (RFC 7517), with each key in PEM as well. What stands behind the last "
		       "slash is the "
		       "tenant's id." },
};
ROUTE_GROUP(bundle_key_routes, "Bundles", "", key_routes);
