/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdalign.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "aborts.h"
#include "cc/base/arena.h"

static int setup(void **state)
{
	*state = arena_create(0);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void memory_is_zeroed_even_when_it_is_used_again(void **state)
{
	struct arena_mark start = arena_mark(*state);
	unsigned char *p = arena_alloc(*state, 500);

	memset(p, 0xAA, 500);
	arena_rewind(*state, start);
	p = arena_alloc(*state, 500);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(p[i], 0);
}

static void memory_is_aligned_for_any_object(void **state)
{
	for (size_t size = 0; size < 70; size++)
		assert_int_equal((uintptr_t)arena_alloc(*state, size) % alignof(max_align_t), 0);
}

static void objects_do_not_overlap(void **state)
{
	unsigned char *v[300];

	for (size_t i = 0; i < 300; i++) {
		v[i] = arena_alloc(*state, i + 1);
		memset(v[i], (int)(i & 0xFF), i + 1);
	}
	for (size_t i = 0; i < 300; i++) {
		for (size_t k = 0; k <= i; k++)
			assert_int_equal(v[i][k], i & 0xFF);
	}
}

static void an_object_larger_than_a_block_fits(void **state)
{
	const size_t size = 3 * 1024 * 1024 + 1;
	unsigned char *p = arena_alloc(*state, size);

	p[0] = 1;
	p[size - 1] = 2;
	assert_true(arena_bytes(*state) >= size);
}

static void a_rewind_gives_blocks_back(void **state)
{
	size_t before = arena_bytes(*state);
	struct arena_mark mark = arena_mark(*state);

	for (int i = 0; i < 100; i++)
		arena_alloc(*state, 1000);
	assert_true(arena_bytes(*state) > before);
	arena_rewind(*state, mark);
	assert_int_equal(arena_bytes(*state), before);
}

static void a_rewind_keeps_what_is_older_than_the_mark(void **state)
{
	char *kept = arena_strdup(*state, "kept");
	struct arena_mark mark = arena_mark(*state);

	for (int i = 0; i < 100; i++)
		memset(arena_alloc(*state, 300), 'x', 300);
	arena_rewind(*state, mark);
	memset(arena_alloc(*state, 300), 'y', 300);
	assert_string_equal(kept, "kept");
}

static void marks_can_be_nested(void **state)
{
	struct arena_mark outer = arena_mark(*state), inner;
	char *a = arena_strdup(*state, "a");
	char *b;

	inner = arena_mark(*state);
	b = arena_strdup(*state, "b");
	arena_rewind(*state, inner);
	assert_ptr_equal(arena_strdup(*state, "c"), b);
	arena_rewind(*state, outer);
	assert_ptr_equal(arena_strdup(*state, "d"), a);
}

static void a_reset_leaves_the_first_block(void **state)
{
	size_t first = arena_bytes(*state);
	void *p = arena_alloc(*state, 10);

	arena_alloc(*state, 1 << 20);
	arena_reset(*state);
	assert_int_equal(arena_bytes(*state), first);
	assert_ptr_equal(arena_alloc(*state, 10), p);
}

static void resets_do_not_let_it_grow(void **state)
{
	size_t peak = 0;

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 50; i++)
			arena_alloc(*state, 200);
		if (round == 0)
			peak = arena_bytes(*state);
		assert_int_equal(arena_bytes(*state), peak);
		arena_reset(*state);
	}
}

/* Looks at memory that the arena has taken back; that is what an attacker would do. */
__attribute__((no_sanitize("address"))) static int leftover(const volatile char *p, size_t n, char c)
{
	int found = 0;

	for (size_t i = 0; i < n; i++)
		found += p[i] == c;
	return found;
}

static void secrets_are_wiped_by_a_rewind(void **state)
{
	struct arena_mark mark = arena_mark(*state);
	char *p;

	arena_hold_secret(*state);
	p = arena_alloc(*state, 64);
	memset(p, 'S', 64);
	arena_rewind(*state, mark);
	assert_int_equal(leftover(p, 64, 'S'), 0);
}

static void secrets_are_wiped_by_a_reset(void **state)
{
	char *p = arena_alloc(*state, 64);

	memset(p, 'S', 64);
	arena_hold_secret(*state);
	arena_reset(*state);
	assert_int_equal(leftover(p, 64, 'S'), 0);
}

static void without_a_secret_nothing_is_wiped(void **state)
{
	char *p = arena_alloc(*state, 64);

	memset(p, 'S', 64);
	arena_reset(*state);
	assert_int_equal(leftover(p, 64, 'S'), 64);
}

static void a_reset_ends_the_holding_of_a_secret(void **state)
{
	char *p;

	arena_hold_secret(*state);
	arena_reset(*state);
	p = arena_alloc(*state, 64);
	memset(p, 'S', 64);
	arena_reset(*state);
	assert_int_equal(leftover(p, 64, 'S'), 64);
}

