/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_BILLING_H
#define CC_MODEL_BILLING_H

#include "cc/schema/schema.h"

/* Amounts are int64_t in minor units, and shown with two decimals (F_HUNDREDTHS). */

extern const char *const billing_modes[];       /* ledger stripe */
extern const char *const billing_statuses[];    /* incomplete active past_due grace suspended … */
extern const char *const invoice_statuses[];    /* draft open paid uncollectible void */
extern const char *const plan_change_times[];   /* now period_end */

/* A plan, as GET /plans shows it. */
struct plan_usage {
	int64_t included, price, per;
};
struct plan_limits {
	int64_t max_policies, max_resources, max_users, max_bouncers;
};
struct plan_rate {
	int64_t limit, window;
};
struct plan_row {
	const char *plan_type;
	int64_t price;
	const char *currency;
	int64_t term_months;
	struct plan_limits limits;
	struct plan_usage api_calls, bouncer_requests;
	struct plan_rate tenant_rate, key_rate;
};
extern const struct schema plan_row_schema;

struct plan_list {
	const char *plans;              /* JSON: an array of plan_row */
};
extern const struct schema plan_list_schema;

struct billing_usage {
	int64_t policies, users, bouncers;      /* INT_NULL: the tenant's region does not say */
	int64_t api_calls;
	int64_t storage_gb;                     /* in hundredths */
};
struct billing_costs {
	int64_t base_cost, usage_cost, total_cost;
	const char *currency;
};
/* The answer of /tenants/{tenant_id}/billing. */
struct billing {
	const char *subscription_id;    /* NULL: Stripe has none yet */
	const char *status, *plan;
	int64_t current_period_start, current_period_end;
	struct billing_usage usage;
	struct billing_costs billing;
	const char *mode;
	const char *next_plan;          /* NULL: it stays */
	const char *payment_method;     /* NULL: none */
	const char *billing_address;    /* JSON; NULL: none */
	int64_t row_version;
};
extern const struct schema billing_schema;

struct billing_address {
	const char *line1, *line2, *city, *state, *postal_code, *country;
	uint64_t seen;
};
extern const struct schema billing_address_schema;

/* The body of PUT …/billing: what is not sent stays. */
struct billing_change {
	const char *payment_method;
	struct billing_address billing_address;
	uint64_t seen;
};
extern const struct schema billing_change_schema;

/* The body of POST …/billing/plan, and its answer. */
struct plan_change {
	const char *plan_type, *at;
	uint64_t seen;
};
extern const struct schema plan_change_schema;

struct proration {
	int64_t credit, charge, net;
	const char *currency;
};
struct plan_changed {
	const char *from_plan, *plan, *at;
	int64_t effective_at;
	struct proration proration;
	const char *mode;               /* whose figures proration has */
};
extern const struct schema plan_changed_schema;

struct invoice {
	const char *id;
	int64_t period_start, period_end;
	const char *plan, *status;
	int64_t base_cost, usage_cost, total_cost;
	const char *currency;
	const char *mode;               /* whose it is: the ledger's, which charges nobody, or Stripe's */
	const char *lines;              /* JSON: an array of what each meter came to */
	int64_t created_at;
};
extern const struct schema invoice_schema;

/* What the control database says of a tenant's billing, in the period that is now. */
struct billing_row {
	const char *tenant_id, *subscription_id, *status, *plan_type, *next_plan, *payment_method;
	const char *address;            /* JSON */
	bool address_refused;           /* by Stripe */
	int64_t period;                 /* its number, from 0 … */
	int64_t period_start, period_end;
	int64_t open_period;            /* … and of the first that is not closed */
	int64_t open_start, open_end;
	bool closable;                  /* nothing can be added to the open one any more */
	bool by_stripe;                 /* Stripe has billed some of the open one */
	int64_t adjust_minor;           /* what changes of plan add to the price of the one that is now */
	const char *ended_plan;         /* the open one is over, and had this plan; NULL: it is not */
	int64_t ended_minor;            /* … and this was added to its price */
	int64_t api_calls, bouncer_requests;    /* in the period that is now */
	const char *stripe_id, *customer_id;    /* NULL: not yet */
	const char *stripe_status;      /* the subscription's there, as it was looked at last */
	const char *items;              /* JSON: of the subscription, by price */
	bool owes;                      /* there is something to pay for the subscription */
	bool removing;                  /* the tenant's deletion is scheduled because it is not paid */
	int64_t preview_base, preview_usage;    /* what Stripe says that it costs; INT_NULL: nothing yet … */
	const char *preview_currency;
	bool previewed;                 /* … and within the last minute */
	int64_t now;
	int64_t row_version;
};
extern const struct schema billing_row_schema;

/* Whose turn it is. */
struct billing_due {
	const char *tenant_id;
};
extern const struct schema billing_due_schema;

/* Quantities in a period. */
struct billing_quantities {
	int64_t api_calls, bouncer_requests;
};
extern const struct schema billing_quantities_schema;

#endif
