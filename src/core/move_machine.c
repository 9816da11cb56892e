/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/move_machine.h"

#include <stddef.h>

#define SECOND_US INT64_C(1000000)
#define PAUSE_MAX_US (30 * SECOND_US)
#define DOUBLINGS_MAX 5

const char *const move_steps[] = { "scheduled", "prepare", "copy", "catchup", "prewarm", "fence", "drain",
	"verify", "flip", "retire", "cleanup", "completed", "aborting", "aborted", NULL };

/* What is done in a step, and which step follows when that is done. */
static const struct {
	enum move_effect effect;
	enum move_step next;
} plan[MOVE_STEPS] = {
	[MOVE_SCHEDULED] = { MOVE_DO_NOTHING, MOVE_PREPARE },
	[MOVE_PREPARE] = { MOVE_DO_PREPARE, MOVE_COPY },
	[MOVE_COPY] = { MOVE_DO_COPY, MOVE_CATCHUP },
	[MOVE_CATCHUP] = { MOVE_DO_CATCH_UP, MOVE_PREWARM },
	[MOVE_PREWARM] = { MOVE_DO_SUM, MOVE_FENCE },
	[MOVE_FENCE] = { MOVE_DO_FENCE, MOVE_DRAIN },
	[MOVE_DRAIN] = { MOVE_DO_CATCH_UP, MOVE_VERIFY },
	[MOVE_VERIFY] = { MOVE_DO_VERIFY, MOVE_FLIP },
	[MOVE_FLIP] = { MOVE_DO_NOTHING, MOVE_RETIRE },
	[MOVE_RETIRE] = { MOVE_DO_RETIRE, MOVE_CLEANUP },
	[MOVE_CLEANUP] = { MOVE_DO_CLEAN_UP, MOVE_COMPLETED },
	[MOVE_COMPLETED] = { MOVE_DO_NOTHING, MOVE_COMPLETED },
	[MOVE_ABORTING] = { MOVE_DO_OPEN_SOURCE, MOVE_ABORTED },
	[MOVE_ABORTED] = { MOVE_DO_NOTHING, MOVE_ABORTED },
};

bool move_state_equal(const struct move_state *a, const struct move_state *b)
{
	return a->step == b->step && a->reason == b->reason && a->attempts == b->attempts &&
	       a->failures == b->failures && a->fenced_at == b->fenced_at && a->not_before == b->not_before;
}

bool move_is_urgent(enum move_step s)
{
	return (s >= MOVE_FENCE && s <= MOVE_RETIRE) || s == MOVE_ABORTING;
}

bool move_is_over(enum move_step s)
{
	return s == MOVE_COMPLETED || s == MOVE_ABORTED;
}

bool move_is_cancellable(enum move_step s)
{
	return s <= MOVE_FLIP;
}

static bool is_fenced(enum move_step s)
{
	return s >= MOVE_FENCE && s <= MOVE_FLIP;
}

static bool is_final(const struct move_state *s)
{
	return s->reason != MOVE_TOO_LONG || s->attempts >= MOVE_ATTEMPTS_MAX;
}

/* A source that was never closed, or was opened since, is left alone. */
static enum move_effect effect_of(const struct move_state *s)
{
	return s->step == MOVE_ABORTING && s->fenced_at == 0 ? MOVE_DO_NOTHING : plan[s->step].effect;
}

static struct move_next begin(struct move_state s)
{
	return (struct move_next){ s, effect_of(&s), 0 };
}

static struct move_next enter(struct move_state s, enum move_step step)
{
	s.step = step;
	s.failures = 0;
	s.not_before = 0;
	return begin(s);
}

static struct move_next go_on(struct move_state s)
{
	s.failures = 0;
	s.not_before = 0;
	return begin(s);
}

static struct move_next wait_until(struct move_state s, int64_t at)
{
	return (struct move_next){ s, MOVE_DO_NOTHING, at };
}

static struct move_next go_back(struct move_state s, enum move_reason why)
{
	s.reason = why;
	return enter(s, MOVE_ABORTING);
}

