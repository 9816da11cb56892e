/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing an hour of Stripe's to what was counted. What is lacking is sent, under a name that says of which
 * state it is the rest: sent again in that state, Stripe takes it once. What is too much is taken back, which
 * Stripe allows for a day; the next comparison then finds the hour lacking, and sends it.
 */
#include "stripe_in.h"

#include <inttypes.h>

#include "cc/base/clock.h"
#include "cc/core/outbox.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_S 3600
#define CANCEL_S (23 * HOUR_S) /* Stripe lets an event be taken back for a day after it came */
#define HOUR_TEXT 13           /* "2026-01-31T23" */

const char *stripe_hour_subject(struct ctx *cx, const char *meter, int64_t hour)
{
	return arena_printf(cx->arena, "%s:%" PRId64, meter, hour / SECOND_US);
}

static const char *event_name(const struct ctx *cx, const char *meter)
{
	const int m = str_eq(meter, meter_names[METER_API_CALLS]) ? METER_API_CALLS : METER_BOUNCER_REQUESTS;

	return cx->world->settings->stripe.meter_event[m];
}

/* As cc.meter_identifier() names the first event of an hour. */
static const char *identifier(struct ctx *cx, const struct hour_difference *d, int64_t cancelled)
{
	const char *hour = time_format(cx->arena, d->hour);
	const char *name = arena_printf(cx->arena, "cc:%s:%s:%.*s:v%" PRId64, cx->tenant->id, d->meter,
		HOUR_TEXT, hour, cancelled + 1);

	return d->theirs == 0 ? name : arena_printf(cx->arena, "%s+%" PRId64, name, d->theirs);
}

static void send_rest(
	struct ctx *cx, const char *customer, const struct hour_difference *d, const struct hour_calls *calls)
{
	struct outbox_call call = { .op = OP_METER_EVENT,
		.method = "POST",
		.path = "/v1/billing/meter_events",
		.subject = stripe_hour_subject(cx, d->meter, d->hour) };
	struct str form;

	str_init(&form, cx->arena, 256);
	form_add(&form, "event_name", event_name(cx, d->meter));
	form_add(&form, "identifier", identifier(cx, d, calls->cancelled));
	form_add_int(&form, "timestamp", d->hour / SECOND_US + HOUR_S - 1);
	form_add(&form, "payload[stripe_customer_id]", customer);
	form_add_int(&form, "payload[value]", d->ours - d->theirs);
	call.form = form.data;
	outbox_add_later(cx, outbox_name(cx), cx->tenant->id, &call);
}

static void take_back(struct ctx *cx, const struct hour_difference *d, const struct hour_calls *calls)
{
	struct outbox_call call = { .op = OP_METER_CANCEL,
		.method = "POST",
		.path = "/v1/billing/meter_event_adjustments",
		.subject = stripe_hour_subject(cx, d->meter, d->hour) };
	struct str form;

	str_init(&form, cx->arena, 160);
	form_add(&form, "event_name", event_name(cx, d->meter));
	form_add(&form, "type", "cancel");
	form_add(&form, "cancel[identifier]", calls->last);
	call.form = form.data;
	outbox_add_later(cx, outbox_name(cx), cx->tenant->id, &call);
}

enum err stripe_correct(struct ctx *cx, const char *customer, const struct hour_difference *d, bool *ret_did)
{
	struct hour_calls calls;

	TRY(q_outbox_hour(
		cx->db, &calls, cx->tenant->id, stripe_hour_subject(cx, d->meter, d->hour), CANCEL_S));
	*ret_did = d->theirs < d->ours || calls.last != NULL;
	if (d->theirs < d->ours)
		send_rest(cx, customer, d, &calls);
	else if (calls.last != NULL)
		take_back(cx, d, &calls);
	return ERR_NONE;
}
