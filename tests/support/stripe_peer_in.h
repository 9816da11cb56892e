/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STRIPE_PEER_IN_H
#define CC_TESTS_STRIPE_PEER_IN_H

#include <pthread.h>

#include "stripe_form.h"
#include "stripe_peer.h"
#include "web_peer.h"

/* What is said of an address in the country XX. */
#define STRIPE_NOWHERE "Country 'XX' is unknown."

struct stripe_peer {
	struct web_peer *web;
	pthread_mutex_t lock; /* guards what follows */
	struct stripe_mood mood, usual;
	unsigned random;
	json_t *objects; /* by id, in the order of their making */
	json_t *prices;  /* {id: {minor, event_name}} */
	json_t *meters;  /* {event_name: {id, events: {identifier: {customer, value, timestamp, came}}}} */
	json_t *keys;    /* idempotency: {key: {request, status, body}} */
	json_t *effects; /* {call: times} */
	json_t *events;
	int calls, refusals, number;
};

/* A call, parsed. path: without query; id: the part that names an object, or NULL. */
struct stripe_request {
	const char *method, *path;
	char id[128];
	struct form form;
};
struct stripe_reply {
	int status;
	json_t *body; /* owned */
};

/* stripe_routes.c: params of a route, and what it does. NULL: there is no such route. */
struct stripe_route {
	const char *method, *path; /* {id} stands for one */
	const struct param *params;
	void (*run)(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
};
const struct stripe_route *stripe_find(struct stripe_request *rq);

/* Objects: borrowed, with the lock held. */
json_t *stripe_at(struct stripe_peer *p, const char *id);
/* The same of a customer that was not deleted. */
json_t *stripe_live(struct stripe_peer *p, const char *customer);
json_t *stripe_make(struct stripe_peer *p, const char *prefix, const char *object);
void stripe_emit(struct stripe_peer *p, const char *type, json_t *object);
void stripe_count(struct stripe_peer *p, const char *call);
void stripe_error(struct stripe_reply *ret, int status, const char *type, const char *code, const char *param,
	const char *message);
int64_t stripe_now(void);
/* Drawn from the seed. */
bool stripe_chance(struct stripe_peer *p, int percent);

/* What routes do: stripe_objects.c, stripe_previews.c, stripe_usage.c. */
void stripe_customers_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_customer_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_customers_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_object_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_attach_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_subscriptions_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_subscription_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_subscription_delete(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_subscriptions_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_invoices_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_preview_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_events_list(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_event_get(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_adjustments_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_meter_events_post(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_meters_list(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
void stripe_summaries_list(struct stripe_peer *p, struct stripe_request *rq, struct stripe_reply *ret);
/* Of the last day. */
void stripe_fill_invoice(json_t *o, const char *customer, const char *status, int64_t total);
int64_t stripe_usage_between(
	struct stripe_peer *p, const char *event_name, const char *customer, int64_t from, int64_t to);
/* A list as Stripe gives them, of those of p->objects that `fits` takes. */
void stripe_list(struct stripe_peer *p, const struct form *f, const char *object,
	bool (*fits)(const json_t *o, const struct form *f), struct stripe_reply *ret);

#endif
