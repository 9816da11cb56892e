/* SPDX-License-Identifier: Apache-2.0 */
/* Events that are more than a hint: a payment is contested, or Stripe could not use what a meter was told. */
#include "stripe_in.h"

#include <string.h>

#include "cc/base/log.h"
#include "cc/core/alerts.h"
#include "cc/core/stripe_sync.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/billing.h"
#include "cc/model/q_control.h"
#include "rounds.h"

#define LEASE_S 30
#define BATCH 20
#define TRIES_MAX 10
#define SAMPLES_MAX 100
#define IDENTIFIER "cc:"

struct notice {
	struct stripe_notice row;
	bool found, changed;
};

static enum err take(struct ctx *cx, void *arg)
{
	struct notice *n = arg;

	q_stripe_event_tell_later(cx->db, &n->row, &n->found, LEASE_S);
	return ERR_NONE;
}

static enum err note_told(struct ctx *cx, void *arg)
{
	const struct notice *n = arg;

	q_stripe_event_told_later(cx->db, n->row.event_id);
	return ERR_NONE;
}

/* An alert of one tenant's. */
struct message {
	const char *tenant_id, *subject, *text;
	enum alert_type type;
	bool over;
};

static enum err tell(struct ctx *cx, void *arg)
{
	const struct message *m = arg;

	if (m->over)
		alert_resolve_later(cx, m->type, m->subject);
	else
		alert_raise_later(cx, m->type, ALERT_CRITICAL, m->subject, m->text);
	return ERR_NONE;
}

static bool tell_tenant(struct ctx *cx, struct round *round, struct message *m)
{
	static const bool changed = false;
	const int before = round->failed;

	round_turn(cx, round, m->tenant_id, tell, m, &changed);
	return round->failed == before;
}

/* Disputes ----------------------------------------------------------------------------------------------- */

struct whose {
	const char *customer;
	struct billing_due due;
	bool found;
};

static enum err find_tenant(struct ctx *cx, void *arg)
{
	struct whose *w = arg;

	return q_stripe_tenant_of(cx->db, &w->due, &w->found, w->customer);
}

/* A dispute names its charge, and that its customer. False: Stripe does not say now. */
static bool find_customer(struct ctx *cx, const struct doc *dispute, const char **ret)
{
	const char *charge = doc_text(dispute, "charge"), *customer;
	struct doc *d;
	bool missing;

	*ret = NULL;
	if (charge == NULL)
		return true;
	d = stripe_get_doc(cx, arena_printf(cx->arena, "/v1/charges/%s", charge), &missing);
	customer = d != NULL ? doc_text(d, "customer") : NULL;
	*ret = customer != NULL ? arena_strdup(cx->arena, customer) : NULL;
	doc_free(d);
	return d != NULL || missing;
}

static bool tell_dispute(struct ctx *cx, struct round *round, const struct doc *dispute, bool over)
{
	const char *id = doc_text(dispute, "id"), *reason = doc_text(dispute, "reason");
	struct message m = { .type = ALERT_PAYMENT_DISPUTED, .over = over };
	struct whose w = { .found = false };
	struct db_place place;

	if (id == NULL)
		return true;
	if (!find_customer(cx, dispute, &w.customer))
		return false;
	place_platform(cx->world, &place);
	if (w.customer != NULL && db_unit(cx, &place, DB_READ, find_tenant, &w) != ERR_NONE)
		return false;
	if (!w.found) {
		LOG(LOG_WARN, "a payment of nobody known here is disputed", LOG_TEXT("dispute", id));
		return true;
	}
	m.tenant_id = w.due.tenant_id;
	m.subject = arena_strdup(cx->arena, id);
	m.text = arena_printf(cx->arena, "A payment is contested at its bank (%s).",
		reason != NULL ? reason : "without a reason");
	return tell_tenant(cx, round, &m);
}

/* Meters ------------------------------------------------------------------------------------------------- */

