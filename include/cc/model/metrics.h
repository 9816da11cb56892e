/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_METRICS_H
#define CC_MODEL_METRICS_H

#include "cc/model/usage.h"

/* What the tenant's schema says of the present moment. */
struct metric_gauges {
	int64_t policies, policies_active, policies_sandbox;
	int64_t bouncers, bouncers_active;
	int64_t requests_per_minute;
	int64_t users, users_active;
	int64_t resources;
	int64_t storage_bytes;          /* of all objects that are written down */
};
extern const struct schema metric_gauges_schema;

/* The answer of GET …/metrics, as the specification has it. */
struct metric_api_calls {
	int64_t total;
	const char *by_endpoint;        /* JSON object: family → calls */
};
struct metric_policies {
	int64_t total, active, sandbox;
};
struct metric_bouncers {
	int64_t total, active, requests_per_minute;
};
struct metric_users {
	int64_t total, active;
};
struct metrics {
	struct metric_api_calls api_calls;
	struct metric_policies policies;
	struct metric_bouncers bouncers;
	struct metric_users users;
};
struct metrics_report {
	struct metrics metrics;
	struct usage_period period;
	const char *series;             /* JSON: buckets; NULL: no granularity was asked for */
};
extern const struct schema metrics_report_schema;
extern const char *const metric_granularities[];        /* hour day week month */

#endif
