/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a worker when, with the workers' steps made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/queue.h"

enum { PLACES = 12, ALICE = 1, BOB = 2, CAROL = 3 };

static const struct queue_owner alice = { .id = ALICE, .known = true }, bob = { .id = BOB, .known = true };
static struct queue q;
static struct queue_item items[64];

static int setup(void **state)
{
	const struct queue_conf conf = {
		.places = PLACES, .extra = 2, .workers = 8, .known = { 2, 6 }, .stranger = { 3, 8 },
		.groups = 2, .group_workers = 3,
	};

	(void)state;
	return queue_init(&q, &conf) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	queue_stop(&q);
	queue_finish(&q);
	return 0;
}

static bool put_as(int i, const struct queue_owner *owner, bool under_way)
{
	if (!queue_reserve(&q, &items[i], owner, under_way))
		return false;
	queue_put(&q, &items[i]);
	return true;
}

static bool put(int i, uint64_t owner)
{
	return put_as(i, &(struct queue_owner){ .id = owner, .known = true }, false);
}

static bool put_in(int i, uint64_t owner, int group)
{
	return put_as(i, &(struct queue_owner){ .id = owner, .known = true, .group = group }, false);
}

static bool put_stranger(int i, uint64_t owner)
{
	return put_as(i, &(struct queue_owner){ .id = owner }, false);
}

/* Which item comes next; its lane is for queue_done(). */
static int take(struct lane **lane)
{
	return (int)(queue_take(&q, lane) - items);
}

static void owners_take_turns(void **state)
{
	static const int order[] = { 0, 4, 5, 1 };
	struct lane *lane[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(put(i, ALICE));
	assert_true(put(4, BOB));
	assert_true(put(5, CAROL));
	for (int i = 0; i < 4; i++)
		assert_int_equal(order[i], take(&lane[i]));
	/* Alice has all the workers that she may have; what is hers waits for one of them. */
	assert_int_equal(2, queue_waiting(&q));
	queue_done(&q, lane[0]);
	assert_int_equal(2, take(&lane[0]));
	assert_true(put(6, BOB));
	assert_int_equal(6, take(&lane[1]));
	queue_done(&q, lane[3]);
	assert_int_equal(3, take(&lane[3]));
	assert_int_equal(0, queue_waiting(&q));
	for (int i = 0; i < 4; i++)
		queue_done(&q, lane[i]);
}

static void places_are_bounded_for_each_and_for_all(void **state)
{
	struct lane *lane;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_true(put(i, ALICE));
	assert_false(put(6, ALICE));
	for (int i = 6; i < 12; i++)
		assert_true(put(i, BOB));
	assert_false(put(12, CAROL));
	/* What is under way goes on. */
	for (int i = 12; i < 14; i++)
		assert_true(put_as(i, &alice, true));
	assert_false(put_as(14, &alice, true));
	for (int i = 0; i < 14; i++) {
		(void)take(&lane);
		queue_done(&q, lane);
	}
	assert_true(put(0, ALICE));
	assert_int_equal(0, take(&lane));
	queue_done(&q, lane);
}

static void a_stranger_goes_on_as_who_it_is(void **state)
{
	struct lane *a[2], *s[3];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(put(i, ALICE));
		assert_int_equal(i, take(&a[i]));
	}
	for (int i = 2; i < 5; i++) {
		assert_true(put_stranger(i, 99));
		assert_int_equal(i, take(&s[i - 2]));
	}
	assert_int_equal(MOVE_PARKED, queue_move(&q, &items[2], &alice, &s[0]));
	assert_null(s[0]);
	assert_int_equal(MOVE_GO, queue_move(&q, &items[3], &bob, &s[1]));
	/* The worker that was a stranger's is free for the next one. */
	assert_true(put_stranger(5, 99));
	assert_int_equal(5, take(&s[0]));
	queue_done(&q, a[0]);
	assert_int_equal(2, take(&a[0]));
	for (int i = 6; i < 12; i++)
		assert_true(put(i, ALICE));
	assert_int_equal(MOVE_FULL, queue_move(&q, &items[4], &alice, &s[2]));
	for (int i = 0; i < 3; i++)
		queue_done(&q, s[i]);
	queue_done(&q, a[0]);
	queue_done(&q, a[1]);
	for (int i = 6; i < 12; i++) {
		assert_int_equal(i, take(&a[0]));
		queue_done(&q, a[0]);
	}
}

