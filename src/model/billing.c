/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/billing.h"

#include <string.h>

const char *const billing_modes[] = { "ledger", "stripe", NULL };
const char *const billing_statuses[] = { "incomplete", "incomplete_expired", "trialing", "active", "past_due",
					 "grace", "unpaid", "paused", "suspended", "deletion_scheduled",
					 "canceled", NULL };
const char *const invoice_statuses[] = { "draft", "open", "paid", "uncollectible", "void", NULL };
const char *const plan_change_times[] = { "now", "period_end", NULL };

/* Plans ------------------------------------------------------------------------------------------------ */

#define T struct plan_usage
static const struct field plan_usage_fields[] = {
	INT(T, included, F_OUT, 0, 0, "So many in a period cost nothing."),
	HUNDREDTHS(T, price, F_OUT, "What each further block costs, also one that was only begun."),
	INT(T, per, F_OUT, 0, 0, "How many are a block."),
};
#undef T
static SCHEMA(plan_usage_schema, struct plan_usage, "PlanUsage", plan_usage_fields);

#define T struct plan_limits
static const struct field plan_limits_fields[] = {
	INT(T, max_policies, F_OUT | F_NULLABLE, 0, 0, "Most policies; null is unlimited."),
	INT(T, max_resources, F_OUT | F_NULLABLE, 0, 0, "Most resources; null is unlimited."),
	INT(T, max_users, F_OUT | F_NULLABLE, 0, 0, "Most users; null is unlimited."),
	INT(T, max_bouncers, F_OUT | F_NULLABLE, 0, 0, "Most bouncers; null is unlimited."),
};
#undef T
static SCHEMA(plan_limits_schema, struct plan_limits, "PlanLimits", plan_limits_fields);

#define T struct plan_rate
static const struct field plan_rate_fields[] = {
	INT(T, limit, F_OUT, 0, 0, "Requests …"),
	INT(T, window, F_OUT, 0, 0, "… in this many seconds."),
};
#undef T
static SCHEMA(plan_rate_schema, struct plan_rate, "PlanRate", plan_rate_fields);

#define T struct plan_row
static const struct field plan_row_fields[] = {
	TEXT(T, plan_type, F_OUT, 0, 0, "Its name."),
	HUNDREDTHS(T, price, F_OUT, "What a month costs."),
	TEXT(T, currency, F_OUT, 0, 0, "ISO 4217."),
	INT(T, term_months, F_OUT, 0, 0, "How long a subscription runs before it is renewed."),
	OBJ(T, limits, F_OUT, struct plan_limits, &plan_limits_schema, "How much a tenant may have."),
	OBJ(T, api_calls, F_OUT, struct plan_usage, &plan_usage_schema, "Requests to the API."),
	OBJ(T, bouncer_requests, F_OUT, struct plan_usage, &plan_usage_schema, "Requests at bouncers."),
	OBJ(T, tenant_rate, F_OUT, struct plan_rate, &plan_rate_schema, "Of a whole tenant."),
	OBJ(T, key_rate, F_OUT, struct plan_rate, &plan_rate_schema, "Of one API key."),
};
#undef T
SCHEMA(plan_row_schema, struct plan_row, "Plan", plan_row_fields);

#define T struct plan_list
static const struct field plan_list_fields[] = {
	JSON_LIST(T, plans, F_OUT, 0, &plan_row_schema, "All of them."),
};
#undef T
SCHEMA(plan_list_schema, struct plan_list, "PlanList", plan_list_fields);

/* A tenant's billing ------------------------------------------------------------------------------------ */

#define T struct billing_usage
static const struct field billing_usage_fields[] = {
	INT(T, policies, F_OUT | F_NULLABLE, 0, 0, "Policies now; null while the region does not answer."),
	INT(T, users, F_OUT | F_NULLABLE, 0, 0, "Users now."),
	INT(T, bouncers, F_OUT | F_NULLABLE, 0, 0, "Bouncers now."),
	INT(T, api_calls, F_OUT, 0, 0, "Requests in the period, of the hours that were counted so far."),
	HUNDREDTHS(T, storage_gb, F_OUT, "Stored objects now, in gigabytes."),
};
#undef T
static SCHEMA(billing_usage_schema, struct billing_usage, "BillingUsage", billing_usage_fields);

#define T struct billing_costs
static const struct field billing_costs_fields[] = {
	HUNDREDTHS(T, base_cost, F_OUT, "The plan's price, with what changes of plan add to it."),
	HUNDREDTHS(T, usage_cost, F_OUT, "What is used beyond what the plan includes."),
	HUNDREDTHS(T, total_cost, F_OUT, "Both."),
	TEXT(T, currency, F_OUT, 0, 0, "ISO 4217."),
};
#undef T
static SCHEMA(billing_costs_schema, struct billing_costs, "BillingCosts", billing_costs_fields);

