/* SPDX-License-Identifier: Apache-2.0 */
/* What saves left behind: to look at, to compare, to go back to. */
#include <inttypes.h>

#include "cc/core/head.h"
#include "cc/core/linediff.h"
#include "cc/model/q_tenant.h"
#include "groups.h"
#include "managed.h"
#include "policy_parts.h"

struct versions_query {
	PAGE_MEMBERS;
};

#define T struct versions_query
static const struct field versions_query_fields[] = { PAGE_FIELDS(T) };
#undef T
static SCHEMA(versions_query_schema, struct versions_query, "PolicyVersionQuery", versions_query_fields);

static enum err no_policy(struct ctx *cx, int64_t id)
{
	return refuse_missing(cx, "policy", arena_printf(cx->arena, "%" PRId64, id));
}

static enum err no_version(struct ctx *cx, int64_t id, int64_t version)
{
	return refuse_missing(cx, "version",
			      arena_printf(cx->arena, "%" PRId64 " of policy %" PRId64, version, id));
}

static enum err version_list(struct ctx *cx, struct req *rq)
{
	const struct versions_query *q = rq->query;
	const struct page *page;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(req_page(cx, rq, &q->page, "-version", &page));
	if (q->page.full)
		q_policy_version_list_full_later(
			cx->db, &rq->list, &page->order, id, page->skip, page->rows);
	else
		q_policy_version_list_later(cx->db, &rq->list, &page->order, id, page->skip, page->rows);
	TRY(q_policy_version_count(cx->db, tally_at(&rq->total), id));
	return rq->total > 0 ? ERR_NONE : no_policy(cx, id);
}

static enum err version_get(struct ctx *cx, struct req *rq)
{
	struct policy_version *v = ARENA_NEW(cx->arena, struct policy_version);
	int64_t id, n;
	bool found;

	TRY(req_id(cx, rq, 0, &id));
	TRY(req_id(cx, rq, 1, &n));
	TRY(q_policy_version_get(cx->db, v, &found, id, n));
	return found ? reply(rq, v) : no_version(cx, id, n);
}

/* Differences --------------------------------------------------------------------------------------- */

struct diff_query {
	int64_t from, to;
};

#define T struct diff_query
static const struct field diff_query_fields[] = {
	INT(T, from, F_CREATE | F_NULLABLE, 1, INT64_MAX,
		"The first version; the one before `to` by default."),
	INT(T, to, F_CREATE | F_NULLABLE, 1, INT64_MAX, "The second version; the newest by default."),
};
#undef T
static SCHEMA(diff_query_schema, struct diff_query, "PolicyDiffQuery", diff_query_fields);

static const char *changes_json(
	struct arena *a, const struct policy_version *from, const struct policy_version *to)
{
	const struct schema *s = &policy_version_schema;
	const struct strv names = policy_differences(a, s, from, s, to, true);
	struct str out;
	struct jw w;

	str_init(&out, a, 256);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < names.n; i++) {
		if (str_eq(names.v[i], "rego_code"))
			continue;
		jw_object(&w);
		jw_key(&w, "field");
		jw_text(&w, names.v[i]);
		jw_key(&w, "from");
		jw_raw(&w, policy_value(a, s, from, names.v[i]));
		jw_key(&w, "to");
		jw_raw(&w, policy_value(a, s, to, names.v[i]));
		jw_object_end(&w);
	}
	jw_array_end(&w);
	return out.data;
}

static enum err version_diff(struct ctx *cx, struct req *rq)
{
	const struct diff_query *q = rq->query;
	struct policy_version *from = ARENA_NEW(cx->arena, struct policy_version),
			      *to = ARENA_NEW(cx->arena, struct policy_version);
	struct policy_diff *d = ARENA_NEW(cx->arena, struct policy_diff);
	bool live, has_from, has_to;
	struct tally last;

	TRY(req_id(cx, rq, 0, &d->policy_id));
	TRY(q_policy_version_last(cx->db, &last, &live, d->policy_id));
	if (!live)
		return no_policy(cx, d->policy_id);
	d->to = q->to != INT_NULL ? q->to : last.total;
	d->from = q->from != INT_NULL ? q->from : d->to > 1 ? d->to - 1 : 1;
	q_policy_version_get_later(cx->db, from, &has_from, d->policy_id, d->from);
	TRY(q_policy_version_get(cx->db, to, &has_to, d->policy_id, d->to));
	if (!has_from || !has_to)
		return no_version(cx, d->policy_id, has_from ? d->to : d->from);
	d->changes = changes_json(cx->arena, from, to);
	d->rego_code_diff = linediff(cx->arena, from->rego_code, to->rego_code,
		arena_printf(cx->arena, "version %" PRId64, d->from),
		arena_printf(cx->arena, "version %" PRId64, d->to));
	return reply(rq, d);
}

