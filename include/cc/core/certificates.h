/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_CERTIFICATES_H
#define CC_CORE_CERTIFICATES_H

#include "cc/base/ctx.h"
#include "cc/core/rounds.h"
#include "cc/db/query.h"
#include "cc/model/certificate.h"
#include "cc/model/domain.h"

/*
 * Certificates of tenants' domains. Each write leaves a mark in the change feed (kind "tenant"), so that
 * every node learns of it within a second.
 */

/*
 * A way by which certificates come. Whoever brings one names it and goes through certificates_check() and
 * certificates_store(); what follows (sealing, serving, alerts) is the same for all. Another way is a row in
 * src/core/certificate_sources.c, and its name in certificate_sources[] and in the table's check.
 */
struct certificate_source {
	const char *name;               /* one of certificate_sources[]; it is stored, and shown */
	/* What the tenant is told to do, in alerts of its end: before it, after it. */
	const char *renew, *replace;
};
extern const struct certificate_source certificate_supplied; /* by the tenant itself */
/* As stored; never NULL: of one that only a newer program knows, the tenant is told as of its own. */
const struct certificate_source *certificate_source_of(const char *name);

/* Bringing one: in two steps, since the checks take time that no transaction should. ------------------- */

struct certificate;

/* What the checks said. */
struct certificate_verdict {
	const struct certificate_source *source;
	const char *domain;             /* as it is kept; NULL: the name was no domain, nothing was checked */
	const struct certificate *certificate;
	enum err err;
	struct problem problem;
};
/*
 * Checks it for a domain, outside of any unit of work. What is wrong is told by certificates_store(): an
 * earlier request with the same key comes first.
 */
void certificates_check(struct ctx *cx, const struct certificate_source *source, const char *domain,
			const struct certificate_new *in, const struct certificate_verdict **ret);
/*
 * Keeps it for cx->tenant's domain, in the place of the one before. Inside a unit of work bound to the
 * tenant; audit and change feed are the caller's. The faults of the checks; ERR_NOT_FOUND, ERR_PRECONDITION;
 * ERR_CONFLICT: it is the platform's domain, or the claim is over; ERR_KEK_MISSING.
 */
enum err certificates_store(struct ctx *cx, const struct certificate_verdict *v,
			    struct domain_row *ret) MUST_USE;
/* … for a domain that this unit of work has just added. */
enum err certificates_store_new(struct ctx *cx, const struct certificate_verdict *v,
				struct domain_row *ret) MUST_USE;
/* Fills in what is shown of certificates, and what follows for ssl_status, in domains of cx->tenant. */
enum err certificates_show(struct ctx *cx, struct domain_row *rows, size_t n) MUST_USE;

/* Serving them. ---------------------------------------------------------------------------------------- */

/* Of a verified domain, and valid now. Texts live as long as the call they are given to. */
struct served_certificate {
	const char *tenant_id, *domain;
	const char *chain;              /* PEM, the leaf first */
	const char *key;                /* PEM, PKCS #8; a secret */
	const char *fault;              /* why there are neither; NULL: there are */
	int64_t not_after;
};
typedef void (*served_certificate_fn)(struct ctx *cx, const struct served_certificate *c, void *arg);

/*
 * All that can be served, of one tenant or with NULL of all, by domain, page by page; keys are wiped from
 * memory after each. What is left until cx's deadline is the time of each page. Not inside a unit of work.
 * One that cannot be opened is logged, and told with that. After a mark of the change feed for a tenant its
 * domains that are not told of any more are not to be served.
 */
enum err certificates_each(struct ctx *cx, const char *tenant_id, served_certificate_fn fn,
			   void *arg) MUST_USE;

/*
 * A node cannot show the certificate of a domain (faulty), or can again: an alert of the tenant's begins, or
 * ends. Not inside a unit of work; blocks.
 */
enum err certificates_trouble(struct ctx *cx, const char *tenant_id, const char *domain,
			      bool faulty) MUST_USE;
/* Rows of certificate_row with tenant and domain: what such alerts are open about, a thousand at most. */
enum err certificates_troubled(struct ctx *cx, struct db_rows *ret) MUST_USE;

/*
 * One round of telling tenants of the ends of certificates: alerts when a quarter of the lifetime is left, a
 * week, two days, nothing; what is over is no more served. Opens units of work of its own; safe on several
 * nodes at once. One that fails is told of in *ret, and does not stop the others.
 */
enum err certificates_tick(struct ctx *cx, struct round *ret) MUST_USE;

/* Changing the KEK. ------------------------------------------------------------------------------------ */

struct kek_rotation {
	const char *kek_id;             /* what all are under afterwards */
	int64_t changed, unchanged;
	struct kek_damage *damaged;     /* certificates that do not open, in order; they stay as they are */
	size_t ndamaged;
};
struct kek_damage {
	const char *tenant_id, *domain, *serial, *kek_id;
};
/*
 * Seals the DEK of every certificate that is under another KEK with the first one. May be interrupted at any
 * time and run again. ERR_KEK_MISSING: this service has none; ERR_CONFLICT: some are under KEKs that are not
 * known here, which the message names, and nothing was changed; or some do not open: ret names them (in
 * cx->arena), and all others were done. *ret is good after an error as well.
 */
enum err certificates_rotate(struct ctx *cx, struct kek_rotation *ret) MUST_USE;

#endif
