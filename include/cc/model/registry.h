/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_REGISTRY_H
#define CC_MODEL_REGISTRY_H

#include "cc/schema/schema.h"

/* Rows that the registry (core/registry.h) makes its snapshots of. Never seen by a client. */

struct tenant_place_row {
	const char *id, *slug, *name, *domain;
	const char *status, *suspend_mode;
	const char *plan_type;
	int64_t max_policies, max_resources, max_users, max_bouncers;
	const char *quotas;                     /* JSON: see core/quota.h */
	bool require_if_match, require_tests;
	const char *issuers;                    /* JSON: an array of issuer_spec */
	bool overdue;                           /* not paid for long: no more is added */
	const char *region, *schema_id;         /* schema_id NULL: none yet */
	int64_t shard, epoch, schema_version;
	struct strv cors_origins;               /* whose scripts may read its answers */
	struct strv hosts;                      /* verified custom domains */
};
extern const struct schema tenant_place_row_schema;

struct cred_row {
	const char *id, *key_id, *name;
	const char *tenant_id;                  /* NULL: an operator's */
	struct strv scopes, allowed_cidrs;
	struct bytes hash;
	bool test;                              /* cc_test_, not cc_live_ */
	int64_t expires_at, revoked_at;
};
extern const struct schema cred_row_schema;

/* A row of the change feed, and the version of the newest one there is. */
struct feed_row {
	int64_t head;
	int64_t version;                        /* INT_NULL: no change, only the head */
	const char *tenant_id;                  /* NULL: of no tenant */
	const char *kind, *subject;
};
extern const struct schema feed_row_schema;

#endif
