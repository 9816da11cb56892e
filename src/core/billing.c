/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant's period costs, and how it is paid for. */
#include "billing_in.h"

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/stripe.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/write.h"
#include "stripe_in.h"
#include "tenants_in.h"

#define SECOND_US INT64_C(1000000)
#define ID_LEN 14
#define GIGABYTE INT64_C(1000000000) /* as storage is sold */

void billing_open_later(struct ctx *cx, const char *tenant_id)
{
	q_billing_open_later(cx->db, tenant_id, id_new(cx->arena, "sub_", ID_LEN));
}

int64_t billing_usage_cost(const struct plan *p, const struct billing_quantities *q)
{
	const int64_t calls = meter_cost(&p->meter[METER_API_CALLS], q->api_calls);
	const int64_t requests = meter_cost(&p->meter[METER_BOUNCER_REQUESTS], q->bouncer_requests);

	return calls > INT64_MAX - requests ? INT64_MAX : calls + requests;
}

/* Reading ---------------------------------------------------------------------------------------------- */

enum err billing_plan(struct ctx *cx, const char *name, const struct plan **ret)
{
	*ret = plan_find(cx->world->plans, name);
	return *ret != NULL
		       ? ERR_NONE
		       : refuse(cx, ERR_INTERNAL, "the plan %s of the tenant is not in the plans file", name);
}

bool billing_is_over(const struct ctx *cx, const struct billing_row *row)
{
	return !stripe_is_set(cx) && row->period > row->open_period && row->ended_plan == NULL;
}

/* Of the period that is now, though nobody may have noted yet that it has begun. */
static const char *plan_now(const struct ctx *cx, const struct billing_row *row)
{
	return billing_is_over(cx, row) && row->next_plan != NULL ? row->next_plan : row->plan_type;
}

/* What was added to an earlier period is not this one's; what Stripe adds it says itself. */
static int64_t adjust_now(const struct ctx *cx, const struct billing_row *row)
{
	const bool earlier = row->period > row->open_period && row->ended_plan == NULL;

	return earlier || stripe_is_set(cx) ? 0 : row->adjust_minor;
}

static int64_t in_gigabytes(int64_t bytes)
{
	return bytes == INT_NULL ? 0 : (bytes + GIGABYTE / 200) / (GIGABYTE / 100);
}

/* One that was named before there was a customer is nobody's at Stripe. */
static const char *method_of(const struct billing_row *row)
{
	return row->customer_id != NULL ? row->payment_method : NULL;
}

/* Until Stripe has a subscription nothing is billed there, and the figures are what it would come to. */
static void show_stripe(const struct billing_row *row, const struct plan *plan, struct billing *ret)
{
	ret->mode = "stripe";
	ret->subscription_id = row->stripe_id;
	ret->payment_method = method_of(row);
	if (row->stripe_id == NULL && plan->price_minor > 0 && str_eq(row->status, "active"))
		ret->status = "incomplete";
	if (row->stripe_id == NULL || row->preview_base == INT_NULL)
		return;
	ret->billing.base_cost = row->preview_base;
	ret->billing.usage_cost = row->preview_usage;
	ret->billing.currency = row->preview_currency;
}

static enum err show(
	struct ctx *cx, const struct billing_row *row, const struct tenant_usage *used, struct billing *ret)
{
	const struct billing_quantities q = { row->api_calls, row->bouncer_requests };
	const struct plan *plan;

