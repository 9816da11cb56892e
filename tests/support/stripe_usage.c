/* SPDX-License-Identifier: Apache-2.0 */
/* Meters and what they have, and how the test looks at objects and changes them. */
#define _GNU_SOURCE
#include "stripe_peer_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_S 3600
#define OLDEST_S (35 * 86400)
#define AHEAD_S 300
#define IDENTIFIER_MAX 100

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_int_t int_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool is_payload(struct stripe_peer *p, const char *customer, const char *value)
{
	const json_t *o = customer != NULL ? stripe_live(p, customer) : NULL;

	return o != NULL && strcmp(text_of(o, "object"), "customer") == 0 && value != NULL &&
	       *value != '\0' && strspn(value, "0123456789") == strlen(value) && strlen(value) < 19;
}

void stripe_meter_events_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *name = form_get(&rq->form, "event_name"), *identifier = form_get(&rq->form, "identifier");
	const char *customer = form_get(&rq->form, "payload[stripe_customer_id]"),
		   *at = form_get(&rq->form, "timestamp");
	const char *value = form_get(&rq->form, "payload[value]");
	const int64_t when = at != NULL ? strtoll(at, NULL, 10) : stripe_now();
	json_t *meter = json_object_get(p->meters, name), *events = json_object_get(meter, "events");
	char text[300];

	if (meter == NULL) {
		stripe_error(ret, 400, "invalid_request_error", "no_meter", "event_name",
			"No active meter found for event name");
	} else if (identifier == NULL || *identifier == '\0' || strlen(identifier) > IDENTIFIER_MAX) {
		stripe_error(ret, 400, "invalid_request_error", "parameter_invalid", "identifier",
			"Invalid string: must be 1 to 100 characters");
	} else if (!is_payload(p, customer, value)) {
		stripe_error(ret, 400, "invalid_request_error", "meter_event_invalid_value", "payload",
			"The payload must name a customer, and a whole number as its value");
	} else if (when < stripe_now() - OLDEST_S || when > stripe_now() + AHEAD_S) {
		stripe_error(ret, 400, "invalid_request_error", "timestamp_too_far_in_past", "timestamp",
			"The timestamp must be within the past 35 calendar days");
	} else if (json_object_get(events, identifier) != NULL) {
		snprintf(text, sizeof(text), "An event already exists with identifier %s.", identifier);
		stripe_error(ret, 400, "invalid_request_error", NULL, NULL, text);
	} else {
		json_object_set_new(events, identifier,
			json_pack("{s:s,s:I,s:I,s:I}", "customer", customer, "value",
				(json_int_t)strtoll(value, NULL, 10), "timestamp", (json_int_t)when, "came",
				(json_int_t)stripe_now()));
		stripe_count(p, identifier);
		*ret = (struct stripe_reply){ 200,
			json_pack("{s:s,s:s,s:s,s:I,s:b,s:{s:s,s:s}}", "object", "billing.meter_event",
				"event_name", name, "identifier", identifier, "timestamp", (json_int_t)when,
				"livemode", 0, "payload", "stripe_customer_id", customer, "value", value) };
	}
}

/* Within a day after it came. */
void stripe_adjustments_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *name = form_get(&rq->form, "event_name"), *id = form_get(&rq->form, "cancel[identifier]");
	json_t *events = json_object_get(json_object_get(p->meters, name), "events");
	json_t *event = id != NULL ? json_object_get(events, id) : NULL;

	if (event == NULL || json_is_true(json_object_get(event, "cancelled"))) {
		stripe_error(ret, 400, "invalid_request_error", "resource_missing", "cancel[identifier]",
			"No meter event with this identifier can be cancelled");
		return;
	}
	json_object_set_new(event, "cancelled", json_true());
	json_object_set_new(event, "value", json_integer(0));
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:s,s:b,s:s,s:s,s:{s:s}}", "object", "billing.meter_event_adjustment",
			"event_name", name, "livemode", 0, "status", "pending", "type", "cancel", "cancel",
			"identifier", id) };
}

