/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our hours beside Stripe's: what is billed there is what was counted here, or it is corrected where Stripe
 * lets that be done, and the tenant is told until it is so.
 */
#include "stripe_in.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/alerts.h"
#include "cc/core/stripe_sync.h"
#include "cc/core/tenant.h"
#include "cc/core/plan.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "rounds.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_S INT64_C(3600)
#define DAY_S (24 * HOUR_S)
#define BACK_S (2 * DAY_S)     /* what was equal is compared again for so long */
#define OLDEST_S (34 * DAY_S)  /* an hour that is older cannot be corrected: Stripe takes 35 days */
#define STRETCH_S (4 * DAY_S)  /* of one question: Stripe gives at most a hundred hours */
#define LEASE_S 600            /* then it is asked again, where no answer came */
#define SETTLED_S (2 * HOUR_S) /* Stripe adds up in its own time */
#define SUBJECT "usage"
#define SUBJECT_MISSED "usage:missed"
#define SUBJECT_SILENT "usage:unknown"
#define DIFFERENCES_MAX 200 /* that are corrected at a time */

/* Hours ------------------------------------------------------------------------------------------------- */

/* "15" and "15.0" alike; false: it is no whole number. */
static bool read_whole(const char *text, int64_t *ret)
{
	char digits[24];
	const char *dot = text != NULL ? strchr(text, '.') : NULL;
	const size_t n = text == NULL ? 0 : dot != NULL ? (size_t)(dot - text) : strlen(text);

	if (n == 0 || n >= sizeof(digits) || (dot != NULL && strspn(dot + 1, "0") != strlen(dot + 1)))
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	return parse_int64(digits, ret);
}

static const char *meter_id(struct ctx *cx, const char *event_name)
{
	const struct doc *item;
	const char *id = NULL;
	bool missing;
	struct doc *d = stripe_get_doc(cx, "/v1/billing/meters?limit=100", &missing);

	for (size_t i = 0; d != NULL && id == NULL && (item = doc_item(d, "data", i)) != NULL; i++)
		if (str_eq(doc_text(item, "event_name"), event_name) && doc_text(item, "id") != NULL)
			id = arena_strdup(cx->arena, doc_text(item, "id"));
	doc_free(d);
	return id;
}

bool stripe_hour(struct ctx *cx, const char *event_name, const char *customer, int64_t start_s, int64_t *ret)
{
	const char *id = meter_id(cx, event_name);
	const struct doc *item;
	struct doc *d = NULL;
	bool missing, good = true;
	int64_t one;

	*ret = 0;
	if (id != NULL)
		d = stripe_get_doc(cx,
			arena_printf(cx->arena,
				"/v1/billing/meters/%s/event_summaries?customer=%s&start_time=%" PRId64
				"&end_time=%" PRId64 "&limit=100",
				id, customer, start_s, start_s + HOUR_S),
			&missing);
	for (size_t i = 0; d != NULL && good && (item = doc_item(d, "data", i)) != NULL; i++) {
		good = read_whole(doc_value(item, "aggregated_value"), &one);
		*ret += good ? one : 0;
	}
	good = good && d != NULL;
	doc_free(d);
	return good;
}

/* Comparing --------------------------------------------------------------------------------------------- */

struct comparison {
	struct stripe_row due;
	bool found, changed;
	int64_t since, until;
	int64_t missed;       /* hours before were never equal, and are too old by now; TIME_NULL: none */
	struct db_rows hours; /* ours, by meter and hour */
	struct db_rows fresh; /* of which Stripe was told something lately */
	bool unsettled;       /* of these some differ, and may not do so soon */
	struct hour_difference difference[DIFFERENCES_MAX];
	int differences; /* also those beyond */
	int64_t first;   /* the oldest hour that differs; where there is none the end of the span */
	bool silent;     /* Stripe does not say */
};

static int64_t ours_at(const struct comparison *c, const char *meter, int64_t hour)
{
	for (size_t i = 0; i < c->hours.n; i++) {
		const struct metered_hour *h = DB_ROW(&c->hours, struct metered_hour, i);

		if (h->hour == hour && str_eq(h->meter, meter))
			return h->quantity;
	}
	return 0;
}

