/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_PLAN_H
#define CC_CORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "cc/base/str.h"

/* Any thread: what is touched is the caller's or constant. */

/* Limits: INT_NULL is unlimited, 0 allows none. */
struct limits {
	int64_t max_policies, max_resources, max_users, max_bouncers;
};

struct rate {
	int64_t limit;  /* requests … */
	int64_t window; /* … in this many seconds; bursts up to limit */
};

/* What is counted and billed, by the hour: cc.usage_hour.meter. */
enum billed { METER_API_CALLS, METER_BOUNCER_REQUESTS, METERS };
extern const char *const meter_names[METERS + 1]; /* api_calls bouncer_requests, NULL */

/* What a period's quantity of one meter costs. All zero: it is free. */
struct meter_price {
	int64_t included; /* so many cost nothing */
	int64_t minor;    /* minor units … */
	int64_t per;      /* … for each further block of so many, also for one that was only begun */
};

/* Kinds of prices: 0 is the plan's own, 1 + m that of the meter m. */
enum { PLAN_PRICES = 1 + METERS };

/* Stripe's prices of a plan; NULL: it cannot be sold through Stripe, or the meter has no price there. */
struct plan_stripe {
	const char *base;
	const char *meter[METERS];
	struct strv before[PLAN_PRICES]; /* by kind: what the price there is took the place of */
};

struct plan {
	const char *name; /* free pro enterprise */
	struct limits limits;
	struct rate tenant_rate, key_rate;
	int64_t term_months;
	int64_t price_minor;  /* per month, minor units */
	const char *currency; /* has two decimals */
	struct meter_price meter[METERS];
	struct plan_stripe stripe;
};

struct plan_set {
	const struct plan *v;
	size_t n;
};
const struct plan *plan_find(const struct plan_set *s, const char *name); /* NULL: unknown */

const char *plan_price(const struct plan *p, int kind); /* NULL: it has none */
/* Of which kind a price of Stripe's is, or was; -1: it is none of a plan's. */
int plan_price_kind(const struct plan_set *s, const char *price);

/* The overage of a meter. What cannot be told in 63 bits is INT64_MAX. */
int64_t meter_cost(const struct meter_price *p, int64_t quantity);
/* part of whole of an amount that is not negative, rounded to the nearest minor unit; 0 ≤ part ≤ whole. */
int64_t money_part(int64_t minor, int64_t part, int64_t whole);

#endif
