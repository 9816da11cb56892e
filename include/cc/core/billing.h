/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_BILLING_H
#define CC_CORE_BILLING_H

#include "cc/base/ctx.h"
#include "cc/core/plan.h"
#include "cc/core/rounds.h"
#include "cc/model/billing.h"
#include "cc/model/tenant.h"
#include "cc/schema/read.h"

/*
 * What tenants pay for. Amounts are integers in minor units from the plans file to the answer, where they are
 * printed with two decimals. Without a key for Stripe the books are the ledger: rows of the control database,
 * closed when nothing can be added to a period any more (65 minutes after its end), and nobody is charged.
 *
 * What takes a ctx runs inside a unit of work in the control database bound to cx->tenant, on the thread that
 * owns it, unless it says otherwise.
 */

/* Queued: with the creation of a tenant. Across tenants. */
void billing_open_later(struct ctx *cx, const char *tenant_id);

/* used: what the tenant's region says. */
enum err billing_read(struct ctx *cx, const struct tenant_usage *used, struct billing *ret) MUST_USE;
/*
 * Payment method and address; what was not sent stays. Locks the tenant's row, honours If-Match on the
 * billing's version. ret_changed may be empty. *ret_operation: with Stripe, the calls that were written
 * down for it; what was asked for is true when they have succeeded. NULL: it is true now.
 */
enum err billing_change(struct ctx *cx, const struct billing_change *in, const struct tenant_usage *used,
	struct billing *ret, struct strv *ret_changed, const char **ret_operation) MUST_USE;
/* In the answer of a dry run: how it would be paid then, also where Stripe would have to take it first. */
void billing_show_change(struct ctx *cx, const struct billing_change *in, struct billing *ret);
/* Faults of plan_type; ERR_BELOW_USAGE. *ret_changed is false when the tenant has the plan already. */
enum err billing_change_plan(struct ctx *cx, const struct plan_change *in, const struct tenant_usage *used,
	struct plan_changed *ret, bool *ret_changed) MUST_USE;
/* The tenant's row, which is locked, gets another plan now: the rest of the period is prorated. */
enum err billing_follow_plan(struct ctx *cx, const char *from, const char *to) MUST_USE;

/*
 * Closes periods that are over, those of a few tenants each time. Opens units of its own. One thread of each
 * node; nodes may do it at once.
 */
enum err billing_tick(struct ctx *cx, struct round *ret) MUST_USE;
/* With Stripe instead: passes them, and closes nothing. */
enum err billing_pass(struct ctx *cx, struct round *ret) MUST_USE;
/* The same of terms that are over: they are renewed while the subscription is good, also with Stripe. */
enum err billing_terms(struct ctx *cx, struct round *ret) MUST_USE;

/*
 * With Stripe, and outside of any unit. Waits for the calls of an operation, five seconds at most and
 * only where there is a place to wait. *ret_done is false when they are still under way.
 * ERR_PAYMENT_DECLINED, ERR_PAYMENT_METHOD, ERR_BILLING_PROVIDER: Stripe refused one.
 */
enum err billing_await(struct ctx *cx, const char *operation, bool *ret_done) MUST_USE;
/*
 * What the tenant's next invoice would say, if that was not asked for within the last minute. Waits only
 * where there is a place to wait. ERR_BILLING_PROVIDER when it was never known.
 */
enum err billing_preview(struct ctx *cx) MUST_USE;
/*
 * What Stripe says that a change of plan now would come to. *ret_said is false where there is nothing to ask:
 * no subscription, no such plan, or it is the present one. ERR_BILLING_PROVIDER.
 */
enum err billing_preview_plan(struct ctx *cx, const char *plan_type, struct proration *ret,
	bool *ret_said) MUST_USE;

/* The whole of what a tenant's period costs beside the plan's price. */
int64_t billing_usage_cost(const struct plan *p, const struct billing_quantities *q);

#endif
