/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_API_POLICY_PARTS_H
#define CC_SRC_API_POLICY_PARTS_H

#include "cc/http/route.h"
#include "cc/model/policy.h"
#include "cc/model/policy_version.h"

/* What the handlers of policies, of their versions and of their life cycle share. */

/* What a save is remembered by. */
struct policy_note {
	const char *action;     /* one of policy_actions */
	const char *summary;
	const struct policy_version *source;    /* where the content came from; NULL: from the author */
	const char *deployment_notes, *approver;
};
/* Queued behind the write of the policy: its content becomes a version. At most once in a unit of work. */
void policy_note_later(struct ctx *cx, int64_t id, const struct policy_note *note);
/* "saved name, rego_code" */
const char *policy_summary(struct arena *a, const char *verb, const struct strv *changed);

/*
 * Under the head lock, for what changes a policy in its environment: policies:write in the sandbox,
 * policies:promote in production. ERR_SCOPE.
 */
enum err policy_may_change(struct ctx *cx, const struct policy *p) MUST_USE;

/* Names of the fields of the content in which the two differ; with status and environment, where asked. */
struct strv policy_differences(struct arena *a, const struct schema *sa, const void *va,
			       const struct schema *sb, const void *vb, bool state_too);
/* The value of a field as JSON. */
const char *policy_value(struct arena *a, const struct schema *s, const void *obj, const char *name);

/* Under the head lock: whether what a policy names is there; INT_NULL names nothing. */
enum err policy_find_refs(struct ctx *cx, int64_t resource_id, int64_t bouncer_id,
			  struct policy_refs *ret) MUST_USE;

/*
 * Under the head lock, of what a policy in production is about to be: an active one must go with the other
 * active ones (rego_union_add()), because OPA refuses a bundle that holds two which do not, and with it all
 * the others. ERR_CONFLICT names the other one. In the sandbox anybody may try: bundles are without those
 * that do not go.
 */
enum err policy_check_fits(struct ctx *cx, const struct policy *p) MUST_USE;

/*
 * Before a promotion, outside of any unit of work: the policy engine, where there is one, evaluates the test
 * cases. Then under the head lock: what came of it for the policy as it is now. *ret_tests: passed, not_run
 * or none. ERR_TESTS_FAILED, ERR_CONFLICT, or why the engine could not be asked where the tenant insists.
 */
enum err policy_try(struct ctx *cx, struct req *rq) MUST_USE;
enum err policy_tried(struct ctx *cx, const struct req *rq, const struct policy *p,
		      const char **ret_tests) MUST_USE;

#endif
