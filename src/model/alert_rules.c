/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/alert_rules.h"

#define THRESHOLDS_BYTES 200
#define BUDGET_MAX INT64_C(1000000000000)

#define RULE_FIELDS(T) \
	{ FIELD_OF(T, enabled, bool, K_BOOL, F_RW), .def = "true", .doc = "Whether alerts are raised.", \
	  .example = "true" }, \
	{ FIELD_OF(T, thresholds, const char *, K_JSON, F_RW | F_ANY_JSON), .max = THRESHOLDS_BYTES, \
	  .def = "[50,80,90,100,120]", .example = "[80,100]", \
	  .doc = "At most ten percents of the limit (1 to 1000), ascending, each of which raises an alert." }

#define T struct alert_rule
static const struct field alert_rule_fields[] = { RULE_FIELDS(T) };
#undef T
static SCHEMA_IN(alert_rule_schema, struct alert_rule, "AlertRule", alert_rule_fields);

#define T struct alert_budget
static const struct field alert_budget_fields[] = {
	INT(T, limit, F_RW | F_NULLABLE, 1, BUDGET_MAX,
	    "How many the tenant expects in a period of billing; null: what its plan includes. Nothing is "
	    "refused beyond.",
	    .example = "1000000"),
	RULE_FIELDS(T),
};
#undef T
static SCHEMA_IN(alert_budget_schema, struct alert_budget, "AlertBudget", alert_budget_fields);

#define RULE(m, d) OBJ(T, m, F_RW, struct alert_rule, &alert_rule_schema, d)
#define T struct alert_rules
static const struct field alert_rules_fields[] = {
	RULE(policies, "Policies of both environments."),
	RULE(resources, "Resources."),
	RULE(users, "Users."),
	RULE(bouncers, "Bouncers."),
	OBJ(T, api_calls, F_RW, struct alert_budget, &alert_budget_schema, "Calls of the API."),
	OBJ(T, bouncer_requests, F_RW, struct alert_budget, &alert_budget_schema, "Requests at bouncers."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "Internal."),
};
#undef T
SCHEMA_IN(alert_rules_schema, struct alert_rules, "AlertRules", alert_rules_fields);

#define T struct usage_watch
static const struct field usage_watch_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "Who is looked at."),
	TIME(T, look_at, 0, "When it is looked at again."),
	BOOL(T, recount, 0, "The gauges are to be recounted."),
	JSON(T, alert_rules, 0, 0, "What it wants to be told."),
	INT(T, row_version, 0, 0, INT64_MAX, "The tenant's."),
	TEXT(T, plan_type, 0, 0, 0, "The tenant's plan."),
	TIME(T, period_start, 0, "Begin of the period of billing."),
	INT(T, api_calls, 0, 0, INT64_MAX, "Since then."),
	INT(T, bouncer_requests, 0, 0, INT64_MAX, "Likewise."),
};
#undef T
SCHEMA(usage_watch_schema, struct usage_watch, "UsageWatch", usage_watch_fields);

#define T struct failed_move
static const struct field failed_move_fields[] = {
	TEXT(T, id, 0, 0, 0, "Of the move."),
	TEXT(T, from_region, 0, 0, 0, "Where the tenant stayed."),
	TEXT(T, to_region, 0, 0, 0, "Where it should have gone."),
	TIME(T, completed_at, 0, "When it was given up."),
};
#undef T
SCHEMA(failed_move_schema, struct failed_move, "FailedMove", failed_move_fields);
