/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: opening it, and receiving what the pipeline owes. Nothing here blocks beyond a deadline. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool_in.h"
#include "cc/base/clock.h"

#define WAIT_MAX_MS 30000 /* for a context without a deadline */
#define READ_ONLY "25006" /* read_only_sql_transaction */

/*
 * A tenant's table may grow past the plan that was made when it was small, long before it is
 * analysed: a sequential scan is never the right plan for what we serve. Where there is no other
 * (the head's one row) it is priced so high that PostgreSQL would compile the statement each time.
 * Nor is sorting where an index has the order: the planner takes the optional filters of a list for
 * strict ones, expects a row or two, and would read the whole table for each page.
 */
const char conn_pooled_options[] = "-c lock_timeout=1000 -c idle_in_transaction_session_timeout=10000"
				   " -c enable_seqscan=off -c enable_sort=off -c jit=off -c TimeZone=UTC";
static const char session_options[] = "-c TimeZone=UTC";

int64_t conn_deadline(const struct ctx *cx)
{
	return cx->deadline_ms > 0 ? cx->deadline_ms : clock_mono_ms() + WAIT_MAX_MS;
}

const char *conn_silence(const struct db_server *server)
{
	return db_server_is_down(server) ? "the server does not answer" : "the deadline passed";
}

/* A signal only shortens the wait: the caller looks at the clock again. False: no more of it. */
static bool wait_for(PGconn *pg, short events, const struct db_server *server, int64_t deadline_ms)
{
	/* poll() passes over what is negative. */
	struct pollfd p[] = { { .fd = PQsocket(pg), .events = events },
		{ .fd = server_alarm(server), .events = POLLIN } };

	for (;;) {
		const int64_t left = deadline_ms - clock_mono_ms();

		if (left <= 0 || p[0].fd < 0)
			return false;
		if (poll(p, 2, left < WAIT_MAX_MS ? (int)left : WAIT_MAX_MS) <= 0)
			continue;
		if (p[0].revents != 0)
			return true;
		if (p[1].revents != 0)
			return false;
	}
}

bool conn_poll(PGconn *pg, bool want_write, const struct db_server *server, int64_t deadline_ms)
{
	return wait_for(pg, (short)(POLLIN | (want_write ? POLLOUT : 0)), server, deadline_ms);
}

static void ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static bool handshake(PGconn *pg, const struct db_server *server, int64_t deadline_ms)
{
	PostgresPollingStatusType s = PGRES_POLLING_WRITING;

	while (s != PGRES_POLLING_OK) {
		const short events = s == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (s == PGRES_POLLING_FAILED || !wait_for(pg, events, server, deadline_ms))
			return false;
		s = PQconnectPoll(pg);
	}
	return true;
}

PGconn *conn_open(const char *conninfo, const char *user, const char *password, bool pooled,
	const struct db_server *server, int64_t deadline_ms, char *error, size_t n)
{
	/* libpq leaves out what is NULL or empty; conninfo stands first, so that ours wins. */
	const char *const keys[] = { "dbname", "user", "password", "options", "client_encoding",
		"application_name", NULL };
	const char *const options = pooled ? conn_pooled_options : session_options;
	const char *const values[] = { conninfo, user, password, options, "UTF8",
		"controlcored", NULL };
	PGconn *pg = PQconnectStartParams(keys, values, 1);

	if (pg == NULL)
		abort();
	if (PQstatus(pg) != CONNECTION_BAD && handshake(pg, server, deadline_ms) &&
		PQsetnonblocking(pg, 1) == 0) {
		PQsetNoticeReceiver(pg, ignore_notice, NULL);
		return pg;
	}
	snprintf(error, n, "%s",
		PQstatus(pg) == CONNECTION_BAD ? PQerrorMessage(pg) : conn_silence(server));
	PQfinish(pg);
	return NULL;
}

static void stmts_free(void *stmts)
{
	map_destroy(stmts, stmt_free);
}

struct db *conn_wrap(PGconn *pg)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		abort();
	db->pg = pg;
	db->stmts = map_create();
	db->paths = map_create();
	if (PQenterPipelineMode(pg) != 1)
		db->lost = true;
	return db;
}

void conn_close(struct db *db)
{
	if (db == NULL)
		return;
	PQfinish(db->pg);
	map_destroy(db->stmts, stmt_free);
	map_destroy(db->paths, stmts_free);
	free(db->pending);
	free(db);
}

bool conn_alive(const struct db *db)
{
	struct pollfd p = { .fd = PQsocket(db->pg), .events = POLLIN };

	return p.fd >= 0 && poll(&p, 1, 0) == 0;
}

