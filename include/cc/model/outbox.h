/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_OUTBOX_H
#define CC_MODEL_OUTBOX_H

#include "cc/schema/schema.h"

/* A call of Stripe's that is to be made, as whoever carries it out has it. */
struct outbox_row {
	const char *id, *tenant_id, *op, *operation_id;
	const char *method, *path, *body;       /* as they are sent, each time the same */
	int64_t generation;             /* of the idempotency key */
	int64_t attempts;               /* also the name of this one */
	int64_t server_errors;          /* answers 5xx to this generation's key */
	int64_t first_sent_at;          /* TIME_NULL: never with this generation's key */
	int64_t created_at;
	const char *effect;             /* JSON: what it makes true here; or NULL */
	int64_t now;
};
extern const struct schema outbox_row_schema;

/* How a group of calls that somebody waits for stands. */
struct outbox_group {
	int64_t waiting, failed;
	int64_t status;                 /* of the first that failed: Stripe's */
	const char *error_code, *error;
};
extern const struct schema outbox_group_schema;

/* What of a tenant's payment is under way. */
struct outbox_paying {
	bool method, address;
};
extern const struct schema outbox_paying_schema;

/* What was counted of one meter in one hour. */
struct metered_hour {
	const char *meter;
	int64_t hour, quantity;
};
extern const struct schema metered_hour_schema;

/* What was sent of one hour of one meter. */
struct hour_calls {
	int64_t cancelled;              /* events that were taken back */
	const char *last;               /* the identifier of the one that can be; NULL: none */
};
extern const struct schema hour_calls_schema;

/* An event that somebody has to be told of. */
struct stripe_notice {
	const char *event_id, *type, *payload;
	int64_t tries;                  /* this one counted */
};
extern const struct schema stripe_notice_schema;

/* One that Stripe has and that never came. */
struct stripe_missing {
	const char *event_id;
};
extern const struct schema stripe_missing_schema;

/* A stretch of the list of events, in seconds since 1970. */
struct stripe_span {
	int64_t since, until;
};
extern const struct schema stripe_span_schema;

/* What this service knows of a tenant at Stripe. */
struct stripe_row {
	const char *tenant_id, *name, *owner_email, *plan_type, *tenant_status;
	const char *customer_id, *stripe_id;    /* NULL: not yet */
	const char *items;              /* JSON: {"price_1": "si_1"} */
	const char *stripe_status;      /* the subscription's, as it was fetched last */
	const char *payment_method;
	const char *address;            /* JSON */
	bool address_unsent;            /* Stripe has another */
	const char *status;             /* ours */
	const char *status_next;        /* what the look before this one said, if it differs … */
	int64_t status_next_at;         /* … and when */
	int64_t trouble_since;          /* since when it is not paid; TIME_NULL: it is */
	bool debt;                      /* nor was the subscription before it */
	bool suspended;                 /* by us, for that */
	bool removing;                  /* likewise: its deletion is scheduled */
	int64_t standing_at;            /* since when status is what it is; TIME_NULL: for ever */
	const char *next_plan;          /* from next_plan_at on; or NULL */
	int64_t next_plan_at;
	int64_t plan_from;              /* what Stripe lacks of the plan counts from then; TIME_NULL: now */
	int64_t stripe_start;           /* when Stripe's period began */
	const char *cancel_path;        /* of the call that ends it at once */
	bool cancels;                   /* the subscription ends with its period … */
	bool leaving;                   /* … because the tenant was deleted */
	int64_t fetched_at;             /* the time of what is known */
	int64_t stale_at;               /* something has changed since */
	int64_t metered_since, metered_until;   /* the hours that were written down for Stripe */
	int64_t compare_silent;         /* since when Stripe does not say; TIME_NULL: it does */
	int64_t compared_until;         /* up to there they were equal; TIME_NULL: not compared yet */
	int64_t open_calls;             /* that were not made yet */
	int64_t now;
};
extern const struct schema stripe_row_schema;

#endif
