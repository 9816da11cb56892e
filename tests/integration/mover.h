/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_MOVER_H
#define CC_TESTS_MOVER_H

#include "plane.h"

/* Moves without daemons: core on a plane with a server for each of its two regions, step by step. */
#define EAST "us-east-1"
#define WEST "eu-west-1"

/* For cmocka's group set-up and tear-down: *state is the plane, and there is one at a time. */
extern struct plane *plane;
int mover_start(void **state);
int mover_stop(void **state);

/* Texts live as long as the plane. ----------------------------------------------------------------- */

const char *mover_database(const char *region);
const char *mover_region(const char *id); /* where the tenant lives */
/* A tenant in EAST with n of everything that moves, as n writes of one object each would have left it. */
const char *mover_tenant(int n);
/* A move that is due, as a request would have begun it; bare: with discard_data. */
const char *mover_begin(const char *id, const char *to, bool bare);
/* An expression over its row; "" for NULL. */
const char *mover_column(const char *deployment, const char *what);

/* One turn of one node, at what is urgent first; arg: bool *did. A plane_work. */
enum err mover_tick(struct plane *p, struct ctx *cx, void *arg);
/* Turns until the condition over its row holds; a minute at most. */
void mover_run_until(const char *deployment, const char *condition);
void mover_run(const char *deployment); /* … until it is over */
bool mover_is_over(const char *deployment);

/* All rows that move, and the head's counters, as one text. */
const char *mover_content(const char *region, const char *schema);
bool mover_is_writable(const char *region, const char *schema, int epoch);
/* Where it is, it is whole, as `before`, and takes writes; where it was, nothing does. */
void mover_check_moved(const char *id, const char *deployment, const char *before);
/* It is where it was, as `before`, with the epoch that a first move leaves. */
void mover_check_aborted(const char *id, const char *deployment, const char *before);

#endif
