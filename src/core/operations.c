/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/operations.h"

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/deployments.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/core/tenants.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/write.h"

#define NOTE_MS 2000

static enum err undelete(struct ctx *cx, const char *id)
{
	(void)id;
	return tenants_restore(cx, ARENA_NEW(cx->arena, struct tenant_row));
}

static const struct ability {
	bool exclusive;
	const char *cancel_scope;       /* beside platform:tenants */
	/* Takes it back and ends it; the tenant's row is locked. NULL: it cannot be. */
	enum err (*cancel)(struct ctx *cx, const char *id);
} abilities[] = {
	[OPERATION_TENANT_DELETION] = { true, "tenant:delete", undelete },
	[OPERATION_BILLING_UPDATE] = { false, "billing:write", NULL },
	[OPERATION_TENANT_MOVE] = { true, "deployments:write", deployments_cancel },
};

static const struct ability *ability_of(const struct operation *op)
{
	for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
		if (str_eq(operation_kinds[i], op->kind))
			return &abilities[i];
	return NULL;
}

enum err operation_begin(struct ctx *cx, enum operation_kind kind, const char *step, const char **ret_id)
{
	*ret_id = id_new(cx->arena, "op-", 12);
	return operation_begin_as(cx, kind, step, *ret_id);
}

enum err operation_begin_as(struct ctx *cx, enum operation_kind kind, const char *step, const char *id)
{
	struct operation *blocker = ARENA_NEW(cx->arena, struct operation);
	bool found;

	TRY(q_operation_blocker(cx->db, blocker, &found, cx->tenant->id));
	if (found && abilities[kind].exclusive) {
		cx->problem.operation_id = blocker->id;
		return refuse(cx, ERR_OPERATION_RUNNING, "%s (%s) is under way for this tenant", blocker->id,
			      blocker->kind);
	}
	q_operation_insert_later(cx->db, id, cx->tenant->id, operation_kinds[kind],
				 abilities[kind].exclusive, step,
				 cx->actor != NULL ? cx->actor->id : actor_kind_name(ACTOR_SYSTEM));
	return ERR_NONE;
}

static enum err check_scope(struct ctx *cx, const struct operation *op, const struct ability *can)
{
	const uint64_t wanted = scope_bit(can->cancel_scope) | scope_bit("platform:tenants");

	if (cx->actor == NULL || cx->actor->scopes & wanted)
		return ERR_NONE;
	return refuse(cx, ERR_SCOPE, "cancelling a %s needs the scope %s", op->kind, can->cancel_scope);
}

static enum err refuse_cancel(struct ctx *cx, const struct operation *op)
{
	ctx_clear_problem(cx);
	return refuse(cx, ERR_NOT_CANCELLABLE, "%s is %s and cannot be cancelled", op->id,
		      str_eq(op->status, "running") ? "past its last point of return" : op->status);
}

enum err operation_cancel(struct ctx *cx, const char *id, struct operation *ret)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct operation *op = ARENA_NEW(cx->arena, struct operation);
	bool *found = ARENA_ARRAY(cx->arena, bool, 2);
	const struct ability *can;
	enum err e;

	q_tenant_lock_later(cx->db, tenant, &found[0], cx->tenant->id);
	TRY(q_operation_find(cx->db, op, &found[1], cx->tenant->id, id));
	if (!found[1])
		return refuse_missing(cx, "operation", id);
	can = ability_of(op);
	if (can == NULL || can->cancel == NULL || !str_eq(op->status, "running"))
		return refuse_cancel(cx, op);
	TRY(check_scope(cx, op, can));
	e = can->cancel(cx, id);
	if (e == ERR_NOT_CANCELLABLE || e == ERR_UNDO_OVER || e == ERR_NOT_DELETED ||
	    e == ERR_TENANT_NOT_FOUND)
		return refuse_cancel(cx, op);
	TRY(e);
	q_operation_get_later(cx->db, ret, cx->tenant->id, id);
	return ERR_NONE;
}

void operation_step_later(struct ctx *cx, const char *tenant_id, enum operation_kind kind, const char *step,
			  int64_t percent)
{
	q_operation_step_later(cx->db, tenant_id, operation_kinds[kind], step, percent);
}

void operation_end_later(struct ctx *cx, const char *tenant_id, enum operation_kind kind, const char *status)
{
	q_operation_end_later(cx->db, tenant_id, operation_kinds[kind], status);
}

struct note {
	const char *tenant_id, *kind, *error;
};

static enum err note(struct ctx *cx, void *arg)
{
	const struct note *n = arg;

	q_operation_trouble_later(cx->db, n->tenant_id, n->kind, n->error);
	return ERR_NONE;
}

const char *operation_error_text(struct ctx *cx, enum err e)
{
	const char *message = e != ERR_INTERNAL ? cx->problem.message : NULL;
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 128);
	jw_init(&w, &out);
	jw_object(&w);
	jw_key(&w, "code");
	jw_text(&w, err_info(e)->code);
	jw_key(&w, "message");
	jw_text(&w, message != NULL ? message : err_info(e)->meaning);
	jw_object_end(&w);
	return out.data;
}

void operation_note_failure(struct ctx *cx, const char *tenant_id, enum operation_kind kind, enum err e)
{
	const struct problem problem = cx->problem;
	const int64_t deadline = cx->deadline_ms;
	struct note n = { tenant_id, operation_kinds[kind], operation_error_text(cx, e) };
	struct db_place place;

	place_platform(cx->world, &place);
	cx->deadline_ms = clock_mono_ms() + NOTE_MS;
	/* Without this note the operation only tells less. */
	if (db_unit(cx, &place, DB_WRITE, note, &n) != ERR_NONE)
		ctx_clear_problem(cx);
	cx->deadline_ms = deadline;
	cx->problem = problem;
}
