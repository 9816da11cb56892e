/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a public key: its kind and size, how its primes were chosen, who else knows it. */
#include "weak_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/str.h"
#include "cc/crypto/digest.h"

enum {
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
	RSA_EXPONENT_MIN = 65537,
	RSA_EXPONENT_BITS = 64,
	FERMAT_ROUNDS = 110,
};

static const struct {
	const char *group, *shown;
} curves[] = {
	{ "prime256v1", "P-256" },
	{ "secp384r1", "P-384" },
};

/* Curves ----------------------------------------------------------------------------------------------- */

/* NULL: another curve, or one that is spelled out in numbers. */
static const char *curve_of(EVP_PKEY *key)
{
	char name[64] = "";
	int explicit_numbers = 0;

	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) != 1)
		return NULL;
	if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				   &explicit_numbers) == 1 && explicit_numbers != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (str_eq(curves[i].group, name))
			return curves[i].shown;
	return NULL;
}

const char *key_type(struct arena *a, EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return arena_printf(a, "RSA %d", EVP_PKEY_get_bits(key));
	return EVP_PKEY_is_a(key, "EC") ? curve_of(key) : NULL;
}

static bool point_good(EVP_PKEY *key)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new(key, NULL);
	const bool good = cx != NULL && EVP_PKEY_public_check(cx) == 1;

	EVP_PKEY_CTX_free(cx);
	return good;
}

/* RSA -------------------------------------------------------------------------------------------------- */

/*
 * CVE-2017-15361 (ROCA): the primes are powers of 65537 modulo many small primes, so is their product. By
 * chance a modulus is so for one key in 2^27.
 */
static bool is_roca(const BIGNUM *n)
{
	static const unsigned char primes[] = {
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
		101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	};

	for (size_t i = 0; i < sizeof(primes); i++) {
		const BN_ULONG p = primes[i], left = BN_mod_word(n, p);
		BN_ULONG power = 1;

		do {
			power = power * (RSA_EXPONENT_MIN % p) % p;
		} while (power != left && power != 1);
		if (power != left)
			return false;
	}
	return true;
}

/* floor(√n) by Newton's method, from above. False: no memory. */
static bool square_root(BIGNUM *ret, const BIGNUM *n, BIGNUM *next, BN_CTX *cx)
{
	BN_zero(ret);
	if (BN_set_bit(ret, (BN_num_bits(n) + 1) / 2) != 1)
		return false;
	for (;;) {
		if (BN_div(next, NULL, n, ret, cx) != 1 || BN_add(next, next, ret) != 1 ||
		    BN_rshift1(next, next) != 1)
			return false;
		if (BN_cmp(next, ret) >= 0)
			return true;
		if (BN_copy(ret, next) == NULL)
			return false;
	}
}

struct fermat {
	BN_CTX *cx;
	BIGNUM *a, *b2, *root, *next;
};

static bool is_square(const struct fermat *f)
{
	const BN_ULONG end = BN_mod_word(f->b2, 16);

	if (end != 0 && end != 1 && end != 4 && end != 9)
		return false;
	return square_root(f->root, f->b2, f->next, f->cx) && BN_sqr(f->next, f->root, f->cx) == 1 &&
	       BN_cmp(f->next, f->b2) == 0;
}

/* a² - n for the first a that is not below √n. */
static bool fermat_begin(const struct fermat *f, const BIGNUM *n)
{
	if (!square_root(f->a, n, f->next, f->cx) || BN_sqr(f->b2, f->a, f->cx) != 1)
		return false;
	if (BN_cmp(f->b2, n) < 0)
		if (BN_add_word(f->a, 1) != 1 || BN_sqr(f->b2, f->a, f->cx) != 1)
			return false;
	return BN_sub(f->b2, f->b2, n) == 1;
}

/* Fermat's factoring finds primes that are close to each other at once. */
static bool has_close_primes(const BIGNUM *n)
{
	struct fermat f = { BN_CTX_new(), BN_new(), BN_new(), BN_new(), BN_new() };
	bool found = false;

	if (f.cx == NULL || f.a == NULL || f.b2 == NULL || f.root == NULL || f.next == NULL)
		abort();
	if (!fermat_begin(&f, n))
		abort();
	for (int i = 0; i < FERMAT_ROUNDS && !found; i++) {
		found = is_square(&f);
		/* (a + 1)² - n */
		if (BN_add(f.b2, f.b2, f.a) != 1 || BN_add_word(f.a, 1) != 1 || BN_add(f.b2, f.b2, f.a) != 1)
			abort();
	}
	BN_CTX_free(f.cx);
	BN_free(f.a);
	BN_free(f.b2);
	BN_free(f.root);
	BN_free(f.next);
	return found;
}

static const char *numbers_fault(struct arena *a, const BIGNUM *n, const BIGNUM *e)
{
	const int bits = BN_num_bits(n);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return arena_printf(a, "has an RSA key of %d bits: 2048 to 4096 are taken", bits);
	if (!BN_is_odd(n))
		return "has an RSA key whose modulus is even";
	if (!BN_is_odd(e) || BN_num_bits(e) > RSA_EXPONENT_BITS || BN_get_word(e) < RSA_EXPONENT_MIN)
		return "has an RSA key whose exponent is not an odd number from 65537";
	if (is_roca(n))
		return "has an RSA key of a generator that is broken (ROCA, CVE-2017-15361)";
	if (has_close_primes(n))
		return "has an RSA key that Fermat's method factors: its primes are too close";
	return NULL;
}

static const char *rsa_fault(struct arena *a, EVP_PKEY *key)
{
	BIGNUM *n = NULL, *e = NULL;
	const char *why = "has an RSA key that cannot be read";

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1)
		why = numbers_fault(a, n, e);
	/* Small factors and the like. */
	if (why == NULL && !point_good(key))
		why = "has an RSA key that no two primes make";
	BN_free(n);
	BN_free(e);
	return why;
}

/* The list --------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static bool is_blocked(EVP_PKEY *key, const struct key_blocklist *blocked)
{
	unsigned char *der = NULL, hash[32];
	int n;

	if (blocked == NULL || blocked->n == 0)
		return false;
	n = i2d_PUBKEY(key, &der);
	if (n <= 0)
		return true;
	sha256_of(der, (size_t)n, hash);
	OPENSSL_free(der);
	return bsearch(hash, blocked->v, blocked->n, sizeof(hash), compare) != NULL;
}

const char *key_fault(struct arena *a, EVP_PKEY *key, const struct key_blocklist *blocked)
{
	const char *why = NULL;

	if (EVP_PKEY_is_a(key, "RSA"))
		why = rsa_fault(a, key);
	else if (!EVP_PKEY_is_a(key, "EC") || curve_of(key) == NULL)
		why = "must have a key of RSA, P-256 or P-384";
	else if (!point_good(key))
		why = "has a key that is no point of its curve";
	if (why == NULL && is_blocked(key, blocked))
		why = "has a key that is known to others (it is on the blocklist)";
	return why;
}
