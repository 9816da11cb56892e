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

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(the_bucket_may_be_part_of_the_host),
	};

	return s3_stories(S3_CEPH, own, sizeof(own) / sizeof(own[0]));
}
