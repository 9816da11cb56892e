/* SPDX-License-Identifier: Apache-2.0 */
/* Moves carry the tenant's objects and what is known of them, whether both regions share a store or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mover.h"
#include "temp.h"

#include "cc/base/clock.h"
#include "core/objects_in.h"
#include "cc/crypto/digest.h"

#define OBJECTS 450 /* several pages */
#define AT_ONCE 10
#define FEW 5
#define PUT_MS 10000

static char *folders[2]; /* of EAST, or of both; of WEST */
static bool shared;

static struct objstore *open_folder(const char *path)
{
	struct arena *a = arena_create(512);
	const char *error = NULL;
	struct objstore *s = objstore_folder(a, path, &error);

	if (s == NULL)
		fail_msg("%s", error);
	arena_destroy(a);
	return s;
}

static void open_stores(struct plane *p)
{
	p->world.store = open_folder(folders[0]);
	if (!shared)
		region_find(&p->world, WEST)->store = open_folder(folders[1]);
}

static void close_stores(struct plane *p)
{
	objstore_destroy(p->world.store);
	objstore_destroy(region_find(&p->world, WEST)->store);
	p->world.store = region_find(&p->world, WEST)->store = NULL;
}

static int start(void **state)
{
	const int e = mover_start(state);

	folders[0] = temp_folder("east");
	folders[1] = temp_folder("west");
	open_stores(plane);
	return e;
}

static int stop(void **state)
{
	close_stores(plane);
	temp_remove(folders[0]);
	temp_remove(folders[1]);
	return mover_stop(state);
}

static int share(void **state)
{
	(void)state;
	close_stores(plane);
	shared = !shared;
	open_stores(plane);
	return 0;
}

/* Objects -------------------------------------------------------------------------------------------- */

static struct objstore *store_at(const char *region)
{
	return region_store(&plane->world, region);
}

static const char *path_of(int n)
{
	static char path[40];

	snprintf(path, sizeof(path), "bundles/sandbox/%05d.tar.gz", n);
	return path;
}

static const char *text_of(int n)
{
	static char text[40];

	snprintf(text, sizeof(text), "this is object %d", n);
	return text;
}

/* Puts it, and adds what the catalogue says of it. */
static void put_object(struct str *rows, struct objstore *store, const char *id, int n, const char *text)
{
	struct obj_key key;
	struct obj_got got;

	assert_true(obj_key_make(&key, id, path_of(n)));
	assert_int_equal(OBJ_OK,
		obj_put_bytes(store, &key, 0, text, strlen(text), clock_mono_ms() + PUT_MS, &got));
	str_addf(rows, "%s('%s', 'bundle', %zu, decode('%s', 'hex'), now(), 'sandbox', '%d', %d)",
		rows->len > 0 ? "," : "", path_of(n), strlen(text),
		hex_encode(rows->arena, got.sha256, sizeof(got.sha256)), n, n);
}

static void write_down(const char *id, const struct str *rows)
{
	plane_sql(plane, mover_database(mover_region(id)),
		"INSERT INTO %s.objects (key, kind, size, sha256, created_at, environment, revision, version)"
		" VALUES %s"
		" ON CONFLICT (key) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256",
		plane_schema(plane, id), rows->data);
}

static void write_object(const char *id, int n, const char *text)
{
	struct arena *a = arena_create(1024);
	struct str rows;

	str_init(&rows, a, 512);
	put_object(&rows, store_at(mover_region(id)), id, n, text);
	write_down(id, &rows);
	arena_destroy(a);
}

static const char *tenant_with(int n)
{
	const char *id = mover_tenant(FEW);
	struct arena *a = arena_create(8192);
	struct str rows;

	for (int i = 0; i < n; i++) {
		if (i % AT_ONCE == 0)
			str_init(&rows, a, 8192);
		put_object(&rows, store_at(EAST), id, i, text_of(i));
		if (i % AT_ONCE == AT_ONCE - 1 || i == n - 1)
			write_down(id, &rows);
	}
	arena_destroy(a);
	return id;
}

static enum obj_result look(const char *region, const char *id, int n)
{
	struct obj_key key;
	struct obj_got got;

	assert_true(obj_key_make(&key, id, path_of(n)));
	return obj_stat(store_at(region), &key, clock_mono_ms() + PUT_MS, &got);
}

