/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cc/base/bytes.h"
#include "cc/crypto/digest.h"

static void assert_hex(const unsigned char digest[32], const char *expected)
{
	struct arena *a = arena_create(0);

	assert_string_equal(hex_encode(a, digest, 32), expected);
	arena_destroy(a);
}

/* FIPS 180-2. */
static void sha256_matches_the_known_values(void **state)
{
	unsigned char d[32];

	(void)state;
	sha256_of("", 0, d);
	assert_hex(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_of(NULL, 0, d);
	assert_hex(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_of("abc", 3, d);
	assert_hex(d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hmac(int key_byte, size_t key_len, const void *p, size_t n, unsigned char ret[32])
{
	unsigned char key[131];

	memset(key, key_byte, sizeof(key));
	hmac_sha256(key, key_len, p, n, ret);
}

/* RFC 4231, cases 1, 2, 3 and 6. */
static void hmac_matches_the_known_values(void **state)
{
	static const char larger[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	unsigned char d[32], data[50];

	(void)state;
	hmac(0x0b, 20, "Hi There", 8, d);
	assert_hex(d, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, d);
	assert_hex(d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(data, 0xdd, sizeof(data));
	hmac(0xaa, 20, data, sizeof(data), d);
	assert_hex(d, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	hmac(0xaa, 131, larger, sizeof(larger) - 1, d);
	assert_hex(d, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void an_empty_key_is_a_key_whatever_came_before(void **state)
{
	unsigned char first[32], second[32];

	(void)state;
	hmac_sha256(NULL, 0, "x", 1, first);
	hmac(0x0b, 20, "Hi There", 8, second);
	hmac_sha256("", 0, "x", 1, second);
	assert_memory_equal(first, second, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_matches_the_known_values),
		cmocka_unit_test(hmac_matches_the_known_values),
		cmocka_unit_test(an_empty_key_is_a_key_whatever_came_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
