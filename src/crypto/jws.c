/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

enum {
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096, /* what a check costs grows with both, and tenants choose them */
	RSA_EXPONENT_MIN = 65537,
	RSA_EXPONENT_BITS = 32,
	RSA_EXPONENT_BYTES = 8,
	COORDINATE = 32,
	SIGNATURE_MAX = RSA_BITS_MAX / 8,
};

static const char *const names[] = { [JWS_RS256] = "RS256", [JWS_ES256] = "ES256", [JWS_EDDSA] = "EdDSA" };

const char *jws_alg_name(enum jws_alg alg)
{
	return names[alg];
}

bool jws_alg_find(const char *name, enum jws_alg *ret)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*ret = (enum jws_alg)i;
			return true;
		}
	return false;
}

/* Making OpenSSL's keys --------------------------------------------------------------------------- */

static EVP_PKEY *key_of(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (cx == NULL || params == NULL || EVP_PKEY_fromdata_init(cx) != 1 ||
		EVP_PKEY_fromdata(cx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(cx);
	return key;
}

static bool rsa_parts_good(const BIGNUM *n, const BIGNUM *e)
{
	return BN_num_bits(n) >= RSA_BITS_MIN && BN_num_bits(n) <= RSA_BITS_MAX && BN_is_odd(n) &&
	       BN_get_word(e) >= RSA_EXPONENT_MIN && BN_num_bits(e) <= RSA_EXPONENT_BITS && BN_is_odd(e);
}

static EVP_PKEY *rsa_key(const struct jwk *k)
{
	OSSL_PARAM_BLD *build = NULL;
	OSSL_PARAM *params = NULL;
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = NULL;

	if (k->n.n > SIGNATURE_MAX + 1 || k->e.n > RSA_EXPONENT_BYTES)
		return NULL;
	n = BN_bin2bn(k->n.p, (int)k->n.n, NULL);
	e = BN_bin2bn(k->e.p, (int)k->e.n, NULL);
	build = OSSL_PARAM_BLD_new();
	if (n == NULL || e == NULL || build == NULL || !rsa_parts_good(n, e))
		goto out;
	if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	key = key_of("RSA", params);
out:
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return key;
}

/* fromdata() refuses a point that is not on the curve. */
static EVP_PKEY *p256_key(const struct jwk *k)
{
	unsigned char point[1 + 2 * COORDINATE] = { 4 }; /* SEC 1: uncompressed */
	char group[] = "P-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	if (k->x.n != COORDINATE || k->y.n != COORDINATE)
		return NULL;
	memcpy(point + 1, k->x.p, COORDINATE);
	memcpy(point + 1 + COORDINATE, k->y.p, COORDINATE);
	return key_of("EC", params);
}

static EVP_PKEY *ed25519_key(const struct jwk *k)
{
	if (k->x.n != COORDINATE)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->x.p, k->x.n);
}

/* A kind of key: how it is made, what it must be. */
static const struct {
	EVP_PKEY *(*make)(const struct jwk *k);
	const char *must;
} kinds[] = {
	[JWS_RS256] = {rsa_key,
		       "must be a modulus of 2048 to 4096 bits with an odd exponent from 3 to 2^32"},
	[JWS_ES256] = { p256_key,    "must be a point of P-256"                                       },
	[JWS_EDDSA] = { ed25519_key, "must be 32 bytes"                                               },
};

const char *jwk_fault(const struct jwk *k)
{
	EVP_PKEY *key = kinds[k->alg].make(k);
	const char *why = key == NULL ? kinds[k->alg].must : NULL;

	EVP_PKEY_free(key);
	return why;
}

/* Verifying ---------------------------------------------------------------------------------------- */

static bool verify(EVP_PKEY *key, const EVP_MD *md, const void *text, size_t n, struct bytes sig)
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	const bool good = cx != NULL && EVP_DigestVerifyInit(cx, NULL, md, NULL, key) == 1 &&
			  EVP_DigestVerify(cx, sig.p, sig.n, text, n) == 1;

	EVP_MD_CTX_free(cx);
	return good;
}

/* OpenSSL wants R and S in DER. NULL: they are no signature. */
static unsigned char *der_of(struct bytes sig, size_t *ret_n)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = NULL, *s = NULL;
	unsigned char *der = NULL;
	int n = -1;

	if (pair == NULL || sig.n != (size_t)2 * COORDINATE)
		goto out;
	r = BN_bin2bn(sig.p, COORDINATE, NULL);
	s = BN_bin2bn(sig.p + COORDINATE, COORDINATE, NULL);
	if (r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
		goto out;
	r = s = NULL; /* the pair's from now on */
	n = i2d_ECDSA_SIG(pair, &der);
	*ret_n = n > 0 ? (size_t)n : 0;
out:
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return n > 0 ? der : NULL;
}

static bool verify_es256(EVP_PKEY *key, const void *text, size_t n, struct bytes sig)
{
	size_t len = 0;
	unsigned char *der = der_of(sig, &len);
	const bool good = der != NULL && verify(key, EVP_sha256(), text, n, (struct bytes){ der, len });

	OPENSSL_free(der);
	return good;
}

bool jws_verify(const struct jwk *k, const void *text, size_t n, struct bytes signature)
{
	EVP_PKEY *key;
	bool good = false;

	if (signature.p == NULL || signature.n == 0 || signature.n > SIGNATURE_MAX)
		return false;
	key = kinds[k->alg].make(k);
	if (key == NULL)
		return false;
	switch (k->alg) {
	case JWS_RS256:
		good = verify(key, EVP_sha256(), text, n, signature);
		break;
	case JWS_ES256:
		good = verify_es256(key, text, n, signature);
		break;
	case JWS_EDDSA:
		good = verify(key, NULL, text, n, signature);
		break;
	}
	EVP_PKEY_free(key);
	return good;
}
