/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tenants should have at Stripe and do not have yet: a customer, a subscription, the prices of their
 * plan.
 */
#include "stripe_in.h"

#include <string.h>

#include "billing_in.h"

#include "cc/core/alerts.h"
#include "cc/core/outbox.h"
#include "cc/core/stripe_sync.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "rounds.h"
#include "tenants_in.h"

#define BATCH 50
#define AGAIN_S 5 /* while calls are under way */
#define SECOND_US INT64_C(1000000)
#define LATER_S 3600 /* where an operator has to do something first */

static void call_later(
	struct ctx *cx, const char *name, enum outbox_op op, const char *path, const char *form)
{
	const struct outbox_call call = { .op = op, .method = "POST", .path = path, .form = form };

	outbox_add_later(cx, name, cx->tenant->id, &call);
}

static void add_names(struct ctx *cx, struct str *form, const char *name)
{
	form_add(form, "metadata[tenant]", cx->tenant->id);
	form_add(form, "metadata[cc_op]", name);
}

void stripe_customer_later(
	struct ctx *cx, const char *tenant_name, const char *email, const char *operation_id)
{
	const char *name = outbox_name(cx);
	struct outbox_call call = {
		.op = OP_CUSTOMER, .operation_id = operation_id, .method = "POST", .path = "/v1/customers"
	};
	struct str form;

	str_init(&form, cx->arena, 256);
	form_add(&form, "name", tenant_name);
	form_add(&form, "email", email);
	add_names(cx, &form, name);
	call.form = form.data;
	outbox_add_later(cx, name, cx->tenant->id, &call);
}

static void subscribe(struct ctx *cx, const struct plan *plan)
{
	const char *name = outbox_name(cx);
	struct str form;
	int n = 0;

	str_init(&form, cx->arena, 256);
	form_add(&form, "customer", "");
	str_add(&form, "{customer}");
	for (int kind = 0; kind < PLAN_PRICES; kind++)
		if (plan_price(plan, kind) != NULL)
			form_add(&form, arena_printf(cx->arena, "items[%d][price]", n++),
				plan_price(plan, kind));
	add_names(cx, &form, name);
	call_later(cx, name, OP_SUBSCRIBE, "/v1/subscriptions", form.data);
}

static void change_item(
	struct ctx *cx, struct str *form, const char *member, int n, const char *item, const char *price)
{
	if (item != NULL)
		form_add(form, arena_printf(cx->arena, "%s[%d][id]", member, n), item);
	if (price != NULL)
		form_add(form, arena_printf(cx->arena, "%s[%d][price]", member, n), price);
	else
		form_add(form, arena_printf(cx->arena, "%s[%d][deleted]", member, n), "true");
}

/*
 * Of each kind of price there is one; items are named by their ids, so that it takes the place of another
 * plan's, or of the plan's own before. What somebody sells beside the plans stays.
 */
static int change_kind(struct ctx *cx, struct str *form, const char *member, int n, const struct doc *items,
	int kind, const char *price)
{
	bool there = price == NULL || doc_has(items, price);
	const char *is;

	for (size_t i = 0; (is = doc_name(items, i)) != NULL; i++) {
		if (str_eq(is, price) || plan_price_kind(cx->world->plans, is) != kind)
			continue;
		change_item(cx, form, member, n++, doc_text(items, is), there ? NULL : price);
		there = true;
	}
	if (!there)
		change_item(cx, form, member, n++, NULL, price);
	return n;
}

int stripe_add_items(
	struct ctx *cx, struct str *form, const char *member, const char *items_json, const struct plan *plan)
{
	const char *why;
	struct doc *items = doc_parse(cx->arena, items_json, strlen(items_json), &why);
	int n = 0;

	for (int kind = 0; items != NULL && kind < PLAN_PRICES; kind++)
		n = change_kind(cx, form, member, n, items, kind, plan_price(plan, kind));
	doc_free(items);
	return n;
}

/* Where the plan began with the period that is now, Stripe reckons from there. */
static void follow_plan(struct ctx *cx, const struct stripe_row *row, const struct plan *plan)
{
	const char *name = outbox_name(cx);
	struct str form;

	str_init(&form, cx->arena, 256);
	if (stripe_add_items(cx, &form, "items", row->items, plan) == 0)
		return;
	form_add(&form, "proration_behavior", "create_prorations");
	if (row->plan_from != TIME_NULL && row->plan_from >= row->stripe_start)
		form_add_int(&form, "proration_date", row->plan_from / SECOND_US);
	add_names(cx, &form, name);
	call_later(cx, name, OP_PLAN, "/v1/subscriptions/{subscription}", form.data);
	q_stripe_plan_told_later(cx->db, cx->tenant->id);
}

