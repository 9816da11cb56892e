/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts of Stripe's are in the smallest unit of their currency, ours in hundredths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/stripe_in.h"

static void amounts_are_hundredths(void **state)
{
	(void)state;
	assert_true(stripe_hundredths("USD", 9900) == 9900);
	assert_true(stripe_hundredths("JPY", 500) == 50000);
	assert_true(stripe_hundredths("KRW", -500) == -50000);
	/* Stripe writes these with two decimals, though they have none any more. */
	assert_true(stripe_hundredths("ISK", 500) == 500);
	assert_true(stripe_hundredths("KWD", 12345) == 1235);
	assert_true(stripe_hundredths("KWD", -12345) == -1235);
}

static void no_amount_leaves_its_bounds(void **state)
{
	(void)state;
	assert_true(stripe_hundredths("JPY", INT64_MAX) == INT64_MAX);
	assert_true(stripe_hundredths("JPY", INT64_MIN) == INT64_MIN);
	assert_true(stripe_hundredths("USD", INT64_MAX) == INT64_MAX);
	assert_true(stripe_hundredths("KWD", INT64_MAX) == INT64_MAX / 10 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_hundredths),
		cmocka_unit_test(no_amount_leaves_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