static bool count_one(void *arg, const struct obj_key *key, int64_t size)
{
	(void)key;
	(void)size;
	*(int *)arg += 1;
	return true;
}

static int objects_in(const char *region, const char *id)
{
	struct obj_key prefix;
	struct obj_got got;
	int n = 0;

	assert_true(obj_prefix_make(&prefix, id));
	assert_int_equal(OBJ_OK,
		obj_list(store_at(region), &prefix, count_one, &n, clock_mono_ms() + PUT_MS, &got));
	return n;
}

static const char *catalogue(const char *region, const char *schema)
{
	return plane_text(plane, mover_database(region),
		"SELECT count(*) || coalesce(md5(string_agg(o::text, '|' ORDER BY key)), '')"
		" FROM %s.objects o",
		schema);
}

/* What a line of the catalogue says is so: 64 digits and the key. */
static void check_object(const char *region, const char *id, struct arena *a, const char *line, size_t len)
{
	struct obj_key key;
	struct obj_got got;
	char *bytes = NULL;

	assert_true(obj_key_make(&key, id, arena_strndup(a, line + 64, len - 64)));
	assert_int_equal(OBJ_OK, obj_get_bytes(store_at(region), a, &key, NULL, 1000,
					 clock_mono_ms() + PUT_MS, &bytes, &got));
	assert_string_equal(arena_strndup(a, line, 64), hex_encode(a, got.sha256, sizeof(got.sha256)));
}

/* What the catalogue of the region says lies there, and nothing else does. */
static void check_objects(const char *id, int n)
{
	const char *region = mover_region(id), *schema = plane_schema(plane, id), *rest;
	struct arena *a = arena_create(4096);
	int seen = 0;

	do {
		rest = plane_text(plane, mover_database(region),
			"SELECT coalesce(string_agg(encode(sha256, 'hex') || key, ' '), '') FROM (SELECT *"
			" FROM %s.objects ORDER BY key OFFSET %d LIMIT %d) o",
			schema, seen, AT_ONCE);
		for (; *rest != '\0'; seen++) {
			const size_t len = strcspn(rest, " ");

			check_object(region, id, a, rest, len);
			rest += len + (rest[len] == ' ');
		}
	} while (seen % AT_ONCE == 0 && seen > 0 && seen < n);
	assert_int_equal(n, seen);
	assert_int_equal(n, objects_in(region, id));
	arena_destroy(a);
}

/* What was left in the other region may go now. */
static void drop_what_is_left(void)
{
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.tenant_schema SET lease_until = now()"
					" WHERE state = 'dropping'");
	for (int i = 0; i < 20 && plane_count(plane, "cc.tenant_schema WHERE state = 'dropping'") > 0; i++)
		(void)plane_tick(plane);
	assert_int_equal(0, plane_count(plane, "cc.tenant_schema WHERE state = 'dropping'"));
}

/* Tests ---------------------------------------------------------------------------------------------- */

static void objects_go_with_the_tenant_and_come_back(void **state)
{
	const char *id = tenant_with(OBJECTS), *first = plane_schema(plane, id);
	const char *before = mover_content(EAST, first), *known = catalogue(EAST, first);
	const char *d = mover_begin(id, WEST, false);

	(void)state;
	mover_run(d);
	mover_check_moved(id, d, before);
	assert_string_equal(known, catalogue(WEST, plane_schema(plane, id)));
	check_objects(id, OBJECTS);
	print_message("# %d objects: froze for %s ms\n", OBJECTS, mover_column(d, "freeze_ms"));
	/* Kept for a while where they were, in both kinds of stores. */
	assert_int_equal(OBJECTS, objects_in(EAST, id));
	drop_what_is_left();
	assert_int_equal(shared ? OBJECTS : 0, objects_in(EAST, id));
	check_objects(id, OBJECTS);
	d = mover_begin(id, EAST, false);
	mover_run(d);
	mover_check_moved(id, d, before);
	assert_string_equal(known, catalogue(EAST, plane_schema(plane, id)));
	drop_what_is_left();
	check_objects(id, OBJECTS);
	assert_int_equal(shared ? OBJECTS : 0, objects_in(WEST, id));
}

