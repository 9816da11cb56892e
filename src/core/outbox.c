/* SPDX-License-Identifier: Apache-2.0 */
/* One call of Stripe's, from the table to what is known of it. */
#include "outbox_in.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/core/alerts.h"
#include "cc/core/plan.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/doc.h"
#include "cc/schema/write.h"
#include "rounds.h"

#define NAME_LEN 20
#define NOTE_MS 5000
#define LEASE_SPARE_MS 3000 /* beyond what Stripe may take; whoever comes too late notes nothing */
#define SERVER_ERRORS 3     /* so often a stored 500 is believed to be one that passes */
#define DOUBLINGS_MAX 10
#define SECOND_US INT64_C(1000000)
#define METER_BATCH 100
#define GIVE_UP_US (INT64_C(7) * 86400 * SECOND_US) /* so long it is asked whether a call had its effect */

const char *const outbox_ops[] = {
	"customer_create",
	"payment_method_attach",
	"customer_update",
	"subscription_create",
	"subscription_plan",
	"subscription_default_clear",
	"subscription_cancel",
	"meter_event",
	"meter_event_cancel",
	NULL,
};

const char *outbox_name(struct ctx *cx)
{
	return id_new(cx->arena, "o", NAME_LEN);
}

void outbox_add_later(struct ctx *cx, const char *name, const char *tenant_id, const struct outbox_call *call)
{
	const bool usage = call->op == OP_METER_EVENT || call->op == OP_METER_CANCEL;

	q_outbox_add_later(cx->db, name, tenant_id, usage ? "usage" : "account", outbox_ops[call->op],
		call->operation_id, call->method, call->path, call->form, call->effect, call->subject);
}

void outbox_wake(struct ctx *cx)
{
	if (cx->world->calls_due != NULL)
		cx->world->calls_due(cx->world);
}

enum outbox_op outbox_op_of(const struct outbox_row *row)
{
	for (int op = 0; op < OP_COUNT; op++)
		if (str_eq(outbox_ops[op], row->op))
			return (enum outbox_op)op;
	return OP_COUNT;
}

/* What came of it ---------------------------------------------------------------------------------------- */

enum verdict { DONE, DEAD, LATER, LOOK };

struct outcome {
	enum verdict verdict;
	int64_t status;
	const char *id;             /* DONE: of the object */
	const char *code, *message; /* of what went wrong */
	bool server_error, renew;
	int64_t delay_ms;
};

struct turn {
	const struct outbox_row *row;
	struct outcome out;
	int64_t noted;
};

static int64_t backoff_ms(const struct stripe_settings *s, int64_t attempts)
{
	const int64_t doublings = attempts - 1 < DOUBLINGS_MAX ? attempts - 1 : DOUBLINGS_MAX;
	const int64_t ms = s->pause_ms << (doublings > 0 ? doublings : 0);
	const int64_t most = ms < s->pause_most_ms ? ms : s->pause_most_ms;
	uint16_t r = 0;

	/* Half of it is chance, so that what failed together does not come back together. */
	if (!random_bytes(&r, sizeof(r)))
		return most;
	return most / 2 + most / 2 * r / UINT16_MAX;
}

/* Of a meter event, and of what takes one back, it is the identifier: they have no other. */
static const char *object_id(struct ctx *cx, const struct http_got *got)
{
	const char *why, *id;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);
	const struct doc *cancel = d != NULL ? doc_object(d, "cancel") : NULL;

	id = d != NULL ? doc_text(d, "id") : NULL;
	if (id == NULL && d != NULL)
		id = doc_text(cancel != NULL ? cancel : d, "identifier");
	id = id != NULL ? arena_strdup(cx->arena, id) : NULL;
	doc_free(d);
	return id;
}

/* A key, or its rights, are trouble of the service: it is tried again until somebody has mended that. */
static bool passes_by_itself(int status)
{
	return status == 401 || status == 403 || status == 408 || status == 409 || status == 429;
}

/* Version 1 of the API says it in its sentence only, version 2 by a code. */
static bool is_duplicate(const struct stripe_error *e)
{
	return str_eq(e->code, "duplicate_meter_event") ||
	       (e->message != NULL && strstr(e->message, "event already exists with identifier") != NULL);
}

static bool was_there_before(const struct outbox_row *row, const struct stripe_error *e)
{
	return (outbox_op_of(row) == OP_METER_EVENT && is_duplicate(e)) ||
	       (outbox_op_of(row) == OP_CANCEL && str_eq(e->code, "resource_missing"));
}

static struct outcome judge_refusal(struct ctx *cx, const struct outbox_row *row, const struct http_got *got)
{
	struct outcome o = { .verdict = DEAD, .status = got->status };
	struct stripe_error e;

