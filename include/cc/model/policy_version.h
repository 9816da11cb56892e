/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_POLICY_VERSION_H
#define CC_MODEL_POLICY_VERSION_H

#include "cc/schema/schema.h"

/* What a save left behind: who, when, why, and the whole content. Never changes. */
struct policy_version {
	int64_t id, policy_id, version;
	const char *action; /* one of policy_actions */
	const char *author;
	int64_t created_at;
	const char *summary;
	const char *name, *description, *status, *environment, *rego_code;
	int64_t resource_id, bouncer_id; /* INT_NULL: none */
	const char *test_cases;
	int64_t source_policy_id, source_version; /* where the content came from; INT_NULL: the author */
	const char *deployment_notes, *approver;
};
extern const struct schema policy_version_schema;
/* created saved enabled disabled rolled_back promoted restored */
extern const char *const policy_actions[];

/* Two versions, and what lies between them. */
struct policy_diff {
	int64_t policy_id, from, to;
	const char *changes;        /* JSON array of policy_change */
	const char *rego_code_diff; /* unified, "" when the source is the same */
};
extern const struct schema policy_diff_schema;

/* POST …/rollback */
struct policy_rollback {
	int64_t version;
	uint64_t seen;
};
extern const struct schema policy_rollback_schema;

/* POST …/promote, and its answer. */
struct policy_promote {
	const char *deployment_notes, *approver;
	int64_t version; /* INT_NULL: whatever it is */
	uint64_t seen;
};
extern const struct schema policy_promote_schema;

struct policy_promotion {
	const char *message;
	int64_t policy_id, promoted_from;
	const char *environment, *status;
	int64_t version, promoted_at;
	const char *tests; /* one of promotion_tests */
};
extern const struct schema policy_promotion_schema;
/* passed not_run none */
extern const char *const promotion_tests[];

#endif
