/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_CONN_H
#define CC_DB_CONN_H

#include <libpq-fe.h>

#include "cc/base/ctx.h"
#include "cc/base/map.h"
#include "cc/db/query.h"
#include "cc/db/server.h"
#include "cc/db/unit.h"

#define DB_ARGS_MAX 72 /* 64 of the query, and of the row that a page begins behind */

/* Types of PostgreSQL that we exchange in binary; the numbers are fixed in its catalog. */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_JSON = 114,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_TEXTS = 1009,
	OID_VARCHARS = 1015,
	OID_BPCHAR = 1042,
	OID_VARCHAR = 1043,
	OID_TIMESTAMPTZ = 1184,
	OID_JSONB = 3802,
};

/* What a pooled connection sets before its first statement. */
extern const char conn_pooled_options[];

/* PostgreSQL counts microseconds from 2000-01-01, we from 1970-01-01. */
#define PG_EPOCH_US INT64_C(946684800000000)

/* A column of a result and the field it fills. */
struct db_column {
	const struct field *field;
	size_t offset;
	Oid type;
};

struct db_stmt {
	char name[64]; /* on the server; "": the unnamed one */
	enum { STMT_NEW, STMT_SENT, STMT_READY } state;
	struct db_column *columns; /* resolved with the first result */
	int ncolumns;
};

/* A result that the server still owes us. */
struct db_pending {
	enum { PENDING_PREPARE, PENDING_QUERY, PENDING_SYNC } kind;
	const struct db_query *q;
	struct db_stmt *stmt;
	struct db_result res;
	bool later; /* its caller has gone on: what it finds is kept in db->failed */
};

struct tenant_use;

struct db {
	PGconn *pg;
	struct map *stmts; /* struct db_stmt by name; sorted ones by name and order */
	struct map *paths; /* by search path, while the pool bounds them: a map like stmts, of its own ones */
	struct map *here;  /* of the path that the unit of work is in; NULL: all it asks is in stmts */
	int nsorted, nown;
	int64_t unkept; /* statements that were asked in a path after the last place was taken */
	struct db_pending *pending;
	size_t npending, head, cap; /* pending[head..npending) is owed */
	bool answered;              /* the result of pending[head] was seen, its end was not */
	bool lost;                  /* unusable: to be closed when it comes back */
	int64_t trips;              /* waits since the pool last asked */

	/* The unit of work that has the lease. */
	struct ctx *cx;
	const struct db_place *place;
	enum db_mode mode;
	bool begun, commit_sent;
	bool first_ok;     /* the work has seen a result */
	bool rolling_back; /* results are of no interest; what they were to fill may be gone */
	enum err failed;   /* nothing more is sent: the unit can only roll back */
	enum err own;      /* what the statement of db_query_now() found, when not a failure */

	/* The pool's, under its lock. */
	struct db_pool *pool;
	struct db *next;
	struct tenant_use *use;
	int64_t born_ms, idle_ms;
};

/* conn.c */
/*
 * Sessions keep the server's defaults, pooled connections get ours. It is not waited for when server is down
 * (NULL: nobody watches it). error (n bytes) tells the log why not.
 */
PGconn *conn_open(const char *conninfo, const char *user, const char *password, bool pooled,
	const struct db_server *server, int64_t deadline_ms, char *error, size_t n);
struct db *conn_wrap(PGconn *pg);
void conn_close(struct db *db);       /* NULL is fine */
bool conn_alive(const struct db *db); /* an idle connection has nothing to say, unless it ended */
/*
 * Waits until the socket is readable, or writable when want_write. False: the deadline passed, or the server
 * (NULL: nobody watches it) is down; conn_silence() says which.
 */
bool conn_poll(PGconn *pg, bool want_write, const struct db_server *server, int64_t deadline_ms);
const char *conn_silence(const struct db_server *server);
/* The connection cannot be used any more; remembers why. */
void conn_lose(struct db *db, const char *why);
void conn_expect(struct db *db, struct db_pending p);
/* Marks the end of what is sent and receives everything owed, until deadline_ms. */
void conn_sync(struct db *db);
void conn_drain(struct db *db, int64_t deadline_ms);
/* Without a deadline a wait still ends. */
int64_t conn_deadline(const struct ctx *cx);

/* stmt.c */
/* Puts a statement into the pipeline, with its preparation when the connection does not know it. */
void stmt_send(struct db *db, const struct db_query *q, const struct db_order *order, struct db_result res,
	const struct db_arg *args, bool later);
void stmt_forget_columns(struct db_stmt *s);
void stmt_free(void *stmt);

/* order.c */
/* What :sort stands for. */
const char *order_text(struct arena *a, const struct db_query *q, const struct db_order *order);
/* What :after stands for; its parameters follow those of the query. */
const char *order_after_text(struct arena *a, const struct db_query *q, const struct db_order *order);

/* bind.c */
struct bound {
	const char *value[DB_ARGS_MAX];
	int length[DB_ARGS_MAX], format[DB_ARGS_MAX];
	unsigned char scratch[DB_ARGS_MAX][8];
};
/* The parameter number i, from 0. */
void bind_arg(struct arena *a, enum db_type t, const struct db_arg *arg, struct bound *ret, int i);
Oid bind_type(enum db_type t);

/* load.c */
/* ERR_NOT_FOUND, ERR_INTERNAL (cause is set) or ERR_NONE. */
enum err load_result(struct ctx *cx, const struct db_query *q, struct db_stmt *stmt, const PGresult *r,
	struct db_result res);
bool load_accepts(enum kind kind, Oid type);

/* sqlstate.c */
/* what: the statement's name, for the cause. Records message, faults and cause on cx. */
enum err sqlstate_refuse(struct ctx *cx, const PGresult *r, const char *what);
enum err sqlstate_class(const char *state);
enum err sqlstate_constraint(struct ctx *cx, const char *state, const char *constraint);

/* unit.c */
void unit_begin(struct db *db);
extern const struct db_query unit_context; /* the statement that sets role and search path */

/* server.c */
void server_heard(struct db_server *s);         /* NULL is fine */
int server_alarm(const struct db_server *s);    /* readable while it is down; -1: s is NULL */

/* pool.c */
void pool_last_error(struct db_pool *p, char *ret, size_t n);
/* The connection works in this search path from now on: sets db->here. */
void pool_visit(struct db *db, const char *path);
/* A place for one more statement of db->here; false: all are taken. */
bool pool_keep(struct db *db);

#endif