/* Three tenants of one region want two workers each; a fourth is elsewhere. */
static void a_group_leaves_workers_to_the_others(void **state)
{
	struct lane *lane[5];

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_true(put_in(i, 10 + (uint64_t)i / 2, 1));
	assert_true(put_in(6, 20, 2));
	assert_int_equal(0, take(&lane[0]));
	assert_int_equal(2, take(&lane[1]));
	assert_int_equal(4, take(&lane[2]));
	assert_int_equal(6, take(&lane[3]));
	assert_int_equal(3, queue_waiting(&q));
	/* Only what is elsewhere, or nowhere, is taken. */
	assert_true(put(7, ALICE));
	assert_int_equal(7, take(&lane[4]));
	queue_done(&q, lane[4]);
	/* Whoever is next gets the worker that comes back. */
	queue_done(&q, lane[1]);
	assert_int_equal(1, take(&lane[1]));
	queue_done(&q, lane[1]);
	assert_int_equal(3, take(&lane[1]));
	queue_done(&q, lane[0]);
	assert_int_equal(5, take(&lane[0]));
	for (int i = 0; i < 4; i++)
		queue_done(&q, lane[i]);
	assert_int_equal(0, queue_waiting(&q));
}

static void a_stranger_waits_for_its_group(void **state)
{
	const struct queue_owner owner = { .id = CAROL, .known = true, .group = 1 };
	struct lane *lane[3], *s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(put_in(i, 10 + (uint64_t)i, 1));
		assert_int_equal(i, take(&lane[i]));
	}
	assert_true(put_stranger(3, 99));
	assert_int_equal(3, take(&s));
	assert_int_equal(MOVE_PARKED, queue_move(&q, &items[3], &owner, &s));
	assert_int_equal(1, queue_waiting(&q));
	queue_done(&q, lane[0]);
	assert_int_equal(3, take(&lane[0]));
	for (int i = 0; i < 3; i++)
		queue_done(&q, lane[i]);
}

/* Of two that wait for their group the first has all its own workers by now: the free one is the second's. */
static void who_cannot_use_a_worker_keeps_none(void **state)
{
	const struct queue_owner owner = { .id = 10, .known = true, .group = 1 };
	static const uint64_t running[] = { 10, 30, 40 };
	struct lane *lane[6], *s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(put_in(i, running[i], 1));
		assert_int_equal(i, take(&lane[i]));
	}
	assert_true(put_in(3, 20, 1));
	assert_true(put_in(4, 10, 1));
	assert_true(put_stranger(5, 99));
	assert_int_equal(5, take(&s));
	queue_done(&q, lane[1]);
	assert_int_equal(MOVE_GO, queue_move(&q, &items[5], &owner, &s));
	assert_true(put(6, ALICE));
	assert_int_equal(6, take(&lane[1]));
	queue_done(&q, lane[2]);
	assert_true(put(7, BOB));
	assert_int_equal(3, take(&lane[2]));
	assert_int_equal(7, take(&lane[3]));
	queue_done(&q, s);
	assert_int_equal(4, take(&lane[4]));
	for (int i = 0; i < 5; i++)
		queue_done(&q, lane[i]);
	assert_int_equal(0, queue_waiting(&q));
}

static void a_stop_leaves_nothing_behind(void **state)
{
	struct lane *lane = NULL;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(put(i, ALICE));
	queue_stop(&q);
	assert_false(put(5, BOB));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(i, take(&lane));
		queue_done(&q, lane);
	}
	assert_null(queue_take(&q, &lane));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(owners_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(places_are_bounded_for_each_and_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stranger_goes_on_as_who_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_group_leaves_workers_to_the_others, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stranger_waits_for_its_group, setup, teardown),
		cmocka_unit_test_setup_teardown(who_cannot_use_a_worker_keeps_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stop_leaves_nothing_behind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
