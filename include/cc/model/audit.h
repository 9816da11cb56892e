/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_AUDIT_H
#define CC_MODEL_AUDIT_H

#include "cc/schema/schema.h"

/* One row of either of a tenant's two chains: `data` (its own objects), `control` (what is done to it). */
struct audit_row {
	const char *chain;
	int64_t seq;                    /* of the chain; no gaps */
	int64_t timestamp;              /* whole milliseconds */
	const char *actor_kind;
	const char *actor;
	const char *action;             /* operationId */
	const char *category;           /* one of audit_categories */
	const char *object_type, *object_id;
	const char *environment;        /* of the object, where it has one */
	const char *outcome;
	const char *request_id;
	const char *ip;
	const char *detail;             /* canonical JSON */
	/* What only an export shows. */
	const char *tenant_id;
	int64_t key_version;
	const char *prev_mac, *mac;     /* 64 hexadecimal digits */
};
extern const struct schema audit_row_schema;
extern const char *const audit_chains[], *const audit_categories[];
#define AUDIT_CHAIN_DATA "data"
#define AUDIT_CHAIN_CONTROL "control"

/* Where an object belongs (any thread); what the table does not know belongs to the tenant. */
const char *audit_category_of(const char *object_type);

#endif
