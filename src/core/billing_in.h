/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_BILLING_IN_H
#define CC_SRC_CORE_BILLING_IN_H

#include "cc/core/billing.h"
#include "cc/model/tenant.h"

/* ERR_INTERNAL: the plans file lacks the tenant's plan. */
enum err billing_plan(struct ctx *cx, const char *name, const struct plan **ret) MUST_USE;

/* In the ledger: the open period is over, and nobody has noted it yet. */
bool billing_is_over(const struct ctx *cx, const struct billing_row *row);
/*
 * In the ledger, and a unit of the tenant whose row and billing are locked: when the open period is over, it
 * keeps the plan that it has now, and the plan that was asked for its end begins. `row` is as it was before.
 */
enum err billing_end_period(struct ctx *cx, struct tenant_row *tenant, const struct billing_row *row,
	bool *changed) MUST_USE;

/*
 * The plan that was asked for the end of a period, in a unit of the tenant whose row is locked and is
 * `tenant`. What is in use may be more than it allows: then no more is added. Sets *changed when
 * nodes must hear of it.
 */
enum err billing_turn_plan(
	struct ctx *cx, struct tenant_row *tenant, const char *plan, bool *changed) MUST_USE;

/* A place to wait for Stripe, to be given back to world.billing_slots; -1: there is none. */
int billing_slot(struct ctx *cx);

/* Queued: the calls that make it so at Stripe. The tenant's row is locked. */
enum err billing_pay_later(struct ctx *cx, const struct billing_row *row, const char *method,
	const struct billing_address *address, const char *address_json, const char **ret_operation) MUST_USE;
/* Queued: the call that sends an address that Stripe does not have. */
void billing_address_later(struct ctx *cx, const char *address_json);
/* Queued: the call that makes the customer. operation_id may be NULL. */
void stripe_customer_later(
	struct ctx *cx, const char *tenant_name, const char *email, const char *operation_id);

#endif
