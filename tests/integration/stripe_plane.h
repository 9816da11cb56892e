/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STRIPE_PLANE_H
#define CC_TESTS_STRIPE_PLANE_H

#include "daemon.h"
#include "story.h"
#include "stripe_peer.h"

/*
 * A daemon that bills through the peer. pro costs 99.00 and has a metered price of calls, big costs
 * 499.00.
 */
#define STRIPE_PLANE_SECRET "whsec_of_the_test"
#define STRIPE_PLANE_OLD_SECRET "whsec_before_that"

/* For groups: *state is the daemon, and peer what it bills through. */
extern struct stripe_peer *peer;
int stripe_group_setup(void **state);
int stripe_group_teardown(void **state);
/* The same with a seed for the peer's moods; evidence_ms: between two looks that must agree. */
int stripe_group_start(void **state, unsigned seed, int evidence_ms);
/* Of the daemon's environment, for one that is started otherwise. Lives until the next call. */
const char *const *stripe_plane_env(struct stripe_peer *p, int evidence_ms);
extern const char stripe_plane_plans[];

/* The value of a query of the control database; %s in it is the tenant's id. Lives until the next. */
const char *stripe_value(struct story *s, const char *sql);
/* Waits for that. */
void stripe_await(struct story *s, const char *sql, const char *value);
/* The customer's subscription, when there is one; the caller's. */
char *stripe_await_subscription(struct stripe_peer *p, const char *customer);
/* The tenant pays by this method from now on, and what it pays for is known to be active; the caller's. */
char *stripe_subscribe(struct story *s, struct stripe_peer *p, const char *method);
const struct answer *stripe_put_method(struct story *s, const char *method);
/* query: "" or "?dry_run=true" */
const struct answer *stripe_change_plan(struct story *s, const char *query, const char *plan, const char *at);
/* The same by an operator, who gives a plan to whom it likes. */
const struct answer *stripe_give_plan(struct story *s, const char *query, const char *plan, const char *at);
bool stripe_is_cancelled(const char *subscription);
void stripe_await_cancelled(const char *subscription);
/* Whether it ends with its period: "yes" or "no". */
void stripe_await_end(const char *subscription, const char *wanted);
/* A tenant beside the story's, whose name begins with the word: it may be deleted. Close its client. */
struct story stripe_one_more(struct story *s, const char *word, const char *plan);
void stripe_delete(struct story *s);
void stripe_restore(struct story *s);
/* Its time has come. */
void stripe_purge(struct story *s);
/* The last test of a group: the peer has refused no call as malformed, and no effect was there twice. */
void stripe_nothing_was_malformed(void **state);
/* Compares the tenant's hours, and waits until that is done. */
void stripe_compare_early(struct story *s);
/* The same, when Stripe has had its time to add up all that it was told. */
void stripe_compare_now(struct story *s);
/*
 * Sends all events that were not sent before, each so many times; in an order of chance when there is a
 * seed.
 */
void stripe_deliver_all(struct daemon *d, struct stripe_peer *p, int copies, unsigned seed);

#endif
