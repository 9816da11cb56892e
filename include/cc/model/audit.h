/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_AUDIT_H
#define CC_MODEL_AUDIT_H

#include "cc/schema/schema.h"

/* One row of either of a tenant's two chains: `data` (its own objects), `control` (what is done to it). */
struct audit_row {
	const char *chain;
	int64_t seq;                    /* of the chain; no gaps */
	int64_t timestamp;
	const char *actor_kind;
	const char *actor;
	const char *action;             /* operationId */
	const char *object_type, *object_id;
	const char *outcome;
	const char *request_id;
	const char *ip;
	const char *detail;             /* JSON */
};
extern const struct schema audit_row_schema;

#endif
