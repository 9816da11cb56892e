/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures, against RFC 8032, 7.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/crypto/sign.h"

static const struct vector {
	const char *seed, *pub, *message, *signature;
	size_t n;
} vectors[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", 0},
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00", 1},
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a", 2},
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

struct unpacked {
	unsigned char seed[SIGN_SEED_LEN], pub[SIGN_PUBLIC_LEN], signature[SIGN_LEN], message[4];
};

static struct unpacked unpack(const struct vector *v)
{
	struct unpacked u = { .message = { 0 } };

	assert_true(hex_decode(v->seed, u.seed, sizeof(u.seed)));
	assert_true(hex_decode(v->pub, u.pub, sizeof(u.pub)));
	assert_true(hex_decode(v->signature, u.signature, sizeof(u.signature)));
	assert_true(hex_decode(v->message, u.message, v->n));
	return u;
}

static void signatures_are_those_of_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		const struct unpacked u = unpack(&vectors[i]);
		unsigned char pub[SIGN_PUBLIC_LEN], signature[SIGN_LEN];

		sign_public(u.seed, pub);
		assert_memory_equal(u.pub, pub, sizeof(pub));
		sign_make(u.seed, u.message, vectors[i].n, signature);
		assert_memory_equal(u.signature, signature, sizeof(signature));
		assert_true(sign_check(u.pub, u.message, vectors[i].n, u.signature));
	}
}

static void any_other_bit_is_found(void **state)
{
	const struct unpacked u = unpack(&vectors[2]);

	(void)state;
	for (size_t i = 0; i < 8 * (sizeof(u.signature) + 2 + sizeof(u.pub)); i++) {
		struct unpacked bad = u;
		unsigned char *at = i < 8 * SIGN_LEN         ? &bad.signature[i / 8]
				    : i < 8 * (SIGN_LEN + 2) ? &bad.message[i / 8 - SIGN_LEN]
							     : &bad.pub[i / 8 - SIGN_LEN - 2];

		*at ^= (unsigned char)(1U << (i % 8));
		assert_false(sign_check(bad.pub, bad.message, 2, bad.signature));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_the_standard),
		cmocka_unit_test(any_other_bit_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