	TRY(billing_plan(cx, plan_now(cx, row), &plan));
	*ret = (struct billing){
		.subscription_id = row->subscription_id,
		.status = row->status,
		.plan = plan->name,
		.current_period_start = row->period_start,
		.current_period_end = row->period_end,
		.usage = { .policies = used->policies_used,
			.users = used->users_used,
			.bouncers = used->bouncers_used,
			.api_calls = row->api_calls,
			.storage_gb = in_gigabytes(used->storage_bytes) },
		.billing = { .base_cost = plan->price_minor + adjust_now(cx, row),
			.usage_cost = billing_usage_cost(plan, &q),
			.currency = plan->currency },
		.mode = "ledger",
		.payment_method = row->payment_method,
		.billing_address = row->address,
		.next_plan = str_eq(row->next_plan, plan->name) ? NULL : row->next_plan,
		.row_version = row->row_version,
	};
	if (stripe_is_set(cx))
		show_stripe(row, plan, ret);
	ret->billing.total_cost = ret->billing.base_cost + ret->billing.usage_cost;
	return ERR_NONE;
}

static enum err get(struct ctx *cx, struct billing_row *ret)
{
	bool found;

	TRY(q_billing_get(cx->db, ret, &found, cx->tenant->id, stripe_is_set(cx)));
	return found ? ERR_NONE : refuse(cx, ERR_TENANT_NOT_FOUND, "Tenant %s not found", cx->tenant->id);
}

enum err billing_read(struct ctx *cx, const struct tenant_usage *used, struct billing *ret)
{
	struct billing_row row;

	TRY(get(cx, &row));
	return show(cx, &row, used, ret);
}

/* Payment method and address --------------------------------------------------------------------------- */

static enum err lock_billing(struct ctx *cx, struct billing_row *ret)
{
	struct tally locked;

	TRY(q_billing_lock(cx->db, &locked, cx->tenant->id));
	return get(cx, ret);
}

static enum err lock(struct ctx *cx, struct tenant_row *tenant, struct billing_row *ret)
{
	bool found;

	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, tenant));
	return lock_billing(cx, ret);
}

/* Who is deleted for want of payment may still pay. */
static enum err lock_to_pay(struct ctx *cx, struct tenant_row *tenant, struct billing_row *ret)
{
	bool found;

	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	if (!found)
		return tenants_state(cx, found, tenant);
	TRY(lock_billing(cx, ret));
	if (ret->removing && str_eq(tenant->status, tenant_status_name(TENANT_DELETION_SCHEDULED)))
		return ERR_NONE;
	return tenants_state(cx, found, tenant);
}

static void add_member(struct jw *w, const char *key, const char *text)
{
	if (text == NULL)
		return;
	jw_key(w, key);
	jw_text(w, text);
}

static const char *address_json(struct arena *a, const struct billing_address *in)
{
	struct str out;
	struct jw w;

	str_init(&out, a, 256);
	jw_init(&w, &out);
	jw_object(&w);
	add_member(&w, "line1", in->line1);
	add_member(&w, "line2", in->line2);
	add_member(&w, "city", in->city);
	add_member(&w, "state", in->state);
	add_member(&w, "postal_code", in->postal_code);
	add_member(&w, "country", in->country);
	jw_object_end(&w);
	return out.data;
}

static bool was_sent(const struct billing_change *in, const char *field)
{
	return schema_seen(&billing_change_schema, in, field);
}

/* At Stripe. Where a subscription is over, to pay as before begins another. */
static bool is_paid_so(const struct billing_row *row, const char *method)
{
	return str_eq(method, method_of(row)) &&
	       !(row->stripe_id != NULL && stripe_is_over(row->stripe_status));
}

/* Which of them are not what is there, or will not be when what is under way is done. */
static enum err changes(struct ctx *cx, const struct billing_row *row, const char *method,
	const char *address, struct strv *ret)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, 2);
	struct outbox_paying under_way = { .method = false };
	const bool stripe = stripe_is_set(cx);

	*ret = (struct strv){ .v = v };
	if (stripe)
		TRY(q_outbox_paying(cx->db, &under_way, cx->tenant->id));
	if (method != NULL && (under_way.method || !(stripe ? is_paid_so(row, method)
							    : str_eq(method, row->payment_method))))
		v[ret->n++] = "payment_method";
	if (address != NULL &&
		(under_way.address || !str_eq(address, row->address) || (stripe && row->address_refused)))
		v[ret->n++] = "billing_address";
	return ERR_NONE;
}

