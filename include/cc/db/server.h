/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_SERVER_H
#define CC_DB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What this node knows of one PostgreSQL server: whether it answers. Somebody watches it and says so; whoever
 * would wait for it is refused while it is down, and whoever waits already is told at once. One thread says,
 * any thread asks.
 */
struct db_server;
struct db_server *db_server_create(void);       /* it is up */
void db_server_destroy(struct db_server *s);    /* nobody waits; NULL is fine */

/* True: that was news. */
bool db_server_say_down(struct db_server *s);
bool db_server_say_up(struct db_server *s);
bool db_server_is_down(const struct db_server *s);      /* NULL: false */

/*
 * Asks, for two seconds at most, whether a server takes connections at all, whatever it thinks of ours.
 * conninfo: libpq keywords; what is wrong with them is no silence.
 */
bool db_server_answers(const char *conninfo);

/* When anything last came from it, by anybody's connection: clock_mono_ms(); 0: never. */
int64_t db_server_heard_ms(const struct db_server *s);

#endif
