/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_ROUNDS_H
#define CC_SRC_CORE_ROUNDS_H

#include "cc/core/rounds.h"
#include "cc/db/unit.h"
#include "cc/model/tally.h"

/*
 * Takes something that is due in the control database: claim does, into arg, which stays as it is when
 * nothing is. due says by a single statement whether anything is: rounds are many and most find nothing, so
 * those cost no transaction.
 */
enum err round_claim(struct ctx *cx, enum err (*due)(struct db *db, struct tally *row), db_work claim,
	void *arg) MUST_USE;

/*
 * Runs work bound to the tenant, in a unit of work in the control database. What goes wrong is kept in r and
 * nowhere else: it stops nobody else. One thread. *changed, which work sets, says that nodes must hear of it.
 * A tenant that is gone by now or waits for its deletion is passed over, and so is what the turn is about.
 */
void round_turn(struct ctx *cx, struct round *r, const char *tenant_id, db_work work, void *arg,
		const bool *changed);

#endif
