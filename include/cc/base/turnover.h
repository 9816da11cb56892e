/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_TURNOVER_H
#define CC_BASE_TURNOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * For what is replaced while others look at it, and may be freed once all of them are done. Who looks enters
 * first, reads the pointer then, and leaves when he has put it down. Zeroed it is ready.
 */
struct turnover {
	_Atomic uint64_t turn;
	_Atomic int64_t users[2]; /* who entered in an even turn, and in an odd one */
};

/* Any thread; never waits. The ticket is for turnover_leave(), which any thread may call. */
uint64_t turnover_enter(struct turnover *t);
void turnover_leave(struct turnover *t, uint64_t ticket);
/*
 * By the one who replaces. False: somebody is left of before the last turn. True: nobody is, so what was
 * replaced before that may go; and a turn is over, so that the next true says the same of what was replaced
 * up to now.
 */
bool turnover_turn(struct turnover *t);

#endif
