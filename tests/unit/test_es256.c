/* SPDX-License-Identifier: Apache-2.0 */
/* Deterministic signatures by the examples of RFC 6979 (A.2.5), and what the verifier says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/crypto/es256.h"
#include "cc/crypto/jws.h"

#define KEY "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static int set_up(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int tear_down(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void is_signed(void **state, const char *text, const char *want)
{
	unsigned char key[ES256_KEY_LEN], made[ES256_LEN];

	assert_true(hex_decode(KEY, key, sizeof(key)));
	es256_sign(key, text, strlen(text), made);
	assert_string_equal(want, hex_encode(*state, made, sizeof(made)));
}

static void the_public_half_is_that_of_the_example(void **state)
{
	unsigned char key[ES256_KEY_LEN], point[ES256_POINT_LEN];

	assert_true(hex_decode(KEY, key, sizeof(key)));
	es256_public(key, point);
	assert_string_equal(X Y, hex_encode(*state, point, sizeof(point)));
}

static void signatures_are_those_of_the_examples(void **state)
{
	is_signed(state, "sample",
		"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
		"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
	is_signed(state, "test",
		"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
		"019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
}

/* Of many secrets: keys are good ones, differ, and sign what the other side takes. */
static void keys_of_secrets_are_good_and_differ(void **state)
{
	unsigned char before[ES256_KEY_LEN] = { 0 };

	for (unsigned i = 0; i < 50; i++) {
		unsigned char key[ES256_KEY_LEN], again[ES256_KEY_LEN], point[ES256_POINT_LEN],
			made[ES256_LEN];
		const struct jwk public = { .alg = JWS_ES256, .x = { point, 32 }, .y = { point + 32, 32 } };

		es256_key(&i, sizeof(i), key);
		es256_key(&i, sizeof(i), again);
		assert_memory_equal(key, again, sizeof(key));
		assert_memory_not_equal(key, before, sizeof(key));
		memcpy(before, key, sizeof(key));
		es256_public(key, point);
		assert_null(jwk_fault(&public));
		es256_sign(key, &i, sizeof(i), made);
		assert_true(jws_verify(&public, &i, sizeof(i), (struct bytes){ made, sizeof(made) }));
		made[i]++;
		assert_false(jws_verify(&public, &i, sizeof(i), (struct bytes){ made, sizeof(made) }));
	}
	(void)state;
}

static void the_public_half_is_written_as_pem(void **state)
{
	unsigned char point[ES256_POINT_LEN];

	assert_true(hex_decode(X Y, point, sizeof(point)));
	assert_string_equal("-----BEGIN PUBLIC KEY-----\n"
			    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
			    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
			    "-----END PUBLIC KEY-----\n",
		es256_pem(*state, point));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_public_half_is_that_of_the_example),
		cmocka_unit_test(signatures_are_those_of_the_examples),
		cmocka_unit_test(keys_of_secrets_are_good_and_differ),
		cmocka_unit_test(the_public_half_is_written_as_pem),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
