/* SPDX-License-Identifier: Apache-2.0 */
/* From the sandbox to production, on and off, and back after a deletion. */
#include <inttypes.h>

#include "cc/core/head.h"
#include "cc/core/tenant.h"
#include "cc/model/q_tenant.h"
#include "groups.h"
#include "managed.h"
#include "policy_parts.h"

/* On and off ---------------------------------------------------------------------------------------- */

static enum err set_status(struct ctx *cx, struct req *rq, const char *status, const char *action)
{
	static const char *const changed[] = { "status" };
	struct policy *p = ARENA_NEW(cx->arena, struct policy);
	struct policy_note note = { .action = action };
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_policy_find(cx->db, p, &found, id));
	TRY(managed_changeable(cx, found, p->version));
	TRY(policy_may_change(cx, p));
	if (str_eq(p->status, status))
		return managed_unchanged(cx, rq, p);
	note.summary = arena_printf(cx->arena, "status from %s to %s", p->status, status);
	rq->changed = (struct strv){ .v = changed, .n = 1 };
	p->status = status;
	TRY(policy_check_fits(cx, p));
	p->version++;
	p->updated_at = cx->head->now;
	q_policy_set_status_later(cx->db, id, p->status, p->updated_at, cx->head->version);
	policy_note_later(cx, id, &note);
	return reply(rq, p);
}

static enum err policy_enable(struct ctx *cx, struct req *rq)
{
	return set_status(cx, rq, "active", "enabled");
}

static enum err policy_disable(struct ctx *cx, struct req *rq)
{
	return set_status(cx, rq, "inactive", "disabled");
}

/* Promotion ----------------------------------------------------------------------------------------- */

static enum err check_promotable(struct ctx *cx, const struct policy *p, const struct policy_promote *sent)
{
	if (str_eq(p->environment, "production"))
		return refuse(cx, ERR_PRODUCTION_IMMUTABLE,
			"policy %" PRId64 " is in production; what is promoted is the sandbox policy%s",
			p->id,
			p->promoted_from != INT_NULL ? arena_printf(cx->arena, " %" PRId64, p->promoted_from)
						     : "");
	if (!str_eq(p->status, "active"))
		return refuse(cx, ERR_CONFLICT,
			"policy %" PRId64 " is %s; only active policies are promoted", p->id, p->status);
	if (sent->version != INT_NULL && sent->version != p->version)
		return refuse(cx, ERR_CONFLICT,
			"policy %" PRId64 " is at version %" PRId64 ", not %" PRId64 " any more", p->id,
			p->version, sent->version);
	return ERR_NONE;
}

static void make_twin(struct ctx *cx, const struct policy *sandbox, struct policy *twin)
{
	twin->version = 1;
	twin->status = "active";
	q_policy_insert_later(cx->db, twin->id, sandbox->name, sandbox->description, twin->status,
		"production", sandbox->rego_code, sandbox->resource_id, sandbox->bouncer_id,
		sandbox->test_cases, managed_creator(cx), cx->head->now, sandbox->id, cx->head->version);
}

static void change_twin(struct ctx *cx, const struct policy *sandbox, struct policy *twin)
{
	twin->version++;
	q_policy_promote_later(cx->db, twin->id, sandbox->name, sandbox->description, sandbox->rego_code,
		sandbox->resource_id, sandbox->bouncer_id, sandbox->test_cases, sandbox->id, cx->head->now,
		cx->head->version);
}

static void note_promotion(
	struct ctx *cx, const struct req *rq, const struct policy *sandbox, const struct policy *twin)
{
	const struct policy_promote *sent = rq->body;
	const struct policy_version source = { .policy_id = sandbox->id, .version = sandbox->version };
	const char *verb = arena_printf(cx->arena, "from version %" PRId64 " of policy %" PRId64 "%s",
		sandbox->version, sandbox->id, rq->changed.n > 0 ? ":" : "");

	policy_note_later(cx, twin->id,
		&(struct policy_note){ .action = "promoted",
			.summary = policy_summary(cx->arena, verb, &rq->changed),
			.source = &source,
			.deployment_notes = sent->deployment_notes,
			.approver = sent->approver });
}

static enum err reply_promotion(struct ctx *cx, struct req *rq, const struct policy *sandbox,
	const struct policy *twin, const char *tests)
{
	struct policy_promotion *r = ARENA_NEW(cx->arena, struct policy_promotion);

	r->message = "Policy promoted to production";
	r->policy_id = twin->id;
	r->promoted_from = sandbox->id;
	r->environment = "production";
	r->status = twin->status;
	r->version = twin->version;
	r->promoted_at = cx->head->now;
	r->tests = tests;
	return reply(rq, r);
}

/* As it will be; a twin that was switched off stays so. */
static enum err check_twin(struct ctx *cx, const struct policy *sandbox, const struct policy *twin)
{
	const struct policy next = { .id = twin != NULL ? twin->id : 0,
		.status = twin != NULL ? twin->status : "active",
		.environment = "production",
		.rego_code = sandbox->rego_code };

	return policy_check_fits(cx, &next);
}

/* Who is the twin, and whether there is one, is decided under the head lock: there is never a second. */
static enum err policy_promote(struct ctx *cx, struct req *rq)
{
	struct policy *p = ARENA_NEW(cx->arena, struct policy), *twin = ARENA_NEW(cx->arena, struct policy);
	struct policy_counterparts there;
	bool found, has_twin;
	const char *tests;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_policy_find(cx->db, p, &found, id));
	TRY(managed_changeable(cx, found, p->version));
	TRY(check_promotable(cx, p, rq->body));
	TRY(policy_tried(cx, rq, p, &tests));
	q_policy_twin_later(cx->db, twin, &has_twin, id, p->name);
	TRY(q_policy_counterparts(cx->db, &there, p->resource_id, p->bouncer_id));
	p->resource_id = there.resource_id;
	p->bouncer_id = there.bouncer_id;
	TRY(check_twin(cx, p, has_twin ? twin : NULL));
	if (has_twin) {
		rq->changed = policy_differences(cx->arena, &policy_schema, twin, &policy_schema, p, false);
		change_twin(cx, p, twin);
	} else {
		TRY(head_add_policy(cx, &twin->id));
		make_twin(cx, p, twin);
	}
	note_promotion(cx, rq, p, twin);
	return reply_promotion(cx, rq, p, twin, tests);
}