void stripe_meters_list(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *data = json_array(), *meter;
	const char *name;

	(void)rq;
	json_object_foreach(p->meters, name, meter) json_array_append_new(
		data, json_pack("{s:s,s:s,s:s,s:s}", "id", text_of(meter, "id"), "object", "billing.meter",
			      "event_name", name, "status", "active"));
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:o,s:b}", "object", "list", "data", data, "has_more", 0) };
}

/* Of what had come by then. */
static int64_t usage_known(struct stripe_peer *p, const char *event_name, const char *customer, int64_t from,
	int64_t to, int64_t known)
{
	json_t *event, *events = json_object_get(json_object_get(p->meters, event_name), "events");
	const char *identifier;
	int64_t sum = 0;

	json_object_foreach(events, identifier,
		event) if (strcmp(text_of(event, "customer"), customer) == 0 &&
			   int_of(event, "came") <= known && int_of(event, "timestamp") >= from &&
			   int_of(event, "timestamp") < to) sum += int_of(event, "value");
	return sum;
}

int64_t stripe_usage_between(
	struct stripe_peer *p, const char *event_name, const char *customer, int64_t from, int64_t to)
{
	return usage_known(p, event_name, customer, from, to, INT64_MAX);
}

static const char *meter_named(struct stripe_peer *p, const char *id)
{
	const char *name;
	json_t *meter;

	json_object_foreach(p->meters, name, meter) if (strcmp(text_of(meter, "id"), id) == 0) return name;
	return NULL;
}

static json_t *summary(const char *meter, int64_t from, int64_t to, int64_t sum)
{
	char id[64];

	snprintf(id, sizeof(id), "mtrusg_%lld", (long long)from);
	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:f}", "id", id, "object", "billing.meter_event_summary",
		"meter", meter, "start_time", (json_int_t)from, "end_time", (json_int_t)to,
		"aggregated_value", (double)sum);
}

/* The youngest first; hours without an event are not there. */
void stripe_summaries_list(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *name = meter_named(p, rq->id), *customer = form_get(&rq->form, "customer");
	const int64_t from = strtoll(form_get(&rq->form, "start_time"), NULL, 10);
	const int64_t to = strtoll(form_get(&rq->form, "end_time"), NULL, 10);
	const int64_t step = form_get(&rq->form, "value_grouping_window") != NULL ? HOUR_S : to - from;
	const char *limit = form_get(&rq->form, "limit");
	const size_t most = limit != NULL ? (size_t)strtol(limit, NULL, 10) : 10;
	json_t *data = json_array();
	bool more = false;

	if (name == NULL || from % 60 != 0 || to % 60 != 0 || step <= 0 ||
		(step == HOUR_S && (from % HOUR_S != 0 || to % HOUR_S != 0))) {
		json_decref(data);
		stripe_error(ret, 400, "invalid_request_error", NULL, "start_time", "must be aligned");
		return;
	}
	for (int64_t at = to - step; at >= from; at -= step) {
		const int64_t sum =
			usage_known(p, name, customer, at, at + step, stripe_now() - p->mood.lag_s);

		more = more || (sum != 0 && json_array_size(data) == most);
		if (sum != 0 && !more)
			json_array_append_new(data, summary(rq->id, at, at + step, sum));
	}
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:o,s:b}", "object", "list", "data", data, "has_more", more) };
}

/* The test's side --------------------------------------------------------------------------------------- */

void stripe_price(struct stripe_peer *p, const char *id, int64_t minor, const char *event_name)
{
	json_t *price = json_pack("{s:I}", "minor", (json_int_t)minor);
	char meter[64];

	pthread_mutex_lock(&p->lock);
	if (event_name != NULL) {
		json_object_set_new(price, "event_name", json_string(event_name));
		snprintf(meter, sizeof(meter), "mtr_%08d", ++p->number);
		if (json_object_get(p->meters, event_name) == NULL)
			json_object_set_new(
				p->meters, event_name, json_pack("{s:s,s:{}}", "id", meter, "events"));
	}
	json_object_set_new(p->prices, id, price);
	pthread_mutex_unlock(&p->lock);
}

