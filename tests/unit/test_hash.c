/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/siphash.h"
#include "cc/base/bytes.h"

static void crc32_matches_the_known_values(void **state)
{
	(void)state;
	assert_int_equal(crc32_of("", 0), 0);
	assert_int_equal(crc32_of("123456789", 9), 0xCBF43926);
	assert_int_equal(crc32_of("a", 1), 0xE8B7BE43);
	assert_int_equal(crc32_of("The quick brown fox jumps over the lazy dog", 43), 0x414FA339);
	assert_int_equal(crc32_of("\xFF\xFF\xFF\xFF", 4), 0xFFFFFFFF);
}

/* From the paper of SipHash: key 00 01 … 0f, message 00 01 … of each length. */
static void siphash_matches_the_known_values(void **state)
{
	static const uint64_t expected[] = {
		0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
		0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
		0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
		0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
	};
	const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char message[16];

	(void)state;
	for (size_t n = 0; n < 16; n++) {
		assert_true(siphash24(message, n, key) == expected[n]);
		message[n] = (unsigned char)n;
	}
}

static void the_hash_depends_on_text_length_and_seed(void **state)
{
	(void)state;
	assert_true(hash64_of("abc", 3, 1) == hash64_of("abc", 3, 1));
	assert_true(hash64_of("abc", 3, 1) != hash64_of("abd", 3, 1));
	assert_true(hash64_of("abc", 3, 1) != hash64_of("abc", 2, 1));
	assert_true(hash64_of("abc", 3, 1) != hash64_of("abc", 3, 2));
}

static void the_fixed_hash_is_the_same_in_every_process(void **state)
{
	(void)state;
	assert_true(hash64_fixed("abc", 3, 1) == UINT64_C(0x4f4bd7030974e1cb));
	assert_true(hash64_fixed("abc", 3, 1) != hash64_fixed("abc", 3, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32_matches_the_known_values),
		cmocka_unit_test(siphash_matches_the_known_values),
		cmocka_unit_test(the_hash_depends_on_text_length_and_seed),
		cmocka_unit_test(the_fixed_hash_is_the_same_in_every_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
