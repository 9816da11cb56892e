/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/outbox.h"

#define T struct outbox_row
static const struct field outbox_row_fields[] = {
	TEXT(T, id, 0, 0, 0, "Its name, and part of its key."),
	TEXT(T, tenant_id, 0, 0, 0, "The tenant."),
	TEXT(T, op, 0, 0, 0, "What it does."),
	TEXT(T, operation_id, F_NULLABLE, 0, 0, "Who waits for it."),
	TEXT(T, method, 0, 0, 0, "Of the request."),
	TEXT(T, path, 0, 0, 0, "Of the request."),
	TEXT(T, body, F_NULLABLE, 0, 0, "A form."),
	INT(T, generation, 0, 0, 0, "Of the idempotency key."),
	INT(T, attempts, 0, 0, 0, "So far, with this one."),
	INT(T, server_errors, 0, 0, 0, "To this generation's key."),
	TIME(T, first_sent_at, F_NULLABLE, "With this generation's key."),
	TIME(T, created_at, 0, "When it was decided."),
	JSON(T, effect, F_NULLABLE, 0, "What it makes true here."),
	TIME(T, now, 0, "The database's time."),
};
#undef T
SCHEMA(outbox_row_schema, struct outbox_row, "OutboxRow", outbox_row_fields);

#define T struct outbox_group
static const struct field outbox_group_fields[] = {
	INT(T, waiting, 0, 0, 0, "Not made yet."),
	INT(T, failed, 0, 0, 0, "Refused."),
	INT(T, status, F_NULLABLE, 0, 0, "Of the first that was."),
	TEXT(T, error_code, F_NULLABLE, 0, 0, "Stripe's word."),
	TEXT(T, error, F_NULLABLE, 0, 0, "Stripe's sentence."),
};
#undef T
SCHEMA(outbox_group_schema, struct outbox_group, "OutboxGroup", outbox_group_fields);

#define T struct outbox_paying
static const struct field outbox_paying_fields[] = {
	BOOL(T, method, 0, "Another payment method."),
	BOOL(T, address, 0, "Another address."),
};
#undef T
SCHEMA(outbox_paying_schema, struct outbox_paying, "OutboxPaying", outbox_paying_fields);

#define T struct metered_hour
static const struct field metered_hour_fields[] = {
	TEXT(T, meter, 0, 0, 0, "What was counted."),
	TIME(T, hour, 0, "When it began."),
	INT(T, quantity, 0, 0, 0, "How many."),
};
#undef T
SCHEMA(metered_hour_schema, struct metered_hour, "MeteredHour", metered_hour_fields);

#define T struct hour_calls
static const struct field hour_calls_fields[] = {
	INT(T, cancelled, 0, 0, 0, "Events that were taken back."),
	TEXT(T, last, F_NULLABLE, 0, 0, "The one that can be."),
};
#undef T
SCHEMA(hour_calls_schema, struct hour_calls, "HourCalls", hour_calls_fields);

#define T struct stripe_notice
static const struct field stripe_notice_fields[] = {
	TEXT(T, event_id, 0, 0, 0, "Of the event."),
	TEXT(T, type, 0, 0, 0, "Likewise."),
	TEXT(T, payload, 0, 0, 0, "As it came."),
	INT(T, tries, 0, 0, 0, "To tell somebody."),
};
#undef T
SCHEMA(stripe_notice_schema, struct stripe_notice, "StripeNotice", stripe_notice_fields);

#define T struct stripe_missing
static const struct field stripe_missing_fields[] = {
	TEXT(T, event_id, 0, 0, 0, "Of the event."),
};
#undef T
SCHEMA(stripe_missing_schema, struct stripe_missing, "StripeMissing", stripe_missing_fields);

#define T struct stripe_span
static const struct field stripe_span_fields[] = {
	INT(T, since, 0, 0, 0, "From then on …"),
	INT(T, until, 0, 0, 0, "… to then."),
};
#undef T
SCHEMA(stripe_span_schema, struct stripe_span, "StripeSpan", stripe_span_fields);

#define T struct stripe_row
static const struct field stripe_row_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "The tenant."),
	TEXT(T, name, 0, 0, 0, "Its name."),
	TEXT(T, owner_email, 0, 0, 0, "Where letters go."),
	TEXT(T, plan_type, 0, 0, 0, "Its plan."),
	TEXT(T, tenant_status, 0, 0, 0, "Where it is in its life."),
	TEXT(T, customer_id, F_NULLABLE, 0, 0, "Stripe's customer."),
	TEXT(T, stripe_id, F_NULLABLE, 0, 0, "Stripe's subscription."),
	JSON(T, items, F_NULLABLE, 0, "Its items by price."),
	TEXT(T, stripe_status, F_NULLABLE, 0, 0, "How it stands there."),
	TEXT(T, payment_method, F_NULLABLE, 0, 0, "What is charged."),
	JSON(T, address, F_NULLABLE, 0, "Where the bill goes."),
	BOOL(T, address_unsent, 0, "Stripe has another."),
	TEXT(T, status, 0, 0, 0, "How it stands here."),
	TEXT(T, status_next, F_NULLABLE, 0, 0, "How it would stand, if the next look agrees."),
	TIME(T, status_next_at, F_NULLABLE, "When that was seen."),
	TIME(T, trouble_since, F_NULLABLE, "Since when it is not paid."),
	BOOL(T, debt, 0, "Nor was the subscription before it."),
	BOOL(T, suspended, 0, "For that."),
	BOOL(T, removing, 0, "Its deletion is scheduled for that."),
	TIME(T, standing_at, F_NULLABLE, "Since when it stands so."),
	TEXT(T, next_plan, F_NULLABLE, 0, 0, "The plan to come."),
	TIME(T, next_plan_at, F_NULLABLE, "When it comes."),
	TIME(T, plan_from, F_NULLABLE, "What Stripe does not have of the plan counts from then."),
	TIME(T, stripe_start, F_NULLABLE, "When Stripe's period began."),
	TEXT(T, cancel_path, 0, 0, 0, "Of the call that ends it at once."),
	BOOL(T, cancels, 0, "It ends with its period."),
	BOOL(T, leaving, 0, "… because the tenant was deleted."),
	TIME(T, fetched_at, F_NULLABLE, "When that was so."),
	TIME(T, stale_at, F_NULLABLE, "Something has changed since."),
	TIME(T, metered_since, F_NULLABLE, "The hours that were written down for Stripe begin then …"),
	TIME(T, metered_until, F_NULLABLE, "… and end then."),
	TIME(T, compare_silent, F_NULLABLE, "Since when Stripe does not say what it has."),
	TIME(T, compared_until, F_NULLABLE, "Up to there they are Stripe's as well."),
	INT(T, open_calls, 0, 0, 0, "Not made yet."),
	TIME(T, now, 0, "The database's time."),
};
#undef T
SCHEMA(stripe_row_schema, struct stripe_row, "StripeRow", stripe_row_fields);