	stripe_read_error(cx, got, &e);
	o.code = e.decline_code != NULL ? e.decline_code : e.code != NULL ? e.code : e.type;
	o.message =
		e.message != NULL ? e.message : arena_printf(cx->arena, "Stripe answered %d", got->status);
	if (passes_by_itself(got->status) || got->status < 400 ||
		(got->status == 404 && !stripe_is_missing(cx, got)))
		o.verdict = LATER;
	else if (was_there_before(row, &e))
		o.verdict = DONE;
	return o;
}

static struct outcome judge(
	struct ctx *cx, const struct outbox_row *row, enum http_result r, const struct http_got *got)
{
	struct outcome o = { .verdict = LATER, .status = got->status };

	if (r != HTTP_GOT) {
		o.message = got->error;
	} else if (got->status >= 500) {
		o.server_error = true;
		o.message = arena_printf(cx->arena, "Stripe answered %d", got->status);
		if (row->server_errors + 1 >= SERVER_ERRORS)
			o.verdict = LOOK;
	} else if (got->status >= 300) {
		o = judge_refusal(cx, row, got);
	} else {
		o.id = object_id(cx, got);
		o.verdict = o.id != NULL ? DONE : LATER; /* a success that cannot be read is repeated */
		o.message = "an answer of Stripe's cannot be read";
	}
	return o;
}

static void look(struct ctx *cx, const struct outbox_row *row, struct outcome *o)
{
	const char *id = NULL;

	switch (outbox_find(cx, row, &id)) {
	case FOUND_DONE:
		*o = (struct outcome){ .verdict = DONE, .status = 200, .id = id };
		break;
	case FOUND_ABSENT:
		o->verdict = LATER;
		o->renew = true;
		break;
	case FOUND_GONE:
		*o = (struct outcome){ .verdict = DEAD,
			.status = 404,
			.code = "resource_missing",
			.message = "what it changes is not there at Stripe any more" };
		break;
	case FOUND_UNKNOWN:
		o->verdict = LATER;
		if (row->now - row->created_at > GIVE_UP_US)
			*o = (struct outcome){ .verdict = DEAD,
				.status = o->status,
				.code = "unknown_effect",
				.message = "for a week Stripe did not say what came of it: look there" };
		break;
	}
}

static bool is_too_old(const struct ctx *cx, const struct outbox_row *row)
{
	return row->now - row->first_sent_at > cx->world->settings->stripe.window_s * SECOND_US;
}

static bool lacks_something(const struct outbox_row *row)
{
	static const char *const marks[] = { "{customer}", "{subscription}" };

	for (size_t i = 0; i < 2; i++)
		if (strstr(row->path, marks[i]) != NULL ||
			(row->body != NULL && strstr(row->body, marks[i]) != NULL))
			return true;
	return false;
}

static void carry_out(struct ctx *cx, const struct outbox_row *row, struct outcome *ret)
{
	const struct stripe_call call = {
		.method = row->method,
		.path = row->path,
		.form = row->body,
		.idempotency_key = arena_printf(cx->arena, "cc-%s-g%" PRId64, row->id, row->generation),
	};
	struct http_got got;
	enum http_result r;

	*ret = (struct outcome){ .verdict = LOOK, .message = "its key is too old to be repeated" };
	if (lacks_something(row)) {
		*ret = (struct outcome){ .verdict = DEAD,
			.code = "missing",
			.message = "what it refers to was never made at Stripe" };
	} else if (!is_too_old(cx, row)) {
		r = stripe_send(cx, &call, &got);
		FAILPOINT("outbox.sent");
		*ret = judge(cx, row, r, &got);
	}
	if (ret->verdict == LOOK)
		look(cx, row, ret);
	ret->delay_ms = backoff_ms(&cx->world->settings->stripe, row->attempts);
}

/* Noting it ---------------------------------------------------------------------------------------------- */

static const char *error_json(struct ctx *cx, const struct outcome *o)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 128);
	jw_init(&w, &out);
	jw_object(&w);
	jw_key(&w, "code");
	jw_text(&w, o->code != NULL ? o->code : "billing_provider_error");
	jw_key(&w, "message");
	jw_text(&w, o->message);
	jw_object_end(&w);
	return out.data;
}

static enum err note_done(struct ctx *cx, struct turn *t)
{
	const struct outbox_row *row = t->row;
	struct outbox_group group;

	TRY(q_outbox_done(cx->db, &t->noted, row->id, row->attempts, t->out.status, t->out.id));
	if (t->noted == 0)
		return ERR_NONE;
	TRY(outbox_apply(cx, row, t->out.id));
	if (cx->tenant != NULL)
		alert_resolve_later(cx, ALERT_BILLING_REFUSED, row->op);
	if (row->operation_id == NULL)
		return ERR_NONE;
	TRY(q_outbox_group(cx->db, &group, row->operation_id));
	if (group.waiting == 0 && group.failed == 0)
		q_outbox_operation_end_later(cx->db, row->operation_id, "completed", NULL);
	return ERR_NONE;
}

