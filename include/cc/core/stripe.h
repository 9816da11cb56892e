/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_STRIPE_H
#define CC_CORE_STRIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/ctx.h"

/* Billing through Stripe: what is configured. The calls are core's own (stripe_in.h). Any thread. */
#define STRIPE_VERSION "2025-09-30.clover"

struct stripe_settings {
	const char *url;                /* "https://api.stripe.com" */
	const char *key;                /* a secret; NULL: billing is on the ledger */
	const char *webhook_secrets[3]; /* NULL-terminated */
	const char *meter_event[2];     /* event_name of each meter, in the order of enum billed */
	int timeout_ms;
	int concurrent;   /* threads of a node that carry calls out */
	int64_t pause_ms; /* before a call that failed is tried again, doubled up to … */
	int64_t pause_most_ms;
	int64_t window_s;    /* so long a key of an idempotent request is repeated */
	int64_t evidence_s;  /* between two looks that agree before a tenant loses something */
	int64_t reconcile_s; /* how often a tenant's hours are compared */
	int64_t replay_s;    /* how often the list of events is read */
	bool live;           /* the key is one of live mode */
};

bool stripe_is_set(const struct ctx *cx);

#endif
