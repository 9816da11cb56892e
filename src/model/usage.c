/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/usage.h"

const char *const usage_metrics[] = { "api_calls", "api_failures", "bouncer_requests", "policies",
				      "resources", "users", "bouncers", "storage_bytes", NULL };
const char *const usage_kinds[] = { "counter", "gauge", NULL };

#define T struct usage_sum
static const struct field usage_sum_fields[] = {
	TEXT(T, meter, 0, 0, 0, "What is counted."),
	TEXT(T, detail, 0, 0, 0, "Of what kind."),
	INT(T, quantity, 0, 0, INT64_MAX, "How many."),
};
#undef T
SCHEMA(usage_sum_schema, struct usage_sum, "UsageSum", usage_sum_fields);

#define T struct usage_bucket
static const struct field usage_bucket_fields[] = {
	TIME(T, start, F_OUT, "When this stretch begins."),
	INT(T, api_calls, F_OUT, 0, 0, "Answered requests of the tenant's credentials."),
	INT(T, api_failures, F_OUT, 0, 0, "Those the service failed at (5xx)."),
	INT(T, bouncer_requests, F_OUT, 0, 0, "What its bouncers said they have decided."),
};
#undef T
SCHEMA(usage_bucket_schema, struct usage_bucket, "UsageBucket", usage_bucket_fields);

#define T struct usage_event
static const struct field usage_event_fields[] = {
	TIME(T, hour, F_OUT, "The hour in which it was counted, by its begin."),
	TEXT(T, meter, F_OUT, 0, 0, "api_calls, api_failures or bouncer_requests."),
	TEXT(T, detail, F_OUT, 0, 0,
	     "Family of endpoints and class of status, or environment of the bouncer; `late`: of an earlier "
	     "hour that was closed when it came."),
	INT(T, quantity, F_OUT, 0, 0, "How many."),
	BOOL(T, closed, F_OUT, "Nothing is added to this hour any more."),
};
#undef T
SCHEMA(usage_event_schema, struct usage_event, "UsageEvent", usage_event_fields);

#define T struct usage_item
static const struct field usage_item_fields[] = {
	ENUM(T, metric, F_OUT, usage_metrics, NULL, "What is used."),
	ENUM(T, kind, F_OUT, usage_kinds, NULL, "counter: in the period. gauge: now."),
	INT(T, quantity, F_OUT, 0, 0, "How much."),
};
#undef T
SCHEMA(usage_item_schema, struct usage_item, "UsageItem", usage_item_fields);

#define T struct usage_period
static const struct field usage_period_fields[] = {
	TIME(T, start, F_OUT, "Its first second."),
	TIME(T, end, F_OUT, "Its last second."),
};
#undef T
SCHEMA(usage_period_schema, struct usage_period, "UsagePeriod", usage_period_fields);

#define T struct usage_report
static const struct field usage_report_fields[] = {
	JSON_LIST(T, usage, F_OUT, 0, &usage_item_schema, "By metric."),
	OBJ(T, period, F_OUT, struct usage_period, &usage_period_schema, "What counters are about."),
};
#undef T
SCHEMA(usage_report_schema, struct usage_report, "UsageReport", usage_report_fields);
