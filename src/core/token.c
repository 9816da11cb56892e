/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of people: every check that is not the signature's own. */
#include "cc/core/token.h"

#include <string.h>

#include "jwks.h"
#include "registry_in.h"
#include "token_cache.h"

#include "cc/base/clock.h"
#include "cc/core/failures.h"
#include "cc/core/role.h"
#include "cc/core/scope.h"
#include "cc/schema/doc.h"

enum {
	LEEWAY_S = 60,
	LIFETIME_S = 24 * 60 * 60,
	KEEP_MS = 60000, /* so long a token that was verified is known again */
	SUBJECT_MAX = 255,
	TIME_LAST_S = INT32_MAX, /* of a claim; what lies behind is no date that anybody means */
};

struct token {
	const char *text;
	size_t signed_len; /* header and payload, as they are signed */
	struct bytes signature;
	struct doc *header, *claims;
};

bool token_is(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot != NULL && strchr(dot + 1, '.') != NULL;
}

/* The words are for the log: who forges tokens learns nothing from the answer. */
static enum err invalid(struct ctx *cx, const char *why)
{
	cx->problem.cause = why;
	(void)refuse(cx, ERR_INVALID_TOKEN, "the token is not valid here");
	return ERR_INVALID_TOKEN;
}

/* Reading ------------------------------------------------------------------------------------------ */

static struct doc *read_part(struct ctx *cx, const char *s, size_t n)
{
	const char *why = NULL;
	struct bytes text;

	if (!base64url_decode(cx->arena, s, n, &text) || text.n == 0)
		return NULL;
	return doc_parse(cx->arena, (const char *)text.p, text.n, &why);
}

static enum err read_token(struct ctx *cx, const char *text, struct token *t)
{
	const char *claims = strchr(text, '.'), *signature = claims != NULL ? strchr(claims + 1, '.') : NULL;

	if (strlen(text) > TOKEN_MAX)
		return invalid(cx, "token: too long");
	if (signature == NULL || strchr(signature + 1, '.') != NULL)
		return invalid(cx, "token: not three parts");
	t->text = text;
	t->signed_len = (size_t)(signature - text);
	if (!base64url_decode(cx->arena, signature + 1, strlen(signature + 1), &t->signature) ||
		t->signature.n == 0)
		return invalid(cx, "token: no signature");
	t->header = read_part(cx, text, (size_t)(claims - text));
	t->claims = read_part(cx, claims + 1, (size_t)(signature - claims - 1));
	if (t->header == NULL || t->claims == NULL)
		return invalid(cx, "token: header or claims are not base64url of a JSON object");
	return ERR_NONE;
}

/* What would let a token choose how, or by what, it is verified. */
static const char *header_fault(const struct doc *h)
{
	static const char *const forbidden[] = { "crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc" };
	const char *type = doc_text(h, "typ");

	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (doc_has(h, forbidden[i]))
			return "token: a header that is not taken";
	if (!str_eq(type, "JWT") && !str_eq(type, "at+jwt"))
		return "token: typ is neither JWT nor at+jwt";
	if (doc_text(h, "kid") == NULL || doc_text(h, "alg") == NULL)
		return "token: no kid or no alg";
	return NULL;
}

/* Who vouches for it --------------------------------------------------------------------------------- */

struct proof {
	struct token token;
	const struct tenant *tenant; /* a reference */
	const struct issuer *issuer;
	bool own;                    /* the issuer is the tenant's; else the platform's */
	const char *hint;            /* what named the tenant; NULL: the token itself */
	uint64_t set;                /* the serial of the fetched keys; 0: none were */
	const char *sub;
	int64_t exp;
};

static enum err find_issuer(struct ctx *cx, const char *hint, bool may_load, struct proof *p)
{
	const char *iss = doc_text(p->token.claims, "iss"), *named = doc_text(p->token.claims, "tenant_id");
	enum err e;

	if (named == NULL)
		named = p->hint = hint;
	if (iss == NULL || named == NULL)
		return invalid(cx, "token: no iss, or no tenant");
	e = tenant_get(cx, named, may_load, &p->tenant);
	if (e == ERR_TENANT_NOT_FOUND)
		return invalid(cx, "token: its tenant does not exist");
	TRY(e);
	p->issuer = issuers_find(tenant_issuers(p->tenant), iss);
	p->own = p->issuer != NULL;
	if (!p->own)
		p->issuer = issuers_find(cx->world->settings->issuers, iss);
	return p->issuer != NULL ? ERR_NONE : invalid(cx, "token: nobody knows its issuer");
}

