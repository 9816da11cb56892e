/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_OUTBOX_H
#define CC_CORE_OUTBOX_H

#include "cc/base/ctx.h"
#include "cc/model/outbox.h"

/*
 * What is asked of Stripe is first written down, in the transaction of what it follows from, and then
 * carried out by the threads of any node: each call until it is known to have had its one effect, or to
 * be refused.
 *
 * A call is repeated to the byte and under the same idempotency key for as long as Stripe remembers keys
 * (settings.window_s). Stripe also remembers a 500 and repeats it: after three of them, and when that
 * time is over, the effect is looked for by the name of the call, which it carries in its metadata; only
 * when it is certain that there is none the call gets a key of its next generation. Where Stripe says neither
 * for a week, or the object is gone, the call is given up, and the tenant has an alert.
 */

enum outbox_op {
	OP_CUSTOMER,        /* makes the customer */
	OP_ATTACH,          /* gives it a payment method */
	OP_CUSTOMER_UPDATE, /* … as its default, and its address */
	OP_SUBSCRIBE,       /* makes the subscription */
	OP_PLAN,            /* changes what is subscribed to */
	OP_DEFAULT_CLEAR,   /* the subscription has no payment method of its own */
	OP_CANCEL,          /* ends the subscription */
	OP_METER_EVENT,     /* an hour of one meter */
	OP_METER_CANCEL,    /* … which is taken back */
	OP_COUNT,
};
extern const char *const outbox_ops[];

struct outbox_call {
	enum outbox_op op;
	const char *operation_id; /* who waits for it; NULL: nobody */
	/* {customer} and {subscription} stand for those of the tenant when it is first sent */
	const char *method, *path, *form;
	const char *effect; /* JSON; NULL: none */
	const char *subject; /* the hour that it is about; NULL: none */
};
/* The name that a call will have: its form says it as metadata[cc_op]. */
const char *outbox_name(struct ctx *cx);
/* Queued, inside a unit of work in the control database. */
void outbox_add_later(
	struct ctx *cx, const char *name, const char *tenant_id, const struct outbox_call *call);
/* After the commit: somebody may be waiting. */
void outbox_wake(struct ctx *cx);

/*
 * Takes one call and carries it out. Opens units of its own, and waits for Stripe. *ret_did is false when
 * there was none. Any number of threads of any number of nodes.
 */
enum err outbox_step(struct ctx *cx, bool *ret_did) MUST_USE;
/* Writes down the hours that can change no more. *ret_done: tenants that were looked at. */
enum err outbox_meter(struct ctx *cx, int64_t *ret_done) MUST_USE;

/* What came of a call. GONE: what it would change is not there. For outbox.c and outbox_find.c. */
enum outbox_found { FOUND_UNKNOWN, FOUND_ABSENT, FOUND_GONE, FOUND_DONE };

#endif
