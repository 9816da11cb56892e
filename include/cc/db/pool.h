/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_POOL_H
#define CC_DB_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/err.h"

struct db;
struct db_pool;
struct db_server;

/* Connections that several pools of one server share: no pool opens one beyond it. Any thread. */
struct db_budget;
struct db_budget *db_budget_create(int max);
void db_budget_destroy(struct db_budget *b);

/* What every pool of the daemon uses. */
#define DB_CONNECT_MS 3000
#define DB_IDLE_CLOSE_MS 60000
#define DB_LIFETIME_MS 1800000

struct db_pool_conf {
	const char *name;               /* for logs and metrics */
	const char *conninfo;           /* libpq keywords without user and password */
	const char *user;
	const char *password;           /* NULL: none (peer, trust, certificate) */
	int max;                        /* connections at most */
	int share;                      /* at most this many for one tenant; 0: no bound */
	int connect_ms;
	int idle_close_ms;              /* an idle connection closes after this */
	/*
	 * A connection's server process remembers the tables of every schema it worked in until it ends:
	 * it is replaced after this time, and when it has served more search paths than that (0: no bound).
	 */
	int lifetime_ms;
	int schemas_max;
	/* PostgreSQL plans a statement anew in another path, so this many are prepared for one path each. */
	int statements_max;
	struct db_budget *budget;       /* may be NULL */
	struct db_server *server;       /* whether it is there; NULL: nobody watches it */
};

/* Copies conf. Opens nothing: connections open when leased. Any thread may use a pool. */
struct db_pool *db_pool_create(const struct db_pool_conf *conf);
void db_pool_destroy(struct db_pool *p);        /* all leases are back */

struct db_pool_stats {
	int open, leased, waiting;
	int64_t opened_total, failed_total;
	int64_t faults_total;           /* connections that came back inside a transaction */
	int64_t trips_total;            /* round trips of units of work */
	int64_t waits_total, waited_us; /* leases that had to wait for one that came back, and how long */
};
void db_pool_stats(struct db_pool *p, struct db_pool_stats *ret);
/* Closes connections idle for too long; called now and then by a housekeeping thread. */
void db_pool_sweep(struct db_pool *p);

/*
 * conf.server is down now, or up again: whoever waits for a lease is told so; what was idle may have lost its
 * way to the server and is closed; and nobody waits any more until it is tried again.
 */
void db_pool_turn(struct db_pool *p);

/*
 * When the server cannot be reached: ERR_UNAVAILABLE; when all are leased until deadline_ms: ERR_OVERLOADED.
 */
enum err db_lease(struct db_pool *p, const char *tenant, int64_t deadline_ms, struct db **ret) MUST_USE;
/* The connection must be outside a transaction, else it is closed (and counted as a fault). */
void db_return(struct db *db);

#endif