bool stripe_is_sold(const struct ctx *cx, const char *plan)
{
	const struct plan *p = plan != NULL ? plan_find(cx->world->plans, plan) : NULL;

	return p != NULL && p->stripe.base != NULL;
}

/* Before it ends, because what it does not know of then is never billed. */
static void meter_rest_later(struct ctx *cx)
{
	const struct stripe_settings *s = &cx->world->settings->stripe;

	q_outbox_meter_rest_later(cx->db, cx->tenant->id, s->meter_event[METER_API_CALLS],
		s->meter_event[METER_BOUNCER_REQUESTS]);
}

/* The plan is not sold: what was used of the last one is billed, and its rest, where paid, given back. */
static void unsubscribe(struct ctx *cx, const struct stripe_row *row)
{
	const struct outbox_call call = { .op = OP_CANCEL, .method = "DELETE", .path = row->cancel_path };

	meter_rest_later(cx);
	outbox_add_later(cx, outbox_name(cx), cx->tenant->id, &call);
}

/* To a plan that is not sold: Stripe itself ends it with the period, before it bills another. */
static void end_with_period(struct ctx *cx, bool ends)
{
	const char *name = outbox_name(cx);
	struct str form;

	str_init(&form, cx->arena, 128);
	form_add(&form, "cancel_at_period_end", ends ? "true" : "false");
	add_names(cx, &form, name);
	call_later(cx, name, OP_PLAN, "/v1/subscriptions/{subscription}", form.data);
}

/* By its owner or an operator; what is deleted for want of payment comes back when it is paid. */
static bool is_deleted(const struct stripe_row *row)
{
	return !row->removing && str_eq(row->tenant_status, tenant_status_name(TENANT_DELETION_SCHEDULED));
}

/* Nobody pays for another period of what is deleted. What is owed is the dunning's, as before. */
static bool is_leaving(const struct stripe_row *row)
{
	return is_deleted(row) && row->trouble_since == TIME_NULL;
}

/* Of a subscription that is known. */
static void follow(struct ctx *cx, const struct stripe_row *row, const struct plan *plan)
{
	const bool ends = is_leaving(row) || (row->next_plan != NULL && !stripe_is_sold(cx, row->next_plan));

	if (stripe_is_over(row->stripe_status))
		return;
	if (plan->stripe.base == NULL)
		unsubscribe(cx, row);
	else if (ends != row->cancels)
		end_with_period(cx, ends);
	else
		follow_plan(cx, row, plan);
}

#define SUBJECT "subscription"

/* What an operator gave away, or what lost its payment method: that nobody pays for it is told. */
static void tell_unpaid(struct ctx *cx, const struct stripe_row *row, const struct plan *plan)
{
	const bool sold = plan->stripe.base != NULL,
		   pays = row->customer_id != NULL && row->payment_method != NULL;

	if (row->stripe_id != NULL || plan->price_minor == 0 || (sold && pays) || is_deleted(row))
		alert_resolve_later(cx, ALERT_PAYMENT_MISSING, SUBJECT);
	else
		alert_raise_later(cx, ALERT_PAYMENT_MISSING, ALERT_WARNING, SUBJECT,
			arena_printf(cx->arena,
				"The plan %s costs something, and %s: nothing of it is billed.", plan->name,
				sold ? "there is no payment method" : "it has no prices at Stripe"));
}

/* INT64_MIN: not before something changes. */
static enum err want(struct ctx *cx, const struct stripe_row *row, int64_t *ret_again_s)
{
	const struct plan *plan;

