/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cc/base/arena.h"
#include "cc/base/map.h"

struct fixture {
	struct arena *arena;
	struct map *map;
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fx->arena = arena_create(0);
	fx->map = map_create();
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	map_destroy(fx->map, NULL);
	arena_destroy(fx->arena);
	free(fx);
	return 0;
}

static void a_new_map_is_empty(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(map_count(fx->map), 0);
	assert_null(map_get(fx->map, ""));
	assert_null(map_take(fx->map, "a"));
}

static void what_is_set_is_found_under_its_own_key_only(void **state)
{
	struct fixture *fx = *state;
	char key[] = "abc";
	int value;

	assert_null(map_set(fx->map, key, &value));
	key[0] = 'x';
	assert_ptr_equal(map_get(fx->map, "abc"), &value);
	assert_null(map_get(fx->map, "xbc"));
	assert_null(map_get(fx->map, "ab"));
	assert_null(map_get(fx->map, "abcd"));
}

static void setting_again_replaces_and_returns_the_old(void **state)
{
	struct fixture *fx = *state;
	int one, two;

	map_set(fx->map, "k", &one);
	assert_ptr_equal(map_set(fx->map, "k", &two), &one);
	assert_ptr_equal(map_get(fx->map, "k"), &two);
	assert_int_equal(map_count(fx->map), 1);
}

static void the_empty_key_is_a_key(void **state)
{
	struct fixture *fx = *state;
	int value;

	map_set(fx->map, "", &value);
	assert_ptr_equal(map_get(fx->map, ""), &value);
	assert_ptr_equal(map_take(fx->map, ""), &value);
	assert_int_equal(map_count(fx->map), 0);
}

static char *numbered(struct fixture *fx, int i)
{
	return arena_printf(fx->arena, "key-%d", i);
}

static void thousands_of_keys_survive_growth(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 5000; i++)
		map_set(fx->map, numbered(fx, i), numbered(fx, i));
	assert_int_equal(map_count(fx->map), 5000);
	for (int i = 0; i < 5000; i++)
		assert_string_equal(map_get(fx->map, numbered(fx, i)), numbered(fx, i));
}

/* Whether each of n keys is there exactly when `present` says so. */
static void assert_present(struct fixture *fx, const char *present, int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(map_get(fx->map, numbered(fx, i)) != NULL, present[i]);
}

static void random_removals_leave_every_other_key_within_reach(void **state)
{
	struct fixture *fx = *state;
	char present[300] = { 0 };
	unsigned random = 12345;
	size_t count = 0;

	for (int step = 0; step < 6000; step++) {
		int i;

		random = random * 1103515245 + 12345;
		i = (int)(random >> 16) % 300;
		if (present[i]) {
			assert_ptr_equal(map_take(fx->map, numbered(fx, i)), fx);
			count--;
		} else {
			assert_null(map_set(fx->map, numbered(fx, i), fx));
			count++;
		}
		present[i] = !present[i];
		assert_int_equal(map_count(fx->map), count);
		if (step % 100 == 0)
			assert_present(fx, present, 300);
	}
	assert_present(fx, present, 300);
}

static bool add_up(const char *key, void *value, void *arg)
{
	int *sum = arg;

	assert_non_null(key);
	*sum += *(int *)value;
	return true;
}

static bool only_once(const char *key, void *value, void *arg)
{
	(void)key;
	(void)value;
	++*(int *)arg;
	return false;
}

static void each_entry_is_visited_once_until_told_to_stop(void **state)
{
	struct fixture *fx = *state;
	int values[100], sum = 0, calls = 0;

	for (int i = 0; i < 100; i++) {
		values[i] = i;
		map_set(fx->map, numbered(fx, i), &values[i]);
	}
	map_each(fx->map, add_up, &sum);
	assert_int_equal(sum, 4950);
	map_each(fx->map, only_once, &calls);
	assert_int_equal(calls, 1);
}

static int dropped;

static void drop(void *value)
{
	dropped += *(int *)value;
}

static void destroying_drops_every_value(void **state)
{
	struct map *m = map_create();
	int one = 1, two = 2, three = 3;

	(void)state;
	dropped = 0;
	map_set(m, "1", &one);
	map_set(m, "2", &two);
	map_set(m, "3", &three);
	map_take(m, "2");
	map_destroy(m, drop);
	assert_int_equal(dropped, 4);
	map_destroy(NULL, drop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_map_is_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_set_is_found_under_its_own_key_only, setup, teardown),
		cmocka_unit_test_setup_teardown(setting_again_replaces_and_returns_the_old, setup, teardown),
		cmocka_unit_test_setup_teardown(the_empty_key_is_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(thousands_of_keys_survive_growth, setup, teardown),
		cmocka_unit_test_setup_teardown(
			random_removals_leave_every_other_key_within_reach, setup, teardown),
		cmocka_unit_test_setup_teardown(
			each_entry_is_visited_once_until_told_to_stop, setup, teardown),
		cmocka_unit_test(destroying_drops_every_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
