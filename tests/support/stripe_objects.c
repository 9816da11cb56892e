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
		else if (strcmp(f->key[i], "proration_behavior") != 0)
			json_object_set_new(
				o, f->key[i], *f->value[i] != '\0' ? json_string(f->value[i]) : json_null());
	}
}

static void count_call(struct stripe_peer *p, const struct form *f)
{
	if (form_get(f, "metadata[cc_op]") != NULL)
		stripe_count(p, form_get(f, "metadata[cc_op]"));
}

static void customers_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_make(p, "cus_", "customer");

	json_object_set_new(o, "invoice_settings", json_pack("{s:n}", "default_payment_method"));
	set_all(o, &rq->form);
	count_call(p, &rq->form);
	stripe_emit(p, "customer.created", o);
	reply(ret, o);
}

static void customer_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *method = form_get(&rq->form, "invoice_settings[default_payment_method]");
	json_t *o = stripe_at(p, rq->id), *pm = stripe_at(p, method);

	if (o == NULL) {
		missing(ret, "customer", rq->id);
	} else if (method != NULL && (pm == NULL || strcmp(text_of(pm, "customer"), rq->id) != 0)) {
		missing(ret, "PaymentMethod", method);
	} else {
		set_all(o, &rq->form);
		count_call(p, &rq->form);
		stripe_emit(p, "customer.updated", o);
		reply(ret, o);
	}
}

static void customers_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	stripe_list(p, &rq->form, "customer", fits_time, ret);
}

static void object_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, rq->id);

	if (o == NULL)
		missing(ret, "object", rq->id);
	else
		reply(ret, o);
}

/* Any pm_… exists, but pm_missing…; pm_declined… is a card that the bank refuses. */
static void attach_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *customer = form_get(&rq->form, "customer");
	json_t *o = stripe_at(p, rq->id);

	if (stripe_at(p, customer) == NULL || strncmp(rq->id, "pm_missing", 10) == 0) {
		missing(ret, "PaymentMethod", rq->id);
	} else if (strncmp(rq->id, "pm_declined", 11) == 0) {
		stripe_error(ret, 402, "card_error", "card_declined", NULL, "Your card was declined.");
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

static void subscriptions_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *customer = form_get(&rq->form, "customer");
	json_t *o;

	if (stripe_at(p, customer) == NULL) {
		missing(ret, "customer", customer);
		return;
	}
	o = stripe_make(p, "sub_", "subscription");
	json_object_set_new(o, "items", json_pack("{s:s,s:[]}", "object", "list", "data"));
	json_object_set_new(o, "status", json_string("active"));
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

static void subscription_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, rq->id);

	if (o == NULL) {
		missing(ret, "subscription", rq->id);
	} else if (items_change(p, &rq->form, o, ret)) {
		set_all(o, &rq->form);
		count_call(p, &rq->form);
		stripe_emit(p, "customer.subscription.updated", o);
		reply(ret, o);
	}
}

static void subscription_delete(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, rq->id);

	if (o == NULL || strcmp(text_of(o, "status"), "canceled") == 0) {
		missing(ret, "subscription", rq->id);
		return;
	}
	json_object_set_new(o, "status", json_string("canceled"));
	stripe_count(p, rq->id);
	stripe_emit(p, "customer.subscription.deleted", o);
	reply(ret, o);
}

static void subscriptions_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	stripe_list(p, &rq->form, "subscription", fits_customer, ret);
}

static void invoices_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	stripe_list(p, &rq->form, "invoice", fits_customer, ret);
}

/* What the next invoice would say: a line for each item. */
static void preview_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, form_get(&rq->form, "subscription")), *lines = json_array(), *item;
	json_int_t total = 0;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(o, "items"), "data"), i, item)
	{
		const char *price = text_of(json_object_get(item, "price"), "id");
		const json_t *known = json_object_get(p->prices, price);
		const char *event = text_of(known, "event_name");
		const json_int_t minor = json_integer_value(json_object_get(known, "minor"));
		const json_int_t amount = event == NULL
						  ? minor
						  : minor * (json_int_t)stripe_usage_between(p, event,
								    text_of(o, "customer"), 0, INT64_MAX);

		total += amount;
		json_array_append_new(lines, json_pack("{s:I,s:{s:{s:s}}}", "amount", amount, "pricing",
						     "price_details", "price", price));
	}
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:s,s:I,s:{s:s,s:o,s:b}}", "object", "invoice", "currency", "usd", "total",
			total, "lines", "object", "list", "data", lines, "has_more", 0) };
}

/* The routes -------------------------------------------------------------------------------------------- */

#define PAGE \
	{ "limit", P_INT, false, NULL }, { "starting_after", P_TEXT, false, NULL }, \
		{ "ending_before", P_TEXT, false, NULL }, \
	{ \
		"expand[#]", P_TEXT, false, NULL \
	}
#define METADATA \
	{ "metadata[*]", P_TEXT, false, NULL }, \
	{ \
		"expand[#]", P_TEXT, false, NULL \
	}
#define ADDRESS \
	{ "address[line1]", P_TEXT, false, NULL }, { "address[line2]", P_TEXT, false, NULL }, \
		{ "address[city]", P_TEXT, false, NULL }, { "address[state]", P_TEXT, false, NULL }, \
		{ "address[postal_code]", P_TEXT, false, NULL }, \
	{ \
		"address[country]", P_TEXT, false, NULL \
	}
#define END \
	{ \
		NULL, P_TEXT, false, NULL \
	}
#define BEHAVIOR \
	{ \
		"proration_behavior", P_ENUM, false, "always_invoice create_prorations none" \
	}

