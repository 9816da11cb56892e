/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cc/base/turnover.h"

#define READERS 2
#define FREED_LEAST 50

static void who_came_before_is_waited_for(void **state)
{
	struct turnover t = { 0 };
	const uint64_t early = turnover_enter(&t);

	(void)state;
	assert_true(turnover_turn(&t)); /* nobody is left of before the last turn: there was none */
	assert_false(turnover_turn(&t));
	assert_false(turnover_turn(&t));
	turnover_leave(&t, early);
	assert_true(turnover_turn(&t));
}

static void who_came_after_is_not_waited_for(void **state)
{
	struct turnover t = { 0 };
	uint64_t late;

	(void)state;
	assert_true(turnover_turn(&t));
	late = turnover_enter(&t);
	assert_true(turnover_turn(&t));
	assert_false(turnover_turn(&t));
	turnover_leave(&t, late);
	assert_true(turnover_turn(&t));
}

struct thing {
	int64_t good; /* 1 while it may be looked at */
	struct thing *next;
};

struct race {
	struct turnover turnover;
	struct thing *_Atomic now;
	atomic_bool stop;
	_Atomic int64_t looks, bad;
};

static void *look(void *arg)
{
	struct race *r = arg;

	while (!atomic_load(&r->stop)) {
		const uint64_t ticket = turnover_enter(&r->turnover);
		const struct thing *t = atomic_load(&r->now);

		for (int i = 0; i < 20; i++)
			if (((const volatile struct thing *)t)->good != 1)
				atomic_fetch_add(&r->bad, 1);
		atomic_fetch_add(&r->looks, 1);
		turnover_leave(&r->turnover, ticket);
	}
	return NULL;
}

static struct thing *thing_new(void)
{
	struct thing *t = calloc(1, sizeof *t);

	assert_non_null(t);
	t->good = 1;
	return t;
}

static void drop(struct thing *t)
{
	while (t != NULL) {
		struct thing *next = t->next;

		t->good = 0;
		free(t);
		t = next;
	}
}

/* Freed memory is found by the sanitizers, and what was marked as bad without them. */
static void nothing_goes_while_somebody_looks(void **state)
{
	struct race r = { .now = thing_new() };
	struct thing *replaced = NULL, *leaving = NULL;
	pthread_t reader[READERS];
	int freed = 0;

	(void)state;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(0, pthread_create(&reader[i], NULL, look, &r));
	/* A reader that has no processor at the moment holds everything, for however many rounds. */
	while (freed < FREED_LEAST) {
		struct thing *before = atomic_exchange(&r.now, thing_new());

		before->next = replaced;
		replaced = before;
		if (turnover_turn(&r.turnover)) {
			freed += leaving != NULL;
			drop(leaving);
			leaving = replaced;
			replaced = NULL;
		} else {
			sched_yield();
		}
	}
	atomic_store(&r.stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(reader[i], NULL);
	assert_int_equal(0, r.bad);
	assert_true(turnover_turn(&r.turnover) && turnover_turn(&r.turnover));
	drop(leaving);
	drop(replaced);
	drop(r.now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_came_before_is_waited_for),
		cmocka_unit_test(who_came_after_is_not_waited_for),
		cmocka_unit_test(nothing_goes_while_somebody_looks),
	};

	return cmocka_run_group_tests_name("turnover", tests, NULL, NULL);
}
