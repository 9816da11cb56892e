/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/core/slots.h"

static void one_tenant_has_half_of_the_places(void **state)
{
	struct slots s = { 0 };
	const int a = slots_take(&s, 4, "tenant-a"), b = slots_take(&s, 4, "tenant-a");

	(void)state;
	assert_true(a >= 0 && b >= 0 && a != b);
	assert_int_equal(-1, slots_take(&s, 4, "tenant-a"));
	assert_true(slots_take(&s, 4, "tenant-b") >= 0);
	assert_true(slots_take(&s, 4, "tenant-c") >= 0);
	assert_int_equal(-1, slots_take(&s, 4, "tenant-d"));
	slots_give(&s, a);
	assert_int_equal(a, slots_take(&s, 4, "tenant-d"));
	slots_give(&s, b);
	assert_int_equal(b, slots_take(&s, 4, "tenant-a"));
}

static void a_single_place_is_anybodys(void **state)
{
	struct slots s = { 0 };

	(void)state;
	assert_int_equal(0, slots_take(&s, 1, "tenant-a"));
	assert_int_equal(-1, slots_take(&s, 1, "tenant-a"));
	assert_int_equal(-1, slots_take(&s, 1, "tenant-b"));
	slots_give(&s, 0);
	assert_int_equal(0, slots_take(&s, 1, "tenant-b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_tenant_has_half_of_the_places),
		cmocka_unit_test(a_single_place_is_anybodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
