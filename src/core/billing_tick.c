/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing the books of the ledger: each period of each tenant once, by whoever locks its row first. A period
 * has ended before it can be closed, and what is changed in between is the next one's.
 */
#include "billing_in.h"

#include "cc/core/audit.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/write.h"
#include "rounds.h"
#include "tenants_in.h"

#define BATCH 50
#define ID_LEN 14

static void write_line(struct jw *w, const struct plan *p, enum billed m, int64_t quantity)
{
	jw_object(w);
	jw_key(w, "meter");
	jw_text(w, meter_names[m]);
	jw_key(w, "quantity");
	jw_int(w, quantity);
	jw_key(w, "included");
	jw_int(w, p->meter[m].included);
	jw_key(w, "amount");
	jw_hundredths(w, meter_cost(&p->meter[m], quantity));
	jw_object_end(w);
}

static const char *lines_json(struct arena *a, const struct plan *p, const struct billing_quantities *q)
{
	struct str out;
	struct jw w;

	str_init(&out, a, 256);
	jw_init(&w, &out);
	jw_array(&w);
	write_line(&w, p, METER_API_CALLS, q->api_calls);
	write_line(&w, p, METER_BOUNCER_REQUESTS, q->bouncer_requests);
	jw_array_end(&w);
	return out.data;
}

struct turn {
	bool changed; /* nodes must hear of another plan */
};

enum err billing_turn_plan(struct ctx *cx, struct tenant_row *tenant, const char *plan, bool *changed)
{
	static const char *const field[] = { "plan_type" };
	const struct audit_entry entry = {
		.action = "changePlan",
		.object_type = "billing",
		.object_id = tenant->id,
		.changed = { field, 1 },
		.reason = "period_end",
	};

	if (plan == NULL || plan_find(cx->world->plans, plan) == NULL || str_eq(plan, tenant->plan_type))
		return ERR_NONE;
	TRY(tenants_set_plan(cx, plan, NULL, tenant));
	*changed = true;
	TRY(audit_control(cx, cx->tenant->id, &entry));
	change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

enum err billing_end_period(
	struct ctx *cx, struct tenant_row *tenant, const struct billing_row *row, bool *changed)
{
	if (!billing_is_over(cx, row))
		return ERR_NONE;
	q_billing_end_later(cx->db, cx->tenant->id, row->plan_type);
	return billing_turn_plan(cx, tenant, row->next_plan, changed);
}

/* Of the period that is over, as it was at its end. */
static enum err invoice(struct ctx *cx, const struct billing_row *row)
{
	const bool ended = row->ended_plan != NULL;
	struct billing_quantities q;
	const struct plan *plan;

	TRY(q_billing_quantities(cx->db, &q, cx->tenant->id));
	TRY(billing_plan(cx, ended ? row->ended_plan : row->plan_type, &plan));
	q_invoice_add_later(cx->db, id_new(cx->arena, "inv_", ID_LEN), cx->tenant->id, row->open_period,
		row->open_start, row->open_end, plan->name,
		plan->price_minor + (ended ? row->ended_minor : row->adjust_minor),
		billing_usage_cost(plan, &q), plan->currency, lines_json(cx->arena, plan, &q));
	return ERR_NONE;
}

static enum err close_period(struct ctx *cx, void *arg)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct turn *t = arg;
	struct billing_row row;
	struct tally locked;
	bool found;

	t->changed = false;
	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, tenant));
	TRY(q_billing_lock(cx->db, &locked, cx->tenant->id));
	TRY(q_billing_get(cx->db, &row, &found, cx->tenant->id, false));
	if (!found)
		return ERR_NONE;
	TRY(billing_end_period(cx, tenant, &row, &t->changed));
	if (!row.closable)
		return ERR_NONE;
	if (!row.by_stripe)
		TRY(invoice(cx, &row));
	q_billing_close_later(cx->db, cx->tenant->id, row.open_period);
	return ERR_NONE;
}

static enum err find_due(struct ctx *cx, void *arg)
{
	q_billing_due_later(cx->db, arg, BATCH);
	return ERR_NONE;
}

/* Terms ------------------------------------------------------------------------------------------------- */

static enum err find_terms(struct ctx *cx, void *arg)
{
	q_term_due_later(cx->db, arg, BATCH);
	return ERR_NONE;
}

static enum err renew(struct ctx *cx, void *arg)
{
	static const char *const field[] = { "expires_at" };
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	const struct audit_entry entry = {
		.action = "renewTerm",
		.object_type = "tenant",
		.object_id = cx->tenant->id,
		.changed = { field, 1 },
		.reason = "term_end",
	};
	const struct plan *plan;
	struct turn *t = arg;
	int64_t renewed;
	bool found;

	t->changed = false;
	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, tenant));
	TRY(billing_plan(cx, tenant->plan_type, &plan));
	TRY(q_term_renew(cx->db, &renewed, cx->tenant->id, plan->term_months));
	if (renewed == 0)
		return ERR_NONE;
	t->changed = true;
	TRY(audit_control(cx, cx->tenant->id, &entry));
	change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

enum err billing_terms(struct ctx *cx, struct round *ret)
{
	struct db_rows due = { 0 };
	struct db_place place;
	struct turn turn;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, find_terms, &due));
	for (size_t i = 0; i < due.n; i++)
		round_turn(
			cx, ret, DB_ROW(&due, struct billing_due, i)->tenant_id, renew, &turn, &turn.changed);
	return ERR_NONE;
}

static enum err pass(struct ctx *cx, void *arg)
{
	return q_billing_pass(cx->db, arg, BATCH);
}

enum err billing_pass(struct ctx *cx, struct round *ret)
{
	int64_t passed = 0;

	*ret = (struct round){ 0 };
	TRY(round_claim(cx, q_billing_pass_due, pass, &passed));
	ret->done = (int)passed;
	return ERR_NONE;
}

enum err billing_tick(struct ctx *cx, struct round *ret)
{
	struct db_rows due = { 0 };
	struct db_place place;
	struct turn turn;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, find_due, &due));
	for (size_t i = 0; i < due.n; i++)
		round_turn(cx, ret, DB_ROW(&due, struct billing_due, i)->tenant_id, close_period, &turn,
			&turn.changed);
	return ERR_NONE;
}
