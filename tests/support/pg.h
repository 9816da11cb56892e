/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_PG_H
#define CC_TESTS_PG_H

#include <stdbool.h>

/*
 * A throw-away PostgreSQL on a unix socket under /tmp, with the superuser "postgres" and no
 * passwords. A small process of its own keeps it: however the test ends, server and files go.
 * Start it before the test starts threads.
 */
struct pg;

#define PG_SUPERUSER "postgres"

struct pg_options {
	bool fsync;                  /* durable as in production; slow */
	const char *const *settings; /* "name=value", NULL-terminated; may be NULL */
};

/* The newest installed server with fsync off. Ends the test with a message when there is none. */
struct pg *pg_start(void);
struct pg *pg_start_with(const struct pg_options *o);
void pg_stop(struct pg *pg);    /* NULL is fine */
void pg_kill9(struct pg *pg);   /* server and backends die at once; files stay */
void pg_restart(struct pg *pg); /* after pg_kill9(), or in place of a running one */
/* Nothing answers any more and nothing is refused, as when the network swallows all; and back again. */
void pg_freeze(struct pg *pg);
void pg_thaw(struct pg *pg);

/* For libpq, without user and password; valid until the eighth call after it. */
const char *pg_conninfo(struct pg *pg, const char *database);
const char *pg_dir(const struct pg *pg); /* where the socket is; data/ and log are below */

/* As the superuser; an error ends the test. pg_value: the first column of the first row, else "". */
void pg_sql(struct pg *pg, const char *database, const char *sql);
const char *pg_value(struct pg *pg, const char *database, const char *sql);

#endif
