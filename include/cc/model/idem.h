/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_IDEM_H
#define CC_MODEL_IDEM_H

#include "cc/schema/schema.h"

/* What is kept of a request that came with an Idempotency-Key. */
struct idem_row {
	struct bytes fingerprint;       /* of what was asked */
	const char *subject;            /* what an operation in several steps makes: its id; NULL: one step */
	int64_t status;                 /* of the answer; INT_NULL: there is none yet */
	const char *body, *location, *etag;
};
extern const struct schema idem_row_schema;

#endif
