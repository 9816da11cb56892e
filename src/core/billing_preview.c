/* SPDX-License-Identifier: Apache-2.0 */
/* What Stripe says that a period, or a change of plan, will cost. */
#include "billing_in.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/stripe.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/doc.h"
#include "stripe_in.h"

#define PREVIEW_MS 5000

struct preview {
	struct billing_row row;
	bool found;
	int64_t total, usage;
	const char *currency;
};

static enum err read_row(struct ctx *cx, void *arg)
{
	struct preview *p = arg;

	return q_billing_get(cx->db, &p->row, &p->found, cx->tenant->id, true);
}

static enum err keep_preview(struct ctx *cx, void *arg)
{
	const struct preview *p = arg;

	q_stripe_preview_later(cx->db, cx->tenant->id, p->total - p->usage, p->usage, p->currency);
	return ERR_NONE;
}

static const char *price_of(const struct doc *line)
{
	const struct doc *pricing = doc_object(line, "pricing");
	const struct doc *details = pricing != NULL ? doc_object(pricing, "price_details") : NULL;

	return details != NULL ? doc_text(details, "price") : NULL;
}

/* Stripe shows the first lines only, and what they all come to: what of it is usage was counted here, too. */
static bool reckon_usage(const struct ctx *cx, struct preview *p)
{
	const struct billing_quantities q = { p->row.api_calls, p->row.bouncer_requests };
	const struct plan *plan = plan_find(cx->world->plans, p->row.plan_type);

	if (plan == NULL || !str_eq(plan->currency, p->currency))
		return false;
	p->usage = billing_usage_cost(plan, &q);
	if (p->usage > p->total)
		p->usage = p->total > 0 ? p->total : 0; /* Stripe was not told of all of it yet */
	return true;
}

static bool read_preview(struct ctx *cx, const struct http_got *got, struct preview *p)
{
	const struct doc *line, *lines;
	const char *why, *currency;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);
	int64_t amount;
	bool good;

	currency = d != NULL ? doc_text(d, "currency") : NULL;
	good = currency != NULL && strlen(currency) == 3 && doc_int(d, "total", &p->total);
	lines = good ? doc_object(d, "lines") : NULL;
	good = lines != NULL;
	for (size_t i = 0; good && (line = doc_item(lines, "data", i)) != NULL; i++)
		if (plan_price_kind(cx->world->plans, price_of(line)) > 0 && doc_int(line, "amount", &amount))
			p->usage += amount;
	if (good) {
		p->currency = stripe_currency(cx->arena, currency);
		p->total = stripe_hundredths(p->currency, p->total);
		p->usage = stripe_hundredths(p->currency, p->usage);
		good = !doc_true(lines, "has_more") || reckon_usage(cx, p);
	}
	doc_free(d);
	return good;
}

static enum err refuse_preview(struct ctx *cx, const struct preview *p, const char *cause)
{
	if (p->row.preview_base != INT_NULL)
		return ERR_NONE; /* then what Stripe said last is shown */
	cx->problem.cause = cause;
	return refuse(cx, ERR_BILLING_PROVIDER, "Stripe does not say what the period costs; retry");
}

/* NULL: Stripe has answered 200; else why not, for the log. Who finds no place does not wait for others. */
static const char *send_preview(struct ctx *cx, const char *form, struct http_got *ret)
{
	const struct stripe_call call = { .method = "POST",
		.path = "/v1/invoices/create_preview",
		.form = form,
		.deadline_ms = clock_mono_ms() + PREVIEW_MS };
	const int slot = billing_slot(cx);
	enum http_result r;

	if (slot < 0)
		return "as many as may wait for Stripe";
	r = stripe_ask(cx, &call, ret);
	slots_give(&cx->world->billing_slots, slot);
	if (r != HTTP_GOT)
		return ret->error;
	return ret->status == 200 ? NULL : arena_printf(cx->arena, "Stripe answered %d", ret->status);
}

static enum err ask_preview(struct ctx *cx, struct preview *p)
{
	struct db_place place;
	struct http_got got;
	const char *why;
	struct str form;