static const struct param none[] = { { "expand[#]", P_TEXT, false, NULL }, END };
static const struct param customer_params[] = { { "name", P_TEXT, false, NULL },
	{ "email", P_TEXT, false, NULL }, { "description", P_TEXT, false, NULL },
	{ "phone", P_TEXT, false, NULL }, { "invoice_settings[default_payment_method]", P_TEXT, false, NULL },
	ADDRESS, METADATA, END };
static const struct param customers_params[] = { PAGE, { "created[gte]", P_INT, false, NULL },
	{ "created[gt]", P_INT, false, NULL }, { "created[lte]", P_INT, false, NULL },
	{ "created[lt]", P_INT, false, NULL }, { "email", P_TEXT, false, NULL }, END };
static const struct param attach_params[] = { { "customer", P_TEXT, true, NULL },
	{ "expand[#]", P_TEXT, false, NULL }, END };
static const struct param subscribe_params[] = { { "customer", P_TEXT, true, NULL },
	{ "items[#][price]", P_TEXT, false, NULL }, { "items[#][quantity]", P_INT, false, NULL },
	{ "default_payment_method", P_TEXT, false, NULL },
	{ "payment_behavior", P_ENUM, false,
		"allow_incomplete default_incomplete error_if_incomplete pending_if_incomplete" },
	BEHAVIOR, METADATA, END };
static const struct param subscription_params[] = { { "items[#][id]", P_TEXT, false, NULL },
	{ "items[#][price]", P_TEXT, false, NULL }, { "items[#][quantity]", P_INT, false, NULL },
	{ "items[#][deleted]", P_BOOL, false, NULL }, { "default_payment_method", P_TEXT, false, NULL },
	{ "cancel_at_period_end", P_BOOL, false, NULL }, BEHAVIOR, METADATA, END };
static const struct param subscriptions_params[] = { PAGE, { "customer", P_TEXT, false, NULL },
	{ "price", P_TEXT, false, NULL },
	{ "status", P_ENUM, false,
		"active all canceled ended incomplete incomplete_expired past_due paused trialing unpaid" },
	END };
static const struct param cancel_params[] = { { "invoice_now", P_BOOL, false, NULL },
	{ "prorate", P_BOOL, false, NULL }, END };
static const struct param invoices_params[] = { PAGE, { "customer", P_TEXT, false, NULL },
	{ "subscription", P_TEXT, false, NULL },
	{ "status", P_ENUM, false, "draft open paid uncollectible void" }, END };
static const struct param preview_params[] = { { "customer", P_TEXT, false, NULL },
	{ "subscription", P_TEXT, false, NULL },
	{ "subscription_details[items][#][id]", P_TEXT, false, NULL },
	{ "subscription_details[items][#][price]", P_TEXT, false, NULL },
	{ "subscription_details[items][#][deleted]", P_BOOL, false, NULL },
	{ "subscription_details[proration_behavior]", P_ENUM, false,
		"always_invoice create_prorations none" },
	{ "expand[#]", P_TEXT, false, NULL }, END };
static const struct param event_params[] = { { "event_name", P_TEXT, true, NULL },
	{ "identifier", P_TEXT, false, NULL }, { "timestamp", P_INT, false, NULL },
	{ "payload[*]", P_TEXT, false, NULL }, END };
static const struct param meters_params[] = { PAGE, { "status", P_ENUM, false, "active inactive" }, END };
static const struct param summaries_params[] = { PAGE, { "customer", P_TEXT, true, NULL },
	{ "start_time", P_INT, true, NULL }, { "end_time", P_INT, true, NULL },
	{ "value_grouping_window", P_ENUM, false, "day hour" }, END };

static const struct stripe_route routes[] = {
	{ "POST", "/v1/customers", customer_params, customers_post },
	{ "GET", "/v1/customers", customers_params, customers_get },
	{ "POST", "/v1/customers/{id}", customer_params, customer_post },
	{ "GET", "/v1/customers/{id}", none, object_get },
	{ "POST", "/v1/payment_methods/{id}/attach", attach_params, attach_post },
	{ "GET", "/v1/payment_methods/{id}", none, object_get },
	{ "POST", "/v1/subscriptions", subscribe_params, subscriptions_post },
	{ "GET", "/v1/subscriptions", subscriptions_params, subscriptions_get },
	{ "POST", "/v1/subscriptions/{id}", subscription_params, subscription_post },
	{ "GET", "/v1/subscriptions/{id}", none, object_get },
	{ "DELETE", "/v1/subscriptions/{id}", cancel_params, subscription_delete },
	{ "GET", "/v1/invoices", invoices_params, invoices_get },
	{ "POST", "/v1/invoices/create_preview", preview_params, preview_post },
	{ "POST", "/v1/billing/meter_events", event_params, stripe_meter_events_post },
	{ "GET", "/v1/billing/meters", meters_params, stripe_meters_list },
	{ "GET", "/v1/billing/meters/{id}/event_summaries", summaries_params, stripe_summaries_list },
};

static bool fits_path(const char *pattern, const char *path, char id[128])
{
	const char *brace = strstr(pattern, "{id}");
	const size_t before = brace != NULL ? (size_t)(brace - pattern) : 0;
	size_t n;

	if (brace == NULL)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0)
		return false;
	n = strcspn(path + before, "/");
	snprintf(id, 128, "%.*s", (int)n, path + before);
	return n > 0 && strcmp(brace + 4, path + before + n) == 0;
}

const struct stripe_route *stripe_find(struct stripe_request *rq)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].method, rq->method) == 0 && fits_path(routes[i].path, rq->path, rq->id))
			return &routes[i];
	return NULL;
}
