/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to domains by itself. A round takes some of what is due under a lease, asks for the records of
 * all of it at once, and decides each in a unit of work of its tenant. The time of the lease is its name: who
 * no longer finds it in the row came too late, and leaves the row to whoever has it now.
 */
#include "domains_in.h"
#include "rounds.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/alerts.h"
#include "cc/core/audit.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

enum {
	BATCH = 8,
	LEASE_SPARE_S = 15,     /* beyond what resolvers may take */
	STALE_FAILURES = 3,     /* so many checks at least, however long they took */
	SILENCES = 3,           /* in so many checks in a row resolvers did not answer: that is trouble */
};

struct turn {
	const struct domain_row *due;           /* as it was taken */
	const struct domain_check *check;       /* NULL: nothing had to be looked at */
	struct domain_row row;                  /* as it is, locked */
	bool moved;
};

/* What follows ------------------------------------------------------------------------------------------ */

static enum err moved(struct ctx *cx, struct turn *t, const char *action, const char *reason)
{
	static const char *const status[] = { "status" };
	const struct audit_entry entry = {
		.action = action, .object_type = "domain", .object_id = t->due->domain,
		.changed = { status, 1 }, .reason = reason,
	};

	t->moved = true;
	TRY(audit_control(cx, cx->tenant->id, &entry));
	change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

/* With its certificate. release_s: INT_NULL: the name is not held. */
static enum err end(struct ctx *cx, struct turn *t, const char *status, const char *reason, int64_t release_s)
{
	q_certificate_drop_later(cx->db, cx->tenant->id, t->due->domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRING, t->due->domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRED, t->due->domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_NOT_SERVABLE, t->due->domain);
	alert_resolve_later(cx, ALERT_DOMAIN_PENDING, t->due->domain);
	alert_resolve_later(cx, ALERT_DOMAIN_UNCHECKED, t->due->domain);
	return q_domain_end(cx->db, &t->row, cx->tenant->id, t->due->domain, status, reason, release_s);
}

static enum err lose(struct ctx *cx, struct turn *t)
{
	const char *name = t->due->domain;

	TRY(end(cx, t, "expired", "held_elsewhere", INT_NULL));
	q_tenant_custom_domain_drop_later(cx->db, cx->tenant->id, name);
	alert_raise_later(cx, ALERT_DOMAIN_CLAIM_LOST, ALERT_WARNING, name, arena_printf(cx->arena,
		"The claim to %s is over: another tenant has proven that it is its own.", name));
	return moved(cx, t, "cancelDomainClaim", "held_elsewhere");
}

/* Nobody has it now: when its time is over the claim can be proven. */
static enum err wait_for_release(struct ctx *cx, struct turn *t)
{
	q_domain_wait_later(cx->db, cx->tenant->id, t->due->domain, t->row.held_until);
	return ERR_NONE;
}

static enum err expire(struct ctx *cx, struct turn *t)
{
	const char *name = t->due->domain;

	TRY(end(cx, t, "expired", "claim_expired", INT_NULL));
	q_tenant_custom_domain_drop_later(cx->db, cx->tenant->id, name);
	alert_raise_later(cx, ALERT_DOMAIN_CLAIM_EXPIRED, ALERT_WARNING, name, arena_printf(cx->arena,
		"%s was not proven in time. Add it again, for a fresh record.", name));
	return moved(cx, t, "expireDomainClaim", "claim_expired");
}

static enum err release(struct ctx *cx, struct turn *t)
{
	const char *name = t->due->domain;

	TRY(end(cx, t, "released", NULL, INT_NULL));
	alert_raise_later(cx, ALERT_DOMAIN_DETACHED, ALERT_CRITICAL, name, arena_printf(cx->arena,
		"%s was detached and not claimed again: whoever proves it can have it now.", name));
	return moved(cx, t, "releaseDomain", t->row.reason);
}

static enum err become_stale(struct ctx *cx, struct turn *t, const char *lacks)
{
	const char *name = t->due->domain;

	TRY(q_domain_stale(cx->db, &t->row, cx->tenant->id, name, cx->world->settings->domain.detach_s));
	alert_raise_later(cx, ALERT_DOMAIN_STALE, ALERT_WARNING, name, arena_printf(cx->arena,
		"The DNS has not proven %s for long (%s). Requests to it are answered until %s.", name, lacks,
		time_format(cx->arena, t->row.detach_at)));
	return moved(cx, t, "staleDomain", lacks);
}

static enum err detach(struct ctx *cx, struct turn *t, const char *lacks)
{
	const char *name = t->due->domain;

	if (t->row.is_default) {
		q_domain_default_clear_later(cx->db, cx->tenant->id);
		q_domain_default_reset_later(cx->db, cx->tenant->id);
	}
	TRY(end(cx, t, "detached", lacks, cx->world->settings->domain.quarantine_s));
	q_tenant_custom_domain_drop_later(cx->db, cx->tenant->id, name);
	alert_resolve_later(cx, ALERT_DOMAIN_STALE, name);
	alert_raise_later(cx, ALERT_DOMAIN_DETACHED, ALERT_CRITICAL, name, arena_printf(cx->arena,
		"Requests to %s are answered no more: the DNS does not prove it (%s). Nobody else can have "
		"it until %s; add it again, for a fresh record.", name, lacks,
		time_format(cx->arena, t->row.release_at)));
	return moved(cx, t, "detachDomain", lacks);
}

static enum err prove(struct ctx *cx, struct turn *t)
{
	const char *before = t->row.status;
	bool changed;

