/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer.h"

#include <string.h>

#include "cc/core/issuers.h"

#include "cc/net/http_client.h"
#include "cc/schema/doc.h"

enum {
	KEYS_MAX = 100,
	KID_MAX = 256,
	ISSUERS_MAX = 16,
};

/* JWK sets ----------------------------------------------------------------------------------------- */

static bool part(struct arena *a, const struct doc *d, const char *name, struct bytes *ret)
{
	const char *text = doc_text(d, name);

	return text != NULL && base64url_decode(a, text, strlen(text), ret) && ret->n > 0;
}

/* True when the key is of a kind that we verify with: by its type alone, never by what a token says. */
static bool find_alg(const struct doc *d, enum jws_alg *ret)
{
	const char *type = doc_text(d, "kty"), *curve = doc_text(d, "crv");

	if (str_eq(type, "RSA"))
		*ret = JWS_RS256;
	else if (str_eq(type, "EC") && str_eq(curve, "P-256"))
		*ret = JWS_ES256;
	else if (str_eq(type, "OKP") && str_eq(curve, "Ed25519"))
		*ret = JWS_EDDSA;
	else
		return false;
	return true;
}

/* What the set itself says a key is for must be what we use it for. */
static bool is_usable(const struct doc *d, enum jws_alg *ret)
{
	const char *alg = doc_text(d, "alg"), *use = doc_text(d, "use");

	return find_alg(d, ret) && (alg == NULL || str_eq(alg, jws_alg_name(*ret))) &&
	       (use == NULL || str_eq(use, "sig")) && doc_text(d, "kid") != NULL;
}

static const char *read_key(struct arena *a, const struct doc *d, struct jwk *k)
{
	bool whole = false;

	if (doc_has(d, "d") || doc_has(d, "k"))
		return "holds a private or secret key, which must not leave its owner";
	switch (k->alg) {
	case JWS_RS256:
		whole = part(a, d, "n", &k->n) && part(a, d, "e", &k->e);
		break;
	case JWS_ES256:
		whole = part(a, d, "x", &k->x) && part(a, d, "y", &k->y);
		break;
	case JWS_EDDSA:
		whole = part(a, d, "x", &k->x);
		break;
	}
	return whole ? jwk_fault(k) : "lacks a part, or has one that is not base64url";
}

static const char *read_named(struct arena *a, const struct doc *d, struct named_key *k)
{
	const char *why;

	k->kid = arena_strdup(a, doc_text(d, "kid"));
	if (strlen(k->kid) > KID_MAX)
		return "has a kid that is too long";
	why = read_key(a, d, &k->key);
	return why != NULL ? arena_printf(a, "key %s: it %s", k->kid, why) : NULL;
}

static const char *read_keys(
	struct arena *a, const struct doc *d, enum keyset_kind kind, struct keyset *ret)
{
	const struct doc *item;

	ret->v = ARENA_ARRAY(a, struct named_key, KEYS_MAX);
	for (size_t i = 0; (item = doc_item(d, "keys", i)) != NULL; i++) {
		struct named_key *k = &ret->v[ret->n];
		const char *why;

		if (i == KEYS_MAX)
			return "has too many keys";
		*k = (struct named_key){ 0 };
		if (!is_usable(item, &k->key.alg))
			continue;
		why = read_named(a, item, k);
		if (why != NULL && kind == KEYSET_PUBLISHED)
			continue;
		if (why != NULL)
			return why;
		if (keyset_find(ret, k->kid) != NULL)
			return arena_printf(a, "has the kid %s twice", k->kid);
		ret->n++;
	}
	return ret->n > 0 ? NULL : "has no key for signatures that has a kid and a known algorithm";
}

bool keyset_parse(struct arena *a, const char *text, size_t len, enum keyset_kind kind, struct keyset *ret,
	const char **ret_why)
{
	struct doc *d = doc_parse(a, text, len, ret_why);

	*ret = (struct keyset){ 0 };
	if (d == NULL)
		return false;
	*ret_why = read_keys(a, d, kind, ret);
	doc_free(d);
	return *ret_why == NULL;
}

const struct jwk *keyset_find(const struct keyset *set, const char *kid)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].kid, kid) == 0)
			return &set->v[i].key;
	return NULL;
}

/* Issuers ------------------------------------------------------------------------------------------ */

