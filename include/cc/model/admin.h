/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_ADMIN_H
#define CC_MODEL_ADMIN_H

#include "cc/schema/schema.h"

/* What the admin listener shows to those who run the service: no data of tenants, and no secrets. */

struct admin_tenant {
	const char *id, *slug, *status, *region, *plan_type;
	int64_t created_at, updated_at;
};
extern const struct schema admin_tenant_schema;

struct admin_deployment {
	const char *id, *tenant_id, *from_region, *to_region, *step;
	int64_t rows_copied, rows_total, bytes_copied, failures;
	const char *lease_owner;
	int64_t created_at, completed_at;
};
extern const struct schema admin_deployment_schema;

struct admin_job {
	const char *job;
	int64_t runs, failures;
	int64_t good_at;                /* TIME_NULL: it has not gone well yet */
	const char *error;              /* of the last run; NULL: it went well */
};
extern const struct schema admin_job_schema;

struct admin_call {
	const char *id, *tenant_id, *op, *state;
	int64_t attempts, status;
	const char *error_code;
	int64_t created_at, next_at;
};
extern const struct schema admin_call_schema;

struct admin_node {
	const char *node, *version;
	int64_t started_at, seen_at, silent_s;
};
extern const struct schema admin_node_schema;

struct admin_cache {
	const char *cache;
	int64_t entries, most, bytes;   /* INT_NULL: it is bounded otherwise, or nobody adds it up */
};
extern const struct schema admin_cache_schema;

struct admin_tenants_query {
	const char *status, *region, *tenant;
	int64_t limit;
	uint64_t seen;
};
extern const struct schema admin_tenants_query_schema;

struct admin_query {
	bool live;
	int64_t limit;
	uint64_t seen;
};
extern const struct schema admin_query_schema;

#endif