/* Back before what the first move left was removed: that is removed then, and nothing else. */
static void who_comes_back_early_keeps_all(void **state)
{
	const char *id = tenant_with(FEW), *d = mover_begin(id, WEST, false);

	(void)state;
	mover_run(d);
	write_object(id, FEW, "made there");
	d = mover_begin(id, EAST, false);
	mover_run(d);
	drop_what_is_left();
	check_objects(id, FEW + 1);
}

/* One is new, one is another, and one is gone. */
static void what_changes_meanwhile_comes_along(void **state)
{
	const char *id = tenant_with(FEW), *d = mover_begin(id, WEST, false);
	struct obj_key key;
	struct obj_got got;

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
	assert_int_equal(OBJ_OK, look(WEST, id, 0));
	write_object(id, FEW, "new");
	write_object(id, 1, "another");
	assert_true(obj_key_make(&key, id, path_of(0)));
	assert_int_equal(OBJ_OK, obj_delete(store_at(EAST), &key, clock_mono_ms() + PUT_MS, &got));
	plane_sql(plane, PLANE_EAST, "DELETE FROM %s.objects WHERE key = '%s'", plane_schema(plane, id),
		path_of(0));
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now(), lease_until = now() WHERE id = '%s'", d);
	mover_run(d);
	assert_string_equal(WEST, mover_region(id));
	check_objects(id, FEW);
	assert_int_equal(OBJ_MISSING, look(WEST, id, 0));
}

/* Its stores are its own, as those of another node would be. */
static enum err tick_there(struct plane *p, struct ctx *cx, void *arg)
{
	enum err e;

	open_stores(p);
	e = mover_tick(p, cx, arg);
	close_stores(p);
	return e;
}

/* Written down behind the fence, by somebody who looked in front of it. */
/* Larger than what travels in memory. */
static void a_large_object_comes_along(void **state)
{
	const char *id = tenant_with(3), *move;
	char *text = malloc(OBJ_PART + 100);

	(void)state;
	memset(text, 'x', OBJ_PART + 99);
	text[OBJ_PART + 99] = '\0';
	write_object(id, 7, text);
	free(text);
	move = mover_begin(id, WEST, false);
	mover_run(move);
	assert_string_equal("completed", mover_column(move, "step"));
	assert_int_equal(OBJ_OK, look(WEST, id, 7));
	assert_int_equal(4, objects_in(WEST, id));
}

static void what_comes_late_is_found(void **state)
{
	const char *id = tenant_with(FEW), *d = mover_begin(id, WEST, false);
	bool did = false;

	(void)state;
	while (!plane_dies_at(plane, "move.taken+move.fence.closed:1", tick_there, &did))
		plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET lease_until = now()");
	write_object(id, FEW, "late");
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET lease_until = now() WHERE id = '%s'", d);
	mover_run(d);
	assert_string_equal(WEST, mover_region(id));
	check_objects(id, FEW + 1);
}

/* The catalogue says what is not so: the move does not fail of it. */
static void what_is_not_there_is_forgotten(void **state)
{
	const char *id = tenant_with(FEW), *d = mover_begin(id, WEST, false);
	struct obj_key key;
	struct obj_got got;

	(void)state;
	assert_true(obj_key_make(&key, id, path_of(2)));
	assert_int_equal(OBJ_OK, obj_delete(store_at(EAST), &key, clock_mono_ms() + PUT_MS, &got));
	assert_true(obj_key_make(&key, id, path_of(3)));
	assert_int_equal(OBJ_OK,
		obj_put_bytes(store_at(EAST), &key, 0, "other", 5, clock_mono_ms() + PUT_MS, &got));
	mover_run(d);
	assert_string_equal(WEST, mover_region(id));
	check_objects(id, FEW - 2);
}

static void a_cancelled_move_leaves_no_objects(void **state)
{
	const char *id = tenant_with(FEW), *before = mover_content(EAST, plane_schema(plane, id));
	const char *d = mover_begin(id, WEST, false);

	(void)state;
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET window_at = now() + interval '1 hour' WHERE id = '%s'", d);
	mover_run_until(d, "step = 'catchup' AND lag_rows = 0");
	assert_int_equal(FEW, objects_in(WEST, id));
	plane_sql(plane, PLANE_CONTROL,
		"UPDATE cc.deployment SET cancelled = true, lease_until = now() WHERE id = '%s'", d);
	mover_run(d);
	mover_check_aborted(id, d, before);
	drop_what_is_left();
	check_objects(id, FEW);
	assert_int_equal(shared ? FEW : 0, objects_in(WEST, id));
}

