/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "groups.h"
#include "managed.h"
#include "policy_parts.h"
#include "cc/core/head.h"
#include "cc/model/q_tenant.h"

struct policy_query {
	PAGE_MEMBERS;
	const char *status, *environment, *name;
	int64_t resource_id, bouncer_id;
};

#define T struct policy_query
static const struct field policy_query_fields[] = {
	PAGE_FIELDS(T),
	ENUM(T, status, F_CREATE | F_NULLABLE, policy_statuses, NULL, "Only policies of this status."),
	ENUM(T, environment, F_CREATE | F_NULLABLE, environments, NULL, "Only policies of this environment."),
	TEXT(T, name, F_CREATE | F_NULLABLE, 1, 120,
	     "Only policies whose name holds this text, in any case."),
	INT(T, resource_id, F_CREATE | F_NULLABLE, 1, INT64_MAX, "Only policies of this resource."),
	INT(T, bouncer_id, F_CREATE | F_NULLABLE, 1, INT64_MAX, "Only policies of this bouncer."),
};
#undef T
static SCHEMA(policy_query_schema, struct policy_query, "PolicyQuery", policy_query_fields);

static void policy_rows_later(struct ctx *cx, struct req *rq, const struct policy_query *q,
			      const struct page *page)
{
	if (q->page.full)
		q_policy_list_full_later(cx->db, &rq->list, &page->order, page->skip, page->rows, q->status,
					 q->environment, q->name, q->resource_id, q->bouncer_id);
	else
		q_policy_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows, q->status,
				    q->environment, q->name, q->resource_id, q->bouncer_id);
}

static enum err policy_list(struct ctx *cx, struct req *rq)
{
	const struct policy_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "id", &page));
	policy_rows_later(cx, rq, q, page);
	if (q->status == NULL && q->environment == NULL && q->name == NULL && q->resource_id == INT_NULL &&
	    q->bouncer_id == INT_NULL)
		q_policy_total_later(cx->db, tally_at(&rq->total));
	else
		q_policy_count_later(cx->db, tally_at(&rq->total), q->status, q->environment, q->name,
				     q->resource_id, q->bouncer_id);
	return ERR_NONE;
}

static enum err policy_get(struct ctx *cx, struct req *rq)
{
	struct policy *p = ARENA_NEW(cx->arena, struct policy);
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_policy_get_later(cx->db, p, id);
	return reply(rq, p);
}

static enum err check_refs(struct ctx *cx, const struct policy *p, const struct policy_refs *refs)
{
	if (!refs->resource_live)
		(void)refuse_field(cx, "resource_id", "not_found",
				   "resource_id must name a resource; %" PRId64 " does not exist",
				   p->resource_id);
	if (!refs->bouncer_live)
		(void)refuse_field(cx, "bouncer_id", "not_found",
				   "bouncer_id must name a bouncer; %" PRId64 " does not exist",
				   p->bouncer_id);
	return ctx_faults(cx);
}

static enum err policy_create(struct ctx *cx, struct req *rq)
{
	struct policy *p = arena_memdup(cx->arena, rq->body, sizeof(*p));
	struct policy_refs refs;

	if (str_eq(p->environment, "production"))
		return refuse(cx, ERR_PRODUCTION_IMMUTABLE,
			      "policies are created in the sandbox and reach production by promotion");
	TRY(policy_find_refs(cx, p->resource_id, p->bouncer_id, &refs));
	TRY(check_refs(cx, p, &refs));
	p->id = cx->head->last_id;
	p->version = 1;
	p->created_by = managed_creator(cx);
	p->created_at = p->updated_at = cx->head->now;
	q_policy_insert_later(cx->db, p->id, p->name, p->description, p->status, p->environment, p->rego_code,
			      p->resource_id, p->bouncer_id, p->test_cases, p->created_by, p->created_at,
			      p->promoted_from, cx->head->version);
	policy_note_later(cx, p->id, &(struct policy_note){ .action = "created", .summary = "created" });
	return reply_created(cx, rq, p, "/policies/%" PRId64, p->id);
}

