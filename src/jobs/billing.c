/* SPDX-License-Identifier: Apache-2.0 */
/* Billing: apart from the other upkeep, because with Stripe it waits for another server. */
#include "jobs_in.h"

#include "cc/core/billing.h"
#include "cc/core/outbox.h"
#include "cc/core/stripe_sync.h"

#define LEDGER_MS 5000
#define STRIPE_MS 1000
#define BUSY_MS 20 /* a round that did something is followed by another soon */
#define TAKE_MS 20000
#define LOOKS 20

/* One of the things that are done in turn; what fails in one keeps none of the others. */
static enum err meter_hours(struct ctx *cx, struct round *ret)
{
	int64_t done = 0;
	const enum err e = outbox_meter(cx, &done);

	ret->done = (int)done;
	if (done > 0)
		outbox_wake(cx);
	return e;
}

static enum err look(struct ctx *cx, struct round *ret)
{
	return stripe_look(cx, LOOKS, ret);
}

static const struct part {
	const char *what;
	enum err (*tick)(struct ctx *cx, struct round *ret);
	bool ledger, stripe; /* with which billing */
} parts[] = {
	{ "closing of periods", billing_tick, true, false },
	{ "passing of periods", billing_pass, false, true },
	{ "renewing of terms", billing_terms, true, true },
	{ "subscriptions that are wanted", stripe_sync, false, true },
	{ "hours of what ends", stripe_last_hours, false, true },
	{ "plans that change", stripe_turn_plans, false, true },
	{ "looks at Stripe", look, false, true },
	{ "notices of Stripe's", stripe_notices, false, true },
	{ "hours for Stripe", meter_hours, false, true },
	{ "comparing with Stripe", stripe_compare, false, true },
	{ "events that never came", stripe_replay, false, true },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void *billing_run(void *jobs)
{
	struct jobs *j = jobs;
	const bool stripe = j->stripe;
	struct trouble trouble[PARTS];
	struct setbacks setbacks[PARTS];
	struct arena *a = arena_create(65536);
	int64_t pause_ms;

	for (size_t i = 0; i < PARTS; i++)
		trouble[i] = (struct trouble){ .what = parts[i].what };
	for (size_t i = 0; i < PARTS; i++)
		setbacks[i] = (struct setbacks){ .what = parts[i].what };
	do {
		pause_ms = jitter_ms(stripe ? STRIPE_MS : LEDGER_MS);
		for (size_t i = 0; i < PARTS && !jobs_stopping(j); i++) {
			struct ctx cx = jobs_ctx(j, a, TAKE_MS);
			struct round round = { 0 };

			if (stripe ? !parts[i].stripe : !parts[i].ledger)
				continue;
			trouble_note(&trouble[i], &cx, parts[i].tick(&cx, &round));
			setbacks_note(&setbacks[i], &round);
			if (trouble[i].failures == 0 && round.failed == 0 && round.done > 0)
				pause_ms = BUSY_MS;
		}
	} while (jobs_pause(j, ALARM_BILLING, pause_ms));
	arena_destroy(a);
	return NULL;
}