static enum err find_key(
	struct ctx *cx, const struct proof *p, const struct key_ask *k, struct issuer_key *ret)
{
	const struct jwk *key;

	if (k->url != NULL) {
		const enum err e = jwks_key(cx, k, ret);

		if (e == ERR_UNAVAILABLE)
			failures_unchecked(cx);
		return e;
	}
	key = keyset_find(&p->issuer->keys, k->kid);
	if (key == NULL)
		return invalid(cx, "token: its issuer has no such key");
	ret->key = *key;
	return ERR_NONE;
}

static enum err verify(struct ctx *cx, const struct token *t, enum jws_alg alg, const struct jwk *key)
{
	if (key->alg != alg)
		return invalid(cx, "token: its key is of another algorithm");
	if (!jws_verify(key, t->text, t->signed_len, t->signature))
		return invalid(cx, "token: the signature is wrong");
	return ERR_NONE;
}

static enum err check_signature(struct ctx *cx, struct proof *p, bool may_load)
{
	const struct key_ask ask = {
		.url = p->issuer->jwks_url,
		.kid = doc_text(p->token.header, "kid"),
		.tenant_id = p->own ? p->tenant->id : NULL,
		.may_load = may_load,
	};
	struct issuer_key key = { 0 };
	enum jws_alg alg;

	if (!jws_alg_find(doc_text(p->token.header, "alg"), &alg) || (p->issuer->algorithms & 1U << alg) == 0)
		return invalid(cx, "token: an algorithm that its issuer does not use");
	TRY(find_key(cx, p, &ask, &key));
	TRY(verify(cx, &p->token, alg, &key.key));
	if (ask.url == NULL)
		return ERR_NONE;
	p->set = key.set;
	TRY(jwks_proven(cx, &ask, &key));
	if (key.set == p->set)
		return ERR_NONE;
	p->set = key.set;
	return verify(cx, &p->token, alg, &key.key);
}

/* Claims ------------------------------------------------------------------------------------------- */

/* Absent is fine; there, it must be whole seconds. */
static bool read_time(const struct doc *c, const char *name, int64_t otherwise, int64_t *ret)
{
	*ret = otherwise;
	return !doc_has(c, name) || (doc_int(c, name, ret) && *ret >= 0 && *ret <= TIME_LAST_S);
}

static const char *times_fault(const struct doc *c, int64_t now, int64_t *ret_exp)
{
	int64_t iat, nbf;

	if (!read_time(c, "exp", -1, ret_exp) || *ret_exp < 0)
		return "token: no exp";
	if (!read_time(c, "iat", now, &iat) || !read_time(c, "nbf", now, &nbf))
		return "token: iat or nbf are no dates";
	if (iat > now + LEEWAY_S || nbf > now + LEEWAY_S)
		return "token: not yet valid";
	if (*ret_exp - iat > LIFETIME_S + LEEWAY_S)
		return "token: lives longer than a day";
	return NULL;
}

static bool is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static const char *names_fault(const struct doc *c, struct proof *p)
{
	const char *tenant = doc_text(c, p->issuer->tenant_claim);
	struct strv audience;

	if (!doc_has(c, "aud") || !doc_texts(c, "aud", &audience) ||
		!strv_has(&audience, p->issuer->audience))
		return "token: for somebody else";
	p->sub = doc_text(c, "sub");
	if (p->sub == NULL || p->sub[0] == '\0' || strlen(p->sub) > SUBJECT_MAX || !is_printable(p->sub))
		return "token: no sub";
	if (tenant == NULL || (!str_eq(tenant, p->tenant->id) && !str_eq(tenant, p->tenant->slug)))
		return "token: its tenant is another one";
	return NULL;
}

static enum err check_claims(struct ctx *cx, struct proof *p)
{
	const int64_t now = clock_wall_us() / TIME_SECOND;
	const char *why = names_fault(p->token.claims, p);

	if (why == NULL)
		why = times_fault(p->token.claims, now, &p->exp);
	if (why != NULL)
		return invalid(cx, why);
	if (p->exp + LEEWAY_S <= now)
		return refuse(cx, ERR_INVALID_TOKEN, "the token has expired");
	return ERR_NONE;
}

/* The actor ---------------------------------------------------------------------------------------- */

