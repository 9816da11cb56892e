/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/operations.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

struct operation_query {
	PAGE_MEMBERS;
	const char *status, *kind;
};

#define T struct operation_query
static const struct field operation_query_fields[] = {
	PAGE_FIELDS(T),
	ENUM(T, status, F_CREATE | F_NULLABLE, operation_statuses, NULL, "Only operations of this status."),
	ENUM(T, kind, F_CREATE | F_NULLABLE, operation_kinds, NULL, "Only operations of this kind."),
};
#undef T
static SCHEMA(operation_query_schema, struct operation_query, "OperationQuery", operation_query_fields);

/* What an operation on an operation has in hand. */
struct job {
	struct arena *arena;
	struct operation *op;
	const char *id;
};

static void link(struct arena *a, struct operation *op)
{
	op->links.self = arena_printf(a, "/api/v1/operations/%s", op->id);
	op->links.tenant = arena_printf(a, "/api/v1/tenants/%s", op->tenant_id);
	if (str_eq(op->status, "running"))
		op->links.cancel = arena_printf(a, "%s/cancel", op->links.self);
}

static void link_one(struct req *rq, void *arg)
{
	const struct job *j = arg;

	(void)rq;
	link(j->arena, j->op);
}

static void link_list(struct req *rq, void *arg)
{
	for (size_t i = 0; i < rq->list.n; i++)
		link(arg, DB_ROW(&rq->list, struct operation, i));
}

static enum err operation_list(struct ctx *cx, struct req *rq)
{
	const struct operation_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "-created_at", &page));
	q_operation_list_later(cx->db, &rq->list, &page->order, cx->tenant->id, page->skip, page->rows,
			       q->status, q->kind);
	q_operation_count_later(cx->db, tally_at(&rq->total), cx->tenant->id, q->status, q->kind);
	reply_complete(rq, link_list, cx->arena);
	return ERR_NONE;
}

static struct job *open_job(struct ctx *cx, struct req *rq)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);

	*j = (struct job){ cx->arena, ARENA_NEW(cx->arena, struct operation), rq->param[rq->nparams - 1] };
	reply_complete(rq, link_one, j);
	return j;
}

/* Operators may ask without a tenant, also when there is none any more. */
static const char *bound_to(const struct ctx *cx)
{
	return cx->tenant != NULL ? cx->tenant->id : NULL;
}

static enum err operation_read(struct ctx *cx, struct req *rq)
{
	const struct job *j = open_job(cx, rq);

	q_operation_get_later(cx->db, j->op, bound_to(cx), j->id);
	return reply(rq, j->op);
}

static enum err find_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return q_operation_get(cx->db, j->op, NULL, j->id);
}

/* Which tenant it is about says the operation itself. */
static enum err find_tenant(struct ctx *cx, struct req *rq, struct job *j)
{
	const struct tenant *t = NULL;
	enum err e = gate_control(cx, rq, DB_READ, find_work, j);

	TRY(e);
	e = tenant_get(cx, j->op->tenant_id, true, &t);
	gate_keep(cx, rq, t);
	if (e == ERR_TENANT_NOT_FOUND || (e == ERR_NONE && t->status == TENANT_DELETING))
		return refuse(cx, ERR_NOT_CANCELLABLE, "%s cannot be cancelled any more", j->id);
	TRY(e);
	cx->tenant = t;
	return ERR_NONE;
}

static enum err cancel_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return operation_cancel(cx, j->id, j->op);
}

static enum err operation_cancel_it(struct ctx *cx, struct req *rq)
{
	struct job *j = open_job(cx, rq);

	if (cx->tenant == NULL)
		TRY(find_tenant(cx, rq, j));
	TRY(reply(rq, j->op));
	return gate_control(cx, rq, DB_WRITE, cancel_work, j);
}

#define BASE "/tenants/{tenant_id}/operations"
#define ALWAYS .flags = (ROUTE_VOLATILE | ROUTE_DELETED_OK | ROUTE_SUSPENDED_OK)
#define READ .store = STORE_CONTROL, .mode = DB_READ, ALWAYS, .object = "operation", \
	.reply = &operation_schema
#define CANCEL .store = STORE_NONE, .mode = DB_WRITE, ALWAYS, .object = "operation", .status = 202, \
	.handler = operation_cancel_it, .reply = &operation_schema, .errors = { ERR_NOT_CANCELLABLE }, \
	.doc = "Each kind wants the scope of what it undoes: tenant_deletion wants tenant:delete or " \
	       "platform:tenants, tenant_move deployments:write or platform:tenants."

static const struct route routes[] = {
	{ M_GET, BASE, "listTenantOperations", "tenant:read", "platform:read", .auth = AUTH_TENANT, READ,
	  .status = 200, .handler = operation_list, .query = &operation_query_schema, .list = "operations",
	  .summary = "List operations on a tenant", .doc = "The youngest first. Kept for 90 days." },
	{ M_GET, BASE "/{operation_id}", "getTenantOperation", "tenant:read", "platform:read",
	  .auth = AUTH_TENANT, READ, .status = 200, .handler = operation_read,
	  .summary = "Get an operation on a tenant",
	  .doc = "How far it came: status, step and percent." },
	{ M_POST, BASE "/{operation_id}/cancel", "cancelTenantOperation", "tenant:write", "platform:tenants",
	  .auth = AUTH_TENANT, CANCEL,
	  .summary = "Cancel an operation on a tenant" },
	{ M_GET, "/operations/{operation_id}", "getOperation", "tenant:read", "platform:read",
	  .auth = AUTH_ANY, READ, .status = 200, .handler = operation_read,
	  .summary = "Get an operation",
	  .doc = "Where Location leads. Operators need not name the tenant, which may be gone by now." },
	{ M_POST, "/operations/{operation_id}/cancel", "cancelOperation", "tenant:write", "platform:tenants",
	  .auth = AUTH_ANY, CANCEL,
	  .summary = "Cancel an operation" },
};
ROUTE_GROUP(operation_routes, "Operations", "/api/v1", routes);
