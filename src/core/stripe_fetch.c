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
#include "cc/base/log.h"
#include "billing_in.h"
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
#define MINUTE_S 60
#define TURN_S 2 /* Stripe takes its time for the turn of a period */
#define DAY_S 86400
#define INVOICES 20

struct fetched {
	struct stripe_row due; /* as it was taken; now: the time of what is fetched */
	bool found, changed;
	int64_t rest_s; /* when it came to nothing */
	const char *status;
	int64_t theirs;       /* Stripe's clock; TIME_NULL: not said */
	int64_t starts, ends; /* TIME_NULL: not said */
	bool cancels;         /* with its period */
	const char *items;    /* JSON */
	const char *payment_method;
	bool gone; /* the customer was deleted there */
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

/* Its period is that of the plan's prices; where it has none of them, of any other. */
static void read_items(struct ctx *cx, const struct doc *items, struct fetched *f)
{
	const struct doc *item, *price;
	bool ours, known = false;
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
		ours = plan_price_kind(cx->world->plans, doc_text(price, "id")) >= 0;
		if (!ours && known)
			continue;
		known = ours;
		f->starts = time_of(item, "current_period_start");
		f->ends = time_of(item, "current_period_end");
	}
	jw_object_end(&w);
	f->items = out.data;
}

/* Of a subscription that is not there any more: one that never began was never to be paid. */
static const char *status_when_gone(const struct stripe_row *row)
{
	static const char unbegun[] = "incomplete_expired";

	return str_eq(row->stripe_status, unbegun) ? unbegun : "canceled";
}

static bool fetch_subscription(struct ctx *cx, struct fetched *f)
{
	bool missing;
	struct doc *d;

	f->starts = f->ends = TIME_NULL;
	if (f->due.stripe_id == NULL)
		return true;
	d = stripe_get_at(
		cx, arena_printf(cx->arena, "/v1/subscriptions/%s", f->due.stripe_id), &missing, &f->theirs);

	if (d == NULL) {
		/* Where the customer is there; else nothing is said. */
		f->status = status_when_gone(&f->due);
		return missing;
	}
	if (str_eq(doc_text(d, "id"), f->due.stripe_id))
		f->status = kept(cx, doc_text(d, "status"));
	f->cancels = doc_true(d, "cancel_at_period_end");
	read_items(cx, doc_object(d, "items"), f);
	doc_free(d);
	return f->status != NULL;
}

/* Stripe forgets no customer: of one that was deleted there it says so. */
static void tell_of_account(struct fetched *f)
{
	LOG(LOG_ERROR, "Stripe does not know a customer: is stripe.key another account's, or another mode's?",
		LOG_TEXT("tenant_id", f->due.tenant_id), LOG_TEXT("customer", f->due.customer_id));
	f->rest_s = MINUTE_S;
}

