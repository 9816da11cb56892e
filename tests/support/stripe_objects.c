/* SPDX-License-Identifier: Apache-2.0 */
/* Customers, payment methods, subscriptions and invoices, and the calls that make and change them. */
#define _GNU_SOURCE
#include "stripe_peer_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MONTH_S (30 * 86400)

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

json_t *stripe_at(struct stripe_peer *p, const char *id)
{
	return id != NULL ? json_object_get(p->objects, id) : NULL;
}

json_t *stripe_live(struct stripe_peer *p, const char *customer)
{
	json_t *o = stripe_at(p, customer);

	return json_is_true(json_object_get(o, "deleted")) ? NULL : o;
}

json_t *stripe_make(struct stripe_peer *p, const char *prefix, const char *object)
{
	char id[64];
	json_t *o;

	snprintf(id, sizeof(id), "%s%08d", prefix, ++p->number);
	o = json_pack("{s:s,s:s,s:I,s:b,s:{}}", "id", id, "object", object, "created",
		(json_int_t)stripe_now(), "livemode", 0, "metadata");
	json_object_set_new(p->objects, id, o);
	return o;
}

void stripe_emit(struct stripe_peer *p, const char *type, json_t *object)
{
	char id[64];

	snprintf(id, sizeof(id), "evt_%08d", (int)json_array_size(p->events) + 1);
	json_array_append_new(p->events,
		json_pack("{s:s,s:s,s:s,s:s,s:I,s:b,s:{s:o}}", "id", id, "object", "event", "type", type,
			"api_version", "2025-09-30.clover", "created", (json_int_t)stripe_now(), "livemode",
			0, "data", "object", json_deep_copy(object)));
}

static void missing(struct stripe_reply *ret, const char *what, const char *id)
{
	char text[200];

	snprintf(text, sizeof(text), "No such %s: '%s'", what, id);
	stripe_error(ret, 404, "invalid_request_error", "resource_missing", "id", text);
}

static void reply(struct stripe_reply *ret, json_t *o)
{
	*ret = (struct stripe_reply){ 200, json_deep_copy(o) };
}

/* Lists ------------------------------------------------------------------------------------------------- */

void stripe_list(struct stripe_peer *p, const struct form *f, const char *object,
	bool (*fits)(const json_t *o, const struct form *f), struct stripe_reply *ret)
{
	const char *limit = form_get(f, "limit"), *after = form_get(f, "starting_after");
	const size_t most = limit != NULL ? (size_t)strtol(limit, NULL, 10) : 10;
	json_t *data = json_array(), *all = json_array(), *o;
	bool more = false, passed = after == NULL;
	const char *id;

	if (after != NULL && stripe_at(p, after) == NULL) {
		json_decref(data);
		json_decref(all);
		stripe_error(ret, 400, "invalid_request_error", "resource_missing", "starting_after",
			"No such object");
		return;
	}
	json_object_foreach(p->objects, id, o) if (strcmp(text_of(o, "object"), object) == 0 && fits(o, f))
		json_array_insert(all, 0, o); /* the youngest first */
	for (size_t i = 0; i < json_array_size(all); i++) {
		o = json_array_get(all, i);
		if (passed && json_array_size(data) == most)
			more = true;
		else if (passed)
			json_array_append_new(data, json_deep_copy(o));
		passed = passed || strcmp(text_of(o, "id"), after) == 0;
	}
	json_decref(all);
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:o,s:b}", "object", "list", "data", data, "has_more", more) };
}

static bool fits_time(const json_t *o, const struct form *f)
{
	const char *since = form_get(f, "created[gte]");

	return since == NULL || json_integer_value(json_object_get(o, "created")) >= strtoll(since, NULL, 10);
}

static bool fits_customer(const json_t *o, const struct form *f)
{
	const char *customer = form_get(f, "customer");

	return customer == NULL || strcmp(text_of(o, "customer"), customer) == 0;
}

/* Changes ----------------------------------------------------------------------------------------------- */

/* "metadata[a]", "address[line1]": members of an object inside; an empty value removes one. */
static void set_inside(json_t *o, const char *key, const char *value)
{
	char outer[64], inner[64];
	json_t *in;

	if (sscanf(key, "%63[^[][%63[^]]]", outer, inner) != 2)
		return;
	in = json_object_get(o, outer);
	if (!json_is_object(in)) {
		in = json_object();
		json_object_set_new(o, outer, in);
	}
	if (*value == '\0')
		json_object_set_new(in, inner, json_null());
	else
		json_object_set_new(in, inner, json_string(value));
}

static void set_all(json_t *o, const struct form *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strncmp(f->key[i], "items[", 6) == 0)
			continue;
		if (strchr(f->key[i], '[') != NULL)
			set_inside(o, f->key[i], f->value[i]);
		else if (strcmp(f->key[i], "cancel_at_period_end") == 0)
			json_object_set_new(o, f->key[i], json_boolean(strcmp(f->value[i], "true") == 0));
		else if (strncmp(f->key[i], "proration_", 10) != 0)
			json_object_set_new(
				o, f->key[i], *f->value[i] != '\0' ? json_string(f->value[i]) : json_null());
	}
}

