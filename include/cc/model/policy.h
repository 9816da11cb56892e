/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_POLICY_H
#define CC_MODEL_POLICY_H

#include "cc/schema/schema.h"

/* sandbox production: of policies, resources and bouncers. */
extern const char *const environments[];
extern const char *const policy_statuses[];     /* draft active inactive */

#define REGO_BYTES_MAX 262144
#define TEST_CASES_MAX 100

/* One case of test_cases, as it is kept: JSON of these members. */
struct test_case {
	const char *name;
	const char *description;
	const char *input;              /* any JSON */
	bool expected;
	struct strv tags;
};
extern const struct schema test_case_schema;

struct policy {
	int64_t id;
	const char *name;
	const char *description;
	const char *status;
	const char *environment;
	const char *rego_code;
	int64_t resource_id, bouncer_id;        /* INT_NULL: none */
	const char *test_cases;                 /* JSON array of test_case */
	int64_t version;                        /* one more with every save */
	const char *created_by;
	int64_t created_at, updated_at;
	int64_t promoted_from;                  /* of a production policy; INT_NULL: none */
	int64_t deleted_at;                     /* internal: TIME_NULL while it lives */
	uint64_t seen;
};
extern const struct schema policy_schema;

/* What stands in for them in production; INT_NULL: none. */
struct policy_counterparts {
	int64_t resource_id, bouncer_id;
};
extern const struct schema policy_counterparts_schema;

/* Whether what a policy names is there and not deleted. */
struct policy_refs {
	bool resource_live, bouncer_live;
};
extern const struct schema policy_refs_schema;

#endif
