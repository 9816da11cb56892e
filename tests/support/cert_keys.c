/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as people bring them, good and bad. */
#include "cert_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#define HALF 1024 /* bits of a prime */

static BIGNUM *number(void)
{
	BIGNUM *n = BN_new();

	assert_non_null(n);
	return n;
}

/* Of a prime p that e does not divide p - 1. */
static bool is_usable(const BIGNUM *p, BN_CTX *cx)
{
	return BN_num_bits(p) == HALF && BN_mod_word(p, 65537) != 1 && BN_check_prime(p, cx, NULL) == 1;
}

/* k·M + 65537^a mod M, with M the product of the first 126 primes, as the broken library does. */
static void roca_prime(BIGNUM *ret, BN_CTX *cx)
{
	BIGNUM *m = number(), *a = number(), *k = number(), *e = number();
	unsigned found = 0;

	BN_one(m);
	for (BN_ULONG p = 2; found < 126; p++) {
		bool is_prime = true;

		for (BN_ULONG d = 2; d * d <= p && is_prime; d++)
			is_prime = p % d != 0;
		if (is_prime) {
			found++;
			assert_int_equal(1, BN_mul_word(m, p));
		}
	}
	BN_set_word(e, 65537);
	do {
		BN_rand(a, 256, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
		BN_rand(k, HALF - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY);
		BN_mod_exp(ret, e, a, m, cx);
		BN_mul(k, k, m, cx);
		BN_add(ret, ret, k);
	} while (!is_usable(ret, cx));
	BN_free(m);
	BN_free(a);
	BN_free(k);
	BN_free(e);
}

static void next_prime(BIGNUM *ret, const BIGNUM *after, BN_CTX *cx)
{
	BN_copy(ret, after);
	do
		BN_add_word(ret, 2);
	while (!is_usable(ret, cx));
}

static EVP_PKEY *key_of(const BIGNUM *p, const BIGNUM *q, BN_CTX *cx)
{
	BIGNUM *n = number(), *e = number(), *d = number(), *phi = number(), *p1 = number(), *q1 = number();
	BIGNUM *dp = number(), *dq = number(), *qi = number();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *kx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	BN_set_word(e, 65537);
	BN_mul(n, p, q, cx);
	BN_sub(p1, p, BN_value_one());
	BN_sub(q1, q, BN_value_one());
	BN_mul(phi, p1, q1, cx);
	assert_non_null(BN_mod_inverse(d, e, phi, cx));
	BN_mod(dp, d, p1, cx);
	BN_mod(dq, d, q1, cx);
	assert_non_null(BN_mod_inverse(qi, q, p, cx));
	const struct { const char *name; const BIGNUM *value; } part[] = {
		{ OSSL_PKEY_PARAM_RSA_N, n }, { OSSL_PKEY_PARAM_RSA_E, e }, { OSSL_PKEY_PARAM_RSA_D, d },
		{ OSSL_PKEY_PARAM_RSA_FACTOR1, p }, { OSSL_PKEY_PARAM_RSA_FACTOR2, q },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT1, dp }, { OSSL_PKEY_PARAM_RSA_EXPONENT2, dq },
		{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi },
	};
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		assert_int_equal(1, OSSL_PARAM_BLD_push_BN(build, part[i].name, part[i].value));
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(1, EVP_PKEY_fromdata_init(kx));
	assert_int_equal(1, EVP_PKEY_fromdata(kx, &key, EVP_PKEY_KEYPAIR, params));
	BIGNUM *const all[] = { n, e, d, phi, p1, q1, dp, dq, qi };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		BN_clear_free(all[i]);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(kx);
	return key;
}

static EVP_PKEY *odd_rsa(bool roca)
{
	BN_CTX *cx = BN_CTX_new();
	BIGNUM *p = number(), *q = number();
	EVP_PKEY *key;

	if (roca) {
		roca_prime(p, cx);
		roca_prime(q, cx);
	} else {
		BN_generate_prime_ex(q, HALF, 0, NULL, NULL, NULL);
		next_prime(p, q, cx);
	}
	key = key_of(p, q, cx);
	BN_free(p);
	BN_free(q);
	BN_CTX_free(cx);
	return key;
}

