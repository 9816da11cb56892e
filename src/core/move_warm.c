/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant needs beside its rows, and what becomes of it when it cannot be brought to an end. */
#include "move_parts.h"

#include <stdio.h>

#include "provision_parts.h"
#include "rounds.h"

#include "cc/core/alerts.h"
#include "cc/core/certificates.h"

/* Certificates ------------------------------------------------------------------------------------ */

/* Of the first one that cannot be shown; the arena forgets each. */
struct trial {
	char domain[256], why[256];
};

static void try_one(struct ctx *cx, const struct served_certificate *c, void *arg)
{
	struct trial *t = arg;
	const char *why = c->fault;
	bool at_key = false;

	if (t->domain[0] != '\0')
		return;
	if (why == NULL && cx->world->certificate_fault != NULL)
		why = cx->world->certificate_fault(cx->arena, c->chain, c->key, &at_key);
	if (why == NULL)
		return;
	snprintf(t->domain, sizeof(t->domain), "%s", c->domain);
	snprintf(t->why, sizeof(t->why), "%s", why);
}

enum err move_try_certificates(struct ctx *cx, const struct move *m)
{
	struct trial t = { "", "" };

	TRY(certificates_each(cx, m->row.tenant_id, try_one, &t));
	if (t.domain[0] == '\0')
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE, "the certificate of %s could not be shown: %s", t.domain, t.why);
}

/* Trouble ----------------------------------------------------------------------------------------- */

static enum err raise(struct ctx *cx, void *arg)
{
	const struct move *m = arg;

	alert_raise_later(cx, ALERT_MOVE_UNFINISHED, ALERT_WARNING, m->row.id,
		arena_printf(cx->arena, "The tenant has moved to %s and works there. What it has left in %s "
			     "could not be closed yet: that region does not answer, or refuses.",
			     m->row.to_region, m->row.from_region));
	return ERR_NONE;
}

static enum err resolve(struct ctx *cx, void *arg)
{
	const struct move *m = arg;

	alert_resolve_later(cx, ALERT_MOVE_UNFINISHED, m->row.id);
	return ERR_NONE;
}

/* Nothing of the move depends on it: what goes wrong here is asked for again with the next failure. */
static void tell(struct ctx *cx, struct move *m, db_work work)
{
	const struct problem problem = cx->problem;
	const int64_t deadline = cx->deadline_ms;
	const bool changed = false;
	struct round r = { 0 };

	round_turn(cx, &r, m->row.tenant_id, work, m, &changed);
	cx->deadline_ms = deadline;
	cx->problem = problem;
}

void move_tell_unfinished(struct ctx *cx, struct move *m)
{
	tell(cx, m, raise);
}

void move_tell_finished(struct ctx *cx, struct move *m)
{
	tell(cx, m, resolve);
}
