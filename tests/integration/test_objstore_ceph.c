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

/* What a bucket keeps of what was removed goes, too. */
static void versions_go_with_their_object(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct s3_stage *stage = fx->own;
	struct s3_conf conf = s3_peer_conf(stage->peer);
	const char *tenant = story_tenant(fx);
	const struct obj_key one = story_key(tenant, "a/1"), two = story_key(tenant, "a/2");
	struct objstore *plain = fx->store;

	s3_story_ask(fx, "PUT", "/kept", NULL, "");
	s3_story_ask(fx, "PUT", "/kept", "versioning",
		"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<Status>Enabled</Status></VersioningConfiguration>");
	conf.bucket = "kept";
	fx->store = objstore_s3(stage->http, &conf);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			OBJ_OK, obj_put_bytes(fx->store, &one, 0, "x", 1, story_deadline(), &fx->got));
	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &two, 0, "y", 1, story_deadline(), &fx->got));
	assert_int_equal(OBJ_OK, obj_delete(fx->store, &one, story_deadline(), &fx->got));
	assert_int_equal(OBJ_OK, obj_delete(fx->store, &two, story_deadline(), &fx->got));
	assert_int_equal(OBJ_MISSING, obj_stat(fx->store, &one, story_deadline(), &fx->got));
	/* Four versions and two marks. */
	assert_int_equal(6, s3_story_cleared(fx, tenant).removed);
	assert_int_equal(0, s3_story_cleared(fx, tenant).removed);
	objstore_destroy(fx->store);
	fx->store = plain;
}

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(the_bucket_may_be_part_of_the_host),
		cmocka_unit_test(versions_go_with_their_object),
	};

	return s3_stories(S3_CEPH, own, sizeof(own) / sizeof(own[0]));
}
