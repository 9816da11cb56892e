/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscription's state means for its tenant: alerts, no more of anything, no more changes, its end. */
#include "stripe_in.h"

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/alerts.h"
#include "cc/core/audit.h"
#include "cc/core/operations.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define SUBJECT "subscription"
#define REASON "The subscription is not paid."

static const char *const standings[] = { "active", "past_due", "grace", "suspended", "deletion_scheduled",
	"deletion_scheduled" };

/* Of both that are called so, the first: the second only says that nothing holds the deletion up. */
static enum standing standing_named(const char *name)
{
	for (int s = STANDING_PAST_DUE; s <= STANDING_REMOVING; s++)
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

/* Nothing is owed, and yet somebody has to see to it; NULL: nobody. */
static const char *word_without_debt(const char *stripe_status)
{
	if (str_eq(stripe_status, "incomplete"))
		return "The first invoice is not paid yet: within a day it has to be, or the subscription "
		       "never begins. See to the payment method.";
	if (str_eq(stripe_status, "paused"))
		return "The subscription is paused at Stripe: nothing is billed until it goes on.";
	return NULL;
}

static void alert_later(struct ctx *cx, enum standing s, const struct dunning_look *look)
{
	static const char unbegun[] = "The first invoice was not paid, so the subscription never began: "
				      "nothing can be added. A payment method, also the same again, begins "
				      "another.";
	static const char removing[] =
		"The subscription is not paid: the tenant will be deleted. To pay brings it back.";
	static const char *const words[] = {
		[STANDING_PAST_DUE] =
			"The last invoice was not paid. Everything goes on; see to the payment method.",
		[STANDING_GRACE] = "The subscription has not been paid for a week: nothing can be added. In "
				   "another week changes end.",
		[STANDING_SUSPENDED] = "The subscription is not paid: nothing can be changed. Reads and "
				       "bouncers go on for thirty days.",
		[STANDING_REMOVING] = removing,
		[STANDING_REMOVED] = removing,
	};

	if (s == STANDING_ACTIVE && word_without_debt(look->status) != NULL)
		alert_raise_later(
			cx, ALERT_PAYMENT_OVERDUE, ALERT_WARNING, SUBJECT, word_without_debt(look->status));
	else if (s == STANDING_ACTIVE)
		alert_resolve_later(cx, ALERT_PAYMENT_OVERDUE, SUBJECT);
	else
		alert_raise_later(cx, ALERT_PAYMENT_OVERDUE,
			s == STANDING_PAST_DUE ? ALERT_WARNING : ALERT_CRITICAL, SUBJECT,
			!look->debt && str_eq(look->status, "incomplete_expired") ? unbegun : words[s]);
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

/* A tenant on its way through all of this: what is so of it, and what was done by us. */
struct course {
	const struct stripe_row *row;
	struct tenant_row *tenant;
	bool *found;
	bool suspended, removing; /* from now on */
	bool *changed;
};

static enum err suspend(struct ctx *cx, struct course *c)
{
	q_tenant_suspend_later(cx->db, c->tenant, c->found, c->row->tenant_id, "read_only", REASON);
	c->suspended = *c->changed = true;
	return record(cx, "suspendTenant");
}

/* As whoever deletes a tenant does; but the purge waits for more than its time. */
static enum err schedule(struct ctx *cx, struct course *c)
{
	const char *operation;

	TRY(operation_begin(cx, OPERATION_TENANT_DELETION, "scheduled", &operation));
	q_tenant_delete_later(
		cx->db, c->tenant, c->found, c->row->tenant_id, cx->world->settings->undo_window_s);
	q_tenant_purge_hold_later(cx->db, c->row->tenant_id, "held");
	c->removing = *c->changed = true;
	return record(cx, "deleteTenant");
}

/* It is paid: all that was done for that is taken back. */
static enum err recover(struct ctx *cx, struct course *c, bool still_suspended)
{
	const char *status = c->row->tenant_status;

	if (c->removing && str_eq(status, "deletion_scheduled")) {
		q_tenant_restore_later(cx->db, c->tenant, c->found, c->row->tenant_id);
		operation_end_later(cx, c->row->tenant_id, OPERATION_TENANT_DELETION, "cancelled");
		*c->changed = true;
		TRY(record(cx, "restoreTenant"));
		status = "suspended";
	}
	c->removing = false;
	if (still_suspended || !c->suspended)
		return ERR_NONE;
	c->suspended = false;
	if (!str_eq(status, "suspended"))
		return ERR_NONE;
	q_tenant_resume_later(cx->db, c->tenant, c->found, c->row->tenant_id);
	*c->changed = true;
	return record(cx, "resumeTenant");
}

/* Nodes keep with a tenant whether anything may be added: they have to hear of it. */
static void note_grace(struct ctx *cx, const struct course *c, enum standing s)
{
	if (str_eq(c->row->status, standings[STANDING_GRACE]) == (s == STANDING_GRACE))
		return;
	change_note_later(cx, c->row->tenant_id, "tenant", c->row->tenant_id);
	*c->changed = true;
}

/* What an operator suspended is the operator's, and so is what waits for its deletion. */
static enum err follow(struct ctx *cx, struct course *c, struct dunning *d)
{
	const char *status = c->row->tenant_status;
	enum err e = ERR_NONE;

	note_grace(cx, c, d->now);
	if (d->now < STANDING_SUSPENDED)
		return recover(cx, c, false);
	if (d->now == STANDING_SUSPENDED)
		return !c->suspended && str_eq(status, "active") ? suspend(cx, c) : recover(cx, c, true);
	if (d->now == STANDING_REMOVING && str_eq(status, "suspended"))
		e = schedule(cx, c);
	else if (d->now == STANDING_REMOVED)
		q_tenant_purge_hold_later(cx->db, c->row->tenant_id, "released");
	if (e != ERR_OPERATION_RUNNING)
		return e;
	/* A move, for one: it is thought of again when that is over. */
	ctx_clear_problem(cx);
	d->now = d->next = STANDING_SUSPENDED;
	return ERR_NONE;
}

/*
 * What came of the last steps may have been changed by somebody since: who resumed or restored the tenant, or
 * suspended it for another reason, has decided, and the thirty days begin anew.
 */
static struct dunning standing_before(const struct stripe_row *row)
{
	const bool ours = row->removing ? str_eq(row->tenant_status, "deletion_scheduled")
					: row->suspended && str_eq(row->tenant_status, "suspended");
	struct dunning d = {
		.now = standing_named(row->status),
		.since = row->standing_at,
		.next_at = row->status_next_at,
		.trouble_since = row->trouble_since,
	};

	/* Only the last step comes from removing, and has no word of its own. */
	d.next = row->status_next == NULL     ? d.now
		 : d.now == STANDING_REMOVING ? STANDING_REMOVED
					      : standing_named(row->status_next);
	if (d.now >= STANDING_SUSPENDED && !ours) {
		d.now = d.next = STANDING_SUSPENDED;
		d.since = row->now;
		d.next_at = TIME_NULL;
	}
	return d;
}

static void tell_of_clocks(const struct stripe_row *row, const struct dunning_look *look)
{
	if (!dunning_clocks_agree(look))
		LOG(LOG_WARN, "the database's clock is not Stripe's: no subscription gets worse by this look",
			LOG_TEXT("tenant_id", row->tenant_id),
			LOG_INT("apart_s",
				look->theirs != TIME_NULL ? (look->at - look->theirs) / 1000000 : -1));
}

enum err stripe_dun(
	struct ctx *cx, const struct stripe_row *row, const struct dunning_look *look, bool *ret_changed)
{
	const struct dunning before = standing_before(row);
	struct dunning d = dunning_step(&before, look, cx->world->settings->stripe.evidence_s * 1000000);
	struct course c = {
		.row = row,
		.tenant = ARENA_NEW(cx->arena, struct tenant_row),
		.found = ARENA_NEW(cx->arena, bool),
		.suspended = row->suspended,
		.removing = row->removing,
		.changed = ret_changed,
	};

	if (d.trouble_since != TIME_NULL)
		tell_of_clocks(row, look);
	TRY(follow(cx, &c, &d));
	alert_later(cx, d.now, look);
	q_stripe_status_later(cx->db, row->tenant_id, word_for(d.now, look->status),
		d.next_at != TIME_NULL ? standings[d.next] : NULL, d.next_at, d.trouble_since, c.suspended,
		c.removing, d.since);
	return ERR_NONE;
}