static EVP_PKEY *rsa(int bits, BN_ULONG exponent)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = number();
	EVP_PKEY *key = NULL;

	BN_set_word(e, exponent);
	assert_int_equal(1, EVP_PKEY_keygen_init(cx));
	assert_int_equal(1, EVP_PKEY_CTX_set_rsa_keygen_bits(cx, bits));
	assert_int_equal(1, EVP_PKEY_CTX_set1_rsa_keygen_pubexp(cx, e));
	assert_int_equal(1, EVP_PKEY_generate(cx, &key));
	EVP_PKEY_CTX_free(cx);
	BN_free(e);
	return key;
}

static EVP_PKEY *spelled_out(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_non_null(key);
	assert_int_equal(1, EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"));
	return key;
}

static EVP_PKEY *three_primes(void)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	assert_non_null(cx);
	assert_int_equal(1, EVP_PKEY_keygen_init(cx));
	assert_int_equal(1, EVP_PKEY_CTX_set_rsa_keygen_bits(cx, 2048));
	assert_int_equal(1, EVP_PKEY_CTX_set_rsa_keygen_primes(cx, 3));
	assert_int_equal(1, EVP_PKEY_generate(cx, &key));
	EVP_PKEY_CTX_free(cx);
	return key;
}

struct cert_key *cert_key_make(enum cert_key_kind kind)
{
	struct cert_key *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	switch (kind) {
	case CERT_P256: k->key = EVP_EC_gen("P-256"); break;
	case CERT_P384: k->key = EVP_EC_gen("P-384"); break;
	case CERT_P521: k->key = EVP_EC_gen("P-521"); break;
	case CERT_ED25519: k->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); break;
	case CERT_RSA_1024: k->key = rsa(1024, 65537); break;
	case CERT_RSA_2048: k->key = rsa(2048, 65537); break;
	case CERT_RSA_4096: k->key = rsa(4096, 65537); break;
	case CERT_RSA_4104: k->key = rsa(4104, 65537); break;
	case CERT_RSA_E3: k->key = rsa(2048, 3); break;
	case CERT_RSA_ROCA: k->key = odd_rsa(true); break;
	case CERT_RSA_CLOSE: k->key = odd_rsa(false); break;
	case CERT_RSA_THREE: k->key = three_primes(); break;
	case CERT_P256_EXPLICIT: k->key = spelled_out(); break;
	}
	assert_non_null(k->key);
	return k;
}

void cert_key_free(struct cert_key *k)
{
	if (k != NULL)
		EVP_PKEY_free(k->key);
	free(k);
}

char *cert_text_of(BIO *bio)
{
	char *data = NULL, *text;
	const long n = BIO_get_mem_data(bio, &data);

	assert_true(n > 0);
	text = strndup(data, (size_t)n);
	BIO_free(bio);
	return text;
}

char *cert_key_pem(const struct cert_key *k, enum cert_key_form form)
{
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char pass[] = "word";
	int rc = 0;

	switch (form) {
	case CERT_PKCS8:
		rc = PEM_write_bio_PrivateKey(out, k->key, NULL, NULL, 0, NULL, NULL);
		break;
	case CERT_TRADITIONAL:
		rc = PEM_write_bio_PrivateKey_traditional(out, k->key, NULL, NULL, 0, NULL, NULL);
		break;
	case CERT_PKCS8_ENCRYPTED:
		rc = PEM_write_bio_PKCS8PrivateKey(out, k->key, EVP_aes_256_cbc(), NULL, 0, NULL, pass);
		break;
	case CERT_TRADITIONAL_ENCRYPTED:
		rc = PEM_write_bio_PrivateKey_traditional(out, k->key, EVP_aes_256_cbc(), pass, 4, NULL,
							  NULL);
		break;
	}
	assert_int_equal(1, rc);
	return cert_text_of(out);
}

char *cert_key_hash(const struct cert_key *k)
{
	unsigned char *der = NULL, hash[SHA256_DIGEST_LENGTH];
	const int n = i2d_PUBKEY(k->key, &der);
	char *digits = calloc(1, 2 * sizeof(hash) + 1);

	assert_true(n > 0);
	assert_non_null(digits);
	SHA256(der, (size_t)n, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(digits + 2 * i, 3, "%02x", hash[i]);
	OPENSSL_free(der);
	return digits;
}
