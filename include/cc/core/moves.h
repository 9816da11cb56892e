/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_MOVES_H
#define CC_CORE_MOVES_H

#include "cc/base/ctx.h"
#include "cc/core/rounds.h"
#include "cc/model/move.h"

/*
 * Moves of tenants between regions while they work. What a move does next says move_machine.h; here it is
 * done. On the thread that owns cx, which waits for PostgreSQL: jobs.
 */

/*
 * Goes on with one move that is due, for a moment: until it has to wait, or somebody else's turn comes.
 * urgent: one that holds its tenant up, or held it up lately; else one of the others, which may take long and
 * which goes on, once it holds its tenant up, until it no longer does. *ret_did: there was one. Any number of
 * threads and nodes may do so at once.
 */
enum err moves_tick(struct ctx *cx, bool urgent, bool *ret_did) MUST_USE;

/*
 * Leads the names of a few tenants to where they have moved, whose DNS server did not take that with the
 * move; each up to ten seconds. Until it does, the tenant has an alert. Any number of threads and nodes.
 */
enum err moves_lead_names(struct ctx *cx, struct round *ret) MUST_USE;

#endif