static bool fetch_customer(struct ctx *cx, struct fetched *f)
{
	const struct doc *settings;
	bool missing, good;
	int64_t theirs;
	struct doc *d = stripe_get_at(
		cx, arena_printf(cx->arena, "/v1/customers/%s", f->due.customer_id), &missing, &theirs);

	if (missing)
		tell_of_account(f);
	if (f->due.stripe_id == NULL)
		f->theirs = theirs;
	good = d != NULL && str_eq(doc_text(d, "id"), f->due.customer_id);
	f->gone = good && doc_true(d, "deleted");
	settings = good ? doc_object(d, "invoice_settings") : NULL;
	if (settings != NULL)
		f->payment_method = kept(cx, doc_text(settings, "default_payment_method"));
	doc_free(d);
	return good;
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
	i->total_cost = stripe_hundredths(i->currency, i->total_cost);
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

/* Also when the period is over, because another plan may begin with the next one. */
static int64_t next_look_s(const struct ctx *cx, const struct fetched *f)
{
	const bool well = str_eq(f->status, "active") || str_eq(f->status, "trialing");
	const int64_t left_s = f->ends != TIME_NULL ? (f->ends - f->due.now) / SECOND_US : DAY_S;

	if (!well)
		return cx->world->settings->stripe.evidence_s + 1;
	return left_s >= DAY_S ? DAY_S : left_s >= 0 ? left_s + TURN_S : MINUTE_S;
}

/* It is over when Stripe is in the next one; where that has no more periods, by the time. */
static bool is_period_over(const struct fetched *f, const struct stripe_row *row)
{
	const bool goes_on = f->starts != TIME_NULL && !stripe_is_over(f->status);

	/* To a plan that is not sold it ends by itself, a moment before or after our own time. */
	if (row->next_plan != NULL && !goes_on && row->cancels)
		return true;

	return row->next_plan != NULL &&
	       (goes_on ? f->starts >= row->next_plan_at : f->due.now >= row->next_plan_at);
}

static enum err turn_plan(
	struct ctx *cx, struct fetched *f, const struct stripe_row *row, struct tenant_row *tenant)
{
	TRY(billing_turn_plan(cx, tenant, row->next_plan, &f->changed));
	q_stripe_plan_turned_later(cx->db, cx->tenant->id, f->starts);
	return ERR_NONE;
}

/*
 * is_given_up: it ended because the plan is not sold, or the tenant was deleted; then nothing is owed, and
 * there is none any more.
 */
static enum err draw_conclusions(
	struct ctx *cx, struct fetched *f, const struct stripe_row *row, bool is_given_up)
{
	const struct dunning_look look = {
		.status = is_given_up ? "active" : f->status,
		.at = f->due.now,
		.theirs = f->theirs,
		.debt = row->debt,
	};

	TRY(stripe_dun(cx, row, &look, &f->changed));
	if (is_given_up)
		q_stripe_unsubscribed_later(cx->db, row->tenant_id, row->stripe_id);
	return ERR_NONE;
}

/*
 * With the customer went its subscription and its payment methods, and none of them comes back: there is
 * to be another customer. What is owed stays owed, as where a subscription has ended.
 */
static void forget_customer(struct ctx *cx, const struct fetched *f)
{
	LOG(LOG_WARN, "a customer was deleted at Stripe: the tenant gets another",
		LOG_TEXT("tenant_id", f->due.tenant_id), LOG_TEXT("customer", f->due.customer_id));
	q_stripe_forget_later(cx->db, f->due.tenant_id, f->due.customer_id);
}

/* What came too late says nothing: it is looked at again, if there is reason to. */
static enum err give_back(struct ctx *cx)
{
	q_stripe_fetch_give_later(cx->db, cx->tenant->id, 0);
	return ERR_NONE;
}

/*
 * Of a customer without a subscription nothing is to be known but how it would pay. What was owed for one
 * that is gone ends when there is another, or none is wanted; a call under way may bring that.
 */
static enum err apply_customer(
	struct ctx *cx, struct fetched *f, const struct stripe_row *row, const struct tenant_row *tenant)
{
	const struct dunning_look look = {
		.status = stripe_is_sold(cx, tenant->plan_type) ? status_when_gone(row) : "active",
		.at = f->due.now,
		.theirs = f->theirs,
		.debt = row->debt,
	};

	TRY(q_stripe_customer_seen(
		cx->db, &f->applied, f->due.tenant_id, f->due.now, f->payment_method, next_look_s(cx, f)));
	if (f->applied == 0)
		return give_back(cx);
	if (row->trouble_since == TIME_NULL || row->open_calls > 0)
		return ERR_NONE;
	return stripe_dun(cx, row, &look, &f->changed);
}

/* Is it about what is there now? */
static bool is_same(const struct fetched *f, const struct stripe_row *row)
{
	return str_eq(row->stripe_id, f->due.stripe_id) && str_eq(row->customer_id, f->due.customer_id);
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
	if (!is_same(f, &row))
		return give_back(cx);
	if (f->gone) {
		forget_customer(cx, f);
		return ERR_NONE;
	}
	if (row.stripe_id == NULL)
		return apply_customer(cx, f, &row, tenant);
	TRY(q_stripe_apply(cx->db, &f->applied, cx->tenant->id, f->due.now, f->status, f->starts, f->ends,
		f->items, f->payment_method, next_look_s(cx, f), f->cancels));
	if (f->applied == 0)
		return give_back(cx);
	for (size_t i = 0; i < f->ninvoices; i++)
		q_stripe_invoice_later(cx->db, f->invoices[i].id, cx->tenant->id, f->invoices[i].period_start,
			f->invoices[i].period_end, f->invoices[i].status, f->invoices[i].total_cost,
			f->invoices[i].currency, f->invoices[i].created_at);
	if (is_period_over(f, &row))
		TRY(turn_plan(cx, f, &row, tenant));
	return draw_conclusions(cx, f, &row,
		stripe_is_over(f->status) && (row.leaving || !stripe_is_sold(cx, tenant->plan_type)));
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

	q_stripe_fetch_give_later(cx->db, f->due.tenant_id, f->rest_s);
	return ERR_NONE;
}

static enum err fetch_one(struct ctx *cx, struct round *round, bool *ret_did)
{
	struct fetched *f = ARENA_NEW(cx->arena, struct fetched);
	struct db_place place;

	f->rest_s = REST_S;
	place_platform(cx->world, &place);
	TRY(round_claim(cx, q_stripe_fetch_due, take, f));
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
	int64_t events = 0;
	int looks = 0;
	bool did = true;

	*ret = (struct round){ 0 };
	TRY(round_claim(cx, q_stripe_events_due, handle, &events));
	for (int i = 0; did && i < most; i++) {
		TRY(fetch_one(cx, ret, &did));
		looks += did;
	}
	ret->done = (int)events + looks;
	return ERR_NONE;
}
