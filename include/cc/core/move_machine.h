/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_MOVE_MACHINE_H
#define CC_CORE_MOVE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a move of a tenant to another region does next, without doing anything: no I/O, no clock, no state
 * of its own. The engine keeps the state in a row of the control database, and a simulator runs the same
 * function over schedules of crashes, delays and duplicates. Any thread. Times are µs of the control
 * database.
 */

/* Stored by their names, in this order. Up to MOVE_FLIP the tenant lives in the source. */
enum move_step {
	MOVE_SCHEDULED,
	MOVE_PREPARE,   /* schema and role in the target */
	MOVE_COPY,      /* all rows, page by page, while the tenant works */
	MOVE_CATCHUP,   /* what changed meanwhile, until little is left and the window begins */
	MOVE_PREWARM,   /* the window has begun: both sides are summed up, certificates tried */
	MOVE_FENCE,     /* the source takes no writes any more */
	MOVE_DRAIN,     /* the rest of what changed */
	MOVE_VERIFY,    /* both sides hold the same */
	MOVE_FLIP,      /* the placement is about to change */
	MOVE_RETIRE,    /* it has: the target opens, the source is closed for good. Forward only */
	MOVE_CLEANUP,   /* what is left behind is recorded to be removed */
	MOVE_COMPLETED,
	MOVE_ABORTING,  /* the source opens again; then another attempt, or the end */
	MOVE_ABORTED,
	MOVE_STEPS
};
extern const char *const move_steps[];  /* "scheduled", …, NULL */

/* What to do under the present state. Each may be repeated, and done twice at once by two nodes. */
enum move_effect {
	MOVE_DO_NOTHING,        /* until move_next.wake_at; 0: the next step is asked for at once */
	MOVE_DO_PREPARE,
	MOVE_DO_COPY,           /* some pages */
	MOVE_DO_CATCH_UP,
	MOVE_DO_SUM,
	MOVE_DO_FENCE,          /* waits for writes under way */
	MOVE_DO_VERIFY,
	MOVE_DO_RETIRE,
	MOVE_DO_CLEAN_UP,
	MOVE_DO_OPEN_SOURCE,
	MOVE_EFFECTS
};

enum move_outcome {
	MOVE_UNSEEN,    /* nothing was done yet under this state */
	MOVE_MORE,      /* it did a part of it */
	MOVE_DONE,
	MOVE_FAILED,    /* it may work another time; whether it was done is not known */
	MOVE_WRONG,     /* it will not work another time: the sides differ, the target is full … */
};

/* Why a move goes back. */
enum move_reason {
	MOVE_NO_REASON,
	MOVE_CANCELLED,
	MOVE_TOO_LONG,          /* the fence went beyond its budget */
	MOVE_DIFFERS,
	MOVE_UNREACHABLE,       /* too many failures in a row */
	MOVE_IMPOSSIBLE,
};

struct move_state {
	enum move_step step;
	enum move_reason reason;        /* of going back, while MOVE_ABORTING and after it */
	int64_t attempts;               /* fences that were begun */
	int64_t failures;               /* in a row, of the present step */
	int64_t fenced_at;              /* when the fence of this attempt was begun; 0: there is none */
	int64_t not_before;             /* of the next attempt, after a failure */
};

struct move_seen {
	enum move_outcome outcome;
	int64_t now;
	int64_t lag;                    /* MOVE_DO_CATCH_UP: rows that changed since; 0: none */
	int64_t window_at;              /* no fence before */
	bool cancelled;
};

struct move_next {
	/* When it differs from what was given, it is to be stored, by compare-and-set, before the effect. */
	struct move_state state;
	enum move_effect effect;
	int64_t wake_at;                /* with MOVE_DO_NOTHING */
};

#define MOVE_FENCE_BUDGET_US INT64_C(5000000)
#define MOVE_ATTEMPTS_MAX 5
#define MOVE_FAILURES_MAX 10
#define MOVE_LAG_SMALL 500              /* rows: little enough to begin the fence with */
#define MOVE_FOLLOW_US INT64_C(1000000) /* how often one that waits for its window catches up */

/*
 * One step. Equal arguments give equal results. What the engine owes it:
 * - a state is stored only in place of the one that it was made of;
 * - storing MOVE_RETIRE changes the placement in the same transaction, and fails when the move was cancelled;
 * - storing an end records in the same transaction which schema is to be dropped;
 * - an effect that was decided before another one that was done is refused where it arrives.
 */
struct move_next move_step(const struct move_state *s, const struct move_seen *seen);
bool move_state_equal(const struct move_state *a, const struct move_state *b);
/* The tenant's writes are held up: whoever finds it so and unowned must go on at once. */
bool move_is_urgent(enum move_step s);
/* Nothing follows. */
bool move_is_over(enum move_step s);
/* The placement has not changed yet, and will not if the move is cancelled now. */
bool move_is_cancellable(enum move_step s);

#endif