json_t *stripe_object(struct stripe_peer *p, const char *id)
{
	json_t *copy;

	pthread_mutex_lock(&p->lock);
	copy = json_deep_copy(stripe_at(p, id));
	pthread_mutex_unlock(&p->lock);
	return copy;
}

/* The one object of a kind whose member (of its metadata, if inside) is this. */
static char *only(
	struct stripe_peer *p, const char *object, const char *inside, const char *member, const char *value)
{
	char *found = NULL;
	const char *id;
	json_t *o;
	int n = 0;

	pthread_mutex_lock(&p->lock);
	json_object_foreach(p->objects, id, o)
	{
		const char *is = text_of(inside != NULL ? json_object_get(o, inside) : o, member);

		if (strcmp(text_of(o, "object"), object) == 0 && is != NULL && strcmp(is, value) == 0 &&
			n++ == 0)
			found = strdup(id);
	}
	pthread_mutex_unlock(&p->lock);
	if (n > 1)
		fail_msg("%d objects of the kind %s have %s %s", n, object, member, value);
	return found;
}

char *stripe_customer_of(struct stripe_peer *p, const char *tenant)
{
	return only(p, "customer", "metadata", "tenant", tenant);
}

char *stripe_subscription_of(struct stripe_peer *p, const char *customer)
{
	return only(p, "subscription", NULL, "customer", customer);
}

void stripe_set(struct stripe_peer *p, const char *id, const char *member, json_t *value, const char *event)
{
	pthread_mutex_lock(&p->lock);
	assert_non_null(stripe_at(p, id));
	json_object_set_new(stripe_at(p, id), member, value);
	stripe_emit(p, event, stripe_at(p, id));
	pthread_mutex_unlock(&p->lock);
}

json_t *stripe_invoices_of(struct stripe_peer *p, const char *customer)
{
	json_t *all = json_array(), *o;
	const char *id;

	pthread_mutex_lock(&p->lock);
	json_object_foreach(p->objects, id, o) if (strcmp(text_of(o, "object"), "invoice") == 0 &&
						   strcmp(text_of(o, "customer"), customer) == 0)
		json_array_append_new(all, json_deep_copy(o));
	pthread_mutex_unlock(&p->lock);
	return all;
}

void stripe_fill_invoice(json_t *o, const char *customer, const char *status, int64_t total)
{
	json_object_set_new(o, "customer", json_string(customer));
	json_object_set_new(o, "status", json_string(status));
	json_object_set_new(o, "total", json_integer(total));
	json_object_set_new(o, "currency", json_string("usd"));
	json_object_set_new(o, "period_start", json_integer(stripe_now() - 86400));
	json_object_set_new(o, "period_end", json_integer(stripe_now()));
}

void stripe_invoice(struct stripe_peer *p, const char *customer, const char *status, int64_t total)
{
	json_t *o;

	pthread_mutex_lock(&p->lock);
	o = stripe_make(p, "in_", "invoice");
	stripe_fill_invoice(o, customer, status, total);
	stripe_emit(p, "invoice.created", o);
	pthread_mutex_unlock(&p->lock);
}

int64_t stripe_metered(struct stripe_peer *p, const char *event_name, const char *customer)
{
	int64_t sum;

	pthread_mutex_lock(&p->lock);
	sum = stripe_usage_between(p, event_name, customer, 0, INT64_MAX);
	pthread_mutex_unlock(&p->lock);
	return sum;
}

void stripe_lose_meter(struct stripe_peer *p, const char *event_name, const char *customer)
{
	json_t *event, *events;
	const char *identifier;
	void *next;

	pthread_mutex_lock(&p->lock);
	events = json_object_get(json_object_get(p->meters, event_name), "events");
	json_object_foreach_safe(
		events, next, identifier, event) if (strcmp(text_of(event, "customer"), customer) == 0)
	{
		json_object_del(events, identifier);
		json_object_clear(p->effects);
		break;
	}
	pthread_mutex_unlock(&p->lock);
}