	TRY(domains_prove(cx, t->check, &t->row, &changed));
	if (!changed)
		return ERR_NONE;
	return moved(cx, t, str_eq(before, "pending") ? "verifyDomain"
			    : str_eq(before, "stale") ? "recoverDomain" : "activateDomain", NULL);
}

static void tell_of_waiting(struct ctx *cx, const struct domain_row *row, const char *lacks)
{
	const struct domain_times *times = &cx->world->settings->domain;
	const int64_t left_s = (row->claim_expires_at - clock_wall_us()) / 1000000;

	if (times->claim_s - left_s < times->pending_alert_s)
		alert_resolve_later(cx, ALERT_DOMAIN_PENDING, row->domain);
	else
		alert_raise_later(cx, ALERT_DOMAIN_PENDING, ALERT_WARNING, row->domain,
				  arena_printf(cx->arena, "%s still waits to be proven (%s). The claim ends "
					       "at %s.", row->domain, lacks,
					       time_format(cx->arena, row->claim_expires_at)));
}

static void tell_of_silence(struct ctx *cx, const struct domain_row *row, bool silent)
{
	if (!silent)
		alert_resolve_later(cx, ALERT_DOMAIN_UNCHECKED, row->domain);
	else if (row->silences + 1 >= SILENCES)
		alert_raise_later(cx, ALERT_DOMAIN_UNCHECKED, ALERT_WARNING, row->domain,
				  arena_printf(cx->arena, "%s cannot be looked at: resolvers, or the servers "
					       "of the domain, do not answer. Until they do nothing follows.",
					       row->domain));
}

static enum err fail(struct ctx *cx, struct turn *t, const char *lacks)
{
	const struct domain_row *row = &t->row;
	const bool pending = str_eq(row->status, "pending");

	domains_failed_later(cx, row, t->check, true);
	tell_of_silence(cx, row, domains_is_silent(lacks));
	if (pending)
		tell_of_waiting(cx, row, lacks);
	if (pending || !domains_is_denied(row, t->check))
		return ERR_NONE;
	if (str_eq(row->status, "stale"))
		return row->detach_over ? detach(cx, t, lacks) : ERR_NONE;
	if (row->stale_over && row->failures + 1 >= STALE_FAILURES)
		return become_stale(cx, t, lacks);
	return ERR_NONE;
}

static enum err decide(struct ctx *cx, void *arg)
{
	struct turn *t = arg;
	const struct domain_row *row = &t->row;
	const char *lacks;

	t->moved = false;
	TRY(domains_hold(cx, t->due->domain, &t->row));
	if (row->lease_until != t->due->lease_until)
		return ERR_NONE;
	if (str_eq(row->status, "pending") && row->held_elsewhere && row->held_until == TIME_NULL)
		return lose(cx, t);
	if (str_eq(row->status, "pending") && row->claim_over)
		return expire(cx, t);
	if (str_eq(row->status, "pending") && row->held_elsewhere)
		return wait_for_release(cx, t);
	if (str_eq(row->status, "detached") && row->release_over)
		return release(cx, t);
	if (t->check == NULL || !str_eq(row->token, t->check->token) ||
	    !str_eq(row->target, t->check->target))
		return ERR_NONE;
	lacks = domains_lacks(row, t->check);
	return lacks != NULL ? fail(cx, t, lacks) : prove(cx, t);
}

/* A round ----------------------------------------------------------------------------------------------- */

static enum err claim(struct ctx *cx, void *arg)
{
	q_domain_work_claim_later(cx->db, arg, cx->world->settings->dns_ms / 1000 + LEASE_SPARE_S, BATCH);
	return ERR_NONE;
}

/* What ends by its time alone needs no look. */
static bool needs_look(const struct domain_row *row)
{
	if (str_eq(row->status, "pending"))
		return !row->held_elsewhere && !row->claim_over;
	return !domains_is_over(row);
}

static void look(struct ctx *cx, struct turn *turns, size_t n)
{
	const struct domain_row **rows = ARENA_ARRAY(cx->arena, const struct domain_row *, n);
	struct domain_check *checks = ARENA_ARRAY(cx->arena, struct domain_check, n);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!needs_look(turns[i].due))
			continue;
		turns[i].check = &checks[k];
		rows[k++] = turns[i].due;
	}
	if (k > 0)
		domains_ask(cx, rows, k, checks);
}

enum err domains_tick(struct ctx *cx, struct round *ret)
{
	struct db_rows rows = { 0 };
	struct turn *turns;

	*ret = (struct round){ 0 };
	TRY(round_claim(cx, q_domain_work_due, claim, &rows));
	if (rows.n == 0)
		return ERR_NONE;
	FAILPOINT("domain.check.claimed");
	turns = ARENA_ARRAY(cx->arena, struct turn, rows.n);
	for (size_t i = 0; i < rows.n; i++) {
		domains_show(cx, DB_ROW(&rows, struct domain_row, i));
		turns[i] = (struct turn){ .due = DB_ROW(&rows, struct domain_row, i) };
	}
	look(cx, turns, rows.n);
	FAILPOINT("domain.check.looked");
	for (size_t i = 0; i < rows.n; i++)
		round_turn(cx, ret, turns[i].due->tenant_id, decide, &turns[i], &turns[i].moved);
	FAILPOINT("domain.check.decided");
	return ERR_NONE;
}
