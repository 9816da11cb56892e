/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_POINTS_H
#define CC_TESTS_POINTS_H

#include "crash.h"

/*
 * A piece of the daemon's work, and one round of it: the daemon is killed at the nth point that the thread
 * doing it passes, started again, and all is checked. True: the work was complete before there was an nth.
 */
struct piece {
	const char *name;
	bool (*round)(struct crash *x, int nth);
	int every; /* without full counts: one point in so many, beginning with one that chance names */
};

/* Kills at all points of the piece; at least `least` of them. */
void points_try(struct crash *x, const struct piece *p, int least);

/* An answer to a request during which the daemon may have died: it was made, or nothing is known of it. */
bool points_acknowledged(struct crash *x, int expected, const struct answer *a);
const struct answer *points_create(struct crash *x, const char *slug);
/* After a recovery. The tenant of this slug is there and whole, or it is not and its names are free. */
void points_expect_tenant(struct crash *x, const char *slug, bool certainly);

/* acts.c: operations on something that is there. */
extern const struct piece acts[];
extern const size_t nacts;

#endif
