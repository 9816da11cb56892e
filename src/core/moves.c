/* SPDX-License-Identifier: Apache-2.0 */
/* Moves, one step after the other: the machine says which, the parts beside do it, every state is stored. */
#include "cc/core/moves.h"

#include "move_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/core/world.h"

#define SLICE_MS 2000           /* then another move may have a turn, unless this one holds up its tenant */
#define TOLD_EVERY 25           /* of failures in a row */
#define UNFINISHED_AFTER 100    /* failures in a row: half a minute and more */
#define EFFECT_MS 15000
#define URGENT_MS 2500          /* shorter than the lease: who is slower has lost it */
#define STORE_MS 5000           /* of a state, however long what it was made of took */
#define GIVE_BACK_MS 1000
#define RETRY_MS 200

static enum err (*const effects[MOVE_EFFECTS])(struct ctx *cx, struct move *m, struct move_seen *seen) = {
	[MOVE_DO_PREPARE] = move_prepare, [MOVE_DO_COPY] = move_copy, [MOVE_DO_CATCH_UP] = move_catch_up,
	[MOVE_DO_SUM] = move_compare, [MOVE_DO_FENCE] = move_fence, [MOVE_DO_VERIFY] = move_compare_rest,
	[MOVE_DO_RETIRE] = move_retire, [MOVE_DO_CLEAN_UP] = move_clean_up,
	[MOVE_DO_OPEN_SOURCE] = move_open_source,
};

static void say(const struct move *m, const char *what)
{
	LOG(LOG_INFO, what, LOG_TEXT("deployment", m->row.id), LOG_TEXT("tenant", m->row.tenant_id),
	    LOG_TEXT("from", m->row.from_region), LOG_TEXT("to", m->row.to_region),
	    LOG_TEXT("step", move_steps[m->state.step]));
}

static void act(struct ctx *cx, struct move *m, enum move_effect effect, struct move_seen *seen)
{
	const int64_t deadline = cx->deadline_ms;
	enum err e;

	*seen = (struct move_seen){ .outcome = MOVE_FAILED };
	ctx_clear_problem(cx);
	cx->deadline_ms = clock_mono_ms() + (move_is_urgent(m->state.step) ? URGENT_MS : EFFECT_MS);
	e = m->row.to_schema != NULL || effect == MOVE_DO_PREPARE ? move_find_places(cx, m) : ERR_NONE;
	if (e == ERR_NONE)
		e = effects[effect](cx, m, seen);
	cx->deadline_ms = deadline;
	if (e == ERR_NONE)
		return;
	seen->outcome = e == ERR_CONFLICT ? MOVE_WRONG : MOVE_FAILED;
	if (m->state.failures % TOLD_EVERY == 0)
		say(m, "a step of a move failed");
	if (m->state.step == MOVE_RETIRE && m->state.failures % UNFINISHED_AFTER == UNFINISHED_AFTER - 1)
		move_tell_unfinished(cx, m);
	move_tell_trouble(cx, m, e);
}

/* What holds a tenant up is brought to its end even when this node is about to stop. */
static bool may_go_on(const struct ctx *cx, const struct move *m, int64_t end)
{
	return move_is_urgent(m->state.step) ||
	       (clock_mono_ms() < end && !atomic_load(&cx->world->stopping));
}

/*
 * What follows from what was seen is stored, whatever the time; what it says is done before `end`. *ret_on
 * false: it rests, is over, or is in other hands.
 */
static enum err go_on(struct ctx *cx, struct move *m, struct move_seen *seen, int64_t end, bool *ret_on)
{
	struct move_next next;

	*ret_on = false;
	cx->deadline_ms = clock_mono_ms() + STORE_MS;
	seen->now = move_now(m);
	seen->window_at = m->row.window_at;
	seen->cancelled = m->row.cancelled;
	next = move_step(&m->state, seen);
	if (!move_state_equal(&next.state, &m->state)) {
		const enum move_step before = m->state.step;
		bool ours = false;

		TRY(move_keep(cx, m, &next.state, &ours));
		if (!ours)
			return ERR_NONE;
		if (m->state.step != before)
			say(m, "a move goes on");
	}
	if (move_is_over(m->state.step))
		return ERR_NONE;
	if (next.effect == MOVE_DO_NOTHING && next.wake_at > move_now(m))
		return move_let_go(cx, m, (next.wake_at - move_now(m)) / 1000 + 1);
	if (!may_go_on(cx, m, end))
		return move_let_go(cx, m, 0);
	*ret_on = true;
	if (next.effect == MOVE_DO_NOTHING)
		*seen = (struct move_seen){ .outcome = MOVE_UNSEEN };
	else
		act(cx, m, next.effect, seen);
	return ERR_NONE;
}

/* Somebody's turn at once, not when this one's is over. */
static enum err give_back(struct ctx *cx, const struct move *m, enum err e)
{
	const struct problem problem = cx->problem;

	cx->deadline_ms = clock_mono_ms() + GIVE_BACK_MS;
	/* It may be what failed: then the time of the lease has to do. */
	if (move_let_go(cx, m, RETRY_MS) != ERR_NONE)
		ctx_clear_problem(cx);
	cx->problem = problem;
	return e;
}

enum err moves_tick(struct ctx *cx, bool urgent, bool *ret_did)
{
	const int64_t end = clock_mono_ms() + SLICE_MS;
	struct move_seen seen = { .outcome = MOVE_UNSEEN };
	struct move m = { 0 };
	enum err e = ERR_NONE;
	bool on = true;

	TRY(move_take(cx, urgent, &m, ret_did));
	if (!*ret_did)
		return ERR_NONE;
	FAILPOINT("move.taken");
	while (e == ERR_NONE && on)
		e = go_on(cx, &m, &seen, end, &on);
	return e != ERR_NONE ? give_back(cx, &m, e) : ERR_NONE;
}
