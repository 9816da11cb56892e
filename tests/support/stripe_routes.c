/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that there are, and the parameters that each takes. */
#define _GNU_SOURCE
#include "stripe_peer_in.h"

#include <stdio.h>
#include <string.h>

/* members: what Stripe can put the whole of in the place of an id. */
#define EXPAND(members) \
	{ \
		"expand[#]", P_ENUM, false, members \
	}
#define PAGE(members) \
	{ "limit", P_COUNT, false, NULL }, { "starting_after", P_TEXT, false, NULL }, \
		{ "ending_before", P_TEXT, false, NULL }, EXPAND(members)
#define METADATA \
	{ \
		"metadata[*]", P_SHORT, false, NULL \
	}
#define OF_CUSTOMER "default_source invoice_settings.default_payment_method sources subscriptions tax"
#define OF_CUSTOMERS "data.default_source data.invoice_settings.default_payment_method data.subscriptions"
#define OF_METHOD "customer"
#define OF_SUBSCRIPTION "customer default_payment_method latest_invoice pending_setup_intent schedule"
#define OF_SUBSCRIPTIONS "data.customer data.default_payment_method data.latest_invoice"
#define OF_INVOICES "data.customer data.payments data.lines data.parent.subscription_details.subscription"
#define OF_PREVIEW "customer lines"
#define OF_NOTHING ""
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

static const struct param none[] = { END };
static const struct param of_customer[] = { EXPAND(OF_CUSTOMER), END };
static const struct param of_method[] = { EXPAND(OF_METHOD), END };
static const struct param of_subscription[] = { EXPAND(OF_SUBSCRIPTION), END };
static const struct param of_charge[] = { EXPAND("customer invoice payment_intent"), END };
static const struct param customer_params[] = { { "name", P_TEXT, false, NULL },
	{ "email", P_TEXT, false, NULL }, { "description", P_TEXT, false, NULL },
	{ "phone", P_TEXT, false, NULL }, { "invoice_settings[default_payment_method]", P_TEXT, false, NULL },
	ADDRESS, METADATA, EXPAND(OF_CUSTOMER), END };
static const struct param customers_params[] = { PAGE(OF_CUSTOMERS), { "created[gte]", P_INT, false, NULL },
	{ "created[gt]", P_INT, false, NULL }, { "created[lte]", P_INT, false, NULL },
	{ "created[lt]", P_INT, false, NULL }, { "email", P_TEXT, false, NULL }, END };
static const struct param attach_params[] = { { "customer", P_TEXT, true, NULL }, EXPAND(OF_METHOD), END };
static const struct param subscribe_params[] = { { "customer", P_TEXT, true, NULL },
	{ "items[#][price]", P_TEXT, false, NULL }, { "items[#][quantity]", P_INT, false, NULL },
	{ "default_payment_method", P_TEXT, false, NULL },
	{ "payment_behavior", P_ENUM, false,
		"allow_incomplete default_incomplete error_if_incomplete pending_if_incomplete" },
	BEHAVIOR, METADATA, EXPAND(OF_SUBSCRIPTION), END };
static const struct param subscription_params[] = { { "items[#][id]", P_TEXT, false, NULL },
	{ "items[#][price]", P_TEXT, false, NULL }, { "items[#][quantity]", P_INT, false, NULL },
	{ "items[#][deleted]", P_BOOL, false, NULL }, { "default_payment_method", P_TEXT, false, NULL },
	{ "cancel_at_period_end", P_BOOL, false, NULL }, BEHAVIOR, { "proration_date", P_INT, false, NULL },
	METADATA, EXPAND(OF_SUBSCRIPTION), END };
static const struct param subscriptions_params[] = { PAGE(OF_SUBSCRIPTIONS),
	{ "customer", P_TEXT, false, NULL }, { "price", P_TEXT, false, NULL },
	{ "status", P_ENUM, false,
		"active all canceled ended incomplete incomplete_expired past_due paused trialing unpaid" },
	END };
