/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/deployments.h"

#include <string.h>

#include "provision_parts.h"
#include "tenants_in.h"

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/head.h"
#include "cc/core/move_machine.h"
#include "cc/core/operations.h"
#include "cc/core/region_watch.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"
#include "cc/model/q_tenant.h"

#define SECOND_US INT64_C(1000000)
#define WINDOW_MAX_US (INT64_C(30) * 86400 * SECOND_US)
#define OVERHEAD_S 3            /* of a move without rows */
#define COMPARING 3             /* so many rows are compared in the time that one is copied in */

/* In a dry run a refusal is told beside the others. */
static enum err blocked(struct ctx *cx, struct deployment_plan *p, enum err e)
{
	if (e == ERR_NONE || !p->dry || p->nblockers == sizeof(p->blockers) / sizeof(p->blockers[0]))
		return e;
	p->blockers[p->nblockers++] = e == ERR_VALIDATION && cx->problem.faults != NULL
					      ? cx->problem.faults->error : err_info(e)->code;
	ctx_clear_problem(cx);
	return ERR_NONE;
}

static enum err check_input(struct ctx *cx, const struct deployment_new *in)
{
	if (region_find(cx->world, in->region) == NULL)
		(void)refuse_field(cx, "region", "unknown_region",
				   "`region` must be one of the regions served here");
	if (in->maintenance_window != TIME_NULL &&
	    in->maintenance_window > clock_wall_us() + WINDOW_MAX_US)
		(void)refuse_field(cx, "maintenance_window", "range",
				   "`maintenance_window` must be at most 30 days from now");
	if (in->discard_data && in->migrate_data)
		(void)refuse_field(cx, "discard_data", "conflict",
				   "`discard_data` must not be true unless migrate_data is false");
	return ctx_faults(cx);
}

struct sizing {
	struct move_size size;
	struct head head;
	bool found;
};

static enum err measure(struct ctx *cx, void *arg)
{
	struct sizing *s = arg;

	q_head_look_later(cx->db, &s->head, &s->found);
	return q_move_size(cx->db, &s->size);
}

static bool has_data(const struct head *h)
{
	return h->policies_used > 0 || h->resources_used > 0 || h->bouncers_used > 0 || h->users_used > 1;
}

static enum err check_data(struct ctx *cx, const struct deployment_new *in, const struct head *h)
{
	if (in->migrate_data || in->discard_data || !has_data(h))
		return ERR_NONE;
	return refuse(cx, ERR_HAS_DATA, "the tenant has policies, resources, bouncers or users");
}

static enum err check_elsewhere(struct ctx *cx, const char *is, const char *to)
{
	return str_eq(is, to) ? refuse(cx, ERR_IN_REGION, "the tenant lives in %s already", to) : ERR_NONE;
}

static enum err check_region(struct ctx *cx, const char *id)
{
	if (!region_is_down(region_find(cx->world, id)))
		return ERR_NONE;
	cx->problem.retry_after = 5;
	return refuse(cx, ERR_REGION_DOWN, "region %s does not answer", id);
}

/* Reading about them is a suspended tenant's business, moving it its operator's. */
static enum err check_active(struct ctx *cx)
{
	if (cx->tenant->status != TENANT_SUSPENDED || cx->actor == NULL || cx->actor->kind == ACTOR_OPERATOR)
		return ERR_NONE;
	return refuse(cx, ERR_TENANT_SUSPENDED, "the tenant is suspended: operators may move it");
}

enum err deployments_plan(struct ctx *cx, const struct deployment_new *in, bool dry,
			  struct deployment_plan *ret, const struct tenant **ret_fresh)
{
	struct sizing s = { .found = false };

	*ret_fresh = NULL;
	*ret = (struct deployment_plan){ .in = in, .dry = dry };
	TRY(check_input(cx, in));
	TRY(check_active(cx));
	TRY(blocked(cx, ret, check_elsewhere(cx, cx->tenant->region, in->region)));
	TRY(blocked(cx, ret, check_region(cx, in->region)));
	TRY(head_read(cx, measure, &s, ret_fresh));
	ret->size = s.size;
	return blocked(cx, ret, check_data(cx, in, &s.head));
}

static enum err check_residency(struct ctx *cx, const struct tenant_row *t, const char *region)
{
	const struct strv *allowed = &t->settings.allowed_regions;

	if (allowed->n == 0 || strv_has(allowed, region))
		return ERR_NONE;
	return refuse_field(cx, "region", "residency_forbids",
			    "`region` must be one that the tenant's setting allowed_regions has");
}

