/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that tenants name cost every check of a signature: their size is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/crypto/jws.h"

enum { MODULUS_MAX = 1025, EXPONENT = 8 };

/* A number of so many bits, all of them set but for the last if it is to be even. */
static struct bytes modulus(unsigned char p[static MODULUS_MAX], size_t bits, bool odd)
{
	const size_t n = (bits + 7) / 8;

	memset(p, 0xff, n);
	p[0] = (unsigned char)(0xff >> (n * 8 - bits));
	p[n - 1] = odd ? 0xff : 0xfe;
	return (struct bytes){ p, n };
}

static struct bytes exponent(unsigned char p[static EXPONENT], uint64_t value)
{
	for (int i = EXPONENT - 1; i >= 0; i--, value >>= 8)
		p[i] = (unsigned char)value;
	return (struct bytes){ p, EXPONENT };
}

static bool taken(size_t bits, bool odd, uint64_t e)
{
	unsigned char n_room[MODULUS_MAX], e_room[EXPONENT];
	const struct jwk k = {
		.alg = JWS_RS256, .n = modulus(n_room, bits, odd), .e = exponent(e_room, e)
	};

	return jwk_fault(&k) == NULL;
}

static void the_modulus_is_bounded(void **state)
{
	(void)state;
	assert_true(taken(2048, true, 65537));
	assert_true(taken(3072, true, 65537));
	assert_true(taken(4096, true, 65537));
	assert_false(taken(512, true, 65537));
	assert_false(taken(2047, true, 65537));
	assert_false(taken(4097, true, 65537));
	assert_false(taken(8192, true, 65537));
	assert_false(taken(8200, true, 65537));
	assert_false(taken(2048, false, 65537));
}

static void the_exponent_is_bounded(void **state)
{
	(void)state;
	assert_true(taken(2048, true, 65537));
	assert_true(taken(2048, true, UINT32_MAX));
	assert_false(taken(2048, true, 0));
	assert_false(taken(2048, true, 1));
	assert_false(taken(2048, true, 2));
	assert_false(taken(2048, true, 3));
	assert_false(taken(2048, true, 17));
	assert_false(taken(2048, true, 65535));
	assert_false(taken(2048, true, 65536));
	assert_false(taken(2048, true, (uint64_t)UINT32_MAX + 2));
	assert_false(taken(2048, true, UINT64_MAX));
}

/* A long exponent is refused before it is made a number. */
static void an_exponent_may_not_be_long(void **state)
{
	unsigned char n_room[MODULUS_MAX];
	const unsigned char long_one[EXPONENT + 1] = { [EXPONENT - 2] = 1, [EXPONENT] = 1 };
	struct jwk k = { .alg = JWS_RS256, .n = modulus(n_room, 2048, true), .e = { long_one, EXPONENT } };

	(void)state;
	assert_non_null(jwk_fault(&k));
	k.e = (struct bytes){ long_one, sizeof(long_one) };
	assert_non_null(jwk_fault(&k));
	k.e = (struct bytes){ long_one + 1, EXPONENT };
	assert_null(jwk_fault(&k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_modulus_is_bounded),
		cmocka_unit_test(the_exponent_is_bounded),
		cmocka_unit_test(an_exponent_may_not_be_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
