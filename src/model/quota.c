/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/quota.h"

#define MOST 1000000000
#define GRACE_MAX 1000
#define THRESHOLDS_BYTES 200

const char *const quota_enforcements[] = { "hard", "soft", "grace", NULL };
const char *const quota_states[] = { "ok", "warning", "over", "full", NULL };

#define T struct quota_metric
static const struct field quota_metric_fields[] = {
	INT(T, limit, F_RW | F_NULLABLE, 0, MOST,
	    "How many there may be; null is unlimited, of API keys what the service allows.",
	    .example = "1000"),
	ENUM(T, enforcement, F_RW, quota_enforcements, "hard",
	     "hard: refused beyond the limit. grace: beyond the limit and its grace. soft: never.",
	     .example = "grace"),
	{ FIELD_OF(T, grace_percent, int64_t, K_INT, F_RW), .min = 0, .max = GRACE_MAX, .def = "0",
	  .doc = "What grace adds to the limit, in percent of it.", .example = "10" },
	{ FIELD_OF(T, thresholds, const char *, K_JSON, F_RW | F_ANY_JSON), .max = THRESHOLDS_BYTES,
	  .def = "[80,90,100]",
	  .doc = "At most ten percents of the limit (1 to 1000), ascending, that are worth a warning.",
	  .example = "[80,90,100]" },
	INT(T, hard_limit, F_OUT | F_VOLATILE | F_NULLABLE, 0, 0,
	    "Where one more is refused; null is nowhere."),
	INT(T, used, F_OUT | F_VOLATILE | F_NULLABLE, 0, 0,
	    "How many there are; null while the region does not answer."),
	INT(T, threshold, F_OUT | F_VOLATILE | F_NULLABLE, 0, 0, "The highest threshold that is reached."),
	ENUM(T, state, F_OUT | F_VOLATILE, quota_states, "ok",
	     "warning: a threshold is reached; over: more than the limit; full: one more is refused."),
};
#undef T
SCHEMA_IN(quota_metric_schema, struct quota_metric, "QuotaMetric", quota_metric_fields);

#define METRIC(m, d) OBJ(T, m, F_RW, struct quota_metric, &quota_metric_schema, d)

#define T struct tenant_quota
static const struct field tenant_quota_fields[] = {
	METRIC(policies, "Policies of both environments."),
	METRIC(resources, "Resources."),
	METRIC(users, "Users; the owner is one."),
	METRIC(bouncers, "Bouncers."),
	METRIC(api_keys, "API keys that are neither revoked nor expired; a key and its successor are one."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "Internal."),
};
#undef T
SCHEMA_IN(tenant_quota_schema, struct tenant_quota, "Quota", tenant_quota_fields);

#define T struct quota_row
static const struct field quota_row_fields[] = {
	INT(T, max_policies, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_resources, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_users, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_bouncers, F_NULLABLE, 0, INT64_MAX, "Null: unlimited."),
	INT(T, max_api_keys, F_NULLABLE, 0, INT64_MAX, "Null: what the node allows."),
	JSON(T, quotas, 0, 0, "By metric: enforcement, grace_percent, thresholds."),
	INT(T, api_keys_used, 0, 0, INT64_MAX, "Live ones."),
	INT(T, row_version, 0, 0, INT64_MAX, "The tenant's."),
};
#undef T
SCHEMA(quota_row_schema, struct quota_row, "QuotaRow", quota_row_fields);