/* Back after a deletion ----------------------------------------------------------------------------- */

static enum err check_deleted(struct ctx *cx, int64_t id, bool found, const struct policy *p)
{
	struct tally gone;

	if (found && p->deleted_at != TIME_NULL)
		return ERR_NONE;
	if (found)
		return refuse(cx, ERR_NOT_DELETED, "policy %" PRId64 " is not deleted", id);
	TRY(q_policy_tombstone(cx->db, &gone, id));
	if (gone.total > 0)
		return refuse(cx, ERR_UNDO_OVER, "policy %" PRId64 " is deleted for good", id);
	return ERR_NOT_FOUND;
}

/* What it named may be gone: without that it would protect something else, so it comes back switched off. */
static const char *drop_dead_refs(struct ctx *cx, struct policy *p, const struct policy_refs *refs)
{
	if (refs->resource_live && refs->bouncer_live)
		return "restored";
	if (!refs->resource_live)
		p->resource_id = INT_NULL;
	if (!refs->bouncer_live)
		p->bouncer_id = INT_NULL;
	if (str_eq(p->status, "active"))
		p->status = "inactive";
	return arena_printf(cx->arena, "restored %s without the %s that it named, which is deleted",
		p->status,
		refs->resource_live  ? "bouncer"
		: refs->bouncer_live ? "resource"
				     : "resource and the bouncer");
}

static enum err policy_restore(struct ctx *cx, struct req *rq)
{
	struct policy *p = ARENA_NEW(cx->arena, struct policy), *whole = ARENA_NEW(cx->arena, struct policy);
	struct policy_note note = { .action = "restored" };
	struct policy_refs refs;
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_policy_find_any(cx->db, p, &found, id));
	TRY(check_deleted(cx, id, found, p));
	TRY(ctx_check_version(cx, p->version));
	TRY(policy_may_change(cx, p));
	TRY(head_add_policy(cx, NULL));
	TRY(policy_find_refs(cx, p->resource_id, p->bouncer_id, &refs));
	note.summary = drop_dead_refs(cx, p, &refs);
	TRY(policy_check_fits(cx, p));
	q_policy_restore_later(
		cx->db, id, p->status, p->resource_id, p->bouncer_id, cx->head->now, cx->head->version);
	policy_note_later(cx, id, &note);
	q_policy_get_later(cx->db, whole, id);
	return reply(rq, whole);
}

static const struct route routes[] = {
	{ M_POST, "/policies/{id}/enable", "enablePolicy", "policies:write", "policies:promote",
	  WRITES("policy"), .flags = ROUTE_ON_OBJECT, .status = 200,
	  .handler = policy_enable, .reply = &policy_schema, .errors = { ERR_CONFLICT },
	  .summary = "Make a policy active",
	  .doc = "policies:write in the sandbox, policies:promote in production." },
	{ M_POST, "/policies/{id}/disable", "disablePolicy", "policies:write", "policies:promote",
	  WRITES("policy"), .flags = ROUTE_ON_OBJECT, .status = 200,
	  .handler = policy_disable, .reply = &policy_schema,
	  .summary = "Make a policy inactive",
	  .doc = "policies:write in the sandbox, policies:promote in production." },
	{ M_POST, "/policies/{id}/promote", "promotePolicy", "policies:promote", WRITES("policy"),
	  .flags = ROUTE_ON_OBJECT, .status = 200,
	  .before = policy_try, .handler = policy_promote,
	  .body = &policy_promote_schema, .reply = &policy_promotion_schema,
	  .errors = { ERR_QUOTA, ERR_NAME_TAKEN, ERR_CONFLICT, ERR_PRODUCTION_IMMUTABLE, ERR_TESTS_FAILED,
		      ERR_ENGINE_DOWN, ERR_ENGINE_LATE },
	  .summary = "Promote a sandbox policy to production",
	  .doc = "One way. The first promotion makes the production policy, which takes a place of the "
		 "tenant's limit; each further one adds a version to it and leaves its status alone. The "
		 "sandbox policy stays as it is. Only active policies are promoted. A resource or bouncer of "
		 "the sandbox is replaced by the production one of the same name, where there is one. A "
		 "production policy of the same name whose sandbox policy is gone is taken over. With a "
		 "policy engine the test cases are evaluated first, and one that fails is 409." },
	{ M_POST, "/policies/{id}/restore", "restorePolicy", "policies:write", "policies:promote",
	  WRITES("policy"), .flags = ROUTE_ON_OBJECT, .status = 200,
	  .handler = policy_restore, .reply = &policy_schema,
	  .errors = { ERR_QUOTA, ERR_NAME_TAKEN, ERR_CONFLICT, ERR_NOT_DELETED, ERR_UNDO_OVER },
	  .summary = "Undo the deletion of a policy",
	  .doc = "It takes a place of the tenant's limit and its name again. 410 when it is gone for good. "
		 "When a resource or bouncer that it named is deleted, it comes back without it, and, if it "
		 "was active, inactive. policies:write in the sandbox, policies:promote in production." },
};
ROUTE_GROUP(policy_life_routes, "Policy life cycle", "/api/v1", routes);