#define T struct billing
static const struct field billing_fields[] = {
	TEXT(T, subscription_id, F_OUT | F_NULLABLE, 0, 0, "Null: there is none yet at Stripe."),
	ENUM(T, status, F_OUT, billing_statuses, NULL, "How the subscription stands."),
	TEXT(T, plan, F_OUT, 0, 0, "The tenant's plan."),
	TIME(T, current_period_start, F_OUT, "When the period began."),
	TIME(T, current_period_end, F_OUT, "When it ends."),
	OBJ(T, usage, F_OUT, struct billing_usage, &billing_usage_schema, "What there is, and was used."),
	OBJ(T, billing, F_OUT, struct billing_costs, &billing_costs_schema, "What the period costs so far."),
	ENUM(T, mode, F_OUT, billing_modes, NULL,
	     "ledger: the figures are this service's own and nobody is charged. stripe: they are Stripe's."),
	TEXT(T, next_plan, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, 0, 0, "The plan from the next period on."),
	TEXT(T, payment_method, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, 0, 0, "What is charged."),
	JSON(T, billing_address, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, 0, "Where the bill goes."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "One more with every change."),
};
#undef T
SCHEMA(billing_schema, struct billing, "Billing", billing_fields);

static const char *check_payment_method(const char *s)
{
	const size_t n = strlen(s);

	return n > 3 && memcmp(s, "pm_", 3) == 0 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n
		       ? NULL : "must be the id of a payment method such as pm_123";
}

static const char *check_country(const char *s)
{
	return strlen(s) == 2 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2
		       ? NULL : "must be two capital letters (ISO 3166) such as US";
}

#define T struct billing_address
static const struct field billing_address_fields[] = {
	TEXT(T, line1, F_UPDATE | F_REQUIRED, 1, 200, "Street and number.", .example = "123 Main St"),
	TEXT(T, line2, F_UPDATE | F_NULLABLE, 1, 200, "More of it."),
	TEXT(T, city, F_UPDATE | F_REQUIRED, 1, 100, "City.", .example = "San Francisco"),
	TEXT(T, state, F_UPDATE | F_NULLABLE, 1, 100, "State or province.", .example = "CA"),
	TEXT(T, postal_code, F_UPDATE | F_NULLABLE, 1, 20, "Postal code.", .example = "94105"),
	TEXT_LIKE(T, country, F_UPDATE | F_REQUIRED, 2, 2, check_country, "ISO 3166.", .example = "US"),
};
#undef T
SCHEMA_IN(billing_address_schema, struct billing_address, "BillingAddress", billing_address_fields);

#define T struct billing_change
static const struct field billing_change_fields[] = {
	TEXT_LIKE(T, payment_method, F_UPDATE, 4, 255, check_payment_method,
		  "Is charged from now on.", .example = "pm_123"),
	OBJ(T, billing_address, F_UPDATE, struct billing_address, &billing_address_schema,
	    "Where the bill goes; replaced as a whole."),
};
#undef T
SCHEMA_IN(billing_change_schema, struct billing_change, "BillingChange", billing_change_fields);

#define T struct plan_change
static const struct field plan_change_fields[] = {
	TEXT(T, plan_type, F_CREATE | F_REQUIRED, 1, 40, "Name of the plan.", .example = "enterprise"),
	ENUM(T, at, F_CREATE, plan_change_times, "now",
	     "now: the rest of the period is prorated. period_end: nothing changes before."),
};
#undef T
SCHEMA_IN(plan_change_schema, struct plan_change, "PlanChange", plan_change_fields);

#define T struct proration
static const struct field proration_fields[] = {
	HUNDREDTHS(T, credit, F_OUT, "What the old plan had cost for the rest of the period."),
	HUNDREDTHS(T, charge, F_OUT, "What the new one costs for it."),
	HUNDREDTHS(T, net, F_OUT, "The difference, in favour of the tenant when it is negative."),
	TEXT(T, currency, F_OUT, 0, 0, "ISO 4217."),
};
#undef T
static SCHEMA(proration_schema, struct proration, "Proration", proration_fields);

#define T struct plan_changed
static const struct field plan_changed_fields[] = {
	TEXT(T, from_plan, F_OUT, 0, 0, "The plan before."),
	TEXT(T, plan, F_OUT, 0, 0, "The plan from then on."),
	ENUM(T, at, F_OUT, plan_change_times, NULL, "As it was asked for."),
	TIME(T, effective_at, F_OUT, "When it changes."),
	OBJ(T, proration, F_OUT, struct proration, &proration_schema, "What comes of it in this period."),
	ENUM(T, mode, F_OUT, billing_modes, NULL,
	     "Whose figures `proration` has: stripe is Stripe's own preview; ledger was computed here."),
};
#undef T
SCHEMA(plan_changed_schema, struct plan_changed, "PlanChanged", plan_changed_fields);

