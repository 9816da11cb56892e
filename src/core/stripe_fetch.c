/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is so at Stripe. Events only say that something has changed; then the objects themselves are asked
 * for, and of two answers the one that was asked for later counts: no order of events, and no repetition,
 * makes a difference.
 */
#include "stripe_in.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/billing.h"
#include "cc/core/stripe_sync.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/write.h"
#include "rounds.h"
#include "tenants_in.h"

#define LEASE_S 30
#define REST_S 5 /* after a look that Stripe did not answer */
#define EVENTS 1000
#define SECOND_US INT64_C(1000000)
#define HOUR_S 3600
#define DAY_S 86400
#define INVOICES 20

struct fetched {
	struct stripe_row due; /* as it was taken; now: the time of what is fetched */
	bool found, changed;
	const char *status;
	int64_t starts, ends; /* TIME_NULL: not said */
	const char *items;    /* JSON */
	const char *payment_method;
	struct invoice invoices[INVOICES];
	size_t ninvoices;
	int64_t applied;
};

/* Reading objects ---------------------------------------------------------------------------------------- */

static const char *kept(struct ctx *cx, const char *text)
{
	return text != NULL ? arena_strdup(cx->arena, text) : NULL;
}

static int64_t time_of(const struct doc *d, const char *key)
{
	int64_t s;

	return doc_int(d, key, &s) ? s * SECOND_US : TIME_NULL;
}

static void read_items(struct ctx *cx, const struct doc *items, struct fetched *f)
{
	const struct doc *item, *price;
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 128);
	jw_init(&w, &out);
	jw_object(&w);
	for (size_t i = 0; items != NULL && (item = doc_item(items, "data", i)) != NULL; i++) {
		price = doc_object(item, "price");
		if (price == NULL || doc_text(price, "id") == NULL)
			continue;
		jw_key(&w, doc_text(price, "id"));
		jw_text(&w, doc_text(item, "id"));
		f->starts = time_of(item, "current_period_start");
		f->ends = time_of(item, "current_period_end");
	}
	jw_object_end(&w);
	f->items = out.data;
}

static bool fetch_subscription(struct ctx *cx, struct fetched *f)
{
	bool missing;
	struct doc *d = stripe_get_doc(
		cx, arena_printf(cx->arena, "/v1/subscriptions/%s", f->due.stripe_id), &missing);

	f->starts = f->ends = TIME_NULL;
	if (d == NULL) {
		f->status = "canceled";
		return missing;
	}
	f->status = kept(cx, doc_text(d, "status"));
	read_items(cx, doc_object(d, "items"), f);
	doc_free(d);
	return f->status != NULL;
}

static bool fetch_customer(struct ctx *cx, struct fetched *f)
{
	const struct doc *settings;
	bool missing;
	struct doc *d =
		stripe_get_doc(cx, arena_printf(cx->arena, "/v1/customers/%s", f->due.customer_id), &missing);

	if (d == NULL)
		return missing;
	settings = doc_object(d, "invoice_settings");
	if (settings != NULL)
		f->payment_method = kept(cx, doc_text(settings, "default_payment_method"));
	doc_free(d);
	return true;
}

static bool is_invoice_status(const char *s)
{
	for (size_t i = 0; s != NULL && invoice_statuses[i] != NULL; i++)
		if (str_eq(invoice_statuses[i], s))
			return true;
	return false;
}

static void read_invoice(struct ctx *cx, const struct doc *d, struct fetched *f)
{
	struct invoice *i = &f->invoices[f->ninvoices];
	const char *currency = doc_text(d, "currency");

	*i = (struct invoice){
		.id = kept(cx, doc_text(d, "id")),
		.status = kept(cx, doc_text(d, "status")),
		.period_start = time_of(d, "period_start"),
		.period_end = time_of(d, "period_end"),
		.created_at = time_of(d, "created"),
	};
	if (i->id == NULL || currency == NULL || strlen(currency) != 3 || !is_invoice_status(i->status) ||
		!doc_int(d, "total", &i->total_cost) || i->period_start == TIME_NULL ||
		i->period_end == TIME_NULL || i->created_at == TIME_NULL)
		return;
	i->currency = stripe_currency(cx->arena, currency);
	f->ninvoices++;
}

