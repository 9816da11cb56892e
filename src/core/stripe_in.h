/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_STRIPE_IN_H
#define CC_SRC_CORE_STRIPE_IN_H

#include "cc/core/stripe.h"
#include "cc/core/dunning.h"
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

/* What an answer that is an error says; texts are in the arena, NULL where it says nothing. */
struct stripe_error {
	const char *type, *code, *message, *decline_code;
};
void stripe_read_error(struct ctx *cx, const struct http_got *got, struct stripe_error *ret);


/*
 * GET; NULL: there is no such answer now. *ret_missing: Stripe says that there is no such object.
 * doc_free() it.
 */
struct doc *stripe_get_doc(struct ctx *cx, const char *path, bool *ret_missing);
/* Stripe writes currencies in small letters. */
const char *stripe_currency(struct arena *a, const char *text);
/* What Stripe's meter of this name has of a customer in the hour that begins then. False: it does not say. */
bool stripe_hour(struct ctx *cx, const char *event_name, const char *customer, int64_t start_s, int64_t *ret);
/*
 * Inside the unit that has what was fetched: what it means for the tenant, whose row and billing are
 * locked.
 */
enum err stripe_dun(
	struct ctx *cx, const struct stripe_row *row, const char *stripe_status, bool *ret_changed) MUST_USE;

#endif
