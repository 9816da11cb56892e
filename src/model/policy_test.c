/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/policy_test.h"

#include "cc/model/policy.h"

const char *const remark_severities[] = { "error", "warning", NULL };

#define T struct policy_source
static const struct field policy_source_fields[] = {
	TEXT(T, rego_code, F_CREATE | F_REQUIRED, 1, REGO_BYTES_MAX, "The Rego source that is asked about.",
	     .example = "package app\n\nallow := true\n"),
};
#undef T
SCHEMA_IN(policy_source_schema, struct policy_source, "PolicySource", policy_source_fields);

#define T struct policy_remark
static const struct field policy_remark_fields[] = {
	INT(T, line, F_OUT, 0, 0, "From 1."),
	INT(T, column, F_OUT, 0, 0, "From 1, in characters."),
	TEXT(T, message, F_OUT, 0, 0, "What is wrong there."),
	ENUM(T, severity, F_OUT, remark_severities, NULL, "Whether it keeps the policy from working."),
};
#undef T
SCHEMA(policy_remark_schema, struct policy_remark, "PolicyRemark", policy_remark_fields);

#define T struct policy_verdict
static const struct field policy_verdict_fields[] = {
	BOOL(T, valid, F_OUT, "The policy engine compiles it."),
	TEXT(T, message, F_OUT, 0, 0, "The same for people."),
	JSON_LIST(T, errors, F_OUT, 0, &policy_remark_schema, "Why it does not."),
	JSON_LIST(T, warnings, F_OUT, 0, &policy_remark_schema, "What is hardly meant."),
};
#undef T
SCHEMA(policy_verdict_schema, struct policy_verdict, "PolicyVerdict", policy_verdict_fields);

#define T struct policy_cases
static const struct field policy_cases_fields[] = {
	JSON_LIST(T, test_cases, F_CREATE | F_NULLABLE, TEST_CASES_MAX, &test_case_schema,
		"Cases to evaluate instead of the stored ones; they are not kept."),
};
#undef T
SCHEMA_IN(policy_cases_schema, struct policy_cases, "PolicyCases", policy_cases_fields);

#define T struct policy_case_result
static const struct field policy_case_result_fields[] = {
	TEXT(T, name, F_OUT, 0, 0, "Of the case."),
	BOOL(T, passed, F_OUT, "allow is true exactly if that is expected."),
	BOOL(T, expected, F_OUT, "Whether allow shall be true."),
	JSON(T, actual, F_OUT | F_ANY_JSON | F_NULLABLE, 0, "What allow is; null: undefined."),
	TEXT(T, error, F_OUT | F_NULLABLE, 0, 0, "Why it could not be evaluated."),
	NUM(T, evaluation_time_ms, F_OUT, "With the way to the policy engine and back."),
};
#undef T
SCHEMA(policy_case_result_schema, struct policy_case_result, "PolicyCaseResult", policy_case_result_fields);

#define T struct policy_test_summary
static const struct field policy_test_summary_fields[] = {
	INT(T, total, F_OUT, 0, 0, "Cases."),
	INT(T, passed, F_OUT, 0, 0, "Those that passed."),
	INT(T, failed, F_OUT, 0, 0, "The others."),
	NUM(T, pass_rate, F_OUT | F_NULLABLE, "passed / total, 0 to 1; null: there are no cases."),
};
#undef T
static SCHEMA(policy_test_summary_schema, struct policy_test_summary, "PolicyTestSummary",
	policy_test_summary_fields);

#define T struct policy_test_report
static const struct field policy_test_report_fields[] = {
	INT(T, policy_id, F_OUT, 0, 0, "The policy."),
	INT(T, version, F_OUT, 0, 0, "The version that was tested."),
	JSON_LIST(T, results, F_OUT, 0, &policy_case_result_schema, "In the order of the cases."),
	OBJ(T, summary, F_OUT, struct policy_test_summary, &policy_test_summary_schema, "All of them."),
};
#undef T
SCHEMA(policy_test_report_schema, struct policy_test_report, "PolicyTestReport", policy_test_report_fields);