static void rehearse(struct ctx *cx, const struct deployment_plan *p, const struct tenant_row *t,
		     int64_t window, int64_t end, struct deployment *ret)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, p->nblockers + 1);

	memcpy(v, p->blockers, p->nblockers * sizeof(*v));
	*ret = (struct deployment){
		.deployment_id = "deploy-dry-run", .tenant_id = t->id, .status = "in_progress",
		.region = p->in->region, .from_region = t->region, .step = "scheduled",
		.progress = { "in_progress", "pending", "pending" }, .migrate_data = p->in->migrate_data,
		.maintenance_window = window, .created_at = clock_wall_us(), .estimated_completion = end,
		.started_at = TIME_NULL, .completed_at = TIME_NULL, .steps = "[]",
		.rows_total = p->size.rows, .bytes_total = p->size.bytes, .lag_rows = INT_NULL,
		.freeze_ms = INT_NULL, .started_by = cx->actor != NULL ? cx->actor->id : "system",
		.blockers = { .v = v, .n = p->nblockers },
	};
}

static enum err check_blocker(struct ctx *cx)
{
	struct operation *running = ARENA_NEW(cx->arena, struct operation);
	bool found;

	TRY(q_operation_blocker(cx->db, running, &found, cx->tenant->id));
	if (!found)
		return ERR_NONE;
	cx->problem.operation_id = running->id;
	return refuse(cx, ERR_OPERATION_RUNNING, "%s (%s) is under way for this tenant", running->id,
		      running->kind);
}

/* The copy begins at once, and is compared when the window has begun. */
static int64_t estimate(int64_t rows, int64_t rows_per_s, int64_t now, int64_t window)
{
	const int64_t copied = now + rows * SECOND_US / rows_per_s;
	const int64_t end = (copied > window ? copied : window) +
			    rows * SECOND_US / (COMPARING * rows_per_s) + OVERHEAD_S * SECOND_US;

	return end / SECOND_US * SECOND_US;
}

enum err deployments_begin(struct ctx *cx, struct deployment_plan *plan, struct deployment *ret)
{
	const struct deployment_new *in = plan->in;
	struct tenant_row *t = ARENA_NEW(cx->arena, struct tenant_row);
	const int64_t now = clock_wall_us();
	const int64_t window = in->maintenance_window != TIME_NULL && in->maintenance_window > now
				       ? in->maintenance_window : now / SECOND_US * SECOND_US;
	const char *id = id_new(cx->arena, "deploy-", 10);
	struct tally speed = { 0 };
	int64_t end;
	bool found;

	TRY(q_tenant_lock(cx->db, t, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, t));
	if (!plan->dry)
		TRY(check_elsewhere(cx, t->region, in->region));
	TRY(blocked(cx, plan, check_residency(cx, t, in->region)));
	TRY(q_copy_speed(cx->db, &speed));
	end = estimate(plan->size.rows, speed.total, now, window);
	TRY(blocked(cx, plan, check_blocker(cx)));
	if (plan->dry) {
		rehearse(cx, plan, t, window, end, ret);
		return ERR_NONE;
	}
	TRY(operation_begin_as(cx, OPERATION_TENANT_MOVE, "scheduled", id));
	TRY(q_deployment_insert(cx->db, id, t->id, in->region, in->migrate_data, in->discard_data, window,
				end, cx->actor != NULL ? cx->actor->id : actor_kind_name(ACTOR_SYSTEM),
				plan->size.rows, plan->size.bytes));
	return q_deployment_get(cx->db, ret, t->id, id);
}

enum err deployments_cancel(struct ctx *cx, const char *id)
{
	int64_t n = 0;

	TRY(q_deployment_cancel(cx->db, &n, cx->tenant->id, id, MOVE_TOO_LONG));
	return n == 1 ? ERR_NONE : refuse(cx, ERR_NOT_CANCELLABLE,
					  "%s is past its last point of return, or being taken back", id);
}

void deployments_show(struct ctx *cx, struct deployment *d)
{
	const struct region *r = region_find(cx->world, d->region);

	if (r != NULL && cx->tenant != NULL && !str_eq(d->step, move_steps[MOVE_ABORTED]))
		d->new_domain = arena_printf(cx->arena, "%s.%s.%s", cx->tenant->slug, r->group,
					     cx->world->settings->base_domain);
}

const char *deployments_detail(struct ctx *cx, const struct deployment_new *in)
{
	return arena_printf(cx->arena, "{\"region\":\"%s\",\"migrate_data\":%s,\"discard_data\":%s}",
			    in->region, in->migrate_data ? "true" : "false",
			    in->discard_data ? "true" : "false");
}
