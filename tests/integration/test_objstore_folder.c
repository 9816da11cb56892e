/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in a folder, and what somebody may have put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "objstore_story.h"
#include "temp.h"

static int set_up(void **state)
{
	struct objstore_fixture *fx = calloc(1, sizeof(*fx));
	const char *error = "";

	fx->arena = arena_create(4096);
	fx->own = temp_folder("objects");
	fx->store = objstore_folder(fx->arena, fx->own, &error);
	if (fx->store == NULL)
		fail_msg("%s", error);
	*state = fx;
	return 0;
}

static int tear_down(void **state)
{
	struct objstore_fixture *fx = *state;

	objstore_destroy(fx->store);
	temp_remove(fx->own);
	arena_destroy(fx->arena);
	free(fx);
	return 0;
}

static char *below(struct objstore_fixture *fx, const char *path)
{
	return arena_printf(fx->arena, "%s/%s", (const char *)fx->own, path);
}

static void a_folder_that_is_none_is_told(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *error = NULL;

	assert_null(objstore_folder(fx->arena, below(fx, "none"), &error));
	assert_non_null(strstr(error, "none: No such file or directory"));
	temp_write(below(fx, "file"), "x");
	assert_null(objstore_folder(fx->arena, below(fx, "file"), &error));
}

/* A link in place of the tenant's folder, of one below it, and of the object. */
static void links_are_not_followed(void **state)
{
	static const char *const planted[] = { "tenants/tenant-link", "tenants/tenant-link/a",
		"tenants/tenant-link/a/b" };
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key("tenant-link", "a/b");
	char *outside = temp_folder("outside"), *secret = temp_path(outside, "b");
	struct story_sink out = { .stop_at = -1 };
	int seen = 0;

	temp_write(secret, "nobody's business");
	assert_int_equal(0, mkdir(below(fx, "tenants"), 0700));
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		const bool whole = i == 2;

		assert_int_equal(0, symlink(whole ? secret : outside, below(fx, planted[i])));
		assert_int_not_equal(OBJ_OK,
			obj_get(fx->store, &key, NULL, 100, story_write, &out, story_deadline(), &fx->got));
		assert_int_not_equal(OBJ_OK, obj_stat(fx->store, &key, story_deadline(), &fx->got));
		if (!whole) {
			assert_int_equal(OBJ_DENIED,
				obj_put_bytes(fx->store, &key, 0, "x", 1, story_deadline(), &fx->got));
			assert_int_equal(OBJ_DENIED, obj_delete(fx->store, &key, story_deadline(), &fx->got));
		}
		assert_int_equal(0, unlink(below(fx, planted[i])));
		assert_true(whole || mkdir(below(fx, planted[i]), 0700) == 0);
	}
	/* What replaces a link is a file, and leaves what it led to alone. */
	assert_int_equal(0, symlink(secret, below(fx, planted[2])));
	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &key, 0, "x", 1, story_deadline(), &fx->got));
	char *kept = temp_read(secret);
	assert_string_equal("nobody's business", kept);
	free(kept);
	assert_int_equal(0, out.at);
	assert_int_equal(0, seen);
	free(secret);
	temp_remove(outside);
}

/* A folder with nothing in it but the names of folders is nothing anybody needs. */
static void empty_folders_go_with_the_last_object(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key one = story_key("tenant-tidy", "a/b/c"), two = story_key("tenant-tidy", "a/d");

	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &one, 0, "1", 1, story_deadline(), &fx->got));
	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &two, 0, "2", 1, story_deadline(), &fx->got));
	assert_int_equal(OBJ_OK, obj_delete(fx->store, &one, story_deadline(), &fx->got));
	assert_int_not_equal(0, access(below(fx, "tenants/tenant-tidy/a/b"), F_OK));
	assert_int_equal(0, access(below(fx, "tenants/tenant-tidy/a/d"), F_OK));
	assert_int_equal(OBJ_OK, obj_delete(fx->store, &two, story_deadline(), &fx->got));
	assert_int_not_equal(0, access(below(fx, "tenants/tenant-tidy"), F_OK));
	assert_int_equal(0, access(below(fx, "tenants"), F_OK));
}

/* Hidden, with a name of nobody, a link: none of it is an object, and all of it is there. */
static void what_is_none_of_ours_is_told(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key("tenant-strange", "a/b");
	struct obj_rest rest;
	struct obj_key prefix;

	assert_true(obj_prefix_make(&prefix, "tenant-strange"));
	assert_int_equal(OBJ_OK, obj_clear(fx->store, &prefix, story_deadline(), &rest, &fx->got));
	assert_int_equal(0, rest.strange);
	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &key, 0, "x", 1, story_deadline(), &fx->got));
	temp_write(below(fx, "tenants/tenant-strange/.hidden"), "x");
	temp_write(below(fx, "tenants/tenant-strange/a/what is this"), "x");
	assert_int_equal(0, symlink("/etc/passwd", below(fx, "tenants/tenant-strange/a/link")));
	assert_int_equal(OBJ_OK, obj_clear(fx->store, &prefix, story_deadline(), &rest, &fx->got));
	assert_int_equal(3, rest.strange);
	assert_int_equal(0, access(below(fx, "tenants/tenant-strange/.hidden"), F_OK));
}

static void nothing_is_left_aside(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key("tenant-aside", "a");
	struct story_source in = { .size = 100000, .stop_at = 50000 };

	assert_int_equal(
		OBJ_STOPPED, obj_put(fx->store, &key, 0, story_read, &in, story_deadline(), &fx->got));
	assert_int_equal(0, rmdir(below(fx, ".aside")));
	assert_int_equal(0, mkdir(below(fx, ".aside"), 0700));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_is_got, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(once_is_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_later_one_takes_the_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_that_leave_their_prefix_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_is_of_one_tenant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_changed_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_large_is_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(whoever_stops_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_is_none_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_are_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(empty_folders_go_with_the_last_object, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_none_of_ours_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_left_aside, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