static long locked_kib(void)
{
	char line[128];
	long n = -1;
	FILE *f = fopen("/proc/self/status", "r");

	assert_non_null(f);
	while (n < 0 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "VmLck: %ld", &n);
	(void)fclose(f);
	return n;
}

/* Sanitizers say that memory is locked, and lock none. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCKS false
#else
#define LOCKS true
#endif

static void a_locked_one_stays_in_memory(void **state)
{
	struct arena *a = arena_create_locked(1000);
	const long before = locked_kib();
	char *p;

	(void)state;
	if (!LOCKS || !arena_is_locked(a)) {
		arena_destroy(a);
		print_message("# skip: no memory can be locked here\n");
		skip();
	}
	assert_true(before > 0);
	p = arena_alloc(a, 20000);
	memset(p, 'x', 20000);
	assert_true(locked_kib() >= before + 19);
	assert_true(arena_is_locked(a));
	/* It goes on holding secrets. */
	arena_reset(a);
	p = arena_alloc(a, 100);
	memset(p, 'x', 100);
	arena_reset(a);
	assert_int_equal(leftover(p, 100, 'x'), 0);
	arena_destroy(a);
	assert_int_equal(0, locked_kib());
	assert_false(arena_is_locked(*state));
}

static void texts_are_copied(void **state)
{
	char text[] = "abc";
	char *copy = arena_strdup(*state, text);

	text[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_string_equal(arena_strdup(*state, ""), "");
	assert_null(arena_strdup(*state, NULL));
	assert_null(arena_strndup(*state, NULL, 3));
}

static void a_bounded_copy_ends_at_the_bound_or_at_the_nul(void **state)
{
	const char open[3] = { 'a', 'b', 'c' };

	assert_string_equal(arena_strndup(*state, open, 3), "abc");
	assert_string_equal(arena_strndup(*state, "abc", 2), "ab");
	assert_string_equal(arena_strndup(*state, "abc", 99), "abc");
	assert_string_equal(arena_strndup(*state, "abc", 0), "");
}

static void bytes_are_copied_with_their_nuls(void **state)
{
	const char in[] = { 1, 0, 2, 0 };

	assert_memory_equal(arena_memdup(*state, in, sizeof(in)), in, sizeof(in));
	assert_non_null(arena_memdup(*state, NULL, 0));
}

static void printed_text_has_the_room_it_needs(void **state)
{
	char *wide = arena_printf(*state, "%5000d|", 7);

	assert_int_equal(strlen(wide), 5001);
	assert_string_equal(wide + 4998, " 7|");
	assert_string_equal(arena_printf(*state, "%s-%d", "a", 1), "a-1");
}

static void arrays_are_zeroed(void **state)
{
	int64_t *v = ARENA_ARRAY(*state, int64_t, 100);

	for (int i = 0; i < 100; i++)
		assert_int_equal(v[i], 0);
}

static void overflow(void *a)
{
	arena_alloc_array(a, SIZE_MAX / 8 + 2, 8);
}

static void too_much(void *a)
{
	arena_alloc(a, SIZE_MAX - 8);
}

static void stale_mark(void *a)
{
	struct arena_mark mark;

	arena_alloc(a, 100000);
	mark = arena_mark(a);
	arena_reset(a);
	arena_rewind(a, mark);
}

static void sizes_that_overflow_abort(void **state)
{
	assert_true(aborts(overflow, *state));
	assert_true(aborts(too_much, *state));
}

static void a_mark_older_than_a_reset_aborts(void **state)
{
	assert_true(aborts(stale_mark, *state));
}

static void destroying_nothing_is_fine(void **state)
{
	(void)state;
	arena_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_is_zeroed_even_when_it_is_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_is_aligned_for_any_object, setup, teardown),
		cmocka_unit_test_setup_teardown(objects_do_not_overlap, setup, teardown),
		cmocka_unit_test_setup_teardown(an_object_larger_than_a_block_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rewind_gives_blocks_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rewind_keeps_what_is_older_than_the_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(marks_can_be_nested, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_leaves_the_first_block, setup, teardown),
		cmocka_unit_test_setup_teardown(resets_do_not_let_it_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_wiped_by_a_rewind, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_wiped_by_a_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_secret_nothing_is_wiped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_ends_the_holding_of_a_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(a_locked_one_stays_in_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_are_copied, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_bounded_copy_ends_at_the_bound_or_at_the_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_are_copied_with_their_nuls, setup, teardown),
		cmocka_unit_test_setup_teardown(printed_text_has_the_room_it_needs, setup, teardown),
		cmocka_unit_test_setup_teardown(arrays_are_zeroed, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes_that_overflow_abort, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mark_older_than_a_reset_aborts, setup, teardown),
		cmocka_unit_test(destroying_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
