/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "move_sim.h"

#define SCHEDULES 200000
#define BUG_SCHEDULES 200000
#define S INT64_C(1000000)

static struct move_next after(enum move_step step, enum move_outcome outcome, int64_t now, int64_t lag)
{
	const struct move_state s = { .step = step, .attempts = 1, .fenced_at = 100 * S };
	const struct move_seen seen = { .outcome = outcome, .now = now, .lag = lag };

	return move_step(&s, &seen);
}

static void all_that_goes_well_leads_to_the_end(void **state)
{
	struct move_state s = { .step = MOVE_SCHEDULED };
	struct move_seen seen = { .now = S };
	enum move_step last = s.step;
	int steps = 0;

	(void)state;
	while (!move_is_over(s.step) && steps < 50) {
		const struct move_next n = move_step(&s, &seen);

		assert_true(n.state.step == s.step || n.state.step == last + 1);
		last = s.step = n.state.step;
		s = n.state;
		seen.outcome = n.effect == MOVE_DO_NOTHING ? MOVE_UNSEEN : MOVE_DONE;
		steps++;
	}
	assert_int_equal(MOVE_COMPLETED, s.step);
	assert_int_equal(1, s.attempts);
}

static void a_fence_beyond_its_budget_opens_the_source_and_is_tried_again(void **state)
{
	(void)state;
	for (enum move_step step = MOVE_FENCE; step <= MOVE_FLIP; step++) {
		struct move_next n = after(step, MOVE_UNSEEN, 105 * S, 0);
		struct move_seen opened = { .outcome = MOVE_DONE, .now = 106 * S };

		assert_int_equal(MOVE_ABORTING, n.state.step);
		assert_int_equal(MOVE_TOO_LONG, n.state.reason);
		assert_int_equal(MOVE_DO_OPEN_SOURCE, n.effect);
		n = move_step(&n.state, &opened);
		assert_int_equal(MOVE_CATCHUP, n.state.step);
		assert_int_equal(MOVE_DO_NOTHING, n.effect);
		assert_true(n.wake_at > opened.now && n.wake_at == n.state.not_before);
	}
}

static void the_fifth_fence_is_the_last(void **state)
{
	const struct move_state s = { .step = MOVE_ABORTING, .reason = MOVE_TOO_LONG, .fenced_at = S,
				      .attempts = MOVE_ATTEMPTS_MAX };
	const struct move_seen seen = { .outcome = MOVE_DONE, .now = 9 * S };

	(void)state;
	assert_int_equal(MOVE_ABORTED, move_step(&s, &seen).state.step);
}

static void a_difference_is_never_flipped(void **state)
{
	const struct move_next n = after(MOVE_VERIFY, MOVE_WRONG, 101 * S, 0);
	const struct move_seen opened = { .outcome = MOVE_DONE, .now = 102 * S };

	(void)state;
	assert_int_equal(MOVE_ABORTING, n.state.step);
	assert_int_equal(MOVE_DIFFERS, n.state.reason);
	assert_int_equal(MOVE_ABORTED, move_step(&n.state, &opened).state.step);
}

static void behind_the_flip_nothing_leads_back(void **state)
{
	static const enum move_outcome outcomes[] = { MOVE_UNSEEN, MOVE_MORE, MOVE_DONE, MOVE_FAILED,
						      MOVE_WRONG };

	(void)state;
	for (enum move_step step = MOVE_RETIRE; step <= MOVE_COMPLETED; step++)
		for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
			const struct move_state s = { .step = step, .failures = 1000, .fenced_at = S };
			const struct move_seen seen = { .outcome = outcomes[i], .now = 1000 * S,
							.cancelled = true };
			const struct move_next n = move_step(&s, &seen);

			assert_true(n.state.step >= step && n.state.step <= MOVE_COMPLETED);
		}
}