static void count_call(struct stripe_peer *p, const struct form *f)
{
	if (form_get(f, "metadata[cc_op]") != NULL)
		stripe_count(p, form_get(f, "metadata[cc_op]"));
}

/* Of letters that no country has. */
static bool is_nowhere(const struct form *f)
{
	const char *country = form_get(f, "address[country]");

	return country != NULL && strcmp(country, "XX") == 0;
}

void stripe_customers_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_make(p, "cus_", "customer");

	json_object_set_new(o, "invoice_settings", json_pack("{s:n}", "default_payment_method"));
	set_all(o, &rq->form);
	count_call(p, &rq->form);
	stripe_emit(p, "customer.created", o);
	reply(ret, o);
}

void stripe_customer_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *method = form_get(&rq->form, "invoice_settings[default_payment_method]");
	json_t *o = stripe_live(p, rq->id), *pm = stripe_at(p, method);

	if (o == NULL) {
		missing(ret, "customer", rq->id);
	} else if (method != NULL && (pm == NULL || strcmp(text_of(pm, "customer"), rq->id) != 0)) {
		missing(ret, "PaymentMethod", method);
	} else if (is_nowhere(&rq->form)) {
		stripe_error(ret, 400, "invalid_request_error", NULL, "address[country]", STRIPE_NOWHERE);
	} else {
		set_all(o, &rq->form);
		count_call(p, &rq->form);
		stripe_emit(p, "customer.updated", o);
		reply(ret, o);
	}
}

void stripe_customers_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	stripe_list(p, &rq->form, "customer", fits_time, ret);
}

void stripe_object_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, rq->id);

	if (o == NULL)
		missing(ret, "object", rq->id);
	else
		reply(ret, o);
}

/*
 * Any pm_… exists, but pm_missing…; pm_declined… is a card that the bank refuses, pm_external… one whose
 * network is away.
 */
void stripe_attach_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *customer = form_get(&rq->form, "customer");
	json_t *o = stripe_at(p, rq->id);

	if (stripe_live(p, customer) == NULL) {
		missing(ret, "customer", customer);
	} else if (strncmp(rq->id, "pm_missing", 10) == 0) {
		missing(ret, "PaymentMethod", rq->id);
	} else if (strncmp(rq->id, "pm_declined", 11) == 0) {
		stripe_error(ret, 402, "card_error", "card_declined", NULL, "Your card was declined.");
	} else if (strncmp(rq->id, "pm_external", 11) == 0) {
		stripe_error(ret, 424, "api_error", NULL, NULL, "The bank's network does not answer.");
	} else if (o != NULL && strcmp(text_of(o, "customer"), customer) != 0) {
		stripe_error(ret, 400, "invalid_request_error", NULL, NULL,
			"The payment method you provided has already been attached to a customer.");
	} else {
		if (o == NULL) {
			o = json_pack("{s:s,s:s,s:s,s:I,s:b}", "id", rq->id, "object", "payment_method",
				"type", "card", "created", (json_int_t)stripe_now(), "livemode", 0);
			json_object_set_new(p->objects, rq->id, o);
		}
		json_object_set_new(o, "customer", json_string(customer));
		stripe_emit(p, "payment_method.attached", o);
		reply(ret, o);
	}
}

/* Subscriptions ----------------------------------------------------------------------------------------- */

static json_t *item_make(struct stripe_peer *p, const char *price)
{
	char id[64];

	snprintf(id, sizeof(id), "si_%08d", ++p->number);
	return json_pack("{s:s,s:s,s:I,s:I,s:{s:s,s:s}}", "id", id, "object", "subscription_item",
		"current_period_start", (json_int_t)stripe_now(), "current_period_end",
		(json_int_t)stripe_now() + MONTH_S, "price", "id", price, "object", "price");
}

static json_t *item_find(json_t *items, const char *id, size_t *at)
{
	for (*at = 0; *at < json_array_size(items); (*at)++)
		if (id != NULL && strcmp(text_of(json_array_get(items, *at), "id"), id) == 0)
			return json_array_get(items, *at);
	return NULL;
}

/* False: what is asked makes no sense, and ret says it. */
static bool item_change(
	struct stripe_peer *p, const struct form *f, int n, json_t *items, struct stripe_reply *ret)
{
	char id_key[40], price_key[40], deleted_key[40];
	const char *id, *price;
	json_t *item;
	size_t at;

	snprintf(id_key, sizeof(id_key), "items[%d][id]", n);
	snprintf(price_key, sizeof(price_key), "items[%d][price]", n);
	snprintf(deleted_key, sizeof(deleted_key), "items[%d][deleted]", n);
	id = form_get(f, id_key);
	price = form_get(f, price_key);
	item = item_find(items, id, &at);
	if ((id != NULL && item == NULL) || (price != NULL && json_object_get(p->prices, price) == NULL)) {
		missing(ret, id != NULL && item == NULL ? "subscription_item" : "price",
			id != NULL ? id : price);
		ret->status = 400;
		return false;
	}
	if (form_get(f, deleted_key) != NULL)
		json_array_remove(items, at);
	else if (item != NULL && price != NULL)
		json_object_set_new(json_object_get(item, "price"), "id", json_string(price));
	else if (price != NULL)
		json_array_append_new(items, item_make(p, price));
	return true;
}