	*ret_again_s = AGAIN_S;
	if (row->open_calls > 0)
		return ERR_NONE;
	TRY(billing_plan(cx, row->plan_type, &plan));
	tell_unpaid(cx, row, plan);
	if (row->customer_id != NULL && row->address_unsent)
		billing_address_later(cx, row->address);
	if (is_deleted(row) && row->stripe_id == NULL) {
		*ret_again_s = INT_NULL;
	} else if (row->customer_id == NULL) {
		stripe_customer_later(cx, row->name, row->owner_email, NULL);
		*ret_again_s = LATER_S;
	} else if (row->stripe_id == NULL && row->stale_at != TIME_NULL && row->fetched_at == TIME_NULL) {
		return ERR_NONE; /* how it pays was never asked, and is first */
	} else if (row->stripe_id == NULL && plan->stripe.base != NULL &&
		   (plan->price_minor == 0 || row->payment_method != NULL)) {
		subscribe(cx, plan);
		*ret_again_s = LATER_S;
	} else if (row->stripe_id != NULL && row->items == NULL) {
		return ERR_NONE; /* it has not been looked at yet */
	} else {
		*ret_again_s = INT_NULL;
		if (row->items != NULL)
			follow(cx, row, plan);
	}
	return ERR_NONE;
}

static enum err sync_one(struct ctx *cx, void *arg)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct stripe_row row;
	struct tally locked;
	int64_t again_s;
	bool found, is_billed;

	(void)arg;
	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(q_billing_lock(cx->db, &locked, cx->tenant->id));
	TRY(q_stripe_get(cx->db, &row, &is_billed, cx->tenant->id));
	if (!is_billed || !str_eq(row.tenant_status, tenant_status_name(TENANT_DELETION_SCHEDULED)))
		TRY(tenants_state(cx, found, tenant));
	TRY(want(cx, &row, &again_s));
	q_stripe_synced_later(cx->db, cx->tenant->id, again_s);
	return ERR_NONE;
}

static enum err find_wanting(struct ctx *cx, void *arg)
{
	q_stripe_wanting_later(cx->db, arg, BATCH);
	return ERR_NONE;
}

/* Without a subscription there are no periods of Stripe's: those that the billing shows count. */
static enum err turn_plan(struct ctx *cx, void *arg)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct stripe_row row;
	struct tally locked;
	bool *changed = arg, found;

	*changed = false;
	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, tenant));
	TRY(q_billing_lock(cx->db, &locked, cx->tenant->id));
	TRY(q_stripe_get(cx->db, &row, &found, cx->tenant->id));
	if (!found || row.next_plan == NULL || row.stripe_id != NULL || row.next_plan_at > row.now)
		return ERR_NONE;
	TRY(billing_turn_plan(cx, tenant, row.next_plan, changed));
	q_stripe_plan_turned_later(cx->db, cx->tenant->id, TIME_NULL);
	return ERR_NONE;
}

static enum err find_plans(struct ctx *cx, void *arg)
{
	q_stripe_plans_due_later(cx->db, arg, BATCH);
	return ERR_NONE;
}

enum err stripe_turn_plans(struct ctx *cx, struct round *ret)
{
	struct db_rows due = { 0 };
	struct db_place place;
	bool changed;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, find_plans, &due));
	for (size_t i = 0; i < due.n; i++)
		round_turn(cx, ret, DB_ROW(&due, struct billing_due, i)->tenant_id, turn_plan, &changed,
			&changed);
	return ERR_NONE;
}

static enum err meter_rest(struct ctx *cx, void *arg)
{
	struct tally locked;

	(void)arg;
	TRY(q_billing_lock(cx->db, &locked, cx->tenant->id));
	meter_rest_later(cx);
	return ERR_NONE;
}

static enum err find_ending(struct ctx *cx, void *arg)
{
	q_stripe_ending_later(cx->db, arg, BATCH);
	return ERR_NONE;
}

enum err stripe_last_hours(struct ctx *cx, struct round *ret)
{
	static const bool changed = false;
	struct db_rows ending = { 0 };
	struct db_place place;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, find_ending, &ending));
	for (size_t i = 0; i < ending.n; i++)
		round_turn(cx, ret, DB_ROW(&ending, struct billing_due, i)->tenant_id, meter_rest, NULL,
			&changed);
	if (ret->done > 0)
		outbox_wake(cx);
	return ERR_NONE;
}

enum err stripe_sync(struct ctx *cx, struct round *ret)
{
	static const bool changed = false;
	struct db_rows wanting = { 0 };
	struct db_place place;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, find_wanting, &wanting));
	for (size_t i = 0; i < wanting.n; i++)
		round_turn(cx, ret, DB_ROW(&wanting, struct billing_due, i)->tenant_id, sync_one, NULL,
			&changed);
	if (ret->done > 0)
		outbox_wake(cx);
	return ERR_NONE;
}
