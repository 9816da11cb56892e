/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/turnover.h"

/*
 * Who counted himself while the turn was still the same is seen by whoever ends it: both do it in one order
 * (seq_cst). Who did not see it stay is counted again, in the next.
 */
uint64_t turnover_enter(struct turnover *t)
{
	for (;;) {
		const uint64_t turn = atomic_load(&t->turn);

		atomic_fetch_add(&t->users[turn % 2], 1);
		if (atomic_load(&t->turn) == turn)
			return turn;
		atomic_fetch_sub(&t->users[turn % 2], 1);
	}
}

void turnover_leave(struct turnover *t, uint64_t ticket)
{
	atomic_fetch_sub(&t->users[ticket % 2], 1);
}

bool turnover_turn(struct turnover *t)
{
	const uint64_t turn = atomic_load(&t->turn);

	if (atomic_load(&t->users[(turn + 1) % 2]) != 0)
		return false;
	atomic_store(&t->turn, turn + 1);
	return true;
}
