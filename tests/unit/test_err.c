/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cc/base/err.h"
#include "cc/base/str.h"

static void the_spec_has_its_codes_and_statuses(void **state)
{
	(void)state;
	assert_int_equal(err_info(ERR_NONE)->status, 200);
	assert_string_equal(err_info(ERR_TENANT_DENIED)->code, "tenant_access_denied");
	assert_int_equal(err_info(ERR_TENANT_DENIED)->status, 403);
	assert_string_equal(err_info(ERR_TENANT_NOT_FOUND)->code, "tenant_not_found");
	assert_int_equal(err_info(ERR_TENANT_NOT_FOUND)->status, 404);
	assert_string_equal(err_info(ERR_RATE_LIMITED)->code, "rate_limit_exceeded");
	assert_int_equal(err_info(ERR_RATE_LIMITED)->status, 429);
}

static void every_error_has_a_status_a_code_and_a_meaning(void **state)
{
	(void)state;
	for (int e = ERR_NONE + 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info((enum err)e);

		assert_in_range(info->status, 400, 599);
		assert_true(strlen(info->code) > 0);
		assert_true(strspn(info->code, "abcdefghijklmnopqrstuvwxyz_") == strlen(info->code));
		assert_true(strlen(info->meaning) > 0);
	}
}

static void no_code_is_there_twice(void **state)
{
	(void)state;
	for (int e = ERR_NONE; e < ERR_COUNT; e++) {
		for (int f = e + 1; f < ERR_COUNT; f++)
			assert_false(str_eq(err_info((enum err)e)->code, err_info((enum err)f)->code));
	}
}

static void an_unknown_error_is_internal(void **state)
{
	(void)state;
	assert_ptr_equal(err_info(ERR_COUNT), err_info(ERR_INTERNAL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_spec_has_its_codes_and_statuses),
		cmocka_unit_test(every_error_has_a_status_a_code_and_a_meaning),
		cmocka_unit_test(no_code_is_there_twice),
		cmocka_unit_test(an_unknown_error_is_internal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
