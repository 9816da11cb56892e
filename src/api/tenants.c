/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/tenant.h"
#include "cc/core/tenants.h"
#include "cc/model/q_control.h"

struct tenant_query {
	PAGE_MEMBERS;
	const char *status, *region, *plan_type, *name;
};

#define T struct tenant_query
static const struct field tenant_query_fields[] = {
	PAGE_FIELDS(T),
	ENUM(T, status, F_CREATE | F_NULLABLE, tenant_statuses, NULL, "Only tenants of this status."),
	TEXT(T, region, F_CREATE | F_NULLABLE, 1, 40, "Only tenants of this region."),
	TEXT(T, plan_type, F_CREATE | F_NULLABLE, 1, 40, "Only tenants on this plan."),
	TEXT(T, name, F_CREATE | F_NULLABLE, 1, 120, "Only tenants whose name holds this text, in any case."),
};
#undef T
static SCHEMA(tenant_query_schema, struct tenant_query, "TenantQuery", tenant_query_fields);

static enum err tenant_list(struct ctx *cx, struct req *rq)
{
	const struct tenant_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "created_at", &page));
	q_tenant_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows, q->status, q->region,
			    q->plan_type, q->name);
	q_tenant_count_later(cx->db, tally_at(&rq->total), q->status, q->region, q->plan_type, q->name);
	return ERR_NONE;
}

/* What an operation on one tenant has in hand. */
struct job {
	struct req *rq;
	struct tenant_row *row;         /* the answer */
	struct tenant_usage used;
};

static enum err read_row(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	q_tenant_get_later(cx->db, j->row, cx->tenant->id);
	return ERR_NONE;
}

/*
 * The tenant's counters are in its region, which may be down just when an operator must act: before
 * anything else, and unknown instead of an error.
 */
static void read_usage(struct ctx *cx, struct req *rq, struct job *ret)
{
	const struct tenant *fresh;

	*ret = (struct job){ .rq = rq, .row = ARENA_NEW(cx->arena, struct tenant_row) };
	tenants_usage(cx, &ret->used, &fresh);
	gate_keep(cx, rq, fresh);
}

/* The row is set whole by its query: the counters come after. */
static void complete(struct req *rq, void *arg)
{
	const struct job *j = arg;

	(void)rq;
	j->row->limits = j->used;
}

static enum err run(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);

	read_usage(cx, rq, j);
	TRY(reply(rq, j->row));
	reply_complete(rq, complete, j);
	return gate_control(cx, rq, mode, work, j);
}

static enum err tenant_read(struct ctx *cx, struct req *rq)
{
	enum err e = run(cx, rq, DB_READ, read_row);

	if (e == ERR_NOT_FOUND)
		return refuse(cx, ERR_TENANT_NOT_FOUND, "Tenant %s not found", rq->tenant_named);
	return e;
}

static enum err read_created(struct ctx *cx, struct req *rq, const char *id)
{
	const struct tenant *made = NULL;
	enum err e;

	TRY(tenant_get(cx, id, true, &made));
	gate_keep(cx, rq, made);
	cx->tenant = made;
	rq->tenant_named = arena_strdup(cx->arena, id);
	e = run(cx, rq, DB_READ, read_row);
	cx->tenant = NULL;
	TRY(e);
	return reply_created(cx, rq, rq->out, "/tenants/%s", id);
}

/* A new tenant has its owner and nothing else. */
static enum err tenant_try(struct ctx *cx, struct req *rq, const struct tenant_spec *spec)
{
	struct tenant_row *row = ARENA_NEW(cx->arena, struct tenant_row);

	TRY(tenant_rehearse(cx, spec, row));
	row->limits = (struct tenant_usage){ .users_used = 1 };
	return reply(rq, row);
}

static enum err tenant_post(struct ctx *cx, struct req *rq)
{
	struct tenant_spec spec;
	const char *id = NULL;

	TRY(tenants_spec(cx, rq->body, &spec));
	if (rq->dry_run)
		return tenant_try(cx, rq, &spec);
	TRY(tenant_create(cx, &spec, &id));
	return read_created(cx, rq, id);
}

static enum err tenant_post_again(struct ctx *cx, struct req *rq)
{
	const struct tenant *made = NULL;
	enum err e = tenant_reload(cx, rq->begun, &made);

	gate_keep(cx, rq, made);
	/* One that is not there was taken back, and its key with it. */
	if (e == ERR_TENANT_NOT_FOUND || (e == ERR_NONE && made->status == TENANT_PROVISIONING))
		return refuse(cx, ERR_IDEM_RUNNING, "the tenant is being created; retry in a moment");
	TRY(e);
	return read_created(cx, rq, rq->begun);
}

static enum err change_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;
	const struct tenants_edit edit = { .sent = j->rq->body, .mode = j->rq->read_mode, .used = &j->used };

	TRY(tenants_update(cx, &edit, j->row, &j->rq->changed));
	if (j->rq->changed.n == 0)
		gate_unchanged(j->rq);
	return ERR_NONE;
}

static enum err suspend_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return tenants_suspend(cx, j->rq->body, j->row);
}

static enum err resume_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return tenants_resume(cx, j->row);
}

static enum err delete_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;
	const char *operation = NULL;

	TRY(tenants_delete(cx, j->row, &operation));
	j->rq->location = arena_printf(cx->arena, "/api/v1/operations/%s", operation);
	return ERR_NONE;
}

