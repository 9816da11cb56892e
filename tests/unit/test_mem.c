/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "aborts.h"
#include "cc/base/mem.h"

static void memory_is_zeroed(void **state)
{
	unsigned char *p = mem_alloc(100, 3);

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	free(p);
}

static void nothing_is_something_that_can_be_freed(void **state)
{
	void *p = mem_alloc(0, 8);

	(void)state;
	assert_non_null(p);
	free(p);
}

static void overflow(void *unused)
{
	volatile size_t half = SIZE_MAX / 2 + 1;

	(void)unused;
	free(mem_alloc(half, 2));
}

static void sizes_that_overflow_abort(void **state)
{
	(void)state;
	assert_true(aborts(overflow, NULL));
}

static void text_is_copied_and_null_stays_null(void **state)
{
	char *copy = mem_strdup("abc");

	(void)state;
	assert_string_equal(copy, "abc");
	free(copy);
	assert_null(mem_strdup(NULL));
}

/* The heap gives out next what it got back last: what lies there then is what was left. */
static void nothing_is_left_of_what_is_wiped(void **state)
{
	char *volatile p = malloc(64);

	(void)state;
	assert_non_null(p);
	memset(p, 'x', 64);
	mem_free_wiped(p);
	mem_free_wiped(NULL);
	p = malloc(64);
	assert_non_null(p);
	assert_null(memchr(p, 'x', 64));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed),
		cmocka_unit_test(nothing_is_something_that_can_be_freed),
		cmocka_unit_test(sizes_that_overflow_abort),
		cmocka_unit_test(nothing_is_left_of_what_is_wiped),
		cmocka_unit_test(text_is_copied_and_null_stays_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
