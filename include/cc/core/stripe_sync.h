/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_STRIPE_SYNC_H
#define CC_CORE_STRIPE_SYNC_H

#include "cc/base/ctx.h"
#include "cc/core/rounds.h"

/*
 * Keeping tenants and Stripe together. All of these open units of their own and may wait for Stripe; one
 * thread of each node, any number of nodes.
 */

/* Writes down the calls for what tenants should have there. *ret_done: tenants that were looked at. */
enum err stripe_sync(struct ctx *cx, struct round *ret) MUST_USE;
/* Plans that were asked for the end of a period, of tenants that have no subscription there. */
enum err stripe_turn_plans(struct ctx *cx, struct round *ret) MUST_USE;
/* The last hours of what is about to end with its period: Stripe bills what it knows by then. */
enum err stripe_last_hours(struct ctx *cx, struct round *ret) MUST_USE;
/* Tells tenants of events that they should know of, and reads those that never came from Stripe's list. */
enum err stripe_notices(struct ctx *cx, struct round *ret) MUST_USE;
enum err stripe_replay(struct ctx *cx, struct round *ret) MUST_USE;
/* Takes up events, and looks at what has changed: at `most` tenants. *ret_done: events and tenants. */
enum err stripe_look(struct ctx *cx, int most, struct round *ret) MUST_USE;
/*
 * Compares the hours of some tenants with what Stripe has of them; a difference is an alert of the tenant's.
 * *ret_done: tenants that were compared.
 */
enum err stripe_compare(struct ctx *cx, struct round *ret) MUST_USE;

#endif