void stripe_period(struct stripe_peer *p, const char *subscription, int64_t start, int64_t end)
{
	json_t *item, *o;
	size_t i;

	pthread_mutex_lock(&p->lock);
	o = stripe_at(p, subscription);
	assert_non_null(o);
	json_array_foreach(json_object_get(json_object_get(o, "items"), "data"), i, item)
	{
		json_object_set_new(item, "current_period_start", json_integer(start));
		json_object_set_new(item, "current_period_end", json_integer(end));
	}
	pthread_mutex_unlock(&p->lock);
}

void stripe_detach(struct stripe_peer *p, const char *method, bool says_whose)
{
	json_t *customer, *event, *settings, *o;
	const char *was;

	pthread_mutex_lock(&p->lock);
	o = stripe_at(p, method);
	assert_non_null(o);
	customer = stripe_at(p, text_of(o, "customer"));
	assert_non_null(customer);
	was = text_of(customer, "id");
	settings = json_object_get(customer, "invoice_settings");
	if (strcmp(text_of(settings, "default_payment_method"), method) == 0)
		json_object_set_new(settings, "default_payment_method", json_null());
	json_object_set_new(o, "customer", json_null());
	stripe_emit(p, "payment_method.detached", o);
	event = json_array_get(p->events, json_array_size(p->events) - 1);
	if (says_whose)
		json_object_set_new(json_object_get(event, "data"), "previous_attributes",
			json_pack("{s:s}", "customer", was));
	pthread_mutex_unlock(&p->lock);
}

void stripe_delete_customer(struct stripe_peer *p, const char *id)
{
	const char *key;
	json_t *o;

	pthread_mutex_lock(&p->lock);
	assert_non_null(stripe_at(p, id));
	json_object_foreach(p->objects, key, o)
	{
		const char *of = text_of(o, "customer");

		if (of == NULL || strcmp(of, id) != 0)
			continue;
		if (strcmp(text_of(o, "object"), "payment_method") == 0)
			json_object_set_new(o, "customer", json_null());
		if (strcmp(text_of(o, "object"), "subscription") != 0)
			continue;
		json_object_set_new(o, "status", json_string("canceled"));
		stripe_emit(p, "customer.subscription.deleted", o);
	}
	stripe_emit(p, "customer.deleted", stripe_at(p, id));
	json_object_set_new(
		p->objects, id, json_pack("{s:s,s:s,s:b}", "id", id, "object", "customer", "deleted", 1));
	pthread_mutex_unlock(&p->lock);
}

void stripe_forget(struct stripe_peer *p, const char *id)
{
	pthread_mutex_lock(&p->lock);
	json_object_del(p->objects, id);
	pthread_mutex_unlock(&p->lock);
}

void stripe_put(struct stripe_peer *p, json_t *object)
{
	pthread_mutex_lock(&p->lock);
	json_object_set(p->objects, text_of(object, "id"), object);
	pthread_mutex_unlock(&p->lock);
}

void stripe_happen(struct stripe_peer *p, const char *type, json_t *object)
{
	pthread_mutex_lock(&p->lock);
	stripe_emit(p, type, object);
	pthread_mutex_unlock(&p->lock);
}

void stripe_clock(struct stripe_peer *p, int64_t ahead_s)
{
	web_peer_clock(p->web, ahead_s);
}

void stripe_spoil_meter(struct stripe_peer *p, const char *event_name, const char *customer, int64_t add)
{
	json_t *event, *events;
	const char *identifier;

	pthread_mutex_lock(&p->lock);
	events = json_object_get(json_object_get(p->meters, event_name), "events");
	json_object_foreach(events, identifier, event) if (strcmp(text_of(event, "customer"), customer) == 0)
	{
		json_object_set_new(event, "value", json_integer(int_of(event, "value") + add));
		break;
	}
	pthread_mutex_unlock(&p->lock);
}
