/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_CERTIFICATE_H
#define CC_MODEL_CERTIFICATE_H

#include "cc/base/bytes.h"
#include "cc/schema/schema.h"

extern const char *const certificate_sources[]; /* supplied */

/* What a tenant brings for its domain. */
struct certificate_new {
	const char *ssl_certificate, *ssl_private_key;
	const char *ssl_chain;          /* NULL: none beside ssl_certificate */
	bool self_managed;
	uint64_t seen;
};
extern const struct schema certificate_new_schema;

/* A domain, with the certificate or without. */
struct domain_new {
	const char *domain;
	const char *ssl_certificate, *ssl_private_key, *ssl_chain;
	bool self_managed;
	uint64_t seen;
};
extern const struct schema domain_new_schema;

/* What is shown of a domain's certificate. Without one every member is null. */
struct certificate_shown {
	const char *source, *serial, *fingerprint, *issuer, *key_type;
	int64_t not_before, not_after, stored_at;
	/* internal */
	const char *domain;
	bool expired, expiring;         /* expiring: an alert has told of its end */
};
extern const struct schema certificate_shown_schema;

/* As it is stored. */
struct certificate_row {
	const char *tenant_id, *domain, *serial, *fingerprint, *chain, *kek_id;
	struct bytes sealed_key, wrapped_dek;
	int64_t not_after;
};
extern const struct schema certificate_row_schema;

/* How far it is from its end. */
enum nearness { END_FAR, END_QUARTER, END_WEEK, END_DAYS, END_PAST };
/* As certificate_look has it. Times in one unit of `day` of them. */
enum nearness nearness_of(int64_t from, int64_t until, int64_t now, int64_t day);
struct certificate_end {
	const char *source;
	int64_t nearness, not_after;
};
extern const struct schema certificate_end_schema;

/* KEKs that are in use. */
struct kek_use {
	const char *kek_id;
	int64_t total;
};
extern const struct schema kek_use_schema;

#endif
