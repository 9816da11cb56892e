/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/bytes.h"

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_create(4096);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

/* RFC 4648, 10, without the padding. */
static void the_vectors_of_the_rfc(void **state)
{
	static const char *const pairs[][2] = {
		{"",        ""        },
                { "f",      "Zg"      },
                { "fo",     "Zm8"     },
                { "foo",    "Zm9v"    },
                { "foob",   "Zm9vYg"  },
		{ "fooba",  "Zm9vYmE" },
                { "foobar", "Zm9vYmFy"}
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *plain = pairs[i][0], *coded = pairs[i][1];
		struct bytes b;

		assert_string_equal(coded, base64url_encode(arena, plain, strlen(plain)));
		assert_true(base64url_decode(arena, coded, strlen(coded), &b));
		assert_int_equal(strlen(plain), b.n);
		assert_memory_equal(plain, b.p, b.n);
	}
}

static void every_byte_survives(void **state)
{
	unsigned char all[256];
	struct bytes b;
	const char *coded;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	for (size_t n = 0; n <= sizeof(all); n++) {
		coded = base64url_encode(arena, all, n);
		assert_true(base64url_decode(arena, coded, strlen(coded), &b));
		assert_int_equal(n, b.n);
		assert_memory_equal(all, b.p, n);
	}
}

static void what_is_loose_is_refused(void **state)
{
	static const char *const bad[] = { "Zg==", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Z", "Zm9vY", "Zh",
		"Zm9", "Zm9.",
		("\xc3\xa9"
		 "Zm") };
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(base64url_decode(arena, bad[i], strlen(bad[i]), &b));
		assert_null(b.p);
	}
	assert_false(base64url_decode(arena, "Zm\0v", 4, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc),
		cmocka_unit_test(every_byte_survives),
		cmocka_unit_test(what_is_loose_is_refused),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
