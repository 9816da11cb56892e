/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_PURGE_H
#define CC_MODEL_PURGE_H

#include "cc/schema/schema.h"

/* What a purge counts, and what it says of that in the end. */

struct purge_count {
	const char *what; /* "objects", "rows.policies" */
	int64_t n;
};
extern const struct schema purge_count_schema;

struct purge_batch {
	int64_t number;
	struct strv keys;
};
extern const struct schema purge_batch_schema;

struct deletion_certificate {
	const char *tenant_id, *region;
	int64_t created_at, requested_at, purged_at;
	const char *removed;     /* JSON: how much, by what it was */
	const char *certificate; /* a JWS over all of it */
};
extern const struct schema deletion_certificate_schema;

#endif
