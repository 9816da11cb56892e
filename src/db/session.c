/* SPDX-License-Identifier: Apache-2.0 */
/* Connections outside the pools: plain statements, one at a time, each wait with a deadline. */
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "cc/base/clock.h"
#include "cc/base/failpoint.h"

struct db_session {
	PGconn *pg;
	const struct db_server *server; /* NULL: nobody watches it */
};

enum err db_session_open(
	struct ctx *cx, const char *conninfo, const char *user, const char *password, struct db_session **ret)
{
	return db_session_open_at(cx, NULL, conninfo, user, password, ret);
}

enum err db_session_open_at(struct ctx *cx, const struct db_server *server, const char *conninfo,
	const char *user, const char *password, struct db_session **ret)
{
	char error[256] = "";
	PGconn *pg = conn_open(
		conninfo, user, password, false, server, conn_deadline(cx), error, sizeof(error));
	struct db_session *s;

	if (pg == NULL) {
		cx->problem.cause = arena_printf(cx->arena, "no session: %s", error);
		return ERR_UNAVAILABLE;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->pg = pg;
	s->server = server;
	*ret = s;
	return ERR_NONE;
}

void db_session_close(struct db_session *s)
{
	if (s == NULL)
		return;
	PQfinish(s->pg);
	free(s);
}

static enum err lost(struct ctx *cx, const char *why)
{
	cx->problem.cause = arena_printf(cx->arena, "session: %s", why);
	return ERR_UNAVAILABLE;
}

/* Until a result can be taken without blocking. */
static enum err await(struct ctx *cx, struct db_session *s)
{
	const int64_t deadline = conn_deadline(cx);
	int unsent = PQflush(s->pg);

	while (unsent > 0 || PQisBusy(s->pg)) {
		if (unsent < 0)
			return lost(cx, PQerrorMessage(s->pg));
		if (!conn_poll(s->pg, unsent > 0, s->server, deadline))
			return lost(cx, conn_silence(s->server));
		if (PQconsumeInput(s->pg) != 1)
			return lost(cx, PQerrorMessage(s->pg));
		unsent = PQflush(s->pg);
	}
	return ERR_NONE;
}

/* A table that is not there means a moved tenant only where a placement was followed. */
static enum err refused(struct ctx *cx, const PGresult *r)
{
	enum err e = sqlstate_refuse(cx, r, "session");

	return e == ERR_TENANT_MOVING ? ERR_INTERNAL : e;
}

/* Takes all results of what was sent: the first failure counts, else the last result is kept. */
static enum err collect(struct ctx *cx, struct db_session *s, PGresult **ret)
{
	const int64_t start = clock_mono_us();
	PGresult *last = NULL;
	enum err e = ERR_NONE;

	FAILPOINT("db.session.asked");
	for (;;) {
		enum err waited = await(cx, s);
		PGresult *r = waited == ERR_NONE ? PQgetResult(s->pg) : NULL;
		ExecStatusType status = PQresultStatus(r);

		if (waited != ERR_NONE)
			e = waited;
		if (r == NULL)
			break;
		PQclear(last);
		last = r;
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && e == ERR_NONE)
			e = refused(cx, r);
	}
	FAILPOINT("db.session.answered");
	cx->db_us += clock_mono_us() - start;
	if (e != ERR_NONE) {
		PQclear(last);
		return e;
	}
	*ret = last;
	return ERR_NONE;
}

enum err db_session_script(struct ctx *cx, struct db_session *s, const char *sql)
{
	PGresult *r = NULL;
	enum err e;

	if (PQsendQuery(s->pg, sql) != 1)
		return lost(cx, PQerrorMessage(s->pg));
	e = collect(cx, s, &r);
	PQclear(r);
	return e;
}

static enum err run(struct ctx *cx, struct db_session *s, const char *sql, int nparams,
	const char *const *params, PGresult **ret)
{
	if (PQsendQueryParams(s->pg, sql, nparams, NULL, params, NULL, NULL, 0) != 1)
		return lost(cx, PQerrorMessage(s->pg));
	return collect(cx, s, ret);
}

static const char *cell(struct arena *a, const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? NULL : arena_strdup(a, PQgetvalue(r, row, col));
}

enum err db_session_exec(struct ctx *cx, struct db_session *s, const char *sql, int nparams,
	const char *const *params, const char **ret_text)
{
	PGresult *r = NULL;
	enum err e = run(cx, s, sql, nparams, params, &r);

	if (e == ERR_NONE && ret_text != NULL)
		*ret_text = PQntuples(r) > 0 && PQnfields(r) > 0 ? cell(cx->arena, r, 0, 0) : NULL;
	PQclear(r);
	return e;
}

enum err db_session_table(struct ctx *cx, struct db_session *s, const char *sql, int nparams,
	const char *const *params, struct db_table *ret)
{
	PGresult *r = NULL;
	enum err e = run(cx, s, sql, nparams, params, &r);
	struct db_table t;

	if (e != ERR_NONE)
		return e;
	t.nrows = PQntuples(r);
	t.ncols = PQnfields(r);
	t.cell = ARENA_ARRAY(cx->arena, const char *, (size_t)t.nrows *(size_t)t.ncols + 1);
	for (int i = 0; i < t.nrows * t.ncols; i++)
		t.cell[i] = cell(cx->arena, r, i / t.ncols, i % t.ncols);
	PQclear(r);
	*ret = t;
	return ERR_NONE;
}

static const char *kept(struct ctx *cx, char *quoted)
{
	const char *c;

	if (quoted == NULL)
		return NULL;
	c = arena_strdup(cx->arena, quoted);
	PQfreemem(quoted);
	return c;
}

const char *session_name(struct ctx *cx, struct db_session *s, const char *name)
{
	return kept(cx, PQescapeIdentifier(s->pg, name, strlen(name)));
}

const char *session_literal(struct ctx *cx, struct db_session *s, const char *text)
{
	return kept(cx, PQescapeLiteral(s->pg, text, strlen(text)));
}

const char *session_verifier(struct ctx *cx, struct db_session *s, const char *role, const char *password)
{
	return kept(cx, PQencryptPasswordConn(s->pg, password, role, "scram-sha-256"));
}
