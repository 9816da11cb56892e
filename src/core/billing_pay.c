/* SPDX-License-Identifier: Apache-2.0 */
/* How a tenant pays at Stripe: the calls that make it so, and whoever waits for them. */
#include "billing_in.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cc/base/clock.h"
#include "cc/core/idem.h"
#include "cc/core/operations.h"
#include "cc/core/outbox.h"
#include "cc/core/stripe.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/write.h"
#include "stripe_in.h"

#define WAIT_MS 5000
#define POLL_MS 10
#define POLL_MOST_MS 200

/* Calls ------------------------------------------------------------------------------------------------- */

static void attach_later(struct ctx *cx, const char *method, const char *operation)
{
	const struct outbox_call call = {
		.op = OP_ATTACH,
		.operation_id = operation,
		.method = "POST",
		.path = arena_printf(cx->arena, "/v1/payment_methods/%s/attach", method),
		.form = "customer={customer}",
	};

	outbox_add_later(cx, outbox_name(cx), cx->tenant->id, &call);
}

/* An address is replaced as a whole: what it does not have is emptied. */
static void add_address(struct str *form, const struct billing_address *a)
{
	form_add(form, "address[line1]", a->line1);
	form_add(form, "address[line2]", a->line2 != NULL ? a->line2 : "");
	form_add(form, "address[city]", a->city);
	form_add(form, "address[state]", a->state != NULL ? a->state : "");
	form_add(form, "address[postal_code]", a->postal_code != NULL ? a->postal_code : "");
	form_add(form, "address[country]", a->country);
}

static const char *effect_json(struct arena *a, const char *method, const char *address)
{
	struct str out;
	struct jw w;

	str_init(&out, a, 128);
	jw_init(&w, &out);
	jw_object(&w);
	if (method != NULL) {
		jw_key(&w, "payment_method");
		jw_text(&w, method);
	}
	if (address != NULL) {
		jw_key(&w, "address");
		jw_raw(&w, address);
	}
	jw_object_end(&w);
	return out.data;
}

static void update_later(struct ctx *cx, const char *method, const struct billing_address *address,
	const char *address_json, const char *operation)
{
	const char *name = outbox_name(cx);
	struct outbox_call call = {
		.op = OP_CUSTOMER_UPDATE,
		.operation_id = operation,
		.method = "POST",
		.path = "/v1/customers/{customer}",
		.effect = effect_json(cx->arena, method, address_json),
	};
	struct str form;

	str_init(&form, cx->arena, 256);
	if (method != NULL)
		form_add(&form, "invoice_settings[default_payment_method]", method);
	if (address != NULL)
		add_address(&form, address);
	form_add(&form, "metadata[cc_op]", name);
	call.form = form.data;
	outbox_add_later(cx, name, cx->tenant->id, &call);
}

void billing_address_later(struct ctx *cx, const char *address_json)
{
	const char *why;
	struct doc *d = doc_parse(cx->arena, address_json, strlen(address_json), &why);
	struct billing_address a;

	if (d == NULL)
		return;
	a = (struct billing_address){
		.line1 = doc_text(d, "line1"),
		.line2 = doc_text(d, "line2"),
		.city = doc_text(d, "city"),
		.state = doc_text(d, "state"),
		.postal_code = doc_text(d, "postal_code"),
		.country = doc_text(d, "country"),
	};
	update_later(cx, NULL, &a, address_json, NULL);
	doc_free(d);
}

/* A payment method of the subscription's own would count more than the customer's. */
static void clear_default_later(struct ctx *cx, const char *operation)
{
	const char *name = outbox_name(cx);
	struct outbox_call call = { .op = OP_DEFAULT_CLEAR,
		.operation_id = operation,
		.method = "POST",
		.path = "/v1/subscriptions/{subscription}" };
	struct str form;

	str_init(&form, cx->arena, 64);
	form_add(&form, "default_payment_method", "");
	form_add(&form, "metadata[cc_op]", name);
	call.form = form.data;
	outbox_add_later(cx, name, cx->tenant->id, &call);
}

