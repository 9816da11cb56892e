/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/signing.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"

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
