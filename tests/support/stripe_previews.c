/* SPDX-License-Identifier: Apache-2.0 */
/* What an invoice would say, and the list of events. */
#define _GNU_SOURCE
#include "stripe_peer_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_t *line(json_int_t amount, const char *price, bool proration)
{
	return json_pack("{s:I,s:{s:{s:s}},s:{s:{s:b}}}", "amount", amount, "pricing", "price_details",
		"price", price, "parent", "subscription_item_details", "proration", proration);
}

static json_int_t minor_of(struct stripe_peer *p, const char *price)
{
	return json_integer_value(json_object_get(json_object_get(p->prices, price), "minor"));
}

/* Of an item that gets another price: the old one's back and the new one's, for two thirds of the period. */
static json_int_t add_prorations(
	struct stripe_peer *p, const struct form *f, const json_t *items, json_t *lines)
{
	json_int_t sum = 0;

	for (int n = 0; n < 20; n++) {
		char id_key[60], price_key[60];
		const char *id, *price, *old = NULL;
		json_t *item;
		size_t i;

		snprintf(id_key, sizeof(id_key), "subscription_details[items][%d][id]", n);
		snprintf(price_key, sizeof(price_key), "subscription_details[items][%d][price]", n);
		id = form_get(f, id_key);
		price = form_get(f, price_key);
		json_array_foreach(items, i, item) if (id != NULL && strcmp(text_of(item, "id"), id) == 0)
			old = text_of(json_object_get(item, "price"), "id");
		if (old == NULL || price == NULL ||
			json_object_get(json_object_get(p->prices, price), "event_name") != NULL)
			continue;
		json_array_append_new(lines, line(-(minor_of(p, old) * 2 / 3), old, true));
		json_array_append_new(lines, line(minor_of(p, price) * 2 / 3, price, true));
		sum += minor_of(p, price) * 2 / 3 - minor_of(p, old) * 2 / 3;
	}
	return sum;
}

/* A line for each item, and those of what changes. */
void stripe_preview_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	json_t *o = stripe_at(p, form_get(&rq->form, "subscription")), *lines = json_array(), *item;
	json_t *items = json_object_get(json_object_get(o, "items"), "data");
	json_int_t total = 0;
	size_t i;

	if (o != NULL && strcmp(text_of(o, "status"), "canceled") == 0) {
		json_decref(lines);
		stripe_error(ret, 404, "invalid_request_error", "invoice_upcoming_none", "subscription",
			"No upcoming invoices");
		return;
	}
	json_array_foreach(items, i, item)
	{
		const char *price = text_of(json_object_get(item, "price"), "id");
		const char *event = text_of(json_object_get(p->prices, price), "event_name");
		const json_int_t amount =
			event == NULL ? minor_of(p, price)
				      : minor_of(p, price) * (json_int_t)stripe_usage_between(p, event,
								     text_of(o, "customer"), 0, INT64_MAX);

		total += amount;
		json_array_append_new(lines, line(amount, price, false));
	}
	total += add_prorations(p, &rq->form, items, lines);
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:s,s:I,s:{s:s,s:o,s:b}}", "object", "invoice", "currency", "usd", "total",
			total, "lines", "object", "list", "data", lines, "has_more", p->mood.more != 0) };
}

/* Events ------------------------------------------------------------------------------------------------ */

static bool is_between(const json_t *event, const struct form *f)
{
	const json_int_t created = json_integer_value(json_object_get(event, "created"));
	const char *from = form_get(f, "created[gte]"), *to = form_get(f, "created[lte]");

	return (from == NULL || created >= strtoll(from, NULL, 10)) &&
	       (to == NULL || created <= strtoll(to, NULL, 10));
}

/* The youngest first. */
void stripe_events_list(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *limit = form_get(&rq->form, "limit"), *after = form_get(&rq->form, "starting_after");
	const size_t most = limit != NULL ? (size_t)strtol(limit, NULL, 10) : 10;
	bool passed = after == NULL, more = false;
	json_t *data = json_array();

	for (size_t i = json_array_size(p->events); i > 0 && !more; i--) {
		const json_t *event = json_array_get(p->events, i - 1);

		if (passed && is_between(event, &rq->form)) {
			more = json_array_size(data) == most;
			if (!more)
				json_array_append_new(data, json_deep_copy(event));
		}
		passed = passed || strcmp(text_of(event, "id"), after) == 0;
	}
	*ret = (struct stripe_reply){ 200,
		json_pack("{s:s,s:o,s:b}", "object", "list", "data", data, "has_more", more) };
}

void stripe_event_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret)
{
	size_t i;
	json_t *event;

	json_array_foreach(p->events, i, event) if (strcmp(text_of(event, "id"), rq->id) == 0)
	{
		*ret = (struct stripe_reply){ 200, json_deep_copy(event) };
		return;
	}
	stripe_error(ret, 404, "invalid_request_error", "resource_missing", "id", "No such event");
}