static bool items_change(struct stripe_peer *p, const struct form *f, json_t *o, struct stripe_reply *ret)
{
	json_t *items = json_object_get(json_object_get(o, "items"), "data");

	for (int n = 0; n < 20; n++) {
		char prefix[32];
		bool asked = false;

		snprintf(prefix, sizeof(prefix), "items[%d][", n);
		for (size_t i = 0; i < f->n; i++)
			asked = asked || strncmp(f->key[i], prefix, strlen(prefix)) == 0;
		if (asked && !item_change(p, f, n, items, ret)) {
			return false;
		}
	}
	return true;
}

void stripe_subscriptions_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *customer = form_get(&rq->form, "customer");
	json_t *o;

	if (stripe_live(p, customer) == NULL) {
		missing(ret, "customer", customer);
		return;
	}
	if (stripe_chance(p, p->mood.no_price)) {
		missing(ret, "price", form_get(&rq->form, "items[0][price]"));
		return;
	}
	o = stripe_make(p, "sub_", "subscription");
	json_object_set_new(o, "items", json_pack("{s:s,s:[]}", "object", "list", "data"));
	json_object_set_new(o, "status",
		json_string(stripe_chance(p, p->mood.incomplete) ? "incomplete"
			    : stripe_chance(p, p->mood.past_due) ? "past_due"
								 : "active"));
	json_object_set_new(o, "default_payment_method", json_null());
	if (!items_change(p, &rq->form, o, ret)) {
		json_object_del(p->objects, text_of(o, "id"));
		return;
	}
	set_all(o, &rq->form);
	count_call(p, &rq->form);
	stripe_emit(p, "customer.subscription.created", o);
	reply(ret, o);
}

static bool is_in_period(const json_t *o, const char *at)
{
	const json_t *item = json_array_get(json_object_get(json_object_get(o, "items"), "data"), 0);
	const json_int_t when = at != NULL ? strtoll(at, NULL, 10) : 0;

	return at == NULL || (when >= json_integer_value(json_object_get(item, "current_period_start")) &&
				     when <= json_integer_value(json_object_get(item, "current_period_end")));
}

void stripe_subscription_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, rq->id);

	if (o == NULL) {
		missing(ret, "subscription", rq->id);
	} else if (form_get(&rq->form, "items[0][price]") != NULL && stripe_chance(p, p->mood.no_price)) {
		missing(ret, "price", form_get(&rq->form, "items[0][price]"));
	} else if (!is_in_period(o, form_get(&rq->form, "proration_date"))) {
		stripe_error(ret, 400, "invalid_request_error", NULL, "proration_date",
			"Cannot specify a proration date outside of the current billing period.");
	} else if (items_change(p, &rq->form, o, ret)) {
		set_all(o, &rq->form);
		count_call(p, &rq->form);
		stripe_emit(p, "customer.subscription.updated", o);
		reply(ret, o);
	}
}

/* What was used is on a last invoice where that is asked for, and else on none. */
static void bill_the_rest(struct stripe_peer *p, json_t *o)
{
	json_t *item, *invoice = stripe_make(p, "in_", "invoice");
	json_int_t total = 0;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(o, "items"), "data"), i, item)
	{
		json_t *price = json_object_get(p->prices, text_of(json_object_get(item, "price"), "id"));
		const char *event = text_of(price, "event_name");

		if (event != NULL)
			total += json_integer_value(json_object_get(price, "minor")) *
				 (json_int_t)stripe_usage_between(
					 p, event, text_of(o, "customer"), 0, INT64_MAX);
	}
	stripe_fill_invoice(invoice, text_of(o, "customer"), "open", total);
	json_object_set_new(o, "latest_invoice", json_string(text_of(invoice, "id")));
	stripe_emit(p, "invoice.created", invoice);
}

void stripe_subscription_delete(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, rq->id);

	if (o == NULL || strcmp(text_of(o, "status"), "canceled") == 0) {
		missing(ret, "subscription", rq->id);
		return;
	}
	json_object_set_new(o, "status", json_string("canceled"));
	if (form_get(&rq->form, "invoice_now") != NULL &&
		strcmp(form_get(&rq->form, "invoice_now"), "true") == 0)
		bill_the_rest(p, o);
	stripe_count(p, rq->id);
	stripe_emit(p, "customer.subscription.deleted", o);
	reply(ret, o);
}

void stripe_subscriptions_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	stripe_list(p, &rq->form, "subscription", fits_customer, ret);
}

void stripe_invoices_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	stripe_list(p, &rq->form, "invoice", fits_customer, ret);
}