struct invoice_line {
	const char *meter;
	int64_t quantity, included, amount;
};
#define T struct invoice_line
static const struct field invoice_line_fields[] = {
	TEXT(T, meter, F_OUT, 0, 0, "What was counted."),
	INT(T, quantity, F_OUT, 0, 0, "How many there were."),
	INT(T, included, F_OUT, 0, 0, "How many of them cost nothing."),
	HUNDREDTHS(T, amount, F_OUT, "What the rest costs."),
};
#undef T
static SCHEMA(invoice_line_schema, struct invoice_line, "InvoiceLine", invoice_line_fields);

#define T struct invoice
static const struct field invoice_fields[] = {
	TEXT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server, or by Stripe."),
	TIME(T, period_start, F_OUT | F_SORT, "When its period began."),
	TIME(T, period_end, F_OUT, "When it ended."),
	TEXT(T, plan, F_OUT | F_NULLABLE, 0, 0, "The plan at its end; null: Stripe does not say."),
	ENUM(T, status, F_OUT, invoice_statuses, NULL,
	     "Where it is in its life; in the ledger it stays open."),
	HUNDREDTHS(T, base_cost, F_OUT | F_NULLABLE,
		   "As in the billing; null where only the total is known."),
	HUNDREDTHS(T, usage_cost, F_OUT | F_NULLABLE, "Likewise."),
	HUNDREDTHS(T, total_cost, F_OUT, "What is to be paid."),
	TEXT(T, currency, F_OUT, 0, 0, "ISO 4217."),
	ENUM(T, mode, F_OUT, billing_modes, NULL,
	     "Whose it is. ledger: this service's own, and nobody is charged. stripe: Stripe's."),
	JSON_LIST(T, lines, F_OUT, 0, &invoice_line_schema, "What each meter came to."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was made."),
};
#undef T
SCHEMA(invoice_schema, struct invoice, "Invoice", invoice_fields);

/* Rows ------------------------------------------------------------------------------------------------- */

#define T struct billing_row
static const struct field billing_row_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "The tenant."),
	TEXT(T, subscription_id, F_NULLABLE, 0, 0, "The ledger's or Stripe's."),
	TEXT(T, status, 0, 0, 0, "How it stands."),
	TEXT(T, plan_type, 0, 0, 0, "The tenant's plan."),
	TEXT(T, next_plan, F_NULLABLE, 0, 0, "From the next period on."),
	TEXT(T, payment_method, F_NULLABLE, 0, 0, "What is charged."),
	JSON(T, address, F_NULLABLE, 0, "Where the bill goes."),
	BOOL(T, address_refused, 0, "By Stripe."),
	INT(T, period, 0, 0, 0, "Number of the period that is now."),
	TIME(T, period_start, 0, "When it began."),
	TIME(T, period_end, 0, "When it ends."),
	INT(T, open_period, 0, 0, 0, "Number of the first that is not closed."),
	TIME(T, open_start, 0, "When it began."),
	TIME(T, open_end, 0, "When it ends."),
	BOOL(T, closable, 0, "Nothing is added to it any more."),
	BOOL(T, by_stripe, 0, "Stripe has billed some of the open one."),
	INT(T, adjust_minor, 0, 0, 0, "What changes of plan add to the price of the one that is now."),
	TEXT(T, ended_plan, F_NULLABLE, 0, 0, "The plan at the end of the open one."),
	INT(T, ended_minor, 0, 0, 0, "What changes of plan added to its price."),
	INT(T, api_calls, 0, 0, 0, "In the period that is now."),
	INT(T, bouncer_requests, 0, 0, 0, "Likewise."),
	TEXT(T, stripe_id, F_NULLABLE, 0, 0, "Stripe's subscription."),
	TEXT(T, stripe_status, F_NULLABLE, 0, 0, "How that stands there."),
	TEXT(T, customer_id, F_NULLABLE, 0, 0, "Stripe's customer."),
	JSON(T, items, F_NULLABLE, 0, "Of the subscription, by price."),
	BOOL(T, owes, 0, "There is something to pay for the subscription."),
	BOOL(T, removing, 0, "The tenant's deletion is scheduled for want of payment."),
	INT(T, preview_base, F_NULLABLE, 0, 0, "What Stripe says that it costs."),
	INT(T, preview_usage, F_NULLABLE, 0, 0, "Likewise."),
	TEXT(T, preview_currency, F_NULLABLE, 0, 0, "Likewise."),
	BOOL(T, previewed, 0, "Within the last minute."),
	TIME(T, now, 0, "The database's time."),
	INT(T, row_version, 0, 0, 0, "One more with every change."),
};
#undef T
SCHEMA(billing_row_schema, struct billing_row, "BillingRow", billing_row_fields);

#define T struct billing_due
static const struct field billing_due_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "The tenant."),
};
#undef T
SCHEMA(billing_due_schema, struct billing_due, "BillingDue", billing_due_fields);

#define T struct billing_quantities
static const struct field billing_quantities_fields[] = {
	INT(T, api_calls, 0, 0, 0, "Requests to the API."),
	INT(T, bouncer_requests, 0, 0, 0, "Requests at bouncers."),
};
#undef T
SCHEMA(billing_quantities_schema, struct billing_quantities, "BillingQuantities",
       billing_quantities_fields);
