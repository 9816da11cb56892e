/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to certificates by itself: their end comes near, is told, and comes. */
#include "domains_in.h"
#include "rounds.h"

#include "cc/base/failpoint.h"
#include "cc/core/alerts.h"
#include "cc/core/audit.h"
#include "cc/core/certificates.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

enum {
	BATCH = 20,
	LEASE_S = 30,
};

struct turn {
	const char *domain;
	bool ended;
};

static const enum alert_severity severities[] = {
	[END_QUARTER] = ALERT_INFO, [END_WEEK] = ALERT_WARNING, [END_DAYS] = ALERT_CRITICAL,
};

static void tell(struct ctx *cx, const char *domain, const struct certificate_end *end)
{
	alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRED, domain);
	if (end->nearness == END_FAR)
		alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRING, domain);
	else
		alert_raise_later(cx, ALERT_CERTIFICATE_EXPIRING, severities[end->nearness], domain,
				  arena_printf(cx->arena, "The certificate of %s expires at %s: %s.", domain,
					       time_format(cx->arena, end->not_after),
					       certificate_source_of(end->source)->renew));
}

static enum err finish(struct ctx *cx, struct turn *t, const struct certificate_end *end)
{
	const struct audit_entry entry = { .action = "expireCertificate", .object_type = "domain",
					   .object_id = t->domain };

	t->ended = true;
	q_domain_uncertified_later(cx->db, cx->tenant->id, t->domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRING, t->domain);
	alert_raise_later(cx, ALERT_CERTIFICATE_EXPIRED, ALERT_CRITICAL, t->domain,
			  arena_printf(cx->arena, "The certificate of %s expired at %s: it is not served any "
				       "longer. %s", t->domain, time_format(cx->arena, end->not_after),
				       certificate_source_of(end->source)->replace));
	TRY(audit_control(cx, cx->tenant->id, &entry));
	change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

static enum err decide(struct ctx *cx, void *arg)
{
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);
	struct turn *t = arg;
	struct certificate_end end;
	bool found;

	t->ended = false;
	TRY(domains_hold(cx, t->domain, row));
	TRY(q_certificate_look(cx->db, &end, &found, cx->tenant->id, t->domain));
	if (!found)
		return ERR_NONE;
	if (end.nearness == END_PAST)
		return finish(cx, t, &end);
	tell(cx, t->domain, &end);
	return ERR_NONE;
}

static enum err claim(struct ctx *cx, void *arg)
{
	q_certificate_work_claim_later(cx->db, arg, LEASE_S, BATCH);
	return ERR_NONE;
}

enum err certificates_tick(struct ctx *cx, struct round *ret)
{
	struct db_rows rows = { 0 };

	*ret = (struct round){ 0 };
	TRY(round_claim(cx, q_certificate_work_due, claim, &rows));
	if (rows.n == 0)
		return ERR_NONE;
	FAILPOINT("certificate.look.claimed");
	for (size_t i = 0; i < rows.n; i++) {
		const struct certificate_row *row = DB_ROW(&rows, struct certificate_row, i);
		struct turn t = { .domain = row->domain };

		round_turn(cx, ret, row->tenant_id, decide, &t, &t.ended);
	}
	return ERR_NONE;
}