/* A change leaves alone what it does not name, but an address is replaced as a whole. */
static enum err check_address(struct ctx *cx, const struct billing_address *in)
{
	static const char *const needed[] = { "line1", "city", "country" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!schema_seen(&billing_address_schema, in, needed[i])) {
			const char *field = arena_printf(cx->arena, "billing_address.%s", needed[i]);

			(void)refuse_field(cx, field, "required", "`%s` is required", field);
		}
	return ctx_faults(cx);
}

enum err billing_change(struct ctx *cx, const struct billing_change *in, const struct tenant_usage *used,
	struct billing *ret, struct strv *ret_changed, const char **ret_operation)
{
	const char *method = was_sent(in, "payment_method") ? in->payment_method : NULL;
	const char *address =
		was_sent(in, "billing_address") ? address_json(cx->arena, &in->billing_address) : NULL;
	struct tenant_row tenant;
	struct billing_row row;

	*ret_operation = NULL;
	if (address != NULL)
		TRY(check_address(cx, &in->billing_address));
	TRY(lock_to_pay(cx, &tenant, &row));
	TRY(ctx_check_version(cx, row.row_version));
	TRY(changes(cx, &row, method, address, ret_changed));
	if (ret_changed->n > 0 && stripe_is_set(cx)) {
		TRY(billing_pay_later(cx, &row, method, address != NULL ? &in->billing_address : NULL,
			address, ret_operation));
	} else if (ret_changed->n > 0) {
		q_billing_set_later(cx->db, cx->tenant->id, method, address);
		row.payment_method = method != NULL ? method : row.payment_method;
		row.address = address != NULL ? address : row.address;
		row.row_version++;
	}
	return show(cx, &row, used, ret);
}

void billing_show_change(struct ctx *cx, const struct billing_change *in, struct billing *ret)
{
	if (was_sent(in, "payment_method") && in->payment_method != NULL)
		ret->payment_method = in->payment_method;
	if (was_sent(in, "billing_address"))
		ret->billing_address = address_json(cx->arena, &in->billing_address);
}

/* Changes of plan -------------------------------------------------------------------------------------- */

/* Of the rest of the period that is now; both plans have one currency. */
static struct proration prorate(const struct billing_row *row, const struct plan *from, const struct plan *to)
{
	const int64_t whole = (row->period_end - row->period_start) / SECOND_US;
	const int64_t rest = (row->period_end - row->now) / SECOND_US;
	struct proration p = {
		.credit = money_part(from->price_minor, rest, whole),
		.charge = money_part(to->price_minor, rest, whole),
		.currency = to->currency,
	};

	p.net = p.charge - p.credit;
	return p;
}

static enum err check_currency(struct ctx *cx, const struct plan *from, const struct plan *to)
{
	if (str_eq(from->currency, to->currency))
		return ERR_NONE;
	return refuse_field(
		cx, "plan_type", "currency", "`plan_type` must be a plan in the currency of the present one");
}

/* What the period costs beside the new plan's price, so that the sum is the old one and the difference. */
static void adjust_later(struct ctx *cx, const struct billing_row *row, const struct plan *from,
	const struct plan *to, const struct proration *p)
{
	const int64_t adjust = adjust_now(cx, row) + from->price_minor + p->net - to->price_minor;

	q_billing_set_plan_later(cx->db, cx->tenant->id, stripe_is_set(cx) ? 0 : adjust, NULL, TIME_NULL);
}

enum err billing_follow_plan(struct ctx *cx, const char *from, const char *to)
{
	const struct plan *old, *new = plan_find(cx->world->plans, to);
	struct billing_row row;
	struct proration p;

