/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_ISSUER_H
#define CC_SRC_CORE_ISSUER_H

#include "cc/base/ctx.h"
#include "cc/crypto/jws.h"

/* Keys of one issuer by their ids; a key has one algorithm. Lives in the arena it was read into. */
struct keyset {
	struct named_key {
		const char *kid;
		struct jwk key;
	} * v;
	size_t n;
};

/*
 * A JWK set (RFC 7517, 5): keys for signatures of the algorithms we know, each with a kid of its own; others
 * are passed over, as the RFC asks. False: not a JWK set, a kid twice, none left, or a key that must not be
 * used; *ret_why is the rest of a sentence. KEYSET_PUBLISHED: the last is passed over too, because whoever
 * trusts an issuer does not choose what it publishes.
 */
enum keyset_kind { KEYSET_GIVEN, KEYSET_PUBLISHED };
bool keyset_parse(struct arena *a, const char *text, size_t len, enum keyset_kind kind, struct keyset *ret,
	const char **ret_why);
const struct jwk *keyset_find(const struct keyset *set, const char *kid); /* NULL: no such key */

/* Who may sign, compiled. Immutable. */
struct issuer {
	const char *name, *audience;
	const char *jwks_url; /* NULL: the keys are … */
	struct keyset keys;   /* … here */
	unsigned algorithms;  /* bits 1 << enum jws_alg */
	const char *tenant_claim, *roles_claim, *scope_claim;
};
struct issuers {
	struct issuer *v;
	size_t n;
};

/* Of a JSON array of issuer_spec that was good when it was stored; false: it is so no more. */
bool issuers_compile(struct arena *a, const char *json, struct issuers *ret);
/* NULL: not among them; list may be NULL. */
const struct issuer *issuers_find(const struct issuers *list, const char *name);

#endif
