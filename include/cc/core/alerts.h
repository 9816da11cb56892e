/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ALERTS_H
#define CC_CORE_ALERTS_H

#include "cc/base/ctx.h"
#include "cc/model/alert.h"

/*
 * What a tenant should know of, raised by what finds it and resolved by what finds it gone: nobody has to
 * close one. Of one type and subject there is one that is open. All of it runs inside a unit of work in the
 * control database and is about cx->tenant; the thread is the caller's.
 */

/* In the order of alert_types. */
enum alert_type {
	ALERT_DOMAIN_STALE,             /* its records have been missing for long */
	ALERT_DOMAIN_DETACHED,          /* it is served no more */
	ALERT_DOMAIN_CLAIM_EXPIRED,     /* it was not proven in time */
	ALERT_DOMAIN_CLAIM_LOST,        /* another tenant has proven that it is its own */
	ALERT_DOMAIN_PENDING,           /* it has waited for its proof for long */
	ALERT_DOMAIN_UNCHECKED,         /* resolvers have not answered for a while */
	ALERT_CERTIFICATE_EXPIRING,
	ALERT_CERTIFICATE_EXPIRED,
	ALERT_CERTIFICATE_NOT_SERVABLE, /* a node cannot show it: a fault of the service, or of its data */
	ALERT_MOVE_UNFINISHED,          /* the region that it has left has not been closed behind it */
	ALERT_MOVE_NAMES_LATE,          /* its DNS records do not lead to its new region yet */
	ALERT_USAGE_LIMIT,              /* a share of what the tenant may have is in use */
	ALERT_BOUNCER_STALE,            /* it was heard from, and is not any more */
	ALERT_DEPLOYMENT_FAILED,        /* a move to another region was given up */
	ALERT_PAYMENT_OVERDUE,          /* the subscription is not paid */
	ALERT_BILLING_REFUSED,          /* Stripe refused what was asked of it */
	ALERT_USAGE_DIFFERS,            /* Stripe bills other hours than were counted */
	ALERT_PAYMENT_DISPUTED,         /* a payment is contested at its bank */
	ALERT_USAGE_REFUSED,            /* Stripe could not make use of an hour that it was told */
	ALERT_PAYMENT_MISSING,          /* a plan that costs something, and nobody who could be charged */
	ALERT_BUNDLE_FAILED,            /* what bouncers are to run cannot be made or fetched */
	ALERT_COUNTERS_DIFFER,          /* a fault of the service: counters are not what they count */
};

/* In the order of alert_severities. */
enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL };

/*
 * Queued. One that is open already stays it, with its time, and says what is said now; where it has become
 * more severe, nobody has acknowledged that. subject: what it is about, such as a domain's name;
 * message: a sentence. Both outlive the unit.
 */
void alert_raise_later(struct ctx *cx, enum alert_type type, enum alert_severity severity,
		       const char *subject, const char *message);
/* Queued. It is over: the open one of this type, if there is one. */
void alert_resolve_later(struct ctx *cx, enum alert_type type, const char *subject);
/* The subject is gone: all that are open about it, of whatever type. */
void alert_resolve_all_later(struct ctx *cx, const char *subject);

/* What is so of one type, to be compared with what is open: alert_sync_later(). */
struct alert_set {
	enum alert_type type;
	size_t n, nkeep, max;
	/* of those that are to be open */
	const char **ids, **severities, **subjects, **messages;
	const char **keep;              /* subjects of these, and of what may stay open */
};
/* At most max of them. */
void alert_set_init(struct arena *a, struct alert_set *s, enum alert_type type, size_t max);
/* It is so: subject and message outlive the unit. */
void alert_set_add(struct arena *a, struct alert_set *s, enum alert_severity severity, const char *subject,
		   const char *message);
/* Where one is open it may stay so, and none is raised. */
void alert_set_keep(struct alert_set *s, const char *subject);
/*
 * Queued. All of the type that are open and not in the set are over. One that was raised since `period` and
 * is over is opened again instead of raised anew.
 */
void alert_sync_later(struct ctx *cx, const struct alert_set *s, int64_t period);

/* The caller knows of it. ERR_NOT_FOUND. *ret_changed is false when somebody did before. */
enum err alert_acknowledge(struct ctx *cx, const char *id, struct alert *ret, bool *ret_changed) MUST_USE;

#endif
