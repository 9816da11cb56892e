/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_UNIT_H
#define CC_DB_UNIT_H

#include "cc/base/ctx.h"
#include "cc/db/pool.h"

enum db_mode { DB_READ, DB_WRITE };

/* Where a unit of work runs and as whom. All texts outlive the unit. */
struct db_place {
	struct db_pool *pool;
	/* fairness of the pool and `cc.tenant` for row security; NULL: none */
	const char *tenant;
	const char *role;               /* SET LOCAL ROLE; NULL: the session's own */
	const char *search_path;        /* "t_abc, pg_temp", "cc, pg_temp" */
	int statement_ms;               /* statement_timeout */
};

typedef enum err (*db_work)(struct ctx *cx, void *arg);

/*
 * The only place that begins, commits, retries or rolls back. Leases a connection, queues
 * BEGIN (READ COMMITTED; for DB_READ one snapshot, READ ONLY) and one set_config statement so that they
 * travel with the first statement of the work, runs work with cx->db set, then sends what the work queued
 * for later together with COMMIT: one round trip. Any error rolls all of it back. Serialization
 * failures and deadlocks (ERR_RETRY) run the work again, at most three times, arena rewound and
 * cx->problem cleared. A connection lost before COMMIT was sent: once more on a fresh one when the
 * first statement had not succeeded yet; lost while COMMIT was under way: ERR_UNAVAILABLE, never
 * retried (the effect is uncertain).
 * A lock that is not given within a second is ERR_LOCK_WAIT to the work, ERR_UNAVAILABLE to the caller.
 * Every wait ends at cx->deadline_ms (0: 30 s). cx->db_us grows by the time waited.
 * A :one or :exec1 queued for later in a write is decided before COMMIT is sent, which costs a round
 * trip; an INSERT … VALUES without ON CONFLICT does not need that.
 * Any thread that may wait: workers, jobs and commands, never an I/O thread.
 */
enum err db_unit(struct ctx *cx, const struct db_place *place, enum db_mode mode, db_work work,
		 void *arg) MUST_USE;

/*
 * The same while a unit of work in another database is open, which waits for it: what it commits stays,
 * whatever becomes of the open one, and happens again when that is run again. From a region in the control
 * database, never the other way round, so that no two wait for each other.
 */
enum err db_unit_beside(struct ctx *cx, const struct db_place *place, enum db_mode mode, db_work work,
			void *arg) MUST_USE;

/*
 * A single statement that only reads, queued or asked by work: sent alone, a transaction of its own by what
 * the server does with it. It runs as the login role, in no search path of ours and without a time limit but
 * cx->deadline_ms: for what a node asks of the control database over and over, by qualified names. place
 * has neither role nor tenant. A lost connection is replaced once.
 */
enum err db_glance(struct ctx *cx, const struct db_place *place, db_work work, void *arg) MUST_USE;

/* Work on a session of one's own, without a transaction of ours: see session.h. */

#endif
