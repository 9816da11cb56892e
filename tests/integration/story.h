/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STORY_H
#define CC_TESTS_STORY_H

#include <stdint.h>

#include "client.h"
#include "daemon.h"

/*
 * A story: a tenant of its own and a client with its key, per test, on the group's daemon. When it ends
 * the counters of the tenant's head row must equal the rows counted, and both chains of its audit must have
 * no gap and the macs that the key gives.
 */
struct story {
	struct daemon *d;
	struct tenant_fixture t;
	struct client *c; /* the tenant's key */
	struct client *operator;
};

int story_open(void **state);
int story_open_unlimited(void **state); /* on the plan without limits */
int story_close(void **state);
/* Sets limits of the tenant: "'max_policies':2" (as the operator). */
void story_limit(struct story *s, const char *settings);

/* First column of the first row, in the tenant's schema or in the control database; "" for NULL or no row.
 * The text lives until the next call. */
const char *story_value(struct story *s, const char *sql);
int64_t story_number(struct story *s, const char *sql);
const char *story_control_value(struct story *s, const char *sql);

/* Makes one with the least a client must send, and returns its id. */
int64_t story_policy(struct story *s, const char *name);
int64_t story_resource(struct story *s, const char *name);
int64_t story_bouncer(struct story *s, const char *name);

/* The ids of a list in their order: "3 1 2". Lives until the next call. */
const char *story_ids(const struct answer *a, const char *list);

#endif