enum err billing_pay_later(struct ctx *cx, const struct billing_row *row, const char *method,
	const struct billing_address *address, const char *address_json, const char **ret_operation)
{
	struct stripe_row stripe = { .stripe_status = NULL };
	bool found;

	TRY(operation_begin(cx, OPERATION_BILLING_UPDATE, "sending", ret_operation));
	TRY(q_stripe_get(cx->db, &stripe, &found, cx->tenant->id));
	if (found && stripe.customer_id == NULL && stripe.open_calls == 0)
		stripe_customer_later(cx, stripe.name, stripe.owner_email, *ret_operation);
	if (method != NULL)
		attach_later(cx, method, *ret_operation);
	update_later(cx, method, address, address_json, *ret_operation);
	/* After one that is over there will be another, which begins without a method of its own. */
	if (method != NULL && row->stripe_id != NULL && !stripe_is_over(stripe.stripe_status))
		clear_default_later(cx, *ret_operation);
	return ERR_NONE;
}

/* Waiting ----------------------------------------------------------------------------------------------- */

struct watch {
	const char *operation;
	struct outbox_group group;
};

static enum err look(struct ctx *cx, void *arg)
{
	struct watch *w = arg;

	q_outbox_group_later(cx->db, &w->group, w->operation);
	return ERR_NONE;
}

static enum err forget(struct ctx *cx, void *arg)
{
	const struct idem *i = arg;

	q_outbox_idempotency_drop_later(cx->db, i->tenant_id, i->scope, i->key);
	return ERR_NONE;
}

/* What is refused may be tried again with the same key, as everywhere. */
static enum err refuse_group(struct ctx *cx, const struct outbox_group *g)
{
	const char *said = g->error != NULL ? g->error : "no reason";
	struct db_place place;

	if (cx->idem != NULL) {
		place_platform(cx->world, &place);
		TRY(db_unit(cx, &place, DB_WRITE, forget, cx->idem));
	}
	if (g->status == 402)
		return refuse(cx, ERR_PAYMENT_DECLINED, "%s", said);
	if (g->status == 400 || g->status == 404)
		return refuse(cx, ERR_PAYMENT_METHOD, "%s", said);
	return refuse(cx, ERR_BILLING_PROVIDER, "%s", said);
}

static void sleep_ms(int64_t ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

static enum err await(struct ctx *cx, struct watch *w)
{
	const int64_t end_ms = clock_mono_ms() + WAIT_MS;
	struct db_place place;

	place_platform(cx->world, &place);
	for (int64_t pause = POLL_MS; clock_mono_ms() < end_ms;
		pause = pause < POLL_MOST_MS ? pause * 2 : pause) {
		TRY(db_glance(cx, &place, look, w));
		if (w->group.failed > 0 || w->group.waiting == 0)
			return ERR_NONE;
		sleep_ms(pause);
	}
	return ERR_NONE;
}

int billing_slot(struct ctx *cx)
{
	const int places =
		cx->world->settings->key_waits < SLOTS_MAX ? cx->world->settings->key_waits : SLOTS_MAX;

	return slots_take(&cx->world->billing_slots, places > 0 ? places : 1, cx->tenant->id);
}

enum err billing_await(struct ctx *cx, const char *operation, bool *ret_done)
{
	struct watch w = { .operation = operation, .group = { .waiting = 1 } };
	const int slot = billing_slot(cx);
	enum err e;

	*ret_done = false;
	outbox_wake(cx);
	if (slot < 0)
		return ERR_NONE;
	e = await(cx, &w);
	slots_give(&cx->world->billing_slots, slot);
	TRY(e);
	if (w.group.failed > 0)
		return refuse_group(cx, &w.group);
	*ret_done = w.group.waiting == 0;
	return ERR_NONE;
}