static void what_is_discarded_is_gone(void **state)
{
	const char *id = tenant_with(FEW), *d = mover_begin(id, WEST, true);

	(void)state;
	mover_run(d);
	assert_string_equal(WEST, mover_region(id));
	drop_what_is_left();
	check_objects(id, 0);
	assert_int_equal(0, objects_in(EAST, id));
}

/* The node dies at each point of copying objects in turn; another one goes on. */
static void whoever_dies_another_goes_on(void **state)
{
	static const char *const points[] = { "move.object.copied:1", "move.object.copied:3",
		"move.objects.page:1", "move.verify.done:1", "move.cleanup.objects:1" };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		const char *id = tenant_with(FEW), *before = mover_content(EAST, plane_schema(plane, id));
		const char *known = catalogue(EAST, plane_schema(plane, id));
		const char *d = mover_begin(id, WEST, false);
		char point[64];
		bool did = false, died = false;

		snprintf(point, sizeof(point), "move.taken+%s", points[i]);
		while (!died && !mover_is_over(d)) {
			died = plane_dies_at(plane, point, tick_there, &did);
			plane_sql(plane, PLANE_CONTROL,
				"UPDATE cc.deployment SET lease_until = now() WHERE id = '%s'", d);
		}
		assert_true(died);
		mover_run(d);
		if (strcmp(mover_column(d, "step"), "completed") != 0)
			fail_msg("%s: %s", points[i], mover_column(d, "error"));
		mover_check_moved(id, d, before);
		assert_string_equal(known, catalogue(WEST, plane_schema(plane, id)));
		check_objects(id, FEW);
	}
}

/* With the tenant goes what it has, also where it is no more. */
static void a_purge_looks_in_every_store(void **state)
{
	const char *id = tenant_with(FEW), *beside = tenant_with(FEW);
	const char *d = mover_begin(id, WEST, false);

	(void)state;
	mover_run(d);
	assert_int_equal(FEW, objects_in(EAST, id));
	plane_schedule(plane, id);
	plane_expire(plane);
	for (int i = 0; i < 20 && mover_region(id)[0] != '\0'; i++)
		(void)plane_tick(plane);
	assert_string_equal("", mover_region(id));
	assert_int_equal(0, objects_in(EAST, id));
	assert_int_equal(0, objects_in(WEST, id));
	check_objects(beside, FEW);
}

/* The settings have lost the store: what lies there is not said to be gone. */
static void what_lies_in_no_store_is_not_gone(void **state)
{
	const char *id = tenant_with(FEW);
	struct tick_report report;
	struct ctx cx;

	(void)state;
	plane_schedule(plane, id);
	plane_expire(plane);
	close_stores(plane);
	cx = plane_ctx(plane);
	assert_int_equal(ERR_UNAVAILABLE, provision_tick(&cx, &report));
	assert_non_null(strstr(cx.problem.message, "have no store"));
	plane_done(&cx);
	open_stores(plane);
	assert_string_equal(EAST, mover_region(id));
	plane_expire(plane);
	for (int i = 0; i < 20 && mover_region(id)[0] != '\0'; i++)
		(void)plane_tick(plane);
	assert_string_equal("", mover_region(id));
	assert_int_equal(0, objects_in(EAST, id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_go_with_the_tenant_and_come_back),
		cmocka_unit_test_setup_teardown(objects_go_with_the_tenant_and_come_back, share, share),
		cmocka_unit_test(who_comes_back_early_keeps_all),
		cmocka_unit_test(what_changes_meanwhile_comes_along),
		cmocka_unit_test(a_large_object_comes_along),
		cmocka_unit_test(what_comes_late_is_found),
		cmocka_unit_test(what_is_not_there_is_forgotten),
		cmocka_unit_test(a_cancelled_move_leaves_no_objects),
		cmocka_unit_test_setup_teardown(a_cancelled_move_leaves_no_objects, share, share),
		cmocka_unit_test(what_is_discarded_is_gone),
		cmocka_unit_test_setup_teardown(what_is_discarded_is_gone, share, share),
		cmocka_unit_test(whoever_dies_another_goes_on),
		cmocka_unit_test(a_purge_looks_in_every_store),
		cmocka_unit_test(what_lies_in_no_store_is_not_gone),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
