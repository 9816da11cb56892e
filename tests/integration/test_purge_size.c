/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant that has much is purged in steps, none of which takes long, and nothing of another one goes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "mover.h"
#include "temp.h"

#include "cc/base/clock.h"
#include "cc/store/objstore.h"

#define TICKS_MAX 200

static char *folder;

static int start(void **state)
{
	const int e = mover_start(state);
	const char *error = NULL;

	folder = temp_folder("store");
	plane->world.store = objstore_folder(plane->arena, folder, &error);
	assert_non_null(plane->world.store);
	return e;
}

static int stop(void **state)
{
	objstore_destroy(plane->world.store);
	plane->world.store = NULL;
	temp_remove(folder);
	return mover_stop(state);
}

/* As the store would have written them, without waiting for the disk each time. */
static void fill_store(const char *id, int n)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/tenants", folder);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/tenants/%s", folder, id);
	assert_int_equal(0, mkdir(path, 0700));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/tenants/%s/%06d", folder, id, i);
		temp_write(path, "12345678");
	}
}

static bool count_one(void *arg, const struct obj_key *key, int64_t size)
{
	(void)key;
	(void)size;
	*(int *)arg += 1;
	return true;
}

static int objects_of(const char *id)
{
	struct obj_key prefix;
	struct obj_got got;
	int n = 0;

	assert_true(obj_prefix_make(&prefix, id));
	assert_int_equal(OBJ_OK, obj_list(plane->world.store, &prefix, count_one, &n,
					 clock_mono_ms() + 60000, &got));
	return n;
}

/* Longer statements are taken back, and then the tick fails: every one of these must have been good. */
static void much_goes_in_small_steps(void **state)
{
	const bool all = getenv("CC_LONG") != NULL;
	const int rows = all ? 100000 : 3000, objects = all ? 10000 : 900, keys = all ? 2000 : 600;
	const char *id = mover_tenant(rows), *beside = mover_tenant(50), *before;
	const int64_t begun = clock_mono_ms();
	int64_t longest = 0;
	int ticks = 0;

	(void)state;
	fill_store(id, objects);
	fill_store(beside, 10);
	plane_keys(plane, id, keys);
	before = mover_content(EAST, plane_schema(plane, beside));
	plane_schedule(plane, id);
	while (plane_count(plane, arena_printf(plane->arena, "cc.tenant WHERE id = '%s'", id)) > 0) {
		const int64_t tick = clock_mono_ms();

		(void)plane_tick(plane);
		if (clock_mono_ms() - tick > longest)
			longest = clock_mono_ms() - tick;
		assert_true(ticks++ < TICKS_MAX);
	}
	print_message("# %d rows of each kind, %d objects: %d ticks, %" PRId64
		      " ms, the longest tick %" PRId64 " ms\n",
		rows, objects, ticks, clock_mono_ms() - begun, longest);
	assert_string_equal(
		arena_printf(plane->arena, "%d %d %d %d %d", objects, 8 * objects, rows, rows, keys),
		plane_text(plane, PLANE_CONTROL,
			"SELECT concat_ws(' ', removed->>'objects', removed->>'object_bytes',"
			" removed->>'rows.policies', removed->>'rows.idempotency', removed->>'api_keys')"
			" FROM cc.tenant_tombstone WHERE id = '%s' AND certificate IS NOT NULL",
			id));
	assert_int_equal(0, objects_of(id));
	assert_int_equal(10, objects_of(beside));
	assert_string_equal(before, mover_content(EAST, plane_schema(plane, beside)));
	plane_check_whole(plane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(much_goes_in_small_steps),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
