/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/es256.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <string.h>

#include "cc/crypto/digest.h"

/* As in digest.c: what fails here fails only for want of memory or of the algorithm. */

#define HALF 32
#define PEM_LINE 64

struct curve {
	EC_GROUP *group;
	BN_CTX *cx;
	const BIGNUM *order;
};

static void check(int good)
{
	if (good != 1)
		abort();
}

static struct curve curve_open(void)
{
	struct curve c = { .group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
		.cx = BN_CTX_secure_new() };

	check(c.group != NULL && c.cx != NULL);
	c.order = EC_GROUP_get0_order(c.group);
	return c;
}

static void curve_close(struct curve *c)
{
	EC_GROUP_free(c->group);
	BN_CTX_free(c->cx);
}

/* The library takes paths whose time does not hang on its value. */
static BIGNUM *secret_number(const unsigned char bytes[HALF])
{
	BIGNUM *n = BN_secure_new();

	check(n != NULL && BN_bin2bn(bytes, HALF, n) != NULL);
	BN_set_flags(n, BN_FLG_CONSTTIME);
	return n;
}

static bool in_range(const struct curve *c, const BIGNUM *n)
{
	return !BN_is_zero(n) && BN_cmp(n, c->order) < 0;
}

/* RFC 6979, 3.2: a generator of numbers that is seeded with key and digest. */
struct numbers {
	unsigned char k[HALF], v[HALF];
};

static void stir(struct numbers *g, unsigned char mark, const unsigned char *seed, size_t n)
{
	unsigned char text[HALF + 1 + 2 * HALF];

	memcpy(text, g->v, HALF);
	text[HALF] = mark;
	if (n > 0)
		memcpy(text + HALF + 1, seed, n);
	hmac_sha256(g->k, HALF, text, HALF + 1 + n, g->k);
	hmac_sha256(g->k, HALF, g->v, HALF, g->v);
	bytes_wipe(text, sizeof(text));
}

static void numbers_open(struct numbers *g, const unsigned char seed[2 * HALF])
{
	memset(g->k, 0, HALF);
	memset(g->v, 1, HALF);
	stir(g, 0, seed, 2 * HALF);
	stir(g, 1, seed, 2 * HALF);
}

static BIGNUM *numbers_next(struct numbers *g, const struct curve *c)
{
	for (;;) {
		BIGNUM *n;

		hmac_sha256(g->k, HALF, g->v, HALF, g->v);
		n = secret_number(g->v);
		if (in_range(c, n))
			return n;
		BN_clear_free(n);
		stir(g, 0, NULL, 0);
	}
}

void es256_key(const void *secret, size_t n, unsigned char ret[ES256_KEY_LEN])
{
	struct curve c = curve_open();
	unsigned char seed[2 * HALF] = { 0 };
	struct numbers g;
	BIGNUM *d;

	sha256_of(secret, n, seed);
	numbers_open(&g, seed);
	d = numbers_next(&g, &c);
	check(BN_bn2binpad(d, ret, ES256_KEY_LEN) == ES256_KEY_LEN);
	BN_clear_free(d);
	bytes_wipe(&g, sizeof(g));
	bytes_wipe(seed, sizeof(seed));
	curve_close(&c);
}

void es256_public(const unsigned char key[ES256_KEY_LEN], unsigned char ret[ES256_POINT_LEN])
{
	struct curve c = curve_open();
	EC_POINT *p = EC_POINT_new(c.group);
	BIGNUM *d = secret_number(key);
	unsigned char text[1 + ES256_POINT_LEN];

	check(p != NULL && in_range(&c, d));
	check(EC_POINT_mul(c.group, p, d, NULL, NULL, c.cx));
	check(EC_POINT_point2oct(c.group, p, POINT_CONVERSION_UNCOMPRESSED, text, sizeof(text), c.cx) ==
		sizeof(text));
	memcpy(ret, text + 1, ES256_POINT_LEN);
	BN_clear_free(d);
	EC_POINT_free(p);
	curve_close(&c);
}

