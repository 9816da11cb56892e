/* SPDX-License-Identifier: Apache-2.0 */
#include "move_sim.h"

#include <stdbool.h>
#include <string.h>

#define ROWS 6
#define PAGE 2
#define NODES 3
#define LATE_MAX 8
#define MS INT64_C(1000)
#define LEASE_US (4000 * MS)
#define URGENT_LEASE_US (2000 * MS)
#define TROUBLE_EVENTS 160      /* then nothing goes wrong any more … */
#define CALM_EVENTS 4000        /* … and it must come to an end within these */
#define RESOLVED_US (10000 * MS)

enum { SOURCE, TARGET };

/* A copy of the tenant; a row is the number of the write that it shows. */
struct copy {
	bool there, gone, writable;
	int64_t epoch, turn, version;
	int64_t row[ROWS], changed[ROWS];
	bool writing;                   /* somebody has passed the gate and not committed yet */
	int writing_row;
	int copied;                     /* rows, while MOVE_COPY */
};

/* An effect on its way: what it read of the source goes with it. */
struct message {
	enum move_effect effect;
	int64_t turn, at;
	struct copy read;
	bool damaged;
};

struct node {
	bool works;                     /* believes to own the move */
	int64_t sleeps_until;
	struct move_state state;
	int64_t turn;
	struct move_seen seen;
	int64_t wake_at;
	bool stores;                    /* what it thought of, at its next event … */
	struct move_next next;
	enum move_effect effect;        /* … and then this is done */
};

struct sim {
	uint64_t random;
	enum move_bug bug;
	bool trouble;
	int64_t now, calm_at;
	/* the control database */
	struct move_state row;
	int64_t turn, lease_until, last_turn, window_at;
	bool cancelled;
	int placement;
	struct copy copy[2];
	int64_t written[ROWS], last_write;
	struct node node[NODES];
	struct message late[LATE_MAX];
	int nlate;
	struct move_story story;
};

static uint64_t draw(struct sim *s, uint64_t below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (s->random >> 11) % below;
}

static bool chance(struct sim *s, uint64_t percent)
{
	return s->trouble && draw(s, 100) < percent;
}

static void broken(struct sim *s, const char *what)
{
	s->story.broken = s->story.broken != NULL ? s->story.broken : what;
}

/* Effects, where they arrive ------------------------------------------------------------------------- */

static bool touch(struct sim *s, struct copy *c, int64_t turn)
{
	if (!c->there || c->gone || (turn < c->turn && s->bug != BUG_NO_TURNS))
		return false;
	if (turn > c->turn)
		c->turn = turn;
	return true;
}

static enum move_outcome do_prepare(struct sim *s, const struct message *m)
{
	struct copy *t = &s->copy[TARGET];

	if (t->gone)
		return MOVE_WRONG;
	if (!t->there)
		*t = (struct copy){ .there = true, .epoch = 2, .version = m->read.version };
	return touch(s, t, m->turn) ? MOVE_DONE : MOVE_FAILED;
}

static void damage(struct sim *s, const struct message *m)
{
	s->copy[TARGET].row[draw(s, ROWS)] += m->damaged ? 1000000 : 0;
}

static enum move_outcome do_copy(struct sim *s, const struct message *m)
{
	struct copy *t = &s->copy[TARGET];

	if (!touch(s, t, m->turn) || t->writable)
		return MOVE_FAILED;
	for (int i = 0; i < PAGE && t->copied < ROWS; i++, t->copied++)
		if (m->read.changed[t->copied] <= t->version) {
			t->row[t->copied] = m->read.row[t->copied];
			t->changed[t->copied] = m->read.changed[t->copied];
		}
	damage(s, m);
	return t->copied < ROWS ? MOVE_MORE : MOVE_DONE;
}

static enum move_outcome do_catch_up(struct sim *s, const struct message *m, int64_t *ret_lag)
{
	struct copy *t = &s->copy[TARGET];

	if (!touch(s, t, m->turn) || t->writable)
		return MOVE_FAILED;
	for (int i = 0; i < ROWS; i++)
		if (m->read.changed[i] > t->version || (m->read.changed[i] > 0 && t->changed[i] == 0)) {
			t->row[i] = m->read.row[i];
			t->changed[i] = m->read.changed[i];
		}
	if (m->read.version > t->version)
		t->version = m->read.version;
	damage(s, m);
	*ret_lag = s->copy[SOURCE].version - t->version;
	return MOVE_DONE;
}