/* Back ---------------------------------------------------------------------------------------------- */

static void take_content(struct policy *p, const struct policy_version *v)
{
	p->name = v->name;
	p->description = v->description;
	p->rego_code = v->rego_code;
	p->resource_id = v->resource_id;
	p->bouncer_id = v->bouncer_id;
	p->test_cases = v->test_cases;
}

static enum err check_old_refs(struct ctx *cx, const struct policy_version *v)
{
	struct policy_refs refs;

	TRY(policy_find_refs(cx, v->resource_id, v->bouncer_id, &refs));
	if (!refs.resource_live)
		return refuse(cx, ERR_CONFLICT,
			"version %" PRId64 " names resource %" PRId64 ", which is deleted", v->version,
			v->resource_id);
	if (!refs.bouncer_live)
		return refuse(cx, ERR_CONFLICT,
			"version %" PRId64 " names bouncer %" PRId64 ", which is deleted", v->version,
			v->bouncer_id);
	return ERR_NONE;
}

/* The status stays: going back is about content, and whether it is enforced another decision. */
static enum err policy_rollback(struct ctx *cx, struct req *rq)
{
	const struct policy_rollback *sent = rq->body;
	struct policy *p = ARENA_NEW(cx->arena, struct policy);
	struct policy_version *v = ARENA_NEW(cx->arena, struct policy_version);
	bool found, has_version;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_policy_find_later(cx->db, p, &found, id);
	TRY(q_policy_version_get(cx->db, v, &has_version, id, sent->version));
	TRY(managed_changeable(cx, found, p->version));
	TRY(policy_may_change(cx, p));
	if (!has_version)
		return no_version(cx, id, sent->version);
	rq->changed = policy_differences(cx->arena, &policy_schema, p, &policy_version_schema, v, false);
	if (rq->changed.n == 0)
		return managed_unchanged(cx, rq, p);
	TRY(check_old_refs(cx, v));
	take_content(p, v);
	TRY(policy_check_fits(cx, p));
	p->version++;
	p->updated_at = cx->head->now;
	q_policy_update_later(cx->db, id, p->name, p->description, p->status, p->rego_code, p->resource_id,
		p->bouncer_id, p->test_cases, p->updated_at, cx->head->version);
	policy_note_later(cx, id,
		&(struct policy_note){ .action = "rolled_back",
			.summary = policy_summary(cx->arena,
				arena_printf(cx->arena, "back to version %" PRId64 ":", v->version),
				&rq->changed),
			.source = v });
	return reply(rq, p);
}

static const struct route routes[] = {
	{ M_GET, "/policies/{id}/versions", "listPolicyVersions", "policies:read",
	  READS("policy"), .status = 200, .handler = version_list, .query = &versions_query_schema,
	  .reply = &policy_version_schema, .list = "versions",
	  .summary = "List the versions of a policy",
	  .doc = "Every save makes one; the newest comes first. Items come without rego_code and test_cases "
		 "unless full=true." },
	{ M_GET, "/policies/{id}/versions/{n}", "getPolicyVersion", "policies:read", READS("version"),
	  .status = 200, .handler = version_get, .reply = &policy_version_schema,
	  .summary = "Get a version of a policy",
	  .doc = "The policy as it was then, with rego_code and test_cases." },
	{ M_GET, "/policies/{id}/diff", "diffPolicyVersions", "policies:read", READS("policy"), .status = 200,
	  .handler = version_diff, .query = &diff_query_schema, .reply = &policy_diff_schema,
	  .summary = "Compare two versions of a policy",
	  .doc = "The newest with the one before it unless from and to say otherwise." },
	{ M_POST, "/policies/{id}/rollback", "rollbackPolicy", "policies:write", "policies:promote",
	  WRITES("policy"), .flags = ROUTE_ON_OBJECT, .status = 200,
	  .handler = policy_rollback, .body = &policy_rollback_schema, .reply = &policy_schema,
	  .errors = { ERR_NAME_TAKEN, ERR_CONFLICT },
	  .summary = "Give a policy the content of an earlier version",
	  .doc = "As a new version; its status stays. policies:write in the sandbox, policies:promote in "
		 "production. 409 when the version names a resource or bouncer that is deleted." },
};
ROUTE_GROUP(policy_version_routes, "Policy versions", "/api/v1", routes);