/* r: the first coordinate of k times the base. */
static void first_half(const struct curve *c, const BIGNUM *k, BIGNUM *r)
{
	EC_POINT *p = EC_POINT_new(c->group);
	BIGNUM *x = BN_new();

	check(p != NULL && x != NULL);
	check(EC_POINT_mul(c->group, p, k, NULL, NULL, c->cx));
	check(EC_POINT_get_affine_coordinates(c->group, p, x, NULL, c->cx));
	check(BN_nnmod(r, x, c->order, c->cx));
	EC_POINT_free(p);
	BN_free(x);
}

/* s = (z + r d) / k. The inverse by Fermat, as the order is prime: its time says nothing of k. */
static void second_half(
	const struct curve *c, const BIGNUM *k, const BIGNUM *z, const BIGNUM *r, const BIGNUM *d, BIGNUM *s)
{
	BIGNUM *power = BN_dup(c->order), *inverse = BN_secure_new();
	BN_MONT_CTX *mont = BN_MONT_CTX_new();

	check(power != NULL && inverse != NULL && mont != NULL &&
		BN_MONT_CTX_set(mont, c->order, c->cx) == 1);
	check(BN_sub_word(power, 2));
	check(BN_mod_exp_mont_consttime(inverse, k, power, c->order, c->cx, mont));
	check(BN_mod_mul(s, r, d, c->order, c->cx));
	check(BN_mod_add(s, s, z, c->order, c->cx));
	check(BN_mod_mul(s, s, inverse, c->order, c->cx));
	BN_clear_free(inverse);
	BN_free(power);
	BN_MONT_CTX_free(mont);
}

void es256_sign(const unsigned char key[ES256_KEY_LEN], const void *p, size_t n, unsigned char ret[ES256_LEN])
{
	struct curve c = curve_open();
	BIGNUM *d = secret_number(key), *z = BN_new(), *r = BN_new(), *s = BN_new(), *k;
	unsigned char sum[HALF], seed[2 * HALF];
	struct numbers g;

	check(z != NULL && r != NULL && s != NULL && in_range(&c, d));
	sha256_of(p, n, sum);
	check(BN_bin2bn(sum, HALF, z) != NULL);
	check(BN_nnmod(z, z, c.order, c.cx));
	memcpy(seed, key, HALF);
	check(BN_bn2binpad(z, seed + HALF, HALF) == HALF);
	numbers_open(&g, seed);
	do {
		k = numbers_next(&g, &c);
		first_half(&c, k, r);
		second_half(&c, k, z, r, d, s);
		BN_clear_free(k);
		stir(&g, 0, NULL, 0);
	} while (BN_is_zero(r) || BN_is_zero(s));
	check(BN_bn2binpad(r, ret, HALF) == HALF && BN_bn2binpad(s, ret + HALF, HALF) == HALF);
	bytes_wipe(&g, sizeof(g));
	bytes_wipe(seed, sizeof(seed));
	BN_clear_free(d);
	BN_free(z);
	BN_free(r);
	BN_free(s);
	curve_close(&c);
}

char *es256_pem(struct arena *a, const unsigned char point[ES256_POINT_LEN])
{
	/* SubjectPublicKeyInfo (RFC 5480): ecPublicKey, prime256v1, and an uncompressed point. */
	static const unsigned char head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
		0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42,
		0x00, 0x04 };
	unsigned char der[sizeof(head) + ES256_POINT_LEN], text[4 * (sizeof(der) + 2) / 3 + 1];
	int n;

	memcpy(der, head, sizeof(head));
	memcpy(der + sizeof(head), point, ES256_POINT_LEN);
	n = EVP_EncodeBlock(text, der, sizeof(der));
	return arena_printf(a, "-----BEGIN PUBLIC KEY-----\n%.*s\n%.*s\n-----END PUBLIC KEY-----\n", PEM_LINE,
		(const char *)text, n - PEM_LINE, (const char *)text + PEM_LINE);
}