static bool fetch_invoices(struct ctx *cx, struct fetched *f)
{
	const struct doc *item;
	bool missing;
	struct doc *d = stripe_get_doc(cx,
		arena_printf(cx->arena, "/v1/invoices?customer=%s&limit=%d", f->due.customer_id, INVOICES),
		&missing);

	for (size_t i = 0; d != NULL && i < INVOICES && (item = doc_item(d, "data", i)) != NULL; i++)
		read_invoice(cx, item, f);
	doc_free(d);
	return d != NULL || missing;
}

/* Applying ----------------------------------------------------------------------------------------------- */

static int64_t next_look_s(const struct ctx *cx, const struct stripe_row *row, const char *status)
{
	const bool well = str_eq(status, "active") || str_eq(status, "trialing");

	if (!well && row->status_next == NULL)
		return cx->world->settings->stripe.evidence_s + 1;
	return well ? DAY_S : row->status_next != NULL ? cx->world->settings->stripe.evidence_s + 1 : HOUR_S;
}

static enum err apply(struct ctx *cx, void *arg)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct fetched *f = arg;
	struct stripe_row row;
	struct tally locked;
	bool found;

	f->changed = false;
	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	if (!found)
		return ERR_NONE;
	TRY(q_billing_lock(cx->db, &locked, cx->tenant->id));
	TRY(q_stripe_get(cx->db, &row, &found, cx->tenant->id));
	TRY(q_stripe_apply(cx->db, &f->applied, cx->tenant->id, f->due.now, f->status, f->starts, f->ends,
		f->items, f->payment_method, next_look_s(cx, &row, f->status)));
	if (f->applied == 0)
		return ERR_NONE;
	for (size_t i = 0; i < f->ninvoices; i++)
		q_stripe_invoice_later(cx->db, f->invoices[i].id, cx->tenant->id, f->invoices[i].period_start,
			f->invoices[i].period_end, f->invoices[i].status, f->invoices[i].total_cost,
			f->invoices[i].currency, f->invoices[i].created_at);
	return stripe_dun(cx, &row, f->status, &f->changed);
}

static enum err take(struct ctx *cx, void *arg)
{
	struct fetched *f = arg;

	q_stripe_fetch_take_later(cx->db, &f->due, &f->found, LEASE_S);
	return ERR_NONE;
}

static enum err give(struct ctx *cx, void *arg)
{
	const struct fetched *f = arg;

	q_stripe_fetch_give_later(cx->db, f->due.tenant_id, REST_S);
	return ERR_NONE;
}

static enum err fetch_one(struct ctx *cx, struct round *round, bool *ret_did)
{
	struct fetched *f = ARENA_NEW(cx->arena, struct fetched);
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, take, f));
	*ret_did = f->found;
	if (!f->found)
		return ERR_NONE;
	if (!fetch_subscription(cx, f) || !fetch_customer(cx, f) || !fetch_invoices(cx, f))
		return db_unit(cx, &place, DB_WRITE, give, f);
	round_turn(cx, round, f->due.tenant_id, apply, f, &f->changed);
	return ERR_NONE;
}

static enum err handle(struct ctx *cx, void *arg)
{
	return q_stripe_events_handle(cx->db, arg, EVENTS);
}

enum err stripe_look(struct ctx *cx, int most, struct round *ret)
{
	struct db_place place;
	int64_t events = 0;
	int looks = 0;
	bool did = true;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, handle, &events));
	for (int i = 0; did && i < most; i++) {
		TRY(fetch_one(cx, ret, &did));
		looks += did;
	}
	ret->done = (int)events + looks;
	return ERR_NONE;
}