static const struct param cancel_params[] = { { "invoice_now", P_BOOL, false, NULL },
	{ "prorate", P_BOOL, false, NULL }, END };
static const struct param invoices_params[] = { PAGE(OF_INVOICES), { "customer", P_TEXT, false, NULL },
	{ "subscription", P_TEXT, false, NULL },
	{ "status", P_ENUM, false, "draft open paid uncollectible void" }, END };
static const struct param preview_params[] = { { "customer", P_TEXT, false, NULL },
	{ "subscription", P_TEXT, false, NULL },
	{ "subscription_details[items][#][id]", P_TEXT, false, NULL },
	{ "subscription_details[items][#][price]", P_TEXT, false, NULL },
	{ "subscription_details[items][#][deleted]", P_BOOL, false, NULL },
	{ "subscription_details[proration_behavior]", P_ENUM, false,
		"always_invoice create_prorations none" },
	EXPAND(OF_PREVIEW), END };
static const struct param event_params[] = { { "event_name", P_TEXT, true, NULL },
	{ "identifier", P_TEXT, false, NULL }, { "timestamp", P_INT, false, NULL },
	{ "payload[*]", P_TEXT, false, NULL }, END };
static const struct param adjustment_params[] = { { "event_name", P_TEXT, true, NULL },
	{ "type", P_ENUM, true, "cancel" }, { "cancel[identifier]", P_TEXT, false, NULL }, END };
static const struct param events_params[] = { PAGE(OF_NOTHING), { "created[gte]", P_INT, false, NULL },
	{ "created[gt]", P_INT, false, NULL }, { "created[lte]", P_INT, false, NULL },
	{ "created[lt]", P_INT, false, NULL }, { "type", P_TEXT, false, NULL },
	{ "types[#]", P_TEXT, false, NULL }, END };
static const struct param meters_params[] = { PAGE(OF_NOTHING),
	{ "status", P_ENUM, false, "active inactive" }, END };
static const struct param summaries_params[] = { PAGE(OF_NOTHING), { "customer", P_TEXT, true, NULL },
	{ "start_time", P_INT, true, NULL }, { "end_time", P_INT, true, NULL },
	{ "value_grouping_window", P_ENUM, false, "day hour" }, END };

static const struct stripe_route routes[] = {
	{ "POST", "/v1/customers", customer_params, stripe_customers_post },
	{ "GET", "/v1/customers", customers_params, stripe_customers_get },
	{ "POST", "/v1/customers/{id}", customer_params, stripe_customer_post },
	{ "GET", "/v1/customers/{id}", of_customer, stripe_object_get },
	{ "POST", "/v1/payment_methods/{id}/attach", attach_params, stripe_attach_post },
	{ "GET", "/v1/payment_methods/{id}", of_method, stripe_object_get },
	{ "POST", "/v1/subscriptions", subscribe_params, stripe_subscriptions_post },
	{ "GET", "/v1/subscriptions", subscriptions_params, stripe_subscriptions_get },
	{ "POST", "/v1/subscriptions/{id}", subscription_params, stripe_subscription_post },
	{ "GET", "/v1/subscriptions/{id}", of_subscription, stripe_object_get },
	{ "DELETE", "/v1/subscriptions/{id}", cancel_params, stripe_subscription_delete },
	{ "GET", "/v1/invoices", invoices_params, stripe_invoices_get },
	{ "POST", "/v1/invoices/create_preview", preview_params, stripe_preview_post },
	{ "POST", "/v1/billing/meter_events", event_params, stripe_meter_events_post },
	{ "POST", "/v1/billing/meter_event_adjustments", adjustment_params, stripe_adjustments_post },
	{ "GET", "/v1/events", events_params, stripe_events_list },
	{ "GET", "/v1/events/{id}", none, stripe_event_get },
	{ "GET", "/v2/core/events/{id}", none, stripe_object_get },
	{ "GET", "/v1/charges/{id}", of_charge, stripe_object_get },
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