static enum move_outcome do_fence(struct sim *s, const struct message *m)
{
	struct copy *c = &s->copy[SOURCE];

	if ((c->writing && s->bug != BUG_FENCE_DOES_NOT_WAIT) || !touch(s, c, m->turn))
		return MOVE_FAILED;
	c->writable = false;
	if (s->bug == BUG_TARGET_OPENS_EARLY)
		s->copy[TARGET].writable = true;
	return MOVE_DONE;
}

static enum move_outcome do_verify(struct sim *s, const struct message *m)
{
	const struct copy *t = &s->copy[TARGET];

	if (!touch(s, &s->copy[TARGET], m->turn))
		return MOVE_FAILED;
	return memcmp(t->row, m->read.row, sizeof(t->row)) == 0 ? MOVE_DONE : MOVE_WRONG;
}

static enum move_outcome do_open_source(struct sim *s, const struct message *m)
{
	if (!touch(s, &s->copy[SOURCE], m->turn))
		return MOVE_FAILED;
	s->copy[SOURCE].writable = true;
	return MOVE_DONE;
}

static enum move_outcome do_retire(struct sim *s, const struct message *m)
{
	if (!touch(s, &s->copy[TARGET], m->turn))
		return MOVE_FAILED;
	s->copy[TARGET].writable = true;
	return touch(s, &s->copy[SOURCE], m->turn) ? MOVE_DONE : MOVE_FAILED;
}

static enum move_outcome deliver(struct sim *s, const struct message *m, int64_t *ret_lag)
{
	*ret_lag = 0;
	switch (m->effect) {
	case MOVE_DO_PREPARE:
		return do_prepare(s, m);
	case MOVE_DO_COPY:
		return do_copy(s, m);
	case MOVE_DO_CATCH_UP:
		return do_catch_up(s, m, ret_lag);
	case MOVE_DO_FENCE:
		return do_fence(s, m);
	case MOVE_DO_VERIFY:
		return do_verify(s, m);
	case MOVE_DO_OPEN_SOURCE:
		return do_open_source(s, m);
	case MOVE_DO_RETIRE:
		return do_retire(s, m);
	case MOVE_DO_SUM: case MOVE_DO_CLEAN_UP: case MOVE_DO_NOTHING: case MOVE_EFFECTS:
		break;
	}
	return MOVE_DONE;
}

static void keep_late(struct sim *s, struct message m)
{
	if (s->nlate == LATE_MAX)
		return;
	m.at = s->now + (int64_t)draw(s, 20000) * MS;
	s->late[s->nlate++] = m;
}

static struct message message_of(struct sim *s, enum move_effect effect, int64_t turn)
{
	return (struct message){ .effect = effect, .turn = turn, .read = s->copy[SOURCE],
				 .damaged = chance(s, 2) };
}

/* The control database ------------------------------------------------------------------------------- */

static int64_t lease_us(const struct sim *s)
{
	return move_is_urgent(s->row.step) ? URGENT_LEASE_US : LEASE_US;
}

static bool is_refused(const struct sim *s, const struct node *n, const struct move_state *next)
{
	const bool flips = next->step == MOVE_RETIRE && s->row.step != MOVE_RETIRE;

	if (flips && s->cancelled && s->bug != BUG_FLIP_IGNORES_CANCEL)
		return true;
	if (flips && s->bug == BUG_BLIND_FLIP)
		return false;
	return s->turn != n->turn;
}

static void note_state(struct sim *s, const struct move_state *next)
{
	if (s->placement == TARGET && next->step != MOVE_RETIRE && next->step != MOVE_CLEANUP &&
	    next->step != MOVE_COMPLETED)
		broken(s, "a move went back behind its flip");
	if (next->step == MOVE_RETIRE && s->placement == SOURCE) {
		if (s->cancelled)
			broken(s, "a cancelled move flipped");
		s->placement = TARGET;
	}
	if (next->step == MOVE_ABORTED)
		s->copy[TARGET].gone = true;
	s->story.fences += next->step == MOVE_FENCE && s->row.step != MOVE_FENCE;
}