static bool is_fresh(const struct comparison *c, const char *meter, int64_t hour)
{
	for (size_t i = 0; i < c->fresh.n; i++) {
		const struct metered_hour *h = DB_ROW(&c->fresh, struct metered_hour, i);

		if (h->hour == hour && str_eq(h->meter, meter))
			return true;
	}
	return false;
}

static void differ(struct comparison *c, const char *meter, int64_t hour, int64_t theirs)
{
	const int64_t ours = ours_at(c, meter, hour);

	if (ours == theirs)
		return;
	if (hour < c->first)
		c->first = hour;
	if (is_fresh(c, meter, hour)) {
		c->unsettled = true;
		return;
	}
	if (c->differences < DIFFERENCES_MAX)
		c->difference[c->differences] = (struct hour_difference){ meter, hour, ours, theirs };
	c->differences++;
}

/* Both ways: hours that Stripe has and we have not, and ours that it lacks. */
static void compare_page(struct comparison *c, const char *meter, const struct doc *d, bool seen[])
{
	const struct doc *item;
	int64_t start_s, value;

	for (size_t i = 0; (item = doc_item(d, "data", i)) != NULL; i++) {
		if (!doc_int(item, "start_time", &start_s) ||
			!read_whole(doc_value(item, "aggregated_value"), &value)) {
			c->silent = true;
			continue;
		}
		differ(c, meter, start_s * SECOND_US, value);
		for (size_t h = 0; h < c->hours.n; h++)
			seen[h] = seen[h] ||
				  (DB_ROW(&c->hours, struct metered_hour, h)->hour == start_s * SECOND_US &&
					  str_eq(DB_ROW(&c->hours, struct metered_hour, h)->meter, meter));
	}
}

/* False: Stripe does not say. */
static bool compare_stretch(
	struct ctx *cx, struct comparison *c, enum billed m, const char *id, int64_t since_s, bool seen[])
{
	const int64_t end_s = c->until / SECOND_US;
	bool missing;
	struct doc *d = stripe_get_doc(cx,
		arena_printf(cx->arena,
			"/v1/billing/meters/%s/event_summaries?customer=%s&start_time=%" PRId64
			"&end_time=%" PRId64 "&value_grouping_window=hour&limit=100",
			id, c->due.customer_id, since_s,
			since_s + STRETCH_S < end_s ? since_s + STRETCH_S : end_s),
		&missing);

	if (d == NULL)
		return false;
	compare_page(c, meter_names[m], d, seen);
	doc_free(d);
	return true;
}

static void compare_meter(struct ctx *cx, struct comparison *c, enum billed m)
{
	const char *id = meter_id(cx, cx->world->settings->stripe.meter_event[m]);
	bool *seen = ARENA_ARRAY(cx->arena, bool, c->hours.n + 1);

	c->silent = c->silent || id == NULL;
	for (int64_t s = c->since / SECOND_US; !c->silent && s < c->until / SECOND_US; s += STRETCH_S)
		c->silent = !compare_stretch(cx, c, m, id, s, seen) || c->silent;
	if (c->silent)
		return;
	for (size_t i = 0; i < c->hours.n; i++) {
		const struct metered_hour *h = DB_ROW(&c->hours, struct metered_hour, i);

		if (!seen[i] && str_eq(h->meter, meter_names[m]))
			differ(c, h->meter, h->hour, 0);
	}
}

/* From the first hour that is not known to be equal, and some behind. */
static void set_span(struct comparison *c)
{
	const int64_t hour = HOUR_S * SECOND_US;
	const int64_t now = (c->due.now - SETTLED_S * SECOND_US) / hour * hour;
	const int64_t oldest = now - OLDEST_S * SECOND_US, back = now - BACK_S * SECOND_US;
	const int64_t begun = (c->due.metered_since + hour - 1) / hour * hour;
	const int64_t equal = c->due.compared_until > begun ? c->due.compared_until : begun;

	c->until = now < c->due.metered_until ? now : c->due.metered_until;
	c->since = equal < back ? equal : back > begun ? back : begun;
	c->missed = TIME_NULL;
	if (c->since < oldest)
		c->missed = c->since = oldest;
}

static enum err take(struct ctx *cx, void *arg)
{
	struct comparison *c = arg;

