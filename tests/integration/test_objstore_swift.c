/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in OpenStack Swift, through its s3api. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "s3_story.h"

static int set_up(void **state)
{
	return s3_stage_set_up(state, S3_SWIFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got),
		cmocka_unit_test(what_is_not_there_is_missing),
		cmocka_unit_test(once_is_once),
		cmocka_unit_test(a_later_one_takes_the_place),
		cmocka_unit_test(keys_that_leave_their_prefix_are_refused),
		cmocka_unit_test(a_list_is_of_one_tenant),
		cmocka_unit_test(what_was_changed_is_told),
		cmocka_unit_test(what_is_too_large_is_not_read),
		cmocka_unit_test(whoever_stops_leaves_nothing),
		cmocka_unit_test(a_wrong_secret_is_refused),
		cmocka_unit_test(a_wrong_key_id_is_refused),
		cmocka_unit_test(a_signed_url_is_good_for_itself_alone),
		cmocka_unit_test(what_is_lost_on_the_way_is_sent_again),
		cmocka_unit_test(a_silent_server_is_not_waited_for),
		cmocka_unit_test(memory_is_constant),
	};

	return cmocka_run_group_tests(tests, set_up, s3_stage_tear_down);
}
