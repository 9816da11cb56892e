/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in Ceph, through its gateway. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "s3_story.h"

/* rgw dns name = localhost; names below that are this machine's. */
static void the_bucket_may_be_part_of_the_host(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct s3_stage *stage = fx->own;
	struct s3_conf conf = s3_peer_conf(stage->peer);
	const struct obj_key key = story_key(story_tenant(fx), "a/b"),
			     large = story_key(story_tenant(fx), "a/c");
	struct objstore *by_path = fx->store;
	const char *url;

	conf.endpoint = arena_printf(fx->arena, "http://localhost:%d", s3_peer_port(stage->peer));
	conf.path_style = false;
	fx->store = objstore_s3(stage->http, &conf);
	story_round(fx, &key, 1000);
	story_round(fx, &large, OBJ_PART + 1);
	url = obj_presign(fx->store, fx->arena, &key, 60);
	assert_non_null(strstr(url, "://" S3_PEER_BUCKET ".localhost:"));
	objstore_destroy(fx->store);
	fx->store = by_path;
	assert_int_equal(OBJ_OK, obj_stat(fx->store, &key, story_deadline(), &fx->got));
	assert_int_equal(1000, fx->got.size);
}

static int set_up(void **state)
{
	return s3_stage_set_up(state, S3_CEPH);
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
		cmocka_unit_test(the_bucket_may_be_part_of_the_host),
	};

	return cmocka_run_group_tests(tests, set_up, s3_stage_tear_down);
}
