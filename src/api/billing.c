/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/billing.h"
#include "cc/core/stripe.h"
#include "cc/core/stripe_events.h"
#include "cc/core/tenant.h"
#include "cc/core/tenants.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

/* Two databases answer: what is in use is asked of the region, before anything else. */
struct job {
	struct req *rq;
	struct tenant_usage used;
	struct billing *billing;
	struct plan_changed *plan;
	const char *operation;          /* what Stripe is asked for; NULL: nothing */
	struct proration preview;       /* what Stripe says, if it was asked */
	bool previewed;
};

static struct job *open_job(struct ctx *cx, struct req *rq)
{
	struct job *j = ARENA_NEW(cx->arena, struct job);
	const struct tenant *fresh;

	*j = (struct job){ .rq = rq };
	tenants_usage(cx, &j->used, &fresh);
	gate_keep(cx, rq, fresh);
	return j;
}

static enum err read_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;

	return billing_read(cx, &j->used, j->billing);
}

static enum err billing_get(struct ctx *cx, struct req *rq)
{
	struct job *j = open_job(cx, rq);

	j->billing = ARENA_NEW(cx->arena, struct billing);
	if (stripe_is_set(cx))
		TRY(billing_preview(cx));
	TRY(reply(rq, j->billing));
	return gate_control(cx, rq, DB_READ, read_work, j);
}

static enum err change_work(struct ctx *cx, void *arg)
{
	struct job *j = arg;
	struct req *rq = j->rq;

	TRY(billing_change(cx, rq->body, &j->used, j->billing, &rq->changed, &j->operation));
	if (rq->changed.n == 0)
		gate_unchanged(rq);
	if (rq->dry_run)
		billing_show_change(cx, rq->body, j->billing);
	if (j->operation == NULL)
		return ERR_NONE;
	rq->status = 202;
	rq->location = arena_printf(cx->arena, "/api/v1/operations/%s", j->operation);
	return ERR_NONE;
}

/* What was asked for is written down; most often it is done while the client waits. */
static enum err await(struct ctx *cx, struct req *rq, struct job *j)
{
	bool done;

	TRY(billing_await(cx, j->operation, &done));
	if (!done)
		return ERR_NONE;
	rq->status = 0;
	rq->location = NULL;
	return gate_control(cx, rq, DB_READ, read_work, j);
}

static enum err billing_put(struct ctx *cx, struct req *rq)
{
	struct job *j = open_job(cx, rq);

	j->billing = ARENA_NEW(cx->arena, struct billing);
	TRY(reply(rq, j->billing));
	TRY(gate_control(cx, rq, DB_WRITE, change_work, j));
	return j->operation != NULL && !rq->dry_run ? await(cx, rq, j) : ERR_NONE;
}

static enum err plan_work(struct ctx *cx, void *arg)
{
	const struct job *j = arg;
	bool changed;

	TRY(billing_change_plan(cx, j->rq->body, &j->used, j->plan, &changed));
	if (!changed)
		gate_unchanged(j->rq);
	if (!changed || !j->previewed)
		return ERR_NONE;
	j->plan->proration = j->preview;
	j->plan->mode = billing_modes[1];
	return ERR_NONE;
}

static enum err plan_post(struct ctx *cx, struct req *rq)
{
	struct job *j = open_job(cx, rq);

	const struct plan_change *in = rq->body;

	j->plan = ARENA_NEW(cx->arena, struct plan_changed);
	TRY(reply(rq, j->plan));
	/* What is changed is told by Stripe's invoices; what would be, Stripe is asked. */
	if (rq->dry_run && stripe_is_set(cx) && str_eq(in->at, plan_change_times[0]))
		TRY(billing_preview_plan(cx, in->plan_type, &j->preview, &j->previewed));
	return gate_control(cx, rq, DB_WRITE, plan_work, j);
}

/* Invoices --------------------------------------------------------------------------------------------- */

struct invoice_query {
	PAGE_MEMBERS;
};

#define T struct invoice_query
static const struct field invoice_query_fields[] = { PAGE_FIELDS(T) };
#undef T
static SCHEMA(invoice_query_schema, struct invoice_query, "InvoiceQuery", invoice_query_fields);

static enum err invoice_list(struct ctx *cx, struct req *rq)
{
	const struct invoice_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "-period_start", &page));
	q_invoice_list_later(cx->db, &rq->list, &page->order, cx->tenant->id, page->skip, page->rows);
	q_invoice_count_later(cx->db, tally_at(&rq->total), cx->tenant->id);
	return ERR_NONE;
}

/* Events ------------------------------------------------------------------------------------------------ */

struct event_taken {
	bool received;
};

#define T struct event_taken
static const struct field event_taken_fields[] = { BOOL(T, received, F_OUT, "True: it is stored.") };
#undef T
static SCHEMA(event_taken_schema, struct event_taken, "EventTaken", event_taken_fields);

static enum err event_take(struct ctx *cx, struct req *rq)
{
	struct event_taken *taken = ARENA_NEW(cx->arena, struct event_taken);
	const struct bytes body = { (const unsigned char *)rq->in->body, rq->in->body_len };

	TRY(stripe_event_take(cx, rq->in->stripe_signature, body));
	taken->received = true;
	return reply(rq, taken);
}

