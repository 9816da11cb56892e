/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_DELETION_H
#define CC_MODEL_DELETION_H

#include "cc/schema/schema.h"

/* The query of DELETE on a tenant's object. */
struct deletion_query {
	bool hard_delete;
};
extern const struct schema deletion_query_schema;

/* What DELETE answers. */
struct deletion {
	const char *message;
	int64_t id;
	int64_t deleted_at;
};
extern const struct schema deletion_schema;

#endif
