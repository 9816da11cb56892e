/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_DOMAINS_H
#define CC_CORE_DOMAINS_H

#include "cc/base/ctx.h"
#include "cc/core/rounds.h"
#include "cc/model/certificate.h"
#include "cc/model/domain.h"

/*
 * The names that a tenant is reached by: its default one and those of its own, which count once their
 * DNS proves them. What changes one runs inside a unit of work in the control database bound to cx->tenant,
 * locks the tenant's row first, and leaves audit and change feed to its caller.
 */

/*
 * The name as it is kept. Refused, with faults at `field`, is what no tenant can own: addresses, single
 * labels, public suffixes, what is the platform's, and names too long for their verification record.
 */
void domains_name(struct ctx *cx, const char *field, const char *text, const char **ret);
/* The same from a path, where anything else is ERR_NOT_FOUND. */
enum err domains_named(struct ctx *cx, const char *text, const char **ret) MUST_USE;
/* What the TXT record of a new claim must hold: nobody can guess it, and no other claim has it. */
const char *domains_token(struct ctx *cx);

/* Fills in what follows from the row: instructions and records. */
void domains_show(struct ctx *cx, struct domain_row *row);
/*
 * A claim. One that is pending goes on with its token and ends when it would have; one that ended begins
 * with a fresh one. ERR_DOMAIN_TAKEN: the tenant has it already; ERR_DOMAIN_ELSEWHERE; ERR_QUOTA.
 */
enum err domains_add(struct ctx *cx, const struct domain_new *in, struct domain_row *ret) MUST_USE;
/*
 * ERR_DOMAIN_INACTIVE: it is not proven, or where TLS ends here it has no certificate. *ret_changed is false
 * when it is the default already.
 */
enum err domains_make_default(struct ctx *cx, const char *name, struct domain_row *ret,
			      bool *ret_changed) MUST_USE;
/* What the DNS showed of a claim, by all resolvers. */
struct domain_check {
	const char *token;              /* of the claim that was looked at … */
	const char *target;             /* … and the tenant's name that its CNAME was compared with */
	const char *txt_reason;         /* why it proves nothing, one of domain_reasons; NULL: it does */
	const char *cname_reason;       /* why requests would not come here; NULL: they do */
	bool txt_denied, cname_denied;          /* a resolver answered, and otherwise */
	const char *findings;                   /* JSON: an array of domain_finding */
	const char *txt_seen, *cname_seen;      /* JSON: arrays of domain_seen */
	const char *txt_words, *cname_words;    /* the same in a sentence */
};
/*
 * Looks at the records of cx->tenant's domain, outside of any unit of work: it waits for resolvers. What
 * proves nothing is kept, so that who asks can see why, unless it is a rehearsal. *ret is NULL when there is
 * nothing to look at; domains_verify() then says why. ERR_OVERLOADED.
 */
enum err domains_look(struct ctx *cx, const char *name, bool rehearsal,
		      const struct domain_check **ret) MUST_USE;
/*
 * Decides by what was seen. ERR_NOT_VERIFIED with a fault for each record; ERR_DOMAIN_ELSEWHERE;
 * ERR_CONFLICT: the domain needs no proof. *ret_changed is false when the domain was verified before.
 */
enum err domains_verify(struct ctx *cx, const char *name, const struct domain_check *check,
			struct domain_row *ret, bool *ret_changed) MUST_USE;
/*
 * One round of what is due about domains of all tenants: claims are looked at and expire, others lose to the
 * one that was proven, proven domains are looked at again, become stale, are detached and released. Each is
 * leased, and safe on several nodes at once; who dies leaves it to whoever comes after the lease. Opens
 * units of work of its own. One that fails is told of in *ret, and does not stop the others.
 */
enum err domains_tick(struct ctx *cx, struct round *ret) MUST_USE;
/* ERR_DOMAIN_DEFAULT. What was proven is held for the tenant a while. */
enum err domains_remove(struct ctx *cx, const char *name, struct domain_deletion *ret) MUST_USE;

#endif
