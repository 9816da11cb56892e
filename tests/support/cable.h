/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CABLE_H
#define CC_TESTS_CABLE_H

/*
 * The network between one node and one PostgreSQL: a relay from a unix socket of its own to the server's. It
 * can be cut, so that connections end and none are made, or swallow all, so that nobody hears of anything.
 * One thread of its own serves all connections.
 */
struct cable;

enum cable_state { CABLE_WHOLE, CABLE_CUT, CABLE_SILENT };

/* folder: where the server's socket .s.PGSQL.5432 is. */
struct cable *cable_open(const char *folder);
void cable_close(struct cable *c); /* NULL is fine */
/* What a conninfo names as its host instead of that folder. */
const char *cable_folder(const struct cable *c);
/* What was swallowed is lost for good: its connections end when the cable is whole again. */
void cable_set(struct cable *c, enum cable_state s);

#endif
