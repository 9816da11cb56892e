/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/signing.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"
#include "cc/schema/doc.h"

#define SEED_LABEL "controlcore signing key v1"

static_assert(SIGNING_LEN == SIGN_SEED_LEN && SIGNING_LEN == SIGN_PUBLIC_LEN, "keys of Ed25519");

void signing_key_id(const unsigned char pub[SIGNING_LEN], char *ret)
{
	struct arena *a = arena_create(512);
	const char *text = arena_printf(a, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}",
		base64url_encode(a, pub, SIGNING_LEN));
	unsigned char sum[32];

	sha256_of(text, strlen(text), sum);
	(void)snprintf(ret, SIGNING_ID_LEN + 1, "%s", base64url_encode(a, sum, sizeof(sum)));
	arena_destroy(a);
}

void signing_key_make(struct bytes secret, struct signing_key *ret)
{
	hmac_sha256(secret.p, secret.n, SEED_LABEL, strlen(SEED_LABEL), ret->seed);
	sign_public(ret->seed, ret->pub);
	signing_key_id(ret->pub, ret->id);
}

/* Its id is computed: what the set calls it proves nothing. */
static bool read_key(struct arena *a, const struct doc *d, struct public_key *ret)
{
	const char *x = doc_text(d, "x");
	struct bytes pub;

	if (x == NULL || !str_eq(doc_text(d, "kty"), "OKP") || !str_eq(doc_text(d, "crv"), "Ed25519") ||
	    !base64url_decode(a, x, strlen(x), &pub) || pub.n != SIGNING_LEN)
		return false;
	memcpy(ret->pub, pub.p, SIGNING_LEN);
	signing_key_id(ret->pub, ret->id);
	return true;
}

size_t public_keys_read(struct arena *a, const char *text, size_t n, struct public_key *ret, size_t max,
			const char **ret_why)
{
	struct doc *d = doc_parse(a, text, n, ret_why);
	const struct doc *item;
	size_t found = 0;

	if (d == NULL)
		return 0;
	for (size_t i = 0; found < max && (item = doc_item(d, "keys", i)) != NULL; i++)
		found += read_key(a, item, &ret[found]);
	doc_free(d);
	if (found == 0)
		*ret_why = "no Ed25519 key is in it";
	return found;
}