/* "cc:<tenant>:<meter>:<hour>:v1": tenants have no colon in their ids. */
static bool tell_sample(struct ctx *cx, struct round *round, const struct doc *sample)
{
	const struct doc *request = doc_object(sample, "request");
	const char *id = request != NULL ? doc_text(request, "identifier") : NULL;
	const char *said = doc_text(sample, "error_message"), *end;
	struct message m = { .type = ALERT_USAGE_REFUSED };

	if (id == NULL || strncmp(id, IDENTIFIER, strlen(IDENTIFIER)) != 0)
		return true;
	id += strlen(IDENTIFIER);
	end = strchr(id, ':');
	if (end == NULL)
		return true;
	m.tenant_id = arena_strndup(cx->arena, id, (size_t)(end - id));
	m.subject = arena_strdup(cx->arena, end + 1);
	m.text = arena_printf(
		cx->arena, "Stripe could not bill %s: %s", end + 1, said != NULL ? said : "no reason");
	return tell_tenant(cx, round, &m);
}

static bool tell_meter(struct ctx *cx, struct round *round, const struct doc *event)
{
	const struct doc *data = doc_object(event, "data"), *type, *sample;
	const struct doc *reason = data != NULL ? doc_object(data, "reason") : NULL;
	const char *said = data != NULL ? doc_text(data, "developer_message_summary") : NULL;
	bool good = true;

	LOG(LOG_ERROR, "Stripe could not use what a meter was told",
		LOG_TEXT("summary", said != NULL ? said : "none"));
	for (size_t i = 0; reason != NULL && (type = doc_item(reason, "error_types", i)) != NULL; i++)
		for (size_t k = 0; k < SAMPLES_MAX && (sample = doc_item(type, "sample_errors", k)) != NULL;
			k++)
			good = tell_sample(cx, round, sample) && good;
	return good;
}

/* What Stripe sends of these is thin: what it is about is asked for. */
static bool tell_thin(struct ctx *cx, struct round *round, const struct doc *event, const char *id)
{
	bool missing, good;
	struct doc *d;

	if (doc_object(event, "data") != NULL)
		return tell_meter(cx, round, event);
	d = stripe_get_doc(cx, arena_printf(cx->arena, "/v2/core/events/%s", id), &missing);
	good = d != NULL ? tell_meter(cx, round, d) : missing;
	doc_free(d);
	return good;
}

/* All of them -------------------------------------------------------------------------------------------- */

static bool tell_notice(struct ctx *cx, struct round *round, const struct stripe_notice *n)
{
	const struct doc *data, *object;
	const char *why;
	struct doc *d = doc_parse(cx->arena, n->payload, strlen(n->payload), &why);
	bool good = true;

	if (d == NULL)
		return true;
	data = doc_object(d, "data");
	object = data != NULL ? doc_object(data, "object") : NULL;
	if (strncmp(n->type, "v1.", 3) == 0)
		good = tell_thin(cx, round, d, n->event_id);
	else if (object != NULL)
		good = tell_dispute(cx, round, object, str_eq(n->type, "charge.dispute.closed"));
	doc_free(d);
	return good;
}

enum err stripe_notices(struct ctx *cx, struct round *ret)
{
	struct db_place place;

	*ret = (struct round){ 0 };
	place_platform(cx->world, &place);
	for (int i = 0; i < BATCH; i++) {
		struct notice n = { .found = false };

		TRY(round_claim(cx, q_stripe_event_tell_due, take, &n));
		if (!n.found)
			return ERR_NONE;
		if (!tell_notice(cx, ret, &n.row) && n.row.tries < TRIES_MAX)
			continue;
		if (n.row.tries >= TRIES_MAX)
			LOG(LOG_ERROR, "nobody could be told of an event of Stripe's",
				LOG_TEXT("event", n.row.event_id), LOG_TEXT("type", n.row.type));
		ctx_clear_problem(cx);
		TRY(db_unit(cx, &place, DB_WRITE, note_told, &n));
	}
	return ERR_NONE;
}
