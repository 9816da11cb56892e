/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_SESSION_H
#define CC_DB_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/ctx.h"

/*
 * A connection outside the pools, for migrations, provisioning and set-up: plain statements, one
 * at a time, as the login role it was opened with. One thread at a time.
 */
struct db_session;

enum err db_session_open(struct ctx *cx, const char *conninfo, const char *user, const char *password,
			 struct db_session **ret) MUST_USE;
/* The same at a server that is watched: neither this nor what is asked later waits for it when it is down. */
struct db_server;
enum err db_session_open_at(struct ctx *cx, const struct db_server *server, const char *conninfo,
			    const char *user, const char *password, struct db_session **ret) MUST_USE;
void db_session_close(struct db_session *s);    /* NULL is fine */

/* A script of ours (embedded in the binary), possibly several statements; never contains values. */
enum err db_session_script(struct ctx *cx, struct db_session *s, const char *sql) MUST_USE;
/*
 * One statement with text parameters; the first column of the first row, or NULL, goes to ret_text (may be
 * NULL).
 */
enum err db_session_exec(struct ctx *cx, struct db_session *s, const char *sql, int nparams,
			 const char *const *params, const char **ret_text) MUST_USE;
/* The same, every row's columns as text (arena); *ret_rows[i * ncols + col]. */
struct db_table {
	const char **cell;
	int nrows, ncols;
};
enum err db_session_table(struct ctx *cx, struct db_session *s, const char *sql, int nparams,
			  const char *const *params, struct db_table *ret) MUST_USE;

/* SET-UP, all idempotent: names are quoted by libpq. */
enum err db_session_create_database(struct ctx *cx, struct db_session *s, const char *name,
				    const char *owner) MUST_USE;
/*
 * Creates the role when missing and sets its password (SCRAM verifier made here) when one is given.
 * One that may create roles has the rights of those it is a member of; others only become them.
 */
enum err db_session_login_role(struct ctx *cx, struct db_session *s, const char *name, const char *password,
			       bool createrole) MUST_USE;

#endif
