/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STRIPE_PEER_H
#define CC_TESTS_STRIPE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * The part of Stripe's API that the program speaks, inside the test: with objects, idempotency keys,
 * stored errors and events as Stripe documents them. What a call sends is held to what Stripe takes: an
 * unknown or malformed parameter is 400 with Stripe's error body. It can be as hostile as a network.
 */
struct stripe_peer;

#define STRIPE_PEER_KEY "sk_test_peer0123456789"

/* Percents of calls, also of those that only ask, drawn from one seed. */
struct stripe_mood {
	int lose;        /* the effect takes place, the answer never comes */
	int fail_before; /* 500 without an effect; the key keeps it */
	int fail_after;  /* 500 behind the effect; the key keeps it */
	int busy;        /* 429 */
	int in_use;      /* 409: another request with the key is under way */
	int slow_ms;     /* each answer */
	int astray;      /* 404 of something that is not Stripe's API, to any call */
	int incomplete;  /* of new subscriptions the first invoice is not paid */
	int past_due;    /* of new subscriptions the second is not, and at once */
	int no_price;    /* for new subscriptions, and other plans, their price is not there */
	int more;        /* previews have more lines than they show */
	int lag_s;       /* so late a meter's sums have what it was told */
};

struct stripe_peer *stripe_start(unsigned seed);
void stripe_stop(struct stripe_peer *p); /* NULL is fine */
const char *stripe_url(const struct stripe_peer *p);
/* NULL: well, or as CC_HOSTILE=1 has it */
void stripe_feel(struct stripe_peer *p, const struct stripe_mood *mood);
/* A price: a month's of a plan, or with event_name (NULL: none) one that a meter of that name feeds. */
void stripe_price(struct stripe_peer *p, const char *id, int64_t minor, const char *event_name);

/* The object of this id, whatever it is; NULL: none. A copy of the caller's. */
json_t *stripe_object(struct stripe_peer *p, const char *id);
/* The only customer with this metadata[tenant]; NULL: none. More than one fails the test. */
char *stripe_customer_of(struct stripe_peer *p, const char *tenant);
/* The customer's only subscription, likewise. */
char *stripe_subscription_of(struct stripe_peer *p, const char *customer);
/*
 * Sets a member of an object, with its event: stripe_set(p, "sub_1", "status", json_string("past_due"),
 * …).
 */
void stripe_set(struct stripe_peer *p, const char *id, const char *member, json_t *value, const char *event);
/* Those of a customer, in the order of their making; a copy of the caller's. */
json_t *stripe_invoices_of(struct stripe_peer *p, const char *customer);
/* An invoice of a customer. */
void stripe_invoice(struct stripe_peer *p, const char *customer, const char *status, int64_t total);

/* Since the start. */
int stripe_calls(struct stripe_peer *p);
int stripe_refusals(
	struct stripe_peer *p); /* 400s, but for meter events that were there before, and the country XX */
int stripe_effects(
	struct stripe_peer *p); /* of different calls, by metadata[cc_op], payment method, identifier */
int stripe_doubles(struct stripe_peer *p); /* effects that a call had more than once */
/* The sum of what a meter has of a customer. */
int64_t stripe_metered(struct stripe_peer *p, const char *event_name, const char *customer);
/* Forgets an hour's events, or adds to them: what reconciliation must find. */
void stripe_spoil_meter(struct stripe_peer *p, const char *event_name, const char *customer, int64_t add);

/* Forgets one event altogether. Effects are counted anew from then on: it may be sent again. */
void stripe_lose_meter(struct stripe_peer *p, const char *event_name, const char *customer);
/* A payment method leaves its customer, whose event says whom, or (as some do) only that it has none. */
void stripe_detach(struct stripe_peer *p, const char *method, bool says_whose);
/* The period of a subscription, in seconds since 1970; without an event. */
void stripe_period(struct stripe_peer *p, const char *subscription, int64_t start, int64_t end);
/* As whoever deletes a customer at Stripe: its subscriptions end, and only its id stays. */
void stripe_delete_customer(struct stripe_peer *p, const char *id);
/* There is no such object, as if the key were another account's. */
void stripe_forget(struct stripe_peer *p, const char *id);
/* An object of any kind, under its id; and an event about one. Both borrow it. */
void stripe_put(struct stripe_peer *p, json_t *object);
void stripe_happen(struct stripe_peer *p, const char *type, json_t *object);
/* How far its clock is ahead of ours. */
void stripe_clock(struct stripe_peer *p, int64_t ahead_s);

/* Events so far, as bodies to be delivered. The text is the caller's. */
size_t stripe_events(struct stripe_peer *p);
char *stripe_event(struct stripe_peer *p, size_t i);
/* "t=…,v1=…" of a body, now. The text lives until the next call. */
const char *stripe_signature(const char *secret, const char *body, int64_t at);

#endif
