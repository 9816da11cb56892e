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

/*
 * For groups: *state is the daemon. evidence_ms: between two looks that must agree, rounded up to a
 * second.
 */
int stripe_plane_setup(void **state, struct stripe_peer *p, int evidence_ms);
int stripe_plane_teardown(void **state);
/* Of the daemon's environment, for one that is started otherwise. Lives until the next call. */
const char *const *stripe_plane_env(struct stripe_peer *p, int evidence_ms);
extern const char stripe_plane_plans[];

/* Waits for the value of a query of the control database; %s in it is the tenant's id. */
void stripe_await(struct story *s, const char *sql, const char *value);
/* The customer's subscription, when there is one; the caller's. */
char *stripe_await_subscription(struct stripe_peer *p, const char *customer);
/* The tenant pays by this method from now on, and what it pays for is known to be active; the caller's. */
char *stripe_subscribe(struct story *s, struct stripe_peer *p, const char *method);
/* Compares the tenant's hours, and waits until that is done. */
void stripe_compare_now(struct story *s);
/*
 * Sends all events that were not sent before, each so many times; in an order of chance when there is a
 * seed.
 */
void stripe_deliver_all(struct daemon *d, struct stripe_peer *p, int copies, unsigned seed);

#endif