/* Neither one that found no customer nor one of which nobody knows what came of it says so of an address. */
static bool is_address_refused(const struct outbox_row *row, const struct outcome *o)
{
	return outbox_op_of(row) == OP_CUSTOMER_UPDATE && o->status >= 400 && o->status < 500 &&
	       !str_eq(o->code, "resource_missing") && !str_eq(o->code, "unknown_effect");
}

static enum err note_dead(struct ctx *cx, struct turn *t)
{
	const struct outbox_row *row = t->row;

	TRY(q_outbox_dead(
		cx->db, &t->noted, row->id, row->attempts, t->out.status, t->out.code, t->out.message));
	if (t->noted == 0)
		return ERR_NONE;
	/* What it was about may not be there any more. */
	if (str_eq(t->out.code, "resource_missing"))
		q_stripe_doubtful_later(cx->db, row->tenant_id);
	if (is_address_refused(row, &t->out))
		q_stripe_address_refused_later(cx->db, row->id);
	if (row->operation_id != NULL) {
		q_outbox_skip_rest_later(cx->db, row->operation_id);
		q_outbox_operation_end_later(cx->db, row->operation_id, "failed", error_json(cx, &t->out));
	}
	if (cx->tenant != NULL)
		alert_raise_later(cx, ALERT_BILLING_REFUSED, ALERT_WARNING, row->op,
			arena_printf(cx->arena, "Stripe refused %s: %s", row->op, t->out.message));
	return ERR_NONE;
}

static enum err note(struct ctx *cx, void *arg)
{
	struct turn *t = arg;
	const struct outcome *o = &t->out;

	if (o->verdict == DONE)
		return note_done(cx, t);
	if (o->verdict == DEAD)
		return note_dead(cx, t);
	return q_outbox_later(cx->db, &t->noted, t->row->id, t->row->attempts, o->delay_ms, o->server_error,
		o->renew, o->message);
}

static void tell(const struct turn *t)
{
	const struct outbox_row *row = t->row;

	if (t->out.verdict == DEAD)
		LOG(LOG_WARN, "Stripe refused a call", LOG_TEXT("op", row->op),
			LOG_TEXT("tenant_id", row->tenant_id), LOG_TEXT("id", row->id),
			LOG_TEXT("code", t->out.code), LOG_TEXT("message", t->out.message));
	else if (t->out.verdict != DONE && row->attempts == 1)
		LOG(LOG_INFO, "a call of Stripe's is tried again", LOG_TEXT("op", row->op),
			LOG_TEXT("tenant_id", row->tenant_id), LOG_TEXT("id", row->id),
			LOG_TEXT("message", t->out.message));
}

/* The tenant may be gone, and what Stripe did is noted all the same. */
static enum err note_turn(struct ctx *cx, struct turn *t)
{
	const struct tenant *tenant = NULL;
	struct db_place place;
	enum err e;

	place_platform(cx->world, &place);
	cx->deadline_ms = clock_mono_ms() + NOTE_MS;
	if (tenant_get(cx, t->row->tenant_id, true, &tenant) != ERR_NONE)
		ctx_clear_problem(cx);
	cx->tenant = tenant;
	e = db_unit(cx, &place, DB_WRITE, note, t);
	cx->tenant = NULL;
	tenant_put(tenant);
	return e;
}

/* Taking it ---------------------------------------------------------------------------------------------- */

struct take {
	struct outbox_row *row;
	bool found;
	int64_t lease_ms;
};

static enum err take(struct ctx *cx, void *arg)
{
	struct take *t = arg;

	q_outbox_take_later(cx->db, t->row, &t->found, t->lease_ms, cx->world->settings->stripe.evidence_s);
	return ERR_NONE;
}

enum err outbox_step(struct ctx *cx, bool *ret_did)
{
	struct take t = { .row = ARENA_NEW(cx->arena, struct outbox_row),
		.lease_ms = 2 * cx->world->settings->stripe.timeout_ms + LEASE_SPARE_MS };
	struct turn turn = { .row = t.row };

	*ret_did = false;
	TRY(round_claim(cx, q_outbox_due, take, &t));
	if (!t.found)
		return ERR_NONE;
	*ret_did = true;
	FAILPOINT("outbox.taken");
	carry_out(cx, t.row, &turn.out);
	FAILPOINT("outbox.carried_out");
	tell(&turn);
	return note_turn(cx, &turn);
}

static enum err meter(struct ctx *cx, void *arg)
{
	const struct stripe_settings *s = &cx->world->settings->stripe;

	return q_outbox_meter(cx->db, arg, METER_BATCH, s->meter_event[METER_API_CALLS],
		s->meter_event[METER_BOUNCER_REQUESTS]);
}

enum err outbox_meter(struct ctx *cx, int64_t *ret_done)
{
	return round_claim(cx, q_outbox_meter_due, meter, ret_done);
}
