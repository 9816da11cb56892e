/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_STRIPE_IN_H
#define CC_SRC_CORE_STRIPE_IN_H

#include "cc/core/stripe.h"
#include "cc/core/dunning.h"
#include "cc/core/plan.h"
#include "cc/model/outbox.h"
#include "cc/net/http_client.h"
#include "cc/schema/doc.h"

/* Calls of Stripe's API wait for another server: never inside a unit of work. */

/* A form: pairs in the order in which they are added. key is ours and sent as it is ("items[0][price]"). */
void form_add(struct str *out, const char *key, const char *value);
void form_add_int(struct str *out, const char *key, int64_t value);

struct stripe_call {
	const char *method, *path;   /* "/v1/customers", with a query if it has one */
	const char *form;            /* NULL: none */
	const char *idempotency_key; /* NULL: none */
	int64_t deadline_ms;         /* 0: that of the settings; clock_mono_ms() */
};
/* HTTP_GOT with any status is an answer. Fills got->error in any case. */
enum http_result stripe_send(struct ctx *cx, const struct stripe_call *call, struct http_got *ret) MUST_USE;

/*
 * The same of a call that changes nothing: what may pass by itself (no answer, 409, 429, 5xx) is asked again
 * at once, three times in all and within the time of one call.
 */
enum http_result stripe_ask(struct ctx *cx, const struct stripe_call *call, struct http_got *ret) MUST_USE;

/* What an answer that is an error says; texts are in the arena, NULL where it says nothing. */
struct stripe_error {
	const char *type, *code, *message, *decline_code;
};
void stripe_read_error(struct ctx *cx, const struct http_got *got, struct stripe_error *ret);
/* Does Stripe itself say that there is no such object? Of the account whose key it is, no other. */
bool stripe_is_missing(struct ctx *cx, const struct http_got *got);

/*
 * GET, by stripe_ask(); NULL: there is no such answer now. *ret_missing: stripe_is_missing().
 * doc_free() it.
 */
struct doc *stripe_get_doc(struct ctx *cx, const char *path, bool *ret_missing);
/* The same, and what Stripe's clock said with its answer; TIME_NULL: nothing. */
struct doc *stripe_get_at(struct ctx *cx, const char *path, bool *ret_missing, int64_t *ret_at);
/* Stripe writes currencies in small letters. */
const char *stripe_currency(struct arena *a, const char *text);
/*
 * An amount of Stripe's, which is in the currency's smallest unit, in hundredths, as all amounts here are.
 * What a currency has beyond them is rounded.
 */
int64_t stripe_hundredths(const char *currency, int64_t amount);
/* What Stripe's meter of this name has of a customer in the hour that begins then. False: it does not say. */
bool stripe_hour(struct ctx *cx, const char *event_name, const char *customer, int64_t start_s, int64_t *ret);
/*
 * Inside the unit that has what was fetched: what it means for the tenant, whose row and billing are
 * locked.
 */
enum err stripe_dun(struct ctx *cx, const struct stripe_row *row, const struct dunning_look *look,
	bool *ret_changed) MUST_USE;

/* An hour of which Stripe has another quantity than was counted. */
struct hour_difference {
	const char *meter;
	int64_t hour, ours, theirs;
};
/*
 * Queued, in a unit of the tenant whose hour it is: what brings Stripe's to ours, as far as Stripe lets that
 * be done. *ret_did is false where it does not.
 */
enum err stripe_correct(
	struct ctx *cx, const char *customer, const struct hour_difference *d, bool *ret_did) MUST_USE;
/* 'api_calls:1760000400': what the calls about one hour are found by. */
const char *stripe_hour_subject(struct ctx *cx, const char *meter, int64_t hour);

/* A subscription with this status is over: none of Stripe's calls makes it go on. */
bool stripe_is_over(const char *status);
/* Does the plan have prices there? False also for one that the plans file does not know. */
bool stripe_is_sold(const struct ctx *cx, const char *plan);
/* What the plan's prices are in a form: "items" or "subscription_details[items]". 0: nothing changes. */
int stripe_add_items(struct ctx *cx, struct str *form, const char *member, const char *items_json,
	const struct plan *plan);
/* Is the payload of this type one that somebody has to be told of? */
bool stripe_is_notice(const char *type);
/* An event as JSON, stored for later; nothing is done where it is there already. */
struct stripe_event_in {
	const char *id, *type, *api_version, *customer, *payload;
	int64_t created; /* seconds since 1970 */
	bool live;
};
/* False: it lacks its id, type or time. Texts are in the arena. */
bool stripe_event_read(struct ctx *cx, const struct doc *d, const char *payload, struct stripe_event_in *ret);
/* Queued, inside a unit of the control database. */
void stripe_event_store_later(struct ctx *cx, const struct stripe_event_in *e);

#endif
