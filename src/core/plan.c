/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/plan.h"

const char *const meter_names[METERS + 1] = { "api_calls", "bouncer_requests", NULL };

const struct plan *plan_find(const struct plan_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}

const char *plan_price(const struct plan *p, int kind)
{
	return kind == 0 ? p->stripe.base : p->stripe.meter[kind - 1];
}

int plan_price_kind(const struct plan_set *s, const char *price)
{
	for (size_t i = 0; price != NULL && i < s->n; i++)
		for (int kind = 0; kind < PLAN_PRICES; kind++)
			if (str_eq(plan_price(&s->v[i], kind), price) ||
				strv_has(&s->v[i].stripe.before[kind], price))
				return kind;
	return -1;
}

int64_t meter_cost(const struct meter_price *p, int64_t quantity)
{
	int64_t blocks;

	if (p->per <= 0 || p->minor <= 0 || quantity <= p->included)
		return 0;
	blocks = (quantity - p->included - 1) / p->per + 1;
	return blocks > INT64_MAX / p->minor ? INT64_MAX : blocks * p->minor;
}

/* In two steps, so that no product leaves 63 bits: prices are below 10^12 and periods below 10^7 seconds. */
int64_t money_part(int64_t minor, int64_t part, int64_t whole)
{
	if (whole <= 0 || part <= 0)
		return 0;
	if (part >= whole)
		return minor;
	return minor / whole * part + (minor % whole * part + whole / 2) / whole;
}
