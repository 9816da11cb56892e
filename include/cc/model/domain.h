/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_DOMAIN_H
#define CC_MODEL_DOMAIN_H

#include "cc/model/certificate.h"
#include "cc/schema/schema.h"

extern const char *const domain_statuses[];     /* pending verified active stale detached … */
extern const char *const domain_ssl_statuses[]; /* pending active expiring expired, in this order */
enum domain_ssl { SSL_PENDING, SSL_ACTIVE, SSL_EXPIRING, SSL_EXPIRED };
extern const char *const domain_reasons[];

/* What a tenant's DNS must show for its domain. */
struct domain_dns {
	const char *cname_record;               /* where the name must lead */
	const char *txt_record;                 /* what must be at txt_name; NULL: nothing */
};

/* What one resolver said of one record. */
struct domain_seen {
	const char *resolver;
	struct strv values;
	const char *problem;                    /* why there are none; NULL */
};
extern const struct schema domain_seen_schema;

struct domain_record {
	const char *type, *name, *value;        /* TXT or CNAME, where, and what must be there */
	bool verified;
	const char *seen;                       /* JSON: an array of domain_seen */
	int64_t checked_at;
};
extern const struct schema domain_record_schema;

/* What is there beside the records that are needed, and may be why something does not work. */
struct domain_finding {
	const char *type, *name;                /* A, AAAA or CAA, and where */
	const char *note;                       /* one of domain_notes; NULL: nothing to say of it */
	const char *seen;                       /* JSON: an array of domain_seen */
};
extern const struct schema domain_finding_schema;
extern const char *const domain_notes[];

/* A name that a tenant is reached by, or wants to be. */
struct domain_row {
	const char *domain;                     /* A-labels, in lower case */
	const char *status, *ssl_status;
	bool is_default;
	int64_t verified_at;
	struct domain_dns dns_instructions;
	const char *txt_name;
	const char *records;                    /* JSON: an array of domain_record */
	const char *findings;                   /* JSON: an array of domain_finding */
	const char *reason;
	int64_t created_at, checked_at, next_check_at, claim_expires_at, stale_at, detach_at, release_at;
	struct certificate_shown certificate;
	/* internal */
	bool custom;                            /* else <slug>.<base domain> */
	const char *token;
	const char *target;                     /* the tenant's <slug>.<base domain> */
	const char *tenant_id;
	bool txt_verified, cname_verified;
	bool cname_required;                    /* it led here once: that it does not is trouble */
	const char *txt_seen, *cname_seen;      /* JSON: arrays of domain_seen */
	bool held_elsewhere;
	int64_t held_until;                     /* … and that is over then; TIME_NULL: nobody knows when */
	int64_t failures;                       /* checks in a row that proved nothing */
	int64_t silences;                       /* … in a row in which a resolver did not answer */
	int64_t lease_until;
	bool claim_over, stale_over, detach_over, release_over; /* its time has come */
	int64_t row_version;
};
extern const struct schema domain_row_schema;

struct domain_deletion {
	const char *message, *domain;
	int64_t deleted_at;
};
extern const struct schema domain_deletion_schema;

#endif
