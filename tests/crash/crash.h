/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CRASH_H
#define CC_TESTS_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "client.h"
#include "daemon.h"

#define CRASH_REGIONS 3
/* Environment of a start that has no migration to do: it does not look either, which takes a while. */
#define CRASH_QUICK_START "CONTROLCORE_CONTROL_MIGRATE=false"

/*
 * A daemon that gets killed, and what must be true of its databases afterwards. Whatever is left to
 * chance comes from one seed, which is printed; CC_SEED=n repeats it. One thread at a time.
 */
struct crash {
	struct daemon *d;
	struct client *operator; /* follows every restart */
	struct tenant_fixture bystander;
	int spares; /* per region, kept in stock */
	bool full;  /* CC_LONG: all there is, instead of a part */
	int kills, rounds;
	uint64_t random;
	char *arms; /* the file that arms failpoints */
	char *arm_env;
	const char *env[3];
	char *bystander_sum;
	PGconn *pg[1 + CRASH_REGIONS];
	char value[16384];
};

/* With the options; spare_schemas and env are taken from it as for daemon_start(). */
void crash_start(struct crash *x, const struct daemon_options *options);
/* Says how many kills there were, and stops everything. */
void crash_stop(struct crash *x);

uint64_t crash_random(uint64_t *state);
unsigned crash_pick(struct crash *x, unsigned n); /* 0 … n - 1 */

/* From now on the daemon dies at the nth passage of a point (cc/base/failpoint.h); until crash_recover(). */
void crash_arm(struct crash *x, const char *start, const char *point, int nth);
/* Waits until it has died of that. False: it still lives after ms. */
bool crash_awaits_death(struct crash *x, int ms);
/* Kills it, if it is not dead yet. Its failpoint is gone, what its sessions were doing has ended. */
void crash_kill(struct crash *x);
/* Ends the sessions of every node, and with them what a dead one has left running. */
void crash_cut_sessions(struct crash *x);
/* While it is dead: whatever it held on lease is free for others, as it would be some seconds later. */
void crash_expire(struct crash *x);
/* Starts it again, and waits until what was left undone is done. Then all of it is checked. */
void crash_recover(struct crash *x);
void crash_restart(struct crash *x); /* only starts it */
/* Nothing is under way any more. */
void crash_settle(struct crash *x);

/* First column of the first row of a database (NULL: control), "" for NULL; lives until the next call. */
const char *crash_value(struct crash *x, const char *database, const char *sql_fmt, ...)
	__attribute__((format(printf, 3, 4)));
int64_t crash_number(struct crash *x, const char *database, const char *sql_fmt, ...)
	__attribute__((format(printf, 3, 4)));
void crash_sql(struct crash *x, const char *database, const char *sql_fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *crash_schema(struct crash *x, const char *tenant_id); /* "" when there is no such tenant */
/* The line that Redis answers to a command. */
const char *crash_redis(struct crash *x, const char *command);

/*
 * whole.c: every tenant is either complete or gone without a trace, every schema and role is a recorded
 * one's, counters are what they count, and what nobody touched is as it was. Ends the test with what is not.
 */
void whole_check(struct crash *x);
/* How much of the work that the daemon does by itself is still to be done, now or in the next minutes. */
int64_t whole_pending(struct crash *x);

#endif
