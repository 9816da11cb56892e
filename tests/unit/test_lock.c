/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "aborts.h"
#include "cc/base/clock.h"
#include "cc/base/lock.h"

#ifdef NDEBUG
#define RANKS_CHECKED false
#else
#define RANKS_CHECKED true
#endif

struct pair {
	struct lock low, high;
};

static void pair_init(struct pair *p)
{
	lock_init(&p->low, RANK_QUEUE);
	lock_init(&p->high, RANK_LOG);
}

static void ascending(void *arg)
{
	struct pair *p = arg;

	lock_take(&p->low);
	lock_take(&p->high);
	lock_drop(&p->low);
	lock_drop(&p->high);
	lock_take(&p->low);
	lock_drop(&p->low);
}

static void descending(void *arg)
{
	struct pair *p = arg;

	lock_take(&p->high);
	lock_take(&p->low);
}

static void equal(void *arg)
{
	struct pair *p = arg;
	struct lock other;

	lock_init(&other, RANK_QUEUE);
	lock_take(&p->low);
	lock_take(&other);
}

/* After the lower of two was dropped the higher one still counts. */
static void below_what_is_left(void *arg)
{
	struct pair *p = arg;
	struct lock middle;

	lock_init(&middle, RANK_POOL);
	lock_take(&p->low);
	lock_take(&p->high);
	lock_drop(&p->low);
	lock_take(&middle);
}

static void locks_are_taken_in_ascending_order(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	ascending(&p);
	assert_false(aborts(ascending, &p));
	lock_finish(&p.low);
	lock_finish(&p.high);
}

static void another_order_aborts_in_debug_builds(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	assert_int_equal(aborts(descending, &p), RANKS_CHECKED);
	assert_int_equal(aborts(equal, &p), RANKS_CHECKED);
	assert_int_equal(aborts(below_what_is_left, &p), RANKS_CHECKED);
	lock_finish(&p.low);
	lock_finish(&p.high);
}

struct room {
	struct lock lock;
	struct cond cond;
	int count;
};

static void room_init(struct room *r)
{
	lock_init(&r->lock, RANK_QUEUE);
	cond_init(&r->cond);
	r->count = 0;
}

static void room_finish(struct room *r)
{
	cond_finish(&r->cond);
	lock_finish(&r->lock);
}

static void *add_many(void *arg)
{
	struct room *r = arg;

	for (int i = 0; i < 20000; i++) {
		lock_take(&r->lock);
		r->count++;
		lock_drop(&r->lock);
	}
	lock_take(&r->lock);
	cond_wake_all(&r->cond);
	lock_drop(&r->lock);
	return NULL;
}

static void only_one_thread_is_inside(void **state)
{
	pthread_t t[4];
	struct room r;

	(void)state;
	room_init(&r);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, add_many, &r), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(r.count, 80000);
	room_finish(&r);
}

static void a_wait_ends_when_another_thread_wakes(void **state)
{
	struct room r;
	pthread_t t;

	(void)state;
	room_init(&r);
	assert_int_equal(pthread_create(&t, NULL, add_many, &r), 0);
	lock_take(&r.lock);
	while (r.count < 20000)
		assert_true(cond_wait_until(&r.cond, &r.lock, clock_mono_ms() + 60000));
	lock_drop(&r.lock);
	pthread_join(t, NULL);
	room_finish(&r);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	struct room r;
	int64_t until;

	(void)state;
	room_init(&r);
	lock_take(&r.lock);
	until = clock_mono_ms() + 30;
	while (cond_wait_until(&r.cond, &r.lock, until))
		continue;
	assert_true(clock_mono_ms() >= until);
	assert_false(cond_wait_until(&r.cond, &r.lock, 0));
	assert_false(cond_wait_until(&r.cond, &r.lock, -5));
	lock_drop(&r.lock);
	room_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_are_taken_in_ascending_order),
		cmocka_unit_test(another_order_aborts_in_debug_builds),
		cmocka_unit_test(only_one_thread_is_inside),
		cmocka_unit_test(a_wait_ends_when_another_thread_wakes),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
