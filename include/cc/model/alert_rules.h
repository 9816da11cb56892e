/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_ALERT_RULES_H
#define CC_MODEL_ALERT_RULES_H

#include "cc/schema/schema.h"

/* What a tenant wants to be told of one thing that is counted. */
struct alert_rule {
	bool enabled;
	const char *thresholds;         /* JSON: ascending percents of the limit */
	uint64_t seen;
};

/* Of what is only counted there is no limit but what the tenant sets itself, to be told of. */
struct alert_budget {
	int64_t limit;                  /* in a period of billing; INT_NULL: what the plan includes */
	bool enabled;
	const char *thresholds;
	uint64_t seen;
};

/* The body and answer of /tenants/{tenant_id}/alert-rules. */
struct alert_rules {
	struct alert_rule policies, resources, users, bouncers;
	struct alert_budget api_calls, bouncer_requests;
	int64_t row_version;            /* internal: the tenant's */
	uint64_t seen;
};
extern const struct schema alert_rules_schema;

/* Rows of what looks after it. */
struct usage_watch {
	const char *tenant_id;
	int64_t look_at;
	bool recount;                   /* the gauges are to be recounted */
	const char *alert_rules;        /* JSON: alert_rules, or nothing of it */
	int64_t row_version;
	const char *plan_type;
	int64_t period_start;           /* of the period of billing that is now */
	int64_t api_calls, bouncer_requests;    /* since then */
};
extern const struct schema usage_watch_schema;

struct failed_move {
	const char *id, *from_region, *to_region;
	int64_t completed_at;
};
extern const struct schema failed_move_schema;

#endif