void conn_lose(struct db *db, const char *why)
{
	db->lost = true;
	db->npending = db->head = 0;
	if (db->failed != ERR_NONE)
		return;
	db->failed = ERR_UNAVAILABLE;
	db->cx->problem.cause = arena_printf(db->cx->arena, "connection lost: %s", why);
}

void conn_expect(struct db *db, struct db_pending p)
{
	if (db->npending == db->cap) {
		db->cap = db->cap > 0 ? 2 * db->cap : 16;
		db->pending = realloc(db->pending, db->cap * sizeof(*db->pending));
		if (db->pending == NULL)
			abort();
	}
	db->pending[db->npending++] = p;
}

void conn_sync(struct db *db)
{
	if (db->lost)
		return;
	if (PQpipelineSync(db->pg) != 1) {
		conn_lose(db, PQerrorMessage(db->pg));
		return;
	}
	conn_expect(db, (struct db_pending){ .kind = PENDING_SYNC });
}

static void note_failure(struct db *db, const struct db_pending *p, const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	if (db->failed == ERR_NONE)
		db->failed = sqlstate_refuse(db->cx, r, p->q->name);
	/* The server has become a standby: this connection will never write again, another one may. */
	if (db->failed == ERR_INTERNAL && db->mode == DB_WRITE && str_eq(state, READ_ONLY)) {
		db->failed = ERR_UNAVAILABLE;
		db->lost = true;
	}
	if (db->failed == ERR_INTERNAL && p->q == &unit_context && str_eq(state, "22023"))
		db->failed = ERR_TENANT_MOVING; /* no such role: dropped with its schema */
	/* The backend ends after these; a plan that outlived a migration only dies with its connection. */
	if (PQstatus(db->pg) == CONNECTION_BAD || state == NULL || str_starts(state, "57P0") ||
		str_starts(state, "08") || str_eq(state, "25P03") || str_eq(state, "0A000"))
		db->lost = true;
}

static void note_success(struct db *db, const struct db_pending *p, const PGresult *r)
{
	enum err e;

	if (p->kind == PENDING_PREPARE) {
		p->stmt->state = STMT_READY;
		return;
	}
	if (db->rolling_back)
		return;
	e = load_result(db->cx, p->q, p->stmt, r, p->res);
	if (p->stmt->name[0] == '\0')
		stmt_forget_columns(p->stmt);
	if (!p->later)
		db->own = e;
	else if (e != ERR_NONE && db->failed == ERR_NONE)
		db->failed = e;
}

static void take_result(struct db *db, PGresult *r)
{
	const struct db_pending *p = &db->pending[db->head];
	const ExecStatusType status = PQresultStatus(r);

	db->answered = status != PGRES_PIPELINE_SYNC;
	if (status == PGRES_PIPELINE_SYNC)
		db->head++; /* the only result that no NULL follows */
	else if (p->kind == PENDING_SYNC)
		conn_lose(db, PQresultErrorMessage(r));
	else if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		note_success(db, p, r);
	else if (p->kind == PENDING_PREPARE)
		p->stmt->state = STMT_NEW;
	if (status == PGRES_FATAL_ERROR && p->kind != PENDING_SYNC)
		note_failure(db, p, r);
	PQclear(r);
}

/* Everything that has arrived; what a lost connection leaves behind is forgotten. */
static void take_arrived(struct db *db)
{
	int idle = 0;

	while (db->head < db->npending && !db->lost && !PQisBusy(db->pg)) {
		PGresult *r = PQgetResult(db->pg);

		if (r != NULL) {
			take_result(db, r);
			idle = 0;
		} else if (db->answered) {
			db->answered = false;
			db->head++;
		} else if (PQstatus(db->pg) == CONNECTION_BAD || idle++ > 2) {
			conn_lose(db, PQerrorMessage(db->pg));
		}
	}
}

void conn_drain(struct db *db, int64_t deadline_ms)
{
	struct db_server *server = db->pool->conf.server;
	const int64_t start = clock_mono_us();

	db->trips++;
	take_arrived(db);
	while (db->head < db->npending && !db->lost) {
		int unsent = PQflush(db->pg);

		if (unsent < 0)
			conn_lose(db, PQerrorMessage(db->pg));
		else if (!conn_poll(db->pg, unsent > 0, server, deadline_ms))
			conn_lose(db, conn_silence(server));
		else if (PQconsumeInput(db->pg) != 1)
			conn_lose(db, PQerrorMessage(db->pg));
		else
			take_arrived(db);
	}
	if (!db->lost)
		server_heard(server);
	db->npending = db->head = 0;
	db->answered = false;
	db->cx->db_us += clock_mono_us() - start;
}