/* Doubled with each failure in a row, or each fence that took too long. */
static int64_t pause_us(int64_t n)
{
	const int64_t doublings = n - 1 < DOUBLINGS_MAX ? n - 1 : DOUBLINGS_MAX;
	const int64_t us = SECOND_US << (doublings > 0 ? doublings : 0);

	return us < PAUSE_MAX_US ? us : PAUSE_MAX_US;
}

/* While writes are held up, and behind the flip, nothing is gained by waiting long or by giving up. */
static struct move_next try_again(struct move_state s, int64_t now)
{
	const bool bounded = s.step < MOVE_FENCE;

	s.failures++;
	if (bounded && s.failures >= MOVE_FAILURES_MAX)
		return go_back(s, MOVE_UNREACHABLE);
	s.not_before = now + (move_is_urgent(s.step) ? SECOND_US / 5 : pause_us(s.failures));
	return wait_until(s, s.not_before);
}

/* The source is open. The copy is as good as it was: another attempt goes on from there. */
static struct move_next after_abort(struct move_state s, const struct move_seen *seen)
{
	if (seen->cancelled)
		s.reason = MOVE_CANCELLED;
	if (is_final(&s))
		return enter(s, MOVE_ABORTED);
	s.reason = MOVE_NO_REASON;
	s.step = MOVE_CATCHUP;
	s.failures = 0;
	s.fenced_at = 0;
	s.not_before = seen->now + pause_us(s.attempts);
	return wait_until(s, s.not_before);
}

static struct move_next fence(struct move_state s, int64_t now)
{
	s.attempts++;
	s.fenced_at = now;
	return enter(s, MOVE_FENCE);
}

/* Until the window begins the copy follows the source. */
static struct move_next after_catch_up(const struct move_state *s, const struct move_seen *seen)
{
	if (seen->lag > (s->step == MOVE_DRAIN ? 0 : MOVE_LAG_SMALL))
		return go_on(*s);
	if (s->step == MOVE_DRAIN || seen->now >= seen->window_at)
		return enter(*s, plan[s->step].next);
	return wait_until(go_on(*s).state, seen->window_at < seen->now + MOVE_FOLLOW_US
						   ? seen->window_at : seen->now + MOVE_FOLLOW_US);
}

static struct move_next after_done(const struct move_state *s, const struct move_seen *seen)
{
	if (s->step == MOVE_CATCHUP || s->step == MOVE_DRAIN)
		return after_catch_up(s, seen);
	if (s->step == MOVE_PREWARM)
		return fence(*s, seen->now);
	if (s->step == MOVE_ABORTING)
		return after_abort(*s, seen);
	return enter(*s, plan[s->step].next);
}

/* Nothing was done yet: a node took over, or a pause is over. */
static struct move_next on_unseen(const struct move_state *s, const struct move_seen *seen)
{
	if (s->not_before > seen->now)
		return wait_until(*s, s->not_before);
	if (effect_of(s) == MOVE_DO_NOTHING)
		return after_done(s, seen);
	return begin(*s);
}

static enum move_reason reason_to_go_back(const struct move_state *s, const struct move_seen *seen)
{
	if (!move_is_cancellable(s->step))
		return MOVE_NO_REASON;
	if (seen->cancelled)
		return MOVE_CANCELLED;
	if (is_fenced(s->step) && seen->now >= s->fenced_at + MOVE_FENCE_BUDGET_US)
		return MOVE_TOO_LONG;
	if (seen->outcome == MOVE_WRONG)
		return s->step == MOVE_VERIFY || s->step == MOVE_PREWARM ? MOVE_DIFFERS : MOVE_IMPOSSIBLE;
	return MOVE_NO_REASON;
}

struct move_next move_step(const struct move_state *s, const struct move_seen *seen)
{
	const enum move_reason back = reason_to_go_back(s, seen);

	if (move_is_over(s->step))
		return wait_until(*s, INT64_MAX);
	if (back != MOVE_NO_REASON)
		return go_back(*s, back);
	switch (seen->outcome) {
	case MOVE_DONE:
		return after_done(s, seen);
	case MOVE_MORE:
		return go_on(*s);
	case MOVE_FAILED:
	case MOVE_WRONG:
		return try_again(*s, seen->now);
	case MOVE_UNSEEN:
		break;
	}
	return on_unseen(s, seen);
}
