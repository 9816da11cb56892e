/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/policy_version.h"

#include "cc/model/policy.h"

const char *const policy_actions[] = { "created", "saved", "enabled", "disabled", "rolled_back", "promoted",
	"restored", NULL };
const char *const promotion_tests[] = { "passed", "not_run", "none", NULL };

#define T struct policy_version
static const struct field policy_version_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, 0, "Unique within the tenant."),
	INT(T, policy_id, F_OUT, 0, 0, "The policy."),
	INT(T, version, F_OUT | F_SORT, 0, 0, "Its number; the first is 1 and none is left out."),
	ENUM(T, action, F_OUT | F_SORT, policy_actions, NULL, "What made it."),
	TEXT(T, author, F_OUT | F_SORT, 0, 0, "The credential that made it."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was made."),
	TEXT(T, summary, F_OUT, 0, 0, "What it changed."),
	TEXT(T, name, F_OUT, 0, 0, "The name of the policy then."),
	TEXT(T, description, F_OUT | F_NULLABLE, 0, 0, "Its description."),
	ENUM(T, status, F_OUT, policy_statuses, NULL, "Its status."),
	ENUM(T, environment, F_OUT, environments, NULL, "Its environment."),
	TEXT(T, rego_code, F_OUT | F_FULL, 0, 0, "Its source."),
	INT(T, resource_id, F_OUT | F_NULLABLE, 0, 0, "The resource it protected."),
	INT(T, bouncer_id, F_OUT | F_NULLABLE, 0, 0, "The bouncer that enforced it."),
	JSON_LIST(T, test_cases, F_OUT | F_FULL, TEST_CASES_MAX, &test_case_schema, "Its test cases."),
	INT(T, source_policy_id, F_OUT | F_NULLABLE, 0, 0,
		"Of a promotion or a rollback: the policy that its content was taken from."),
	INT(T, source_version, F_OUT | F_NULLABLE, 0, 0, "And the version of that policy."),
	TEXT(T, deployment_notes, F_OUT | F_NULLABLE, 0, 0, "Of a promotion: its notes."),
	TEXT(T, approver, F_OUT | F_NULLABLE, 0, 0, "Of a promotion: who approved it."),
};
#undef T
SCHEMA(policy_version_schema, struct policy_version, "PolicyVersion", policy_version_fields);

/* A field that differs, as JSON of the answer. */
struct policy_change {
	const char *field;
	const char *from, *to;
};

#define T struct policy_change
static const struct field policy_change_fields[] = {
	TEXT(T, field, F_OUT, 0, 0, "Its name."),
	JSON(T, from, F_OUT | F_NULLABLE | F_ANY_JSON, 0, "Its value in the first version."),
	JSON(T, to, F_OUT | F_NULLABLE | F_ANY_JSON, 0, "Its value in the second."),
};
#undef T
static SCHEMA(policy_change_schema, struct policy_change, "PolicyChange", policy_change_fields);

#define T struct policy_diff
static const struct field policy_diff_fields[] = {
	INT(T, policy_id, F_OUT, 0, 0, "The policy."),
	INT(T, from, F_OUT, 0, 0, "The first version."),
	INT(T, to, F_OUT, 0, 0, "The second."),
	JSON_LIST(T, changes, F_OUT, 16, &policy_change_schema,
		"The fields that differ, but for the source of the policy."),
	TEXT(T, rego_code_diff, F_OUT, 0, 0,
		"What makes the second source of the first: a unified diff, empty when they are equal."),
};
#undef T
SCHEMA(policy_diff_schema, struct policy_diff, "PolicyDiff", policy_diff_fields);

#define T struct policy_rollback
static const struct field policy_rollback_fields[] = {
	INT(T, version, F_CREATE | F_REQUIRED, 1, INT64_MAX,
		"The version whose content the policy gets again."),
};
#undef T
SCHEMA_IN(policy_rollback_schema, struct policy_rollback, "PolicyRollback", policy_rollback_fields);

#define T struct policy_promote
static const struct field policy_promote_fields[] = {
	TEXT(T, deployment_notes, F_CREATE | F_NULLABLE, 0, 2000,
		"What whoever looks at it later should know.", .example = "First release"),
	TEXT(T, approver, F_CREATE | F_NULLABLE, 0, 200, "Who approved it; kept as it is said."),
	INT(T, version, F_CREATE | F_NULLABLE, 1, INT64_MAX,
		"The version of the sandbox policy that is meant: 409 when it has another by now."),
};
#undef T
SCHEMA_IN(policy_promote_schema, struct policy_promote, "PolicyPromote", policy_promote_fields);

#define T struct policy_promotion
static const struct field policy_promotion_fields[] = {
	TEXT(T, message, F_OUT, 0, 0, "What was done."),
	INT(T, policy_id, F_OUT, 0, 0, "The production policy."),
	INT(T, promoted_from, F_OUT, 0, 0, "The sandbox policy."),
	ENUM(T, environment, F_OUT, environments, NULL, "production"),
	ENUM(T, status, F_OUT, policy_statuses, NULL,
		"Of the production policy: active at first, later what it was."),
	INT(T, version, F_OUT, 0, 0, "The version of the production policy that was made."),
	TIME(T, promoted_at, F_OUT, "When."),
	ENUM(T, tests, F_OUT, promotion_tests, NULL,
		"How its test cases went before; not_run: there is no policy engine to run them; none: it "
		"has none."),
};
#undef T
SCHEMA(policy_promotion_schema, struct policy_promotion, "PolicyPromotion", policy_promotion_fields);
