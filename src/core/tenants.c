/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a tenant: suspension, deletion, return. */
#include "tenants_in.h"

#include "cc/core/actor.h"
#include "cc/core/operations.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

enum err tenants_state(struct ctx *cx, bool found, const struct tenant_row *row)
{
	enum tenant_status status;

	if (!found || !tenant_status_parse(row->status, &status) || status == TENANT_DELETING)
		return refuse(cx, ERR_TENANT_NOT_FOUND, "Tenant %s not found", cx->tenant->id);
	if (status == TENANT_PROVISIONING)
		return refuse(cx, ERR_TENANT_PROVISIONING, "the tenant is being created; retry");
	if (status == TENANT_DELETION_SCHEDULED)
		return refuse(cx, ERR_TENANT_GONE,
			      "the tenant is deleted; it can be restored until its undo window ends");
	return ERR_NONE;
}

static enum err lock_live(struct ctx *cx, struct tenant_row *ret)
{
	bool found;

	TRY(q_tenant_lock(cx->db, ret, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, ret));
	return ctx_check_version(cx, ret->row_version);
}

/* Where the row of an UPDATE … RETURNING goes that is certain to meet its row: it is locked. */
static bool *surely(struct ctx *cx)
{
	return ARENA_NEW(cx->arena, bool);
}

enum err tenants_suspend(struct ctx *cx, const struct tenant_suspension *in, struct tenant_row *ret)
{
	TRY(lock_live(cx, ret));
	if (str_eq(ret->status, tenant_status_name(TENANT_SUSPENDED)))
		return refuse(cx, ERR_ALREADY_SUSPENDED, "the tenant is suspended already (%s)",
			      ret->suspend_mode);
	q_tenant_suspend_later(cx->db, ret, surely(cx), cx->tenant->id, in->mode, in->reason);
	return ERR_NONE;
}

enum err tenants_resume(struct ctx *cx, struct tenant_row *ret)
{
	TRY(lock_live(cx, ret));
	if (!str_eq(ret->status, tenant_status_name(TENANT_SUSPENDED)))
		return refuse(cx, ERR_NOT_SUSPENDED, "the tenant is not suspended");
	q_tenant_resume_later(cx->db, ret, surely(cx), cx->tenant->id);
	return ERR_NONE;
}

enum err tenants_delete(struct ctx *cx, struct tenant_row *ret, const char **ret_operation)
{
	bool *found = surely(cx);

	q_tenant_lock_later(cx->db, ret, found, cx->tenant->id);
	TRY(operation_begin(cx, OPERATION_TENANT_DELETION, "scheduled", ret_operation));
	TRY(tenants_state(cx, *found, ret));
	TRY(ctx_check_version(cx, ret->row_version));
	q_tenant_delete_later(cx->db, ret, surely(cx), cx->tenant->id, cx->world->settings->undo_window_s);
	q_billing_wake_later(cx->db, cx->tenant->id);
	return ERR_NONE;
}

enum err tenants_restore(struct ctx *cx, struct tenant_row *ret)
{
	bool found;

	TRY(q_tenant_lock(cx->db, ret, &found, cx->tenant->id));
	if (found && str_eq(ret->status, tenant_status_name(TENANT_DELETION_SCHEDULED))) {
		if (ret->unpaid && cx->actor != NULL && cx->actor->kind != ACTOR_OPERATOR)
			return refuse(cx, ERR_PAYMENT_OVERDUE,
				"the tenant is deleted because it is not paid: to pay brings it back");
		if (ret->undo_over)
			return refuse(cx, ERR_UNDO_OVER, "the undo window of the deletion is over");
		TRY(ctx_check_version(cx, ret->row_version));
		q_tenant_restore_later(cx->db, ret, surely(cx), cx->tenant->id);
		q_billing_wake_later(cx->db, cx->tenant->id);
		operation_end_later(cx, cx->tenant->id, OPERATION_TENANT_DELETION, "cancelled");
		return ERR_NONE;
	}
	TRY(tenants_state(cx, found, ret));
	return refuse(cx, ERR_NOT_DELETED, "the tenant is not deleted");
}
