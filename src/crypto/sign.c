/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/sign.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "cc/crypto/jws.h"

/* As in digest.c: these fail only for want of memory or of the algorithm. */

static EVP_PKEY *private_key(const unsigned char seed[SIGN_SEED_LEN])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SIGN_SEED_LEN);

	if (key == NULL)
		abort();
	return key;
}

void sign_public(const unsigned char seed[SIGN_SEED_LEN], unsigned char ret[SIGN_PUBLIC_LEN])
{
	EVP_PKEY *key = private_key(seed);
	size_t n = SIGN_PUBLIC_LEN;

	if (EVP_PKEY_get_raw_public_key(key, ret, &n) != 1 || n != SIGN_PUBLIC_LEN)
		abort();
	EVP_PKEY_free(key);
}

void sign_make(const unsigned char seed[SIGN_SEED_LEN], const void *p, size_t n, unsigned char ret[SIGN_LEN])
{
	EVP_PKEY *key = private_key(seed);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = SIGN_LEN;

	if (md == NULL || EVP_DigestSignInit(md, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(md, ret, &len, p, n) != 1 || len != SIGN_LEN)
		abort();
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

bool sign_check(const unsigned char pub[SIGN_PUBLIC_LEN], const void *p, size_t n,
		const unsigned char signature[SIGN_LEN])
{
	const struct jwk key = { .alg = JWS_EDDSA, .x = { .p = pub, .n = SIGN_PUBLIC_LEN } };

	return jws_verify(&key, p, n, (struct bytes){ .p = signature, .n = SIGN_LEN });
}