static enum err policy_change(struct ctx *cx, struct req *rq)
{
	const struct policy *sent = rq->body;
	struct policy *p = ARENA_NEW(cx->arena, struct policy);
	struct policy_refs refs;
	bool found;
	enum err e;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_policy_find_later(cx->db, p, &found, id);
	TRY(policy_find_refs(cx, sent->resource_id, sent->bouncer_id, &refs));
	TRY(db_flush(cx->db));
	TRY(managed_changeable(cx, found, p->version));
	if (str_eq(p->environment, "production"))
		return refuse(cx, ERR_PRODUCTION_IMMUTABLE,
			      "production policies change by promotion of their sandbox policies");
	e = schema_overlay(cx, &policy_schema, p, sent, rq->read_mode, &rq->changed);
	TRY(check_refs(cx, sent, &refs));
	TRY(e);
	if (rq->changed.n == 0)
		return managed_unchanged(cx, rq, p);
	p->version++;
	p->updated_at = cx->head->now;
	q_policy_update_later(cx->db, id, p->name, p->description, p->status, p->rego_code, p->resource_id,
			      p->bouncer_id, p->test_cases, p->updated_at, cx->head->version);
	policy_note_later(cx, id, &(struct policy_note){
		.action = "saved", .summary = policy_summary(cx->arena, "changed", &rq->changed) });
	return reply(rq, p);
}

static enum err policy_delete(struct ctx *cx, struct req *rq)
{
	const struct deletion_query *q = rq->query;
	struct policy *p = ARENA_NEW(cx->arena, struct policy);
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_policy_find_any(cx->db, p, &found, id));
	found = found && (p->deleted_at == TIME_NULL || q->hard_delete);
	TRY(managed_changeable(cx, found, p->version));
	TRY(policy_may_change(cx, p));
	if (q->hard_delete)
		q_policy_remove_later(cx->db, id, cx->head->version);
	else
		q_policy_delete_later(cx->db, id, cx->head->now, cx->head->version);
	if (p->deleted_at == TIME_NULL)
		head_release_later(cx, TAKE_POLICY);
	rq->environment = p->environment;
	return managed_deleted(cx, rq, "Policy", id);
}

static const struct route routes[] = {
	{ M_GET, "/policies", "listPolicies", "policies:read", READS("policy"), .status = 200,
	  .handler = policy_list, .query = &policy_query_schema, .reply = &policy_schema,
	  .list = "policies",
	  .summary = "List policies",
	  .doc = "Items come without rego_code and test_cases unless full=true." },
	{ M_POST, "/policies", "createPolicy", "policies:write", WRITES("policy"), .status = 201,
	  .handler = policy_create, .body = &policy_schema, .reply = &policy_schema, .takes = TAKE_POLICY,
	  .errors = { ERR_QUOTA, ERR_NAME_TAKEN, ERR_PRODUCTION_IMMUTABLE, ERR_REGO_INVALID },
	  .summary = "Create a policy",
	  .doc = "In the sandbox, where it is active at once. Production is reached by promotion only." },
	{ M_GET, "/policies/{id}", "getPolicy", "policies:read", READS("policy"), .status = 200,
	  .handler = policy_get, .reply = &policy_schema,
	  .summary = "Get a policy",
	  .doc = "With rego_code and test_cases." },
	{ M_PUT, "/policies/{id}", "replacePolicy", "policies:write", WRITES("policy"), .status = 200,
	  .handler = policy_change, .body = &policy_schema, .reply = &policy_schema,
	  .errors = { ERR_NAME_TAKEN, ERR_CONFLICT, ERR_PRODUCTION_IMMUTABLE, ERR_REGO_INVALID },
	  .summary = "Replace a policy",
	  .doc = "Optional fields that are not sent are reset; read-only ones may be sent back unchanged." },
	{ M_PATCH, "/policies/{id}", "updatePolicy", "policies:write", WRITES("policy"), .status = 200,
	  .handler = policy_change, .body = &policy_schema, .reply = &policy_schema,
	  .errors = { ERR_NAME_TAKEN, ERR_CONFLICT, ERR_PRODUCTION_IMMUTABLE, ERR_REGO_INVALID },
	  .summary = "Change fields of a policy",
	  .doc = "A JSON merge patch: what is not sent stays. Makes a new version." },
	{ M_DELETE, "/policies/{id}", "deletePolicy", "policies:write", "policies:promote",
	  WRITES("policy"), .status = 200,
	  .handler = policy_delete, .query = &deletion_query_schema, .reply = &deletion_schema,
	  .summary = "Delete a policy",
	  .doc = "Its place and name are free at once; hard_delete also removes one deleted before. "
		 "policies:write in the sandbox, policies:promote in production." },
};
ROUTE_GROUP(policy_routes, "Policies", "/api/v1", routes);