static bool store(struct sim *s, struct node *n, const struct move_state *next)
{
	if (is_refused(s, n, next))
		return false;
	note_state(s, next);
	s->row = *next;
	s->turn = ++s->last_turn;
	s->lease_until = s->now + lease_us(s);
	if (chance(s, 4)) /* nobody learns that it was stored */
		return false;
	n->state = *next;
	n->turn = s->turn;
	return true;
}

static void claim(struct sim *s, struct node *n)
{
	if (move_is_over(s->row.step) || s->lease_until > s->now)
		return;
	s->turn = ++s->last_turn;
	s->lease_until = s->now + lease_us(s);
	*n = (struct node){ .works = true, .state = s->row, .turn = s->turn };
}

static void act(struct sim *s, struct node *n)
{
	struct message m = message_of(s, n->effect, n->turn);
	const bool late = chance(s, 6), lost = chance(s, 4), answered = !chance(s, 5);
	int64_t lag = 0;

	n->effect = MOVE_DO_NOTHING;
	n->seen = (struct move_seen){ .outcome = MOVE_FAILED };
	if (late)
		keep_late(s, m);
	if (late || lost)
		return;
	n->seen.outcome = deliver(s, &m, &lag);
	n->seen.lag = lag;
	if (!answered)
		n->seen.outcome = MOVE_FAILED;
	if (chance(s, 6))
		keep_late(s, m);
}

static struct move_next with_bug(struct sim *s, const struct node *n, struct move_next next)
{
	if (s->bug == BUG_NO_VERIFY && next.state.step == MOVE_VERIFY)
		next.state.step = MOVE_FLIP;
	if (s->bug == BUG_DROPS_LATE_CHANGES && next.state.step == MOVE_DRAIN)
		next.state.step = MOVE_FLIP;
	if (next.state.step == MOVE_FLIP)
		next.effect = MOVE_DO_NOTHING;
	if (s->bug == BUG_ABORT_FORGETS_SOURCE && next.state.step == MOVE_ABORTING)
		next.state.step = MOVE_ABORTED;
	if (s->bug == BUG_OPENS_BEFORE_STORING && next.state.step == MOVE_ABORTING &&
	    n->state.step != MOVE_ABORTING) {
		struct message m = message_of(s, MOVE_DO_OPEN_SOURCE, n->turn);
		int64_t lag;

		(void)deliver(s, &m, &lag);
	}
	return next;
}

static void go_on(struct node *n)
{
	n->wake_at = n->next.wake_at;
	n->effect = n->next.effect;
	n->works = !move_is_over(n->state.step);
}

static void think(struct sim *s, struct node *n)
{
	n->seen.now = s->now;
	n->seen.window_at = s->window_at;
	n->seen.cancelled = s->cancelled;
	n->next = with_bug(s, n, move_step(&n->state, &n->seen));
	n->seen = (struct move_seen){ 0 };
	n->stores = !move_state_equal(&n->next.state, &n->state);
	if (!n->stores)
		go_on(n);
}

/* Much may have happened since it thought of it. */
static void store_it(struct sim *s, struct node *n)
{
	n->stores = false;
	if (store(s, n, &n->next.state))
		go_on(n);
	else
		n->works = false;
}

static void run_node(struct sim *s, struct node *n)
{
	if (s->now < n->sleeps_until) {
		return;
	} else if (chance(s, 4)) { /* it died, and began anew */
		*n = (struct node){ 0 };
		return;
	}
	if (chance(s, 4)) {
		n->sleeps_until = s->now + (int64_t)draw(s, 20000) * MS;
		return;
	}
	if (!n->works)
		claim(s, n);
	else if (n->stores)
		store_it(s, n);
	else if (n->effect != MOVE_DO_NOTHING)
		act(s, n);
	else if (n->wake_at <= s->now)
		think(s, n);
	else if (s->turn == n->turn)
		s->lease_until = s->now + lease_us(s);
	else
		n->works = false;
}

static void commit(struct sim *s, int where)
{
	struct copy *c = &s->copy[where];

	c->writing = false;
	if (c->gone)
		return;
	if (where != s->placement)
		broken(s, "a write was taken where the tenant does not live");
	c->row[c->writing_row] = s->written[c->writing_row] = ++s->last_write;
	c->changed[c->writing_row] = ++c->version;
	s->story.writes++;
}

