/* SPDX-License-Identifier: Apache-2.0 */
/* Units of work: the only place that begins, commits, retries or rolls back. */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "cc/base/clock.h"

#define RERUNS_MAX 3     /* of work that met a serialization failure or a deadlock */
#define ROLLBACK_MS 1000 /* a rollback may end this long after the deadline, else the connection is closed */

static const struct db_query begin_read = {
	.name = "cc begin read", .sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", .card = DB_EXEC
};
static const struct db_query begin_write = {
	.name = "cc begin write", .sql = "BEGIN ISOLATION LEVEL READ COMMITTED", .card = DB_EXEC
};
static const enum db_type context_args[] = { DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT };
const struct db_query unit_context = { .name = "cc context",
	.sql = "SELECT set_config('role', $1, true), set_config('search_path', $2, true),"
	       " set_config('statement_timeout', $3, true), set_config('cc.tenant', $4, true)",
	.args = context_args,
	.nargs = 4,
	.card = DB_EXEC };
static const struct db_query commit = { .name = "cc commit", .sql = "COMMIT", .card = DB_EXEC };
static const struct db_query rollback = { .name = "cc rollback", .sql = "ROLLBACK", .card = DB_EXEC };

static void send_plain(struct db *db, const struct db_query *q, const struct db_arg *args)
{
	if (db->failed == ERR_NONE)
		stmt_send(db, q, NULL, (struct db_result){ 0 }, args, true);
}

/* Sent with the first statement; work that asks nothing costs nothing. */
void unit_begin(struct db *db)
{
	const struct db_place *at = db->place;
	const struct db_arg args[] = {
		{ .text = at->role != NULL ? at->role : "none" },
		{ .text = at->search_path },
		{ .text = arena_printf(db->cx->arena, "%d", at->statement_ms) },
		{ .text = at->tenant != NULL ? at->tenant : "" },
	};

	db->begun = true;
	send_plain(db, db->mode == DB_READ ? &begin_read : &begin_write, NULL);
	send_plain(db, &unit_context, args);
	pool_visit(db, at->search_path);
}

static void unit_open(struct db *db, struct ctx *cx, const struct db_place *place, enum db_mode mode)
{
	db->cx = cx;
	db->place = place;
	db->mode = mode;
	db->begun = db->commit_sent = db->first_ok = db->rolling_back = false;
	db->failed = db->own = ERR_NONE;
	db->here = NULL;
	cx->db = db;
}

/* Whether what was queued for later may still turn out not to have touched its one row. */
static bool is_undecided(const struct db *db)
{
	for (size_t i = db->head; i < db->npending; i++) {
		const struct db_query *q = db->pending[i].q;

		if (q != NULL && !q->always_one && (q->card == DB_ONE || q->card == DB_EXEC1))
			return true;
	}
	return false;
}

static enum err unit_commit(struct db *db)
{
	/* The server would commit what we are about to refuse: such writes are decided before COMMIT. */
	if (db->mode == DB_WRITE && is_undecided(db) && db_flush(db) != ERR_NONE)
		return db->failed;
	if (!db->begun || db->failed != ERR_NONE)
		return db->failed;
	send_plain(db, &commit, NULL);
	db->commit_sent = true;
	return db_flush(db);
}

/* What waits is ended by a sync of its own, since the server skips everything up to one after a failure. */
static void unit_rollback(struct db *db)
{
	const int64_t grace = clock_mono_ms() + ROLLBACK_MS;
	const int64_t deadline = conn_deadline(db->cx);
	const enum err failed = db->failed;

	if (!db->begun || db->lost)
		return;
	db->rolling_back = true;
	if (db->npending > 0)
		conn_sync(db);
	if (!db->lost)
		stmt_send(db, &rollback, NULL, (struct db_result){ 0 }, NULL, true);
	conn_sync(db);
	conn_drain(db, deadline > grace ? deadline : grace);
	if (PQtransactionStatus(db->pg) != PQTRANS_IDLE)
		db->lost = true;
	db->failed = failed;
}

static enum err unit_run(struct db *db, db_work work, void *arg)
{
	struct ctx *cx = db->cx;
	enum err e = work(cx, arg);
	bool over;

	db->here = NULL;
	if (e == ERR_NONE)
		e = unit_commit(db);
	over = e == ERR_NONE || (db->commit_sent && PQtransactionStatus(db->pg) == PQTRANS_IDLE);
	if (!over)
		unit_rollback(db);
	assert(db->lost || PQtransactionStatus(db->pg) == PQTRANS_IDLE);
	cx->db = NULL;
	return e;
}

static enum err unit_lease(struct ctx *cx, const struct db_place *place, enum db_mode mode, struct db **ret)
{
	enum err e = db_lease(place->pool, place->tenant, conn_deadline(cx), ret);
	char why[256];

	if (e == ERR_NONE) {
		unit_open(*ret, cx, place, mode);
	} else {
		pool_last_error(place->pool, why, sizeof(why));
		cx->problem.cause = arena_printf(cx->arena, "no connection: %s", why);
	}
	return e;
}

/* Nothing was begun, so nothing is to be ended: what was queued is sent, and that is all. */
static enum err glance_run(struct db *db, db_work work, void *arg)
{
	struct ctx *cx = db->cx;
	enum err e;

	db->begun = true;
	e = work(cx, arg);
	if (e == ERR_NONE)
		e = db_flush(db);
	if (db->npending > 0)
		db->lost = true;
	assert(db->lost || PQtransactionStatus(db->pg) == PQTRANS_IDLE);
	cx->db = NULL;
	return e;
}

/* Nothing of it can have happened, or nothing it does lasts: the work may run on another connection. */
static bool is_harmless(const struct db *db)
{
	return db->mode == DB_READ || (!db->commit_sent && !db->first_ok);
}

typedef enum err (*runner)(struct db *db, db_work work, void *arg);

static enum err run_leased(
	struct ctx *cx, const struct db_place *place, enum db_mode mode, runner run, db_work work, void *arg)
{
	const struct arena_mark mark = arena_mark(cx->arena);
	bool renewed = false;
	enum err e;

	assert(cx->db == NULL);
	for (int reruns = 0;;) {
		struct db *db;
		bool again;

		e = unit_lease(cx, place, mode, &db);
		if (e != ERR_NONE)
			break;
		e = run(db, work, arg);
		again = e == ERR_RETRY && reruns++ < RERUNS_MAX;
		if (db->lost && e == ERR_UNAVAILABLE && !renewed && is_harmless(db))
			again = renewed = true;
		db_return(db);
		if (!again || clock_mono_ms() >= conn_deadline(cx))
			break;
		ctx_clear_problem(cx);
		arena_rewind(cx->arena, mark);
	}
	return e == ERR_RETRY || e == ERR_LOCK_WAIT ? ERR_UNAVAILABLE : e;
}

enum err db_unit(struct ctx *cx, const struct db_place *place, enum db_mode mode, db_work work, void *arg)
{
	return run_leased(cx, place, mode, unit_run, work, arg);
}

enum err db_unit_beside(
	struct ctx *cx, const struct db_place *place, enum db_mode mode, db_work work, void *arg)
{
	struct db *open = cx->db;
	enum err e;

	assert(open != NULL && open->place->pool != place->pool);
	cx->db = NULL;
	e = db_unit(cx, place, mode, work, arg);
	cx->db = open;
	return e;
}

enum err db_glance(struct ctx *cx, const struct db_place *place, db_work work, void *arg)
{
	assert(place->role == NULL && place->tenant == NULL);
	return run_leased(cx, place, DB_READ, glance_run, work, arg);
}