/* Plans ------------------------------------------------------------------------------------------------ */

static struct plan_usage usage_of(const struct plan *p, enum billed m)
{
	return (struct plan_usage){ p->meter[m].included, p->meter[m].minor, p->meter[m].per };
}

static void write_plan(struct jw *w, const struct plan *p)
{
	const struct plan_row row = {
		.plan_type = p->name, .price = p->price_minor, .currency = p->currency,
		.term_months = p->term_months,
		.limits = { p->limits.max_policies, p->limits.max_resources, p->limits.max_users,
			    p->limits.max_bouncers },
		.api_calls = usage_of(p, METER_API_CALLS),
		.bouncer_requests = usage_of(p, METER_BOUNCER_REQUESTS),
		.tenant_rate = { p->tenant_rate.limit, p->tenant_rate.window },
		.key_rate = { p->key_rate.limit, p->key_rate.window },
	};

	schema_write(w, &plan_row_schema, &row, WRITE_FULL);
}

static enum err plan_list(struct ctx *cx, struct req *rq)
{
	const struct plan_set *plans = cx->world->plans;
	struct plan_list *list = ARENA_NEW(cx->arena, struct plan_list);
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 2048);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < plans->n; i++)
		write_plan(&w, &plans->v[i]);
	jw_array_end(&w);
	list->plans = out.data;
	return reply(rq, list);
}

#define BASE "/tenants/{tenant_id}/billing"
#define ONE .auth = AUTH_TENANT, .store = STORE_NONE, .status = 200

static const struct route routes[] = {
	{ M_GET, BASE, "getBilling", "billing:read", "platform:billing", ONE, .mode = DB_READ,
	  .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK | ROUTE_DELETED_OK, .handler = billing_get,
	  .reply = &billing_schema, .errors = { ERR_BILLING_PROVIDER },
	  .summary = "What a tenant pays for",
	  .doc = "The period that is now: what was used and what it costs so far." },
	{ M_PUT, BASE, "updateBilling", "billing:write", "platform:billing", ONE, .mode = DB_WRITE,
	  .flags = ROUTE_VOLATILE | ROUTE_PUT_KEEPS | ROUTE_SUSPENDED_OK | ROUTE_DELETED_OK | ROUTE_OR_202,
	  .object = "billing",
	  .handler = billing_put, .body = &billing_change_schema, .reply = &billing_schema,
	  .errors = { ERR_PAYMENT_DECLINED, ERR_PAYMENT_METHOD, ERR_BILLING_PROVIDER, ERR_TENANT_GONE },
	  .summary = "Change how a tenant pays",
	  .doc = "Payment method and address. What is not sent stays. With Stripe the answer waits for it, "
		 "five seconds at most; then it is 202, and Location names the operation that goes on." },
	{ M_GET, BASE "/invoices", "listInvoices", "billing:read", "platform:billing", .auth = AUTH_TENANT,
	  .store = STORE_CONTROL, .mode = DB_READ, .status = 200,
	  .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK | ROUTE_DELETED_OK, .handler = invoice_list,
	  .query = &invoice_query_schema, .reply = &invoice_schema, .list = "invoices",
	  .summary = "List a tenant's invoices",
	  .doc = "One for each period that is closed, the youngest first." },
	{ M_POST, BASE "/plan", "changePlan", "billing:write", "platform:billing", ONE, .mode = DB_WRITE,
	  .flags = ROUTE_VOLATILE, .object = "billing", .handler = plan_post, .body = &plan_change_schema,
	  .reply = &plan_changed_schema,
	  .errors = { ERR_PAYMENT_REQUIRED, ERR_PAYMENT_OVERDUE, ERR_BELOW_USAGE, ERR_UNAVAILABLE,
		      ERR_BILLING_PROVIDER },
	  .summary = "Change a tenant's plan",
	  .doc = "Now, with the rest of the period prorated, or at its end. A dry run says what would come "
		 "of it: with Stripe, what that says. Limits that are the old plan's follow." },
	{ M_POST, "/integrations/stripe/webhook", "takeStripeEvent", NULL, .auth = AUTH_PUBLIC,
	  .store = STORE_NONE, .mode = DB_READ, .flags = ROUTE_RAW_BODY | ROUTE_NO_LIMIT | ROUTE_VOLATILE,
	  .status = 200, .body_max = (size_t)512 * 1024, .handler = event_take, .reply = &event_taken_schema,
	  .errors = { ERR_SIGNATURE, ERR_TOO_LARGE },
	  .summary = "Take an event of Stripe's",
	  .doc = "Signed by Stripe (header Stripe-Signature). It is stored before it is answered, and "
		 "nothing is done with it before: what has changed is then asked of Stripe." },
	{ M_GET, "/plans", "listPlans", SCOPE_ANY, .auth = AUTH_ANY, .store = STORE_NONE, .mode = DB_READ,
	  .flags = ROUTE_VOLATILE | ROUTE_SUSPENDED_OK | ROUTE_DELETED_OK, .status = 200,
	  .handler = plan_list, .reply = &plan_list_schema,
	  .summary = "List the plans", .doc = "What tenants can subscribe to, and what it costs." },
};
ROUTE_GROUP(billing_routes, "Billing", "/api/v1", routes);