/* Clients may know an older placement, never a newer one. */
static void write_or_commit(struct sim *s)
{
	const int where = s->placement == SOURCE ? SOURCE : (int)draw(s, 2);
	struct copy *c = &s->copy[where];

	if (c->writing) {
		commit(s, where);
	} else if (!c->there || c->gone || !c->writable) {
		s->story.refused++;
	} else {
		c->writing = true;
		c->writing_row = (int)draw(s, ROWS);
		if (draw(s, 3) != 0)
			commit(s, where);
	}
}

static void check(struct sim *s)
{
	const struct copy *a = &s->copy[SOURCE], *b = &s->copy[TARGET];

	if (a->writable && b->there && !b->gone && b->writable)
		broken(s, "two copies are writable");
	if (s->placement == SOURCE && b->there && b->writable)
		broken(s, "the target is writable before the flip");
	if (s->row.step == MOVE_ABORTED && !a->writable)
		broken(s, "the source is not writable after an abort");
	if (s->placement == TARGET && a->writable)
		broken(s, "the source is writable behind the flip");
	if (!s->trouble && s->row.fenced_at > 0 && s->row.step >= MOVE_FENCE && s->row.step <= MOVE_FLIP &&
	    s->now - (s->row.fenced_at > s->calm_at ? s->row.fenced_at : s->calm_at) > RESOLVED_US)
		broken(s, "a fence was not resolved");
}

static void deliver_late(struct sim *s)
{
	int64_t lag;

	for (int i = 0; i < s->nlate; i++) {
		if (s->late[i].at > s->now)
			continue;
		(void)deliver(s, &s->late[i], &lag);
		s->late[i] = s->late[--s->nlate];
		check(s);
	}
}

static void event(struct sim *s)
{
	const uint64_t what = draw(s, 100);

	s->story.events++;
	s->now += (int64_t)draw(s, chance(s, 5) ? 4000 : 120) * MS;
	deliver_late(s);
	if (what < 30)
		write_or_commit(s);
	else
		run_node(s, &s->node[draw(s, NODES)]);
	if (chance(s, 1) && draw(s, 4) == 0 && move_is_cancellable(s->row.step))
		s->cancelled = true;
	check(s);
}

static void check_end(struct sim *s)
{
	const struct copy *home = &s->copy[s->placement];

	if (!move_is_over(s->row.step))
		broken(s, "it came to no end");
	else if (!home->there || home->gone || !home->writable)
		broken(s, "the tenant takes no writes in the end");
	else if (memcmp(home->row, s->written, sizeof(home->row)) != 0)
		broken(s, "writes that were taken are lost");
	if ((s->row.step == MOVE_COMPLETED) != (s->placement == TARGET))
		broken(s, "the end and the placement differ");
}

static void begin(struct sim *s, uint64_t seed, enum move_bug bug)
{
	struct copy *c = &s->copy[SOURCE];

	*s = (struct sim){ .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .bug = bug, .trouble = true };
	for (int i = 0; i < 8; i++)
		(void)draw(s, 2);
	*c = (struct copy){ .there = true, .writable = true, .epoch = 1 };
	for (int i = 0; i < ROWS; i++) {
		c->row[i] = s->written[i] = ++s->last_write;
		c->changed[i] = ++c->version;
	}
	s->now = 1000 * MS;
	s->window_at = draw(s, 4) == 0 ? (int64_t)draw(s, 20000) * MS : 0;
}

struct move_story move_simulate(uint64_t seed, enum move_bug bug)
{
	struct sim s;

	begin(&s, seed, bug);
	for (int i = 0; i < TROUBLE_EVENTS; i++)
		event(&s);
	s.trouble = false;
	s.calm_at = s.now;
	for (int i = 0; i < NODES; i++)
		s.node[i].sleeps_until = 0;
	for (int i = 0; i < CALM_EVENTS && !(move_is_over(s.row.step) && s.nlate == 0); i++)
		event(&s);
	for (int where = 0; where < 2; where++)
		if (s.copy[where].writing)
			commit(&s, where);
	check_end(&s);
	s.story.end = s.row.step;
	return s.story;
}