static struct strv words_of(struct arena *a, const char *text)
{
	const char **v = ARENA_ARRAY(a, const char *, strlen(text) / 2 + 1);
	size_t n = 0;

	for (const char *p = text; *p != '\0';) {
		const size_t len = strcspn(p, " ");

		if (len > 0)
			v[n++] = arena_strndup(a, p, len);
		p += len + (p[len] == ' ');
	}
	return (struct strv){ .v = v, .n = n };
}

/* A text of words (RFC 8693, 4.2) or a list. */
static struct strv claim_words(struct ctx *cx, const struct doc *c, const char *name)
{
	struct strv list = { 0 };

	if (doc_text(c, name) != NULL)
		return words_of(cx->arena, doc_text(c, name));
	if (doc_has(c, name))
		(void)doc_texts(c, name, &list);
	return list;
}

static struct token_entry *entry_of(struct ctx *cx, const struct proof *p)
{
	const struct doc *c = p->token.claims;
	const struct strv scopes = claim_words(cx, c, p->issuer->scope_claim);
	const struct strv roles = claim_words(cx, c, p->issuer->roles_claim);
	struct token_entry *entry = entry_new(sizeof(*entry));
	struct arena *a = entry->c.e.arena;
	const char *name = doc_text(c, "name");

	entry->c.a = (struct actor){
		.kind = ACTOR_USER,
		.id = arena_strdup(a, p->sub),
		.name = arena_strdup(a, name != NULL ? name : p->sub),
		.tenant_id = arena_strdup(a, p->tenant->id),
		.scopes = (scope_bits(&scopes) | roles_scopes(&roles)) & scope_all_tenant(),
		.expires_at = p->exp * TIME_SECOND,
		.issuer = arena_strdup(a, p->issuer->name),
		.email = arena_strdup(a, doc_text(c, "email")),
		.roles = roles_normal(a, &roles),
	};
	entry->hint = arena_strdup(a, p->hint);
	entry->url = arena_strdup(a, p->issuer->jwks_url);
	entry->kid = arena_strdup(a, doc_text(p->token.header, "kid"));
	entry->owner = p->own ? entry->c.a.tenant_id : NULL;
	entry->tenant = tenant_serial(p->tenant);
	entry->set = p->set;
	entry->until_ms = clock_mono_ms() + KEEP_MS;
	return entry;
}

static enum err prove(struct ctx *cx, const char *text, const char *hint, bool may_load, struct proof *p)
{
	const char *why;

	TRY(read_token(cx, text, &p->token));
	why = header_fault(p->token.header);
	if (why != NULL)
		return invalid(cx, why);
	TRY(failures_before_look(cx, NULL));
	TRY(find_issuer(cx, hint, may_load, p));
	TRY(check_signature(cx, p, may_load));
	return check_claims(cx, p);
}

static const struct actor *keep(struct ctx *cx, const struct proof *p, const char *name)
{
	struct token_entry *t = entry_of(cx, p);

	t->name = arena_strdup(t->c.e.arena, name);
	token_keep(cx, t);
	return &t->c.a;
}

/* What it was verified by may have become old since. *ret NULL: it is verified anew. */
static enum err known_again(
	struct ctx *cx, const char *name, const char *hint, bool may_load, const struct actor **ret)
{
	struct token_entry *t = token_cached(cx, name, hint);
	enum err e = ERR_NONE;

	*ret = NULL;
	if (t != NULL && t->url != NULL) {
		const struct key_ask ask = { t->url, t->kid, t->owner, may_load };
		struct issuer_key key = { .set = t->set };

		e = jwks_proven(cx, &ask, &key);
		if (e != ERR_NONE || key.set != t->set) {
			entry_put(&t->c.e);
			t = NULL;
		}
	}
	if (t != NULL)
		*ret = &t->c.a;
	return e;
}

enum err token_get(
	struct ctx *cx, const char *text, const char *hint, bool may_load, const struct actor **ret)
{
	struct proof p = { 0 };
	const char *name = token_name(cx->arena, text);
	enum err e;

	TRY(known_again(cx, name, hint, may_load, ret));
	if (*ret != NULL)
		return ERR_NONE;
	e = prove(cx, text, hint, may_load, &p);
	if (e == ERR_NONE)
		*ret = keep(cx, &p, name);
	else if (e == ERR_INVALID_TOKEN)
		token_drop(cx, name);
	doc_free(p.token.header);
	doc_free(p.token.claims);
	tenant_put(p.tenant);
	return e;
}