static enum err restore_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return tenants_restore(cx, j->row);
}

static enum err tenant_change(struct ctx *cx, struct req *rq)
{
	return run(cx, rq, DB_WRITE, change_work);
}

static enum err tenant_suspend(struct ctx *cx, struct req *rq)
{
	return run(cx, rq, DB_WRITE, suspend_work);
}

static enum err tenant_resume(struct ctx *cx, struct req *rq)
{
	return run(cx, rq, DB_WRITE, resume_work);
}

static enum err tenant_restore(struct ctx *cx, struct req *rq)
{
	return run(cx, rq, DB_WRITE, restore_work);
}

static enum err tenant_delete(struct ctx *cx, struct req *rq)
{
	TRY(run(cx, rq, DB_WRITE, delete_work));
	if (cx->world->work_due != NULL)
		cx->world->work_due(cx->world);
	return ERR_NONE;
}

/* Two databases answer for one tenant, so these open their own units of work. */
#define ONE .auth = AUTH_TENANT, .store = STORE_NONE, .reply = &tenant_row_schema
#define WRITE ONE, .mode = DB_WRITE, .object = "tenant"
#define EDIT WRITE, .status = 200, .handler = tenant_change, .body = &tenant_row_schema, \
	.errors = { ERR_BELOW_USAGE, ERR_SLUG_TAKEN, ERR_DOMAIN_TAKEN, ERR_UNAVAILABLE }
#define OPERATORS .auth = AUTH_OPERATOR, .store = STORE_NONE, .mode = DB_WRITE, .object = "tenant", \
	.reply = &tenant_row_schema

static const struct route routes[] = {
	{ M_POST, "/tenants", "createTenant", "platform:tenants", OPERATORS, .status = 201,
	  .handler = tenant_post, .resume = tenant_post_again, .body = &tenant_new_schema,
	  .errors = { ERR_SLUG_TAKEN, ERR_DOMAIN_TAKEN },
	  .summary = "Create a tenant",
	  .doc = "All or nothing: after 201 the tenant is active, with its owner as first user." },
	{ M_GET, "/tenants", "listTenants", "platform:read", "platform:tenants", .auth = AUTH_OPERATOR,
	  .store = STORE_PLATFORM, .mode = DB_READ, .status = 200, .handler = tenant_list,
	  .query = &tenant_query_schema, .reply = &tenant_item_schema, .list = "tenants",
	  .summary = "List tenants",
	  .doc = "Items come without limits, which live in the tenants' regions." },
	{ M_GET, "/tenants/{tenant_id}", "getTenant", "tenant:read", "platform:read", ONE, .mode = DB_READ,
	  .flags = ROUTE_VOLATILE | ROUTE_DELETED_OK | ROUTE_SUSPENDED_OK, .status = 200,
	  .handler = tenant_read,
	  .summary = "Get a tenant",
	  .doc = "Also while it is suspended or waits for its deletion." },
	{ M_PUT, "/tenants/{tenant_id}", "replaceTenant", "tenant:write", "platform:tenants", EDIT,
	  .flags = ROUTE_PUT_KEEPS,
	  .summary = "Change a tenant",
	  .doc = "Fields that are not sent stay. All but the name need platform:tenants." },
	{ M_PATCH, "/tenants/{tenant_id}", "updateTenant", "tenant:write", "platform:tenants", EDIT,
	  .summary = "Change fields of a tenant",
	  .doc = "A JSON merge patch. All but the name need platform:tenants." },
	{ M_DELETE, "/tenants/{tenant_id}", "deleteTenant", "tenant:delete", "platform:tenants", WRITE,
	  .flags = ROUTE_DELETED_OK | ROUTE_OPERATION, .status = 202, .handler = tenant_delete,
	  .summary = "Delete a tenant",
	  .doc = "An operation. The tenant is refused at once; until purge_at it can be cancelled, which "
		 "is the same as to restore the tenant; then all of it is removed." },
	{ M_POST, "/tenants/{tenant_id}/restore", "restoreTenant", "platform:tenants", "tenant:delete", WRITE,
	  .flags = ROUTE_ON_OBJECT | ROUTE_DELETED_OK | ROUTE_SUSPENDED_OK, .status = 200,
	  .handler = tenant_restore,
	  .errors = { ERR_NOT_DELETED, ERR_UNDO_OVER },
	  .summary = "Undo the deletion of a tenant",
	  .doc = "Until purge_at. Its operation ends as cancelled." },
	{ M_POST, "/tenants/{tenant_id}/suspend", "suspendTenant", "platform:tenants", OPERATORS,
	  .flags = ROUTE_ON_OBJECT,
	  .status = 200, .handler = tenant_suspend, .body = &tenant_suspension_schema,
	  .errors = { ERR_ALREADY_SUSPENDED },
	  .summary = "Suspend a tenant",
	  .doc = "From now on its requests are refused: all of them, or those that change something." },
	{ M_POST, "/tenants/{tenant_id}/resume", "resumeTenant", "platform:tenants", OPERATORS,
	  .flags = ROUTE_ON_OBJECT,
	  .status = 200, .handler = tenant_resume, .errors = { ERR_NOT_SUSPENDED },
	  .summary = "Resume a suspended tenant",
	  .doc = "Its requests are answered again." },
};
ROUTE_GROUP(tenant_routes, "Tenants", "/api/v1", routes);
