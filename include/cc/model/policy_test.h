/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_POLICY_TEST_H
#define CC_MODEL_POLICY_TEST_H

#include "cc/schema/schema.h"

/* POST /policies/validate: a source, and what is wrong with it. */
struct policy_source {
	const char *rego_code; /* bounded text; its syntax is what is asked about */
	uint64_t seen;
};
extern const struct schema policy_source_schema;

struct policy_remark {
	int64_t line, column; /* from 1 */
	const char *message;
	const char *severity; /* one of remark_severities */
};
extern const struct schema policy_remark_schema;
extern const char *const remark_severities[]; /* error warning */

struct policy_verdict {
	bool valid;
	const char *message;
	const char *errors, *warnings; /* JSON arrays of policy_remark */
};
extern const struct schema policy_verdict_schema;

/* POST /policies/{id}/test: other cases than the stored ones, and how each went. */
struct policy_cases {
	const char *test_cases; /* JSON array of test_case; NULL: those of the policy */
	uint64_t seen;
};
extern const struct schema policy_cases_schema;

struct policy_case_result {
	const char *name;
	bool passed, expected;
	const char *actual; /* any JSON; null: the rule is undefined */
	const char *error;  /* why it could not be evaluated; NULL: it was */
	double evaluation_time_ms;
};
extern const struct schema policy_case_result_schema;

struct policy_test_report {
	int64_t policy_id, version;
	const char *results; /* JSON array of policy_case_result */
	struct policy_test_summary {
		int64_t total, passed, failed;
		double pass_rate; /* 0 to 1; NAN: of none */
	} summary;
};
extern const struct schema policy_test_report_schema;

#endif
