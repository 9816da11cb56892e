/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_AUDIT_ORDER_H
#define CC_SRC_CORE_AUDIT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/core/checkpoint.h"

/*
 * The numbers of a file's records as they come: runs without a gap, of which an untouched file has one. At
 * the end the runs that together are most of the file are taken for its order; what is beside them was moved
 * or put in, what is between them is missing.
 */
enum { ORDER_RUNS_MAX = 4096 };

struct run {
	int64_t first, last;                    /* numbers */
	int64_t line;                           /* of the first */
	int64_t from[CHAINS], to[CHAINS];       /* places of each chain; from 0: none */
	int64_t weight;                         /* of the best order that ends with it */
	int before;                             /* in that order; -1: none */
	bool kept;
};

struct order {
	struct run *run;
	int n;
	bool open;                              /* chains need not begin at 1 */
	bool torn;                              /* too many runs: no more is known */
	void (*fault)(void *arg, int64_t line, const char *text);
	void *arg;
};

void order_open(struct order *o);
void order_close(struct order *o);
/* chain -1: not known. in_place: how many before it on lines that cannot be read. */
void order_add(struct order *o, int64_t number, int64_t line, int chain, int64_t seq, int64_t unread);
/*
 * Says what is wrong. total: how many there were, 0: not known. whole: places of a chain have no gaps.
 * end: the place behind the last of each chain, 0: not known.
 */
void order_judge(struct order *o, int64_t total, bool whole, const int64_t end[CHAINS]);

#endif