static void the_window_is_waited_for_with_the_copy_kept_fresh(void **state)
{
	const struct move_state s = { .step = MOVE_CATCHUP };
	struct move_seen seen = { .outcome = MOVE_DONE, .now = S, .window_at = 60 * S };
	struct move_next n = move_step(&s, &seen);

	(void)state;
	assert_int_equal(MOVE_CATCHUP, n.state.step);
	assert_int_equal(MOVE_DO_NOTHING, n.effect);
	assert_int_equal(S + MOVE_FOLLOW_US, n.wake_at);
	seen.outcome = MOVE_UNSEEN;
	seen.now = n.wake_at;
	assert_int_equal(MOVE_DO_CATCH_UP, move_step(&n.state, &seen).effect);
	seen.outcome = MOVE_DONE;
	seen.now = 60 * S;
	assert_int_equal(MOVE_PREWARM, move_step(&n.state, &seen).state.step);
}

static void what_fails_is_tried_at_growing_distances_and_given_up(void **state)
{
	struct move_state s = { .step = MOVE_COPY };
	int64_t before = 0, now = S;
	int n = 0;

	(void)state;
	for (; s.step == MOVE_COPY && n < 100; n++) {
		const struct move_seen seen = { .outcome = MOVE_FAILED, .now = now };

		s = move_step(&s, &seen).state;
		if (s.step != MOVE_COPY)
			break;
		assert_true(s.not_before - now >= before);
		before = s.not_before - now;
		now = s.not_before;
	}
	assert_int_equal(MOVE_FAILURES_MAX, n + 1);
	assert_int_equal(MOVE_ABORTING, s.step);
	assert_int_equal(MOVE_UNREACHABLE, s.reason);
}

static void every_schedule_ends_in_one_of_two_clean_states(void **state)
{
	int64_t ends[MOVE_STEPS] = { 0 }, writes = 0, fences = 0, events = 0, refused = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SCHEDULES; seed++) {
		const struct move_story t = move_simulate(seed, BUG_NONE);

		if (t.broken != NULL) {
			print_error("seed %llu: %s\n", (unsigned long long)seed, t.broken);
			fail();
		}
		ends[t.end]++;
		writes += t.writes;
		refused += t.refused;
		fences += t.fences;
		events += t.events;
	}
	print_message("# %d schedules: %lld completed, %lld aborted, %lld fences, %lld writes, %lld refused, "
		      "%lld events\n",
		      SCHEDULES, (long long)ends[MOVE_COMPLETED], (long long)ends[MOVE_ABORTED],
		      (long long)fences, (long long)writes, (long long)refused, (long long)events);
	assert_true(ends[MOVE_COMPLETED] > SCHEDULES / 5 && ends[MOVE_ABORTED] > SCHEDULES / 20);
}

static void every_bug_would_be_found(void **state)
{
	(void)state;
	for (enum move_bug bug = BUG_NONE + 1; bug < MOVE_BUGS; bug++) {
		const char *found = NULL;
		uint64_t seed = 0;

		while (found == NULL && ++seed <= BUG_SCHEDULES)
			found = move_simulate(seed, bug).broken;
		print_message("# bug %d: %s (seed %llu)\n", (int)bug, found != NULL ? found : "not found",
			      (unsigned long long)seed);
		assert_non_null(found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_goes_well_leads_to_the_end),
		cmocka_unit_test(a_fence_beyond_its_budget_opens_the_source_and_is_tried_again),
		cmocka_unit_test(the_fifth_fence_is_the_last),
		cmocka_unit_test(a_difference_is_never_flipped),
		cmocka_unit_test(behind_the_flip_nothing_leads_back),
		cmocka_unit_test(the_window_is_waited_for_with_the_copy_kept_fresh),
		cmocka_unit_test(what_fails_is_tried_at_growing_distances_and_given_up),
		cmocka_unit_test(every_schedule_ends_in_one_of_two_clean_states),
		cmocka_unit_test(every_bug_would_be_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