struct compiler {
	struct ctx *cx; /* NULL: nobody wants to know */
	struct arena *arena;
	size_t i;
	unsigned url_flags;     /* what is asked of a jwks_url; 0: it was asked when it was stored */
	bool good;
};

static void fault(struct compiler *c, const char *member, const char *error, const char *text)
{
	const char *field = arena_printf(c->arena, "issuers[%zu].%s", c->i, member);

	c->good = false;
	if (c->cx != NULL)
		(void)refuse_field(c->cx, field, error, "`%s` %s", field, text);
}

static const char *text_or(struct compiler *c, const struct doc *d, const char *key, const char *otherwise)
{
	const char *text = doc_text(d, key);

	return text != NULL ? arena_strdup(c->arena, text) : otherwise;
}

static void read_keys_inline(struct compiler *c, const struct doc *jwks, struct issuer *is)
{
	const char *why = NULL;
	struct str text;

	str_init(&text, c->arena, 1024);
	if (!doc_canonical(jwks, NULL, &text))
		fault(c, "jwks", "format", "is no JWK set");
	else if (!keyset_parse(c->arena, text.data, text.len, KEYSET_GIVEN, &is->keys, &why))
		fault(c, "jwks", "format", why);
}

static void read_source(struct compiler *c, const struct doc *d, struct issuer *is)
{
	const struct doc *jwks = doc_object(d, "jwks");
	const char *why;

	is->jwks_url = text_or(c, d, "jwks_url", NULL);
	if ((is->jwks_url != NULL) == (jwks != NULL))
		fault(c, "jwks_url", "conflict", "or jwks must say where the keys are: one of the two");
	else if (jwks != NULL)
		read_keys_inline(c, jwks, is);
	else if ((why = http_url_fault(is->jwks_url, c->url_flags)) != NULL)
		fault(c, "jwks_url", "format", why);
}

static void read_issuer(struct compiler *c, const struct doc *d, struct issuers *list)
{
	struct issuer *is = &list->v[list->n];
	struct strv algorithms = { 0 };
	enum jws_alg alg;

	*is = (struct issuer){
		.name = text_or(c, d, "issuer", ""),
		.audience = text_or(c, d, "audience", ""),
		.tenant_claim = text_or(c, d, "tenant_claim", "tenant_id"),
		.roles_claim = text_or(c, d, "roles_claim", "roles"),
		.scope_claim = text_or(c, d, "scope_claim", "scope"),
	};
	if (issuers_find(list, is->name) != NULL)
		fault(c, "issuer", "duplicate", "is there twice");
	read_source(c, d, is);
	(void)doc_texts(d, "algorithms", &algorithms);
	for (size_t i = 0; i < algorithms.n; i++)
		if (jws_alg_find(algorithms.v[i], &alg))
			is->algorithms |= 1U << alg;
	list->n++;
}

static bool compile(struct compiler *c, const char *json, struct issuers *ret)
{
	const char *text = arena_printf(c->arena, "{\"issuers\":%s}", json), *why = NULL;
	struct doc *d = doc_parse(c->arena, text, strlen(text), &why);
	const struct doc *item;

	c->good = d != NULL;
	*ret = (struct issuers){ .v = ARENA_ARRAY(c->arena, struct issuer, ISSUERS_MAX) };
	for (; d != NULL && c->i < ISSUERS_MAX && (item = doc_item(d, "issuers", c->i)) != NULL; c->i++)
		read_issuer(c, item, ret);
	doc_free(d);
	return c->good;
}

bool issuers_compile(struct arena *a, const char *json, struct issuers *ret)
{
	struct compiler c = { .arena = a };

	return compile(&c, json, ret);
}

enum err issuers_read(struct ctx *cx, const char *json, bool anywhere, const struct issuers **ret)
{
	struct compiler c = { .cx = cx,
		.arena = cx->arena,
		.url_flags = anywhere ? 0 : HTTP_PUBLIC_ONLY | HTTP_TLS_ONLY };
	struct issuers *list = ARENA_NEW(cx->arena, struct issuers);

	if (!compile(&c, json, list))
		return ERR_VALIDATION;
	*ret = list;
	return ERR_NONE;
}

const struct issuer *issuers_find(const struct issuers *list, const char *name)
{
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (strcmp(list->v[i].name, name) == 0)
			return &list->v[i];
	return NULL;
}
