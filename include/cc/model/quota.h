/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_QUOTA_H
#define CC_MODEL_QUOTA_H

#include "cc/schema/schema.h"

extern const char *const quota_enforcements[];  /* hard soft grace */
extern const char *const quota_states[];        /* ok warning over full */

/* One kind of thing that is counted: how much of it there may be, and what happens beyond. */
struct quota_metric {
	int64_t limit;                  /* INT_NULL: unlimited; of API keys what the node allows */
	const char *enforcement;
	int64_t grace_percent;          /* of the limit, beyond it; where enforcement is grace */
	const char *thresholds;         /* JSON: ascending percents of the limit */
	/* derived */
	int64_t hard_limit;             /* where it is refused; INT_NULL: nowhere */
	int64_t used;                   /* INT_NULL: the tenant's region does not say */
	int64_t threshold;              /* the highest that is reached; INT_NULL: none */
	const char *state;
	uint64_t seen;
};
extern const struct schema quota_metric_schema;

/* The body and answer of /tenants/{tenant_id}/quota. */
struct tenant_quota {
	struct quota_metric policies, resources, users, bouncers, api_keys;
	int64_t row_version;            /* internal: the tenant's */
	uint64_t seen;
};
extern const struct schema tenant_quota_schema;

/* What the control database says of it. */
struct quota_row {
	int64_t max_policies, max_resources, max_users, max_bouncers, max_api_keys;
	const char *quotas;             /* JSON: by metric what is not the limit */
	int64_t api_keys_used;
	int64_t row_version;
};
extern const struct schema quota_row_schema;

#endif
