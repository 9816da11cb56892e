/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of request bodies and what bounds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/body.h"

static char pattern[256];

static int setup(void **state)
{
	static struct body_budget budget;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)i;
	budget = (struct body_budget){ .max = 1 << 20 };
	*state = &budget;
	return 0;
}

static int teardown(void **state)
{
	const struct body_budget *budget = *state;

	assert_int_equal(0, budget->used);
	return 0;
}

static void fill(struct body *b, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++)
		assert_true(body_add(b, pattern, sizeof(pattern)));
}

static void check(const struct body *b, size_t pieces)
{
	assert_int_equal(pieces * sizeof(pattern), b->len);
	for (size_t i = 0; i < pieces; i++)
		assert_memory_equal(pattern, b->data + i * sizeof(pattern), sizeof(pattern));
	assert_int_equal(0, b->data[b->len]);
}

static void a_body_is_what_was_added(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 255, 256, 1024, 3000 };
	struct body b;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int announced = 0; announced < 2; announced++) {
			body_open(&b, *state, announced ? sizes[i] * sizeof(pattern) : 0);
			fill(&b, sizes[i]);
			check(&b, sizes[i]);
			body_close(&b, announced);
		}
}

static void an_announced_body_is_made_once_and_exactly(void **state)
{
	struct body b;
	char *data;

	body_open(&b, *state, 500 * sizeof(pattern));
	fill(&b, 1);
	data = b.data;
	fill(&b, 499);
	assert_ptr_equal(data, b.data);
	assert_int_equal(500 * sizeof(pattern) + 1, b.cap);
	body_close(&b, false);
}

static void what_comes_counts_not_what_is_announced(void **state)
{
	struct body_budget *budget = *state;
	struct body b;

	body_open(&b, budget, 1 << 20);
	assert_int_equal(0, budget->used);
	fill(&b, 3);
	assert_int_equal(3 * sizeof(pattern), budget->used);
	body_close(&b, false);
}

static void beyond_the_bound_all_of_it_is_given_back(void **state)
{
	struct body_budget *budget = *state;
	struct body a, b;

	body_open(&a, budget, 0);
	body_open(&b, budget, 0);
	fill(&a, 4000);
	fill(&b, 96);
	assert_false(body_add(&b, "x", 1));
	assert_int_equal(4000 * sizeof(pattern), budget->used);
	assert_null(b.data);
	check(&a, 4000);
	body_close(&b, true);
	body_close(&a, false);
}

static void what_nobody_wanted_can_be_closed(void **state)
{
	struct body b = { 0 };

	(void)state;
	body_close(&b, false);
	body_close(&b, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_body_is_what_was_added, setup, teardown),
		cmocka_unit_test_setup_teardown(an_announced_body_is_made_once_and_exactly, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_counts_not_what_is_announced, setup, teardown),
		cmocka_unit_test_setup_teardown(beyond_the_bound_all_of_it_is_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_wanted_can_be_closed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
