/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_MOVE_PARTS_H
#define CC_CORE_MOVE_PARTS_H

#include "cc/core/move_machine.h"
#include "cc/db/unit.h"
#include "cc/model/head.h"
#include "cc/model/move.h"
#include "cc/model/provision.h"

/* What was done and found; INT_NULL and NULL: as they were. */
struct move_figures {
	int64_t rows, bytes, copy_ms, lag, verified_version, verified_seq;
	const char *checksum;
};

/* A move in hand: its row as this node last stored or took it. */
struct move {
	struct move_row row;
	struct move_state state;
	int64_t read_us;                /* clock_mono_us() when row was read */
	int64_t renewed_ms;             /* clock_mono_ms() when its lease began */
	struct move_figures due;        /* to be stored with the next state, if … */
	bool is_due;
	int64_t columns;                /* version of both schemas when they were compared; 0: not known */
	struct db_place source, target; /* both as the owners of the schemas */
};

/* The tables that move, in one order everywhere. */
struct move_table {
	const char *name;
	bool bare;                      /* also of a tenant that leaves its data behind */
	bool keyed;                     /* rows change and go: by id */
};
extern const struct move_table move_tables[];
#define MOVE_TABLES 8

/* move_store.c: the row in the control database. */
enum err move_take(struct ctx *cx, bool urgent, struct move *m, bool *ret_found) MUST_USE;
/*
 * In what takes long: renews the lease now and then. *ret false: this node is to stop, or the move is
 * cancelled: it ends with MOVE_MORE. ERR_UNAVAILABLE: it is somebody else's.
 */
enum err move_may_go_on(struct ctx *cx, struct move *m, bool *ret) MUST_USE;
/* *ret_ours false: the turn is somebody else's, or the move was cancelled in front of its flip. */
enum err move_keep(struct ctx *cx, struct move *m, const struct move_state *next, bool *ret_ours) MUST_USE;
/* Nothing more for now; it is somebody's turn again in so many ms. */
enum err move_let_go(struct ctx *cx, const struct move *m, int64_t ms) MUST_USE;
/* Adds to the figures: at once, or while the tenant waits with the next state. */
enum err move_figures_add(struct ctx *cx, struct move *m, const struct move_figures *f) MUST_USE;
/* An alert of the tenant's: its old region is not closed behind it. And its end. */
void move_tell_unfinished(struct ctx *cx, struct move *m);
void move_tell_finished(struct ctx *cx, struct move *m);
void move_tell_trouble(struct ctx *cx, const struct move *m, enum err e);
int64_t move_now(const struct move *m);
/* The places of both schemas, as far as they are known. */
enum err move_find_places(struct ctx *cx, struct move *m) MUST_USE;

/* Both schemas have the same columns: those of this version. ERR_UNAVAILABLE: one is being upgraded. */
enum err move_columns(struct ctx *cx, const struct move *m, int64_t *ret_version) MUST_USE;

/*
 * How much is done at once, so that it takes neither long nor longer than it may: doubled or halved by what
 * it took, and less from the start where it failed before.
 */
struct move_pace {
	int64_t n, least, most;
};
struct move_pace move_pace(const struct move *m, int64_t first, int64_t least);
void move_pace_took(struct move_pace *p, int64_t ms);

/* The effects. ERR_CONFLICT: it will not work another time either (MOVE_WRONG). */
enum err move_prepare(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;
enum err move_copy(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;
enum err move_catch_up(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;
enum err move_compare(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;         /* all */
enum err move_compare_rest(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;    /* dirty */
enum err move_fence(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;
enum err move_open_source(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;
enum err move_retire(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;
enum err move_clean_up(struct ctx *cx, struct move *m, struct move_seen *seen) MUST_USE;

/* In a unit of the target: takes its head in the name of this turn. ERR_UNAVAILABLE: a later one has been. */
enum err move_touch_target(struct ctx *cx, const struct move *m, struct head *ret) MUST_USE;
/* Each of the tenant's certificates, by a handshake. ERR_UNAVAILABLE names the one that fails. */
enum err move_try_certificates(struct ctx *cx, const struct move *m) MUST_USE;
/* The tenant's records lead to the region where it lives now. */
enum err move_lead_names(struct ctx *cx, const struct move *m) MUST_USE;
/* Once more; else the move ends without them, and moves_lead_names() goes on. */
enum err move_leave_names(struct ctx *cx, struct move *m) MUST_USE;
enum err move_copy_live(struct ctx *cx, struct move *m) MUST_USE;
/* Of bouncers, in place of what the target has; young: of the last minutes, in which a fence is over. */
enum err move_bring_beats(struct ctx *cx, struct move *m, bool young) MUST_USE;

/* move_objects.c: objects and their catalogue follow. *ret_whole: both regions have the same. */
enum err move_objects(struct ctx *cx, struct move *m, bool *ret_whole) MUST_USE;
/* Behind the flip: those that were left behind go. */
enum err move_objects_discard(struct ctx *cx, struct move *m) MUST_USE;

#endif
