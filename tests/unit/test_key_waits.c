/* SPDX-License-Identifier: Apache-2.0 */
/* Who may wait for keys of issuers: nobody has all the places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/key_waits.h"

enum { MOST = 4, HALF = MOST / 2 };

static struct key_place *take(struct key_place *v, const char *tenant, uint64_t url)
{
	return key_place_take(v, MOST, key_owner(tenant), url);
}

static void one_owner_has_half(void **state)
{
	struct key_place v[KEY_PLACES_MAX] = { 0 };
	struct key_place *first = take(v, "a", 1);

	(void)state;
	assert_non_null(first);
	assert_non_null(take(v, "a", 2));
	assert_null(take(v, "a", 3));
	assert_non_null(take(v, "b", 4));
	assert_non_null(take(v, NULL, 5));
	assert_null(take(v, "c", 6));
	key_place_leave(first);
	assert_non_null(take(v, "a", 7));
	assert_null(take(v, "c", 8));
}

static void who_follows_needs_no_place(void **state)
{
	struct key_place v[KEY_PLACES_MAX] = { 0 };
	struct key_place *p = take(v, "a", 1);

	(void)state;
	for (int i = 0; i < HALF; i++) {
		assert_ptr_equal(p, take(v, "a", 1));
		assert_int_equal(2 + i, p->users);
	}
	/* Whoever it is: the fetch is another's. */
	assert_null(take(v, "a", 1));
	assert_null(take(v, "b", 1));
	assert_non_null(take(v, "b", 2));
	assert_non_null(take(v, "b", 2));
	assert_non_null(take(v, "b", 2));
	assert_non_null(take(v, "c", 3));
	/* All have followers enough. */
	assert_null(take(v, "c", 3));
	key_place_leave(p);
	assert_non_null(take(v, "c", 3));
}

/* However few workers there are, two tenants have a place each. */
static void there_are_two_at_least(void **state)
{
	struct key_place v[KEY_PLACES_MAX] = { 0 };

	(void)state;
	assert_non_null(key_place_take(v, 0, key_owner("a"), 1));
	assert_null(key_place_take(v, 0, key_owner("a"), 2));
	assert_non_null(key_place_take(v, 0, key_owner("b"), 3));
	assert_null(key_place_take(v, 0, key_owner("c"), 4));
}

static void there_is_no_place_beyond_the_last(void **state)
{
	struct key_place v[KEY_PLACES_MAX] = { 0 };
	int n = 0;

	(void)state;
	for (uint64_t i = 0; i < 4 * KEY_PLACES_MAX; i++)
		n += key_place_take(v, 3 * KEY_PLACES_MAX, 2 * i + 1, i) != NULL;
	assert_int_equal(KEY_PLACES_MAX, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_owner_has_half),
		cmocka_unit_test(who_follows_needs_no_place),
		cmocka_unit_test(there_are_two_at_least),
		cmocka_unit_test(there_is_no_place_beyond_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