	TRY(q_stripe_compare_take(cx->db, &c->due, &c->found, LEASE_S));
	if (!c->found)
		return ERR_NONE;
	set_span(c);
	c->found = c->since < c->until;
	if (!c->found)
		return ERR_NONE;
	c->first = c->until;
	q_stripe_compare_hours_later(cx->db, &c->hours, c->due.tenant_id, c->since, c->until);
	q_stripe_compare_fresh_later(cx->db, &c->fresh, c->due.tenant_id, SETTLED_S);
	return ERR_NONE;
}

/* Nothing can be done about these by a machine, and nothing ends this alert but somebody who knows of it. */
static void tell_missed(struct ctx *cx, const struct comparison *c)
{
	const char *before = time_format(cx->arena, c->missed);

	alert_raise_later(cx, ALERT_USAGE_DIFFERS, ALERT_CRITICAL, SUBJECT_MISSED,
		arena_printf(cx->arena,
			"Hours before %s were not brought into agreement with Stripe's in time, and cannot "
			"be corrected there any more: settle them by hand.",
			before));
}

static enum err tell_equal(struct ctx *cx)
{
	struct alert_set none;

	alert_resolve_later(cx, ALERT_USAGE_DIFFERS, SUBJECT);
	alert_set_init(cx->arena, &none, ALERT_USAGE_REFUSED, 0);
	alert_sync_later(cx, &none, 0);
	return ERR_NONE;
}

static enum err tell(struct ctx *cx, void *arg)
{
	const struct comparison *c = arg;
	const int n = c->differences < DIFFERENCES_MAX ? c->differences : DIFFERENCES_MAX;
	const struct hour_difference *first = &c->difference[0];
	int64_t again_s = cx->world->settings->stripe.reconcile_s;
	int corrected = 0;
	bool did;

	for (int i = 0; i < n; i++) {
		TRY(stripe_correct(cx, c->due.customer_id, &c->difference[i], &did));
		corrected += did;
	}
	/* Looked at again when Stripe has added it up. */
	if ((corrected > 0 || c->unsettled) && again_s > SETTLED_S + HOUR_S)
		again_s = SETTLED_S + HOUR_S;
	q_stripe_compared_later(cx->db, cx->tenant->id, c->first, again_s);
	alert_resolve_later(cx, ALERT_USAGE_DIFFERS, SUBJECT_SILENT);
	if (c->missed != TIME_NULL)
		tell_missed(cx, c);
	if (n == 0)
		return c->unsettled ? ERR_NONE : tell_equal(cx);
	alert_raise_later(cx, ALERT_USAGE_DIFFERS, ALERT_CRITICAL, SUBJECT,
		arena_printf(cx->arena,
			"What Stripe bills is not what was counted in %d hours, first %s of %s: %" PRId64
			" here, %" PRId64 " at Stripe. %d of them are being corrected.",
			c->differences, first->meter, time_format(cx->arena, first->hour), first->ours,
			first->theirs, corrected));
	return ERR_NONE;
}

/* It is asked again when nobody has it any more; a day without an answer is somebody's to look into. */
static enum err tell_silent(struct ctx *cx, void *arg)
{
	struct comparison *c = arg;
	const int64_t since = c->due.compare_silent;

	LOG(LOG_WARN, "Stripe does not say what it has of a tenant's hours",
		LOG_TEXT("tenant_id", c->due.tenant_id));
	q_stripe_compare_silent_later(cx->db, cx->tenant->id);
	if (since != TIME_NULL && c->due.now - since >= DAY_S * SECOND_US)
		alert_raise_later(cx, ALERT_USAGE_DIFFERS, ALERT_WARNING, SUBJECT_SILENT,
			arena_printf(cx->arena,
				"Since %s nobody knows whether Stripe bills what was counted: it does not "
				"say. Are the meters there?",
				time_format(cx->arena, since)));
	return ERR_NONE;
}

enum err stripe_compare(struct ctx *cx, struct round *ret)
{
	struct comparison *c = ARENA_NEW(cx->arena, struct comparison);

	*ret = (struct round){ 0 };
	TRY(round_claim(cx, q_stripe_compare_due, take, c));
	if (!c->found)
		return ERR_NONE;
	for (int m = 0; m < METERS; m++)
		compare_meter(cx, c, (enum billed)m);
	round_turn(cx, ret, c->due.tenant_id, c->silent ? tell_silent : tell, c, &c->changed);
	return ERR_NONE;
}
