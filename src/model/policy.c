/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/policy.h"

#include <string.h>

#include "cc/model/check.h"
#include "cc/model/rego.h"

const char *const environments[] = { "sandbox", "production", NULL };
const char *const policy_statuses[] = { "draft", "active", "inactive", NULL };

static const char *check_rego(const char *text)
{
	return strlen(text) > REGO_BYTES_MAX ? "must be at most 262144 bytes" : check_not_blank(text);
}

#define T struct test_case
static const struct field test_case_fields[] = {
	TEXT(T, name, F_RW | F_REQUIRED, 1, 120, "What the case shows.", .example = "staff"),
	TEXT(T, description, F_RW | F_NULLABLE | F_OPTIONAL_OUT, 0, 2000, "More about it."),
	JSON(T, input, F_RW | F_REQUIRED | F_ANY_JSON, 65536, "The input document of the evaluation.",
	     .example = "{\"user\":\"ann\"}"),
	BOOL(T, expected, F_RW | F_REQUIRED, "Whether the policy shall allow it."),
	STRS(T, tags, F_RW, 0, 20, NULL, 60, "Words to group cases by."),
};
#undef T
SCHEMA(test_case_schema, struct test_case, "TestCase", test_case_fields);

#define T struct policy
static const struct field policy_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server; unique within the tenant."),
	TEXT_LIKE(T, name, F_RW | F_REQUIRED | F_SORT, 1, 120, check_not_blank,
		  "Unique among the tenant's policies of its environment.", .example = "Allow staff"),
	TEXT(T, description, F_RW | F_NULLABLE, 0, 2000, "What it is for.",
	     .example = "Staff may read"),
	ENUM(T, status, F_RW | F_SORT | F_STICKY, policy_statuses, "active",
	     "Only active policies are enforced. PUT without it leaves it as it is."),
	ENUM(T, environment, F_CREATE | F_OUT | F_SORT, environments, "sandbox",
	     "Policies are made in the sandbox; production has promoted copies. Fixed."),
	{ FIELD_OF(T, rego_code, const char *, K_TEXT, F_RW | F_REQUIRED | F_FULL), .min = 1,
	  .max = REGO_BYTES_MAX, .check = check_rego, .inspect = rego_inspect,
	  .doc = "A Rego module, at most 262144 bytes; its syntax is checked, not its meaning.",
	  .example = "package app\n\nallow := true\n" },
	INT(T, resource_id, F_RW | F_NULLABLE, 1, INT64_MAX, "The resource it protects."),
	INT(T, bouncer_id, F_RW | F_NULLABLE, 1, INT64_MAX, "The bouncer that enforces it."),
	{ .name = "test_cases", .kind = K_JSON, .flags = F_RW | F_FULL,
	  .offset = FIELD_AT(T, test_cases, const char *), .max = TEST_CASES_MAX, .sub = &test_case_schema,
	  .def = "[]", .doc = "Inputs and the decisions they must lead to." },
	INT(T, version, F_OUT | F_ROW_VERSION, 0, 0, "One more with every save."),
	TEXT(T, created_by, F_OUT, 0, 0, "The credential that made it."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was made."),
	TIME(T, updated_at, F_OUT | F_SORT, "When it was last saved."),
	INT(T, promoted_from, F_OUT | F_NULLABLE, 0, 0,
	    "Of a production policy: the sandbox policy that it is a copy of."),
	TIME(T, deleted_at, 0, "Internal."),
};
#undef T
SCHEMA_IN(policy_schema, struct policy, "Policy", policy_fields);

#define T struct policy_counterparts
static const struct field policy_counterparts_fields[] = {
	INT(T, resource_id, F_NULLABLE, 0, 0, "The resource in production."),
	INT(T, bouncer_id, F_NULLABLE, 0, 0, "The bouncer in production."),
};
#undef T
SCHEMA(policy_counterparts_schema, struct policy_counterparts, "PolicyCounterparts",
       policy_counterparts_fields);

#define T struct policy_refs
static const struct field policy_refs_fields[] = {
	BOOL(T, resource_live, 0, "The resource is there."),
	BOOL(T, bouncer_live, 0, "The bouncer is there."),
};
#undef T
SCHEMA(policy_refs_schema, struct policy_refs, "PolicyRefs", policy_refs_fields);
