/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/metrics.h"

const char *const metric_granularities[] = { "hour", "day", "week", "month", NULL };

#define T struct metric_gauges
static const struct field metric_gauges_fields[] = {
	INT(T, policies, 0, 0, INT64_MAX, "Live ones."),
	INT(T, policies_active, 0, 0, INT64_MAX, "Of production."),
	INT(T, policies_sandbox, 0, 0, INT64_MAX, "Of the sandbox."),
	INT(T, bouncers, 0, 0, INT64_MAX, "Live ones."),
	INT(T, bouncers_active, 0, 0, INT64_MAX, "Connected."),
	INT(T, requests_per_minute, 0, 0, INT64_MAX, "Of those that are connected."),
	INT(T, users, 0, 0, INT64_MAX, "Live ones."),
	INT(T, users_active, 0, 0, INT64_MAX, "Seen lately."),
	INT(T, resources, 0, 0, INT64_MAX, "Live ones."),
	INT(T, storage_bytes, 0, 0, INT64_MAX, "Of its objects."),
};
#undef T
SCHEMA(metric_gauges_schema, struct metric_gauges, "MetricGauges", metric_gauges_fields);

#define T struct metric_api_calls
static const struct field api_calls_fields[] = {
	INT(T, total, F_OUT, 0, 0, "Answered requests of the tenant's credentials, but for 5xx."),
	JSON(T, by_endpoint, F_OUT, 0, "The same by the first part of the path: /policies, /users, …"),
};
#undef T
static SCHEMA(api_calls_schema, struct metric_api_calls, "MetricApiCalls", api_calls_fields);

#define T struct metric_policies
static const struct field policies_fields[] = {
	INT(T, total, F_OUT, 0, 0, "Policies there are."),
	INT(T, active, F_OUT, 0, 0, "Of the environment production."),
	INT(T, sandbox, F_OUT, 0, 0, "Of the environment sandbox."),
};
#undef T
static SCHEMA(policies_schema, struct metric_policies, "MetricPolicies", policies_fields);

#define T struct metric_bouncers
static const struct field bouncers_fields[] = {
	INT(T, total, F_OUT, 0, 0, "Bouncers there are."),
	INT(T, active, F_OUT, 0, 0, "With a heartbeat within two minutes."),
	INT(T, requests_per_minute, F_OUT, 0, 0, "Of these, by their last two heartbeats."),
};
#undef T
static SCHEMA(bouncers_schema, struct metric_bouncers, "MetricBouncers", bouncers_fields);

#define T struct metric_users
static const struct field users_fields[] = {
	INT(T, total, F_OUT, 0, 0, "Users there are."),
	INT(T, active, F_OUT, 0, 0, "Seen within 30 days."),
};
#undef T
static SCHEMA(users_schema, struct metric_users, "MetricUsers", users_fields);

#define T struct metrics
static const struct field metrics_fields[] = {
	OBJ(T, api_calls, F_OUT, struct metric_api_calls, &api_calls_schema, "In the period."),
	OBJ(T, policies, F_OUT, struct metric_policies, &policies_schema, "Now."),
	OBJ(T, bouncers, F_OUT, struct metric_bouncers, &bouncers_schema, "Now."),
	OBJ(T, users, F_OUT, struct metric_users, &users_schema, "Now."),
};
#undef T
static SCHEMA(metrics_schema, struct metrics, "Metrics", metrics_fields);

#define T struct metrics_report
static const struct field metrics_report_fields[] = {
	OBJ(T, metrics, F_OUT, struct metrics, &metrics_schema, "By what is counted."),
	OBJ(T, period, F_OUT, struct usage_period, &usage_period_schema, "What was asked about."),
	JSON_LIST(T, series, F_OUT | F_OPTIONAL_OUT, 0, &usage_bucket_schema,
		  "The period in stretches of the granularity that was asked for, those without usage too."),
};
#undef T
SCHEMA(metrics_report_schema, struct metrics_report, "MetricsReport", metrics_report_fields);
