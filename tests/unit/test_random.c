/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cc/base/bytes.h"

static void random_bytes_are_never_the_same(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(random_bytes(a, sizeof(a)));
	assert_true(random_bytes(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(random_bytes(a, 0));
}

static void random_text_stays_in_its_alphabet_and_length(void **state)
{
	char text[101];

	(void)state;
	memset(text, '?', sizeof(text));
	random_text(text, 100, ALPHABET_BASE62);
	assert_int_equal(strlen(text), 100);
	assert_int_equal(strspn(text, ALPHABET_BASE62), 100);
	random_text(text, 0, ALPHABET_BASE62);
	assert_string_equal(text, "");
}

/* 62 letters do not divide 256: without rejection the first eight would come a quarter more often. */
static void random_text_favours_no_letter(void **state)
{
	enum { DRAWN = 62 * 4000 };
	static char text[DRAWN + 1];
	int count[256] = { 0 };
	int first = 0;

	(void)state;
	random_text(text, DRAWN, ALPHABET_BASE62);
	for (int i = 0; i < DRAWN; i++)
		count[(unsigned char)text[i]]++;
	for (int i = 0; i < 8; i++)
		first += count[(unsigned char)ALPHABET_BASE62[i]];
	/* 32000 expected with a deviation of 167; 38750 without rejection. */
	assert_in_range(first, 32000 - 2000, 32000 + 2000);
}

static void ids_have_a_prefix_and_random_letters(void **state)
{
	struct arena *a = arena_create(0);
	const char *id = id_new(a, "key-", 10);

	(void)state;
	assert_int_equal(strlen(id), 14);
	assert_memory_equal(id, "key-", 4);
	assert_int_equal(strspn(id + 4, ALPHABET_BASE32), 10);
	assert_string_not_equal(id, id_new(a, "key-", 10));
	assert_string_equal(id_new(a, "x", 0), "x");
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bytes_are_never_the_same),
		cmocka_unit_test(random_text_stays_in_its_alphabet_and_length),
		cmocka_unit_test(random_text_favours_no_letter),
		cmocka_unit_test(ids_have_a_prefix_and_random_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
