/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscription's state means for its tenant: alerts, and at last no more changes. */
#include "stripe_in.h"

#include "cc/core/alerts.h"
#include "cc/core/audit.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define SUBJECT "subscription"
#define REASON "The subscription is not paid."

static const char *const standings[] = { "active", "past_due", "grace", "suspended" };

static enum standing standing_named(const char *name)
{
	for (int s = STANDING_SUSPENDED; s > STANDING_ACTIVE; s--)
		if (str_eq(standings[s], name))
			return (enum standing)s;
	return STANDING_ACTIVE;
}

/* Where nothing is owed, Stripe's word says more than ours. */
static const char *word_for(enum standing s, const char *stripe_status)
{
	static const char *const theirs[] = { "trialing", "incomplete", "incomplete_expired", "paused",
		NULL };

	for (size_t i = 0; s == STANDING_ACTIVE && theirs[i] != NULL; i++)
		if (str_eq(theirs[i], stripe_status))
			return theirs[i];
	return standings[s];
}

static void alert_later(struct ctx *cx, enum standing s)
{
	static const char *const words[] = {
		[STANDING_PAST_DUE] =
			"The last invoice was not paid. Everything goes on; see to the payment method.",
		[STANDING_GRACE] =
			"The subscription has not been paid for a week. In another week changes end.",
		[STANDING_SUSPENDED] =
			"The subscription is not paid: nothing can be changed. Reads and bouncers go on.",
	};

	if (s == STANDING_ACTIVE)
		alert_resolve_later(cx, ALERT_PAYMENT_OVERDUE, SUBJECT);
	else
		alert_raise_later(cx, ALERT_PAYMENT_OVERDUE,
			s == STANDING_PAST_DUE ? ALERT_WARNING : ALERT_CRITICAL, SUBJECT, words[s]);
}

static enum err record(struct ctx *cx, const char *action)
{
	static const char *const status[] = { "status" };
	const struct audit_entry entry = {
		.action = action,
		.object_type = "tenant",
		.object_id = cx->tenant->id,
		.changed = { status, 1 },
		.reason = "payment",
	};

	TRY(audit_control(cx, cx->tenant->id, &entry));
	change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

/* What an operator suspended is the operator's, and so is what waits for its deletion. */
static enum err follow(
	struct ctx *cx, const struct stripe_row *row, enum standing s, bool *suspended, bool *ret_changed)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	bool *found = ARENA_NEW(cx->arena, bool);

	*suspended = row->suspended;
	if (s == STANDING_SUSPENDED && !row->suspended && str_eq(row->tenant_status, "active")) {
		q_tenant_suspend_later(cx->db, tenant, found, row->tenant_id, "read_only", REASON);
		*suspended = *ret_changed = true;
		return record(cx, "suspendTenant");
	}
	if (s < STANDING_SUSPENDED && row->suspended) {
		*suspended = false;
		if (!str_eq(row->tenant_status, "suspended"))
			return ERR_NONE;
		q_tenant_resume_later(cx->db, tenant, found, row->tenant_id);
		*ret_changed = true;
		return record(cx, "resumeTenant");
	}
	return ERR_NONE;
}

enum err stripe_dun(
	struct ctx *cx, const struct stripe_row *row, const char *stripe_status, bool *ret_changed)
{
	const struct dunning before = {
		.now = standing_named(row->status),
		.next = row->status_next != NULL ? standing_named(row->status_next) : STANDING_ACTIVE,
		.next_at = row->status_next_at,
		.trouble_since = row->trouble_since,
	};
	const struct dunning d = dunning_step(
		&before, stripe_status, row->now, cx->world->settings->stripe.evidence_s * 1000000);
	const char *word = word_for(d.now, stripe_status);
	bool suspended;

	TRY(follow(cx, row, d.now, &suspended, ret_changed));
	alert_later(cx, d.now);
	q_stripe_status_later(cx->db, row->tenant_id, word, d.next_at != TIME_NULL ? standings[d.next] : NULL,
		d.next_at, d.trouble_since, suspended);
	return ERR_NONE;
}
