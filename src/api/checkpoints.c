/* SPDX-License-Identifier: Apache-2.0 */
/* The signed heads of the audit, and the keys that they are signed with. */
#include "groups.h"

#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/audit.h"
#include "cc/model/checkpoint.h"
#include "cc/model/q_control.h"

struct checkpoint_query {
	PAGE_MEMBERS;
	const char *chain;
};

#define T struct checkpoint_query
static const struct field checkpoint_query_fields[] = {
	PAGE_SKIP_FIELD(T, PAGE_SKIP_MAX, "How many checkpoints to pass over."),
	PAGE_LIMIT_FIELD(T),
	PAGE_CURSOR_FIELD(T),
	ENUM(T, chain, F_CREATE | F_NULLABLE, audit_chains, NULL, "Only this chain's."),
};
#undef T
static SCHEMA(checkpoint_query_schema, struct checkpoint_query, "CheckpointQuery", checkpoint_query_fields);

static enum err checkpoint_list(struct ctx *cx, struct req *rq)
{
	const struct checkpoint_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "-at,-chain,-number", &page));
	q_checkpoint_page_later(cx->db, &rq->list, &page->order, cx->tenant->id, q->chain, page->skip,
				page->rows);
	q_checkpoint_count_later(cx->db, tally_at(&rq->total), cx->tenant->id, q->chain);
	return ERR_NONE;
}

static void write_key(struct jw *w, const struct signing_key *k)
{
	const struct public_jwk jwk = {
		.kty = "OKP",
		.crv = "Ed25519",
		.x = base64url_encode(w->out->arena, k->pub, sizeof(k->pub)),
		.kid = k->id,
		.use = "sig",
		.alg = "EdDSA",
	};

	schema_write(w, &public_jwk_schema, &jwk, WRITE_FULL);
}

static enum err keys(struct ctx *cx, struct req *rq)
{
	const struct settings *s = cx->world->settings;
	struct jwk_set *set = ARENA_NEW(cx->arena, struct jwk_set);
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	jw_array(&w);
	write_key(&w, &s->signing);
	if (s->signing_previous != NULL)
		write_key(&w, s->signing_previous);
	jw_array_end(&w);
	set->keys = out.data;
	return reply(rq, set);
}

static const struct route routes[] = {
	{ M_GET, "/audit/checkpoints", "listCheckpoints", "audit:read", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_READ, .status = 200, .handler = checkpoint_list,
	  .query = &checkpoint_query_schema, .reply = &checkpoint_schema, .list = "checkpoints",
	  .summary = "List the signed heads of the audit",
	  .doc = "Newest first. Each has the digest of the one before in its chain. Whoever keeps one can "
		 "tell an audit that was cut or rewritten since." },
};
ROUTE_GROUP(checkpoint_routes, "Audit", "/api/v1", routes);

static const struct route key_routes[] = {
	{ M_GET, "/.well-known/controlcore-keys", "listSigningKeys", .auth = AUTH_PUBLIC,
	  .flags = ROUTE_INLINE | ROUTE_NO_LIMIT, .status = 200, .handler = keys,
	  .reply = &jwk_set_schema, .summary = "The public keys that checkpoints are signed with",
	  .doc = "A JWK set (RFC 7517)." },
};
ROUTE_GROUP(signing_routes, "Audit", "", key_routes);