	str_init(&form, cx->arena, 96);
	form_add(&form, "customer", p->row.customer_id);
	form_add(&form, "subscription", p->row.stripe_id);
	why = send_preview(cx, form.data, &got);
	if (why == NULL && !read_preview(cx, &got, p))
		why = "a preview of Stripe's cannot be read";
	if (why != NULL)
		return refuse_preview(cx, p, why);
	place_control(cx->world, cx->tenant->id, &place);
	return db_unit(cx, &place, DB_WRITE, keep_preview, p);
}

enum err billing_preview(struct ctx *cx)
{
	struct preview p = { .found = false };
	struct db_place place;

	place_control(cx->world, cx->tenant->id, &place);
	TRY(db_unit(cx, &place, DB_READ, read_row, &p));
	/* For what is over Stripe has no preview. */
	if (!p.found || p.row.stripe_id == NULL || stripe_is_over(p.row.stripe_status) || p.row.previewed)
		return ERR_NONE;
	return ask_preview(cx, &p);
}

/* Changes of plan --------------------------------------------------------------------------------------- */

/* What is there because something changes in the middle of a period. */
static bool is_proration(const struct doc *line)
{
	const struct doc *parent = doc_object(line, "parent");
	const struct doc *item = parent != NULL ? doc_object(parent, "subscription_item_details") : NULL;

	return item != NULL && doc_true(item, "proration");
}

/* *ret_whole: are these all the lines? Stripe shows the first only. */
static bool read_proration(struct ctx *cx, const struct http_got *got, struct proration *ret, bool *ret_whole)
{
	const struct doc *line, *lines;
	const char *why, *currency;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);
	int64_t amount;
	bool good;

	*ret = (struct proration){ 0 };
	currency = d != NULL ? doc_text(d, "currency") : NULL;
	lines = d != NULL ? doc_object(d, "lines") : NULL;
	good = currency != NULL && strlen(currency) == 3 && lines != NULL;
	*ret_whole = good && !doc_true(lines, "has_more");
	for (size_t i = 0; good && (line = doc_item(lines, "data", i)) != NULL; i++) {
		if (!is_proration(line))
			continue;
		good = doc_int(line, "amount", &amount);
		ret->credit += good && amount < 0 ? -amount : 0;
		ret->charge += good && amount > 0 ? amount : 0;
	}
	if (good) {
		ret->currency = stripe_currency(cx->arena, currency);
		ret->credit = stripe_hundredths(ret->currency, ret->credit);
		ret->charge = stripe_hundredths(ret->currency, ret->charge);
		ret->net = ret->charge - ret->credit;
	}
	doc_free(d);
	return good;
}

/* *ret_said is false where Stripe does not show all of it: then it is reckoned as in the ledger. */
static enum err ask_proration(struct ctx *cx, const struct billing_row *row, const struct plan *plan,
	struct proration *ret, bool *ret_said)
{
	struct http_got got;
	const char *why;
	struct str form;

	str_init(&form, cx->arena, 256);
	form_add(&form, "customer", row->customer_id);
	form_add(&form, "subscription", row->stripe_id);
	*ret_said = stripe_add_items(cx, &form, "subscription_details[items]", row->items, plan) > 0;
	if (!*ret_said)
		return ERR_NONE;
	form_add(&form, "subscription_details[proration_behavior]", "create_prorations");
	why = send_preview(cx, form.data, &got);
	if (why == NULL && !read_proration(cx, &got, ret, ret_said))
		why = "a preview of Stripe's cannot be read";
	if (why == NULL)
		return ERR_NONE;
	cx->problem.cause = why;
	return refuse(cx, ERR_BILLING_PROVIDER, "Stripe does not say what the change would come to; retry");
}

enum err billing_preview_plan(struct ctx *cx, const char *plan_type, struct proration *ret, bool *ret_said)
{
	const struct plan *plan = plan_find(cx->world->plans, plan_type);
	struct preview p = { .found = false };
	struct db_place place;

	*ret_said = false;
	place_control(cx->world, cx->tenant->id, &place);
	TRY(db_unit(cx, &place, DB_READ, read_row, &p));
	if (!p.found || plan == NULL || plan->stripe.base == NULL || p.row.stripe_id == NULL ||
		p.row.items == NULL || stripe_is_over(p.row.stripe_status))
		return ERR_NONE;
	return ask_proration(cx, &p.row, plan, ret, ret_said);
}