	TRY(lock_billing(cx, &row));
	old = plan_find(cx->world->plans, billing_is_over(cx, &row) ? plan_now(cx, &row) : from);
	if (old == NULL || new == NULL)
		return ERR_NONE;
	TRY(check_currency(cx, old, new));
	if (billing_is_over(cx, &row)) {
		q_billing_end_later(cx->db, cx->tenant->id, from);
		TRY(get(cx, &row));
	}
	p = prorate(&row, old, new);
	adjust_later(cx, &row, old, new, &p);
	return ERR_NONE;
}

static enum err change_now(struct ctx *cx, const struct tenant_usage *used, struct tenant_row *tenant,
	const struct billing_row *row, const struct plan *from, const struct plan *to,
	struct plan_changed *ret)
{
	TRY(tenants_set_plan(cx, to->name, used, tenant));
	ret->proration = prorate(row, from, to);
	adjust_later(cx, row, from, to, &ret->proration);
	return ERR_NONE;
}

static bool is_good(const struct billing_row *row)
{
	return row->stripe_id != NULL &&
	       (str_eq(row->stripe_status, "active") || str_eq(row->stripe_status, "trialing"));
}

/*
 * What costs something is there for whoever can be charged: else limits would follow at once, and nobody
 * would ever pay. Whoever pays for the present plan already can, be it by invoice. An operator may give a
 * plan to whom it likes.
 */
static enum err check_payable(
	struct ctx *cx, const struct billing_row *row, const struct plan *from, const struct plan *to)
{
	if (!stripe_is_set(cx) || to->price_minor == 0 || cx->actor == NULL ||
		cx->actor->kind == ACTOR_OPERATOR)
		return ERR_NONE;
	if (to->stripe.base == NULL)
		return refuse_field(cx, "plan_type", "not_sold", "`plan_type` is no plan that is sold here");
	return method_of(row) != NULL || (from->price_minor > 0 && is_good(row))
		       ? ERR_NONE
		       : refuse(cx, ERR_PAYMENT_REQUIRED,
				 "the plan %s costs something: PUT …/billing with a payment method first",
				 to->name);
}

/* Else a plan that costs nothing would end the debt. An operator may let somebody off. */
static enum err check_paid(struct ctx *cx, const struct billing_row *row)
{
	if (!stripe_is_set(cx) || !row->owes || cx->actor == NULL || cx->actor->kind == ACTOR_OPERATOR)
		return ERR_NONE;
	return refuse(cx, ERR_PAYMENT_OVERDUE,
		"the subscription is not paid: its plan cannot be changed until it is");
}

enum err billing_change_plan(struct ctx *cx, const struct plan_change *in, const struct tenant_usage *used,
	struct plan_changed *ret, bool *ret_changed)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	const struct plan *from, *to = tenants_plan(cx, in->plan_type);
	struct billing_row row;
	bool turned = false;

	TRY(ctx_faults(cx));
	TRY(lock(cx, tenant, &row));
	TRY(billing_end_period(cx, tenant, &row, &turned));
	TRY(get(cx, &row));
	TRY(billing_plan(cx, row.plan_type, &from));
	TRY(check_currency(cx, from, to));
	*ret = (struct plan_changed){
		.from_plan = from->name,
		.plan = to->name,
		.at = in->at,
		.effective_at = row.now / SECOND_US * SECOND_US,
		.proration = { .currency = to->currency },
		.mode = "ledger",
	};
	*ret_changed = from != to || row.next_plan != NULL;
	if (!*ret_changed)
		return ERR_NONE;
	if (from != to)
		TRY(check_paid(cx, &row));
	if (from != to)
		TRY(check_payable(cx, &row, from, to));
	if (str_eq(in->at, "now"))
		return change_now(cx, used, tenant, &row, from, to, ret);
	ret->effective_at = row.period_end;
	q_billing_set_plan_later(cx->db, cx->tenant->id, row.adjust_minor, from == to ? NULL : to->name,
		from == to ? TIME_NULL : ret->effective_at);
	return ERR_NONE;
}
