/* SPDX-License-Identifier: Apache-2.0 */
/* Another KEK: DEKs are sealed again, one certificate in a transaction, so that it can end at any time. */
#include <inttypes.h>

#include "cc/base/failpoint.h"
#include "cc/core/audit.h"
#include "cc/core/certificates.h"
#include "cc/core/envelope.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define ROUND_ROWS 100

static enum err read_uses(struct ctx *cx, void *arg)
{
	return q_kek_uses(cx->db, arg);
}

static enum err check_uses(struct ctx *cx, const struct db_rows *uses, struct kek_rotation *ret)
{
	const struct kek_set *keks = &cx->world->settings->keks;
	struct str missing;

	str_init(&missing, cx->arena, 64);
	for (size_t i = 0; i < uses->n; i++) {
		const struct kek_use *u = DB_ROW(uses, struct kek_use, i);

		if (str_eq(u->kek_id, ret->kek_id))
			ret->unchanged = u->total;
		if (kek_find(keks, u->kek_id) == NULL)
			str_addf(&missing, "%s%s (%" PRId64 ")", missing.len > 0 ? ", " : "", u->kek_id,
				 u->total);
	}
	if (missing.len == 0)
		return ERR_NONE;
	return refuse(cx, ERR_CONFLICT, "certificates are sealed with KEKs that are not among secrets.keks: "
		      "%s; nothing was changed, put those keys back first", missing.data);
}

struct round {
	struct db_rows rows;
	const char *kek_id;
};

static enum err read_round(struct ctx *cx, void *arg)
{
	struct round *r = arg;

	return q_certificate_other_kek(cx->db, &r->rows, r->kek_id, ROUND_ROWS);
}

struct step {
	const struct certificate_row *row;
	int64_t changed;
};

/* Writers of a certificate lock the tenant's row first, and so does the audit. */
static enum err rewrap(struct ctx *cx, void *arg)
{
	struct step *s = arg;
	const struct certificate_row *row = s->row;
	const struct binding b = { row->tenant_id, row->domain, row->serial };
	const struct sealed old = { row->sealed_key, row->wrapped_dek, row->kek_id };
	const struct audit_entry entry = { .action = "rotateKek", .object_type = "domain",
					   .object_id = row->domain };
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct sealed fresh;
	bool found = false;

	TRY(envelope_rewrap(cx, &b, &old, &fresh));
	TRY(q_tenant_lock(cx->db, tenant, &found, row->tenant_id));
	TRY(q_certificate_rewrap(cx->db, &s->changed, row->tenant_id, row->domain, row->wrapped_dek,
				 fresh.kek_id, fresh.dek));
	FAILPOINT("kek.rewrapped");
	return s->changed > 0 ? audit_control(cx, row->tenant_id, &entry) : ERR_NONE;
}

static enum err run_round(struct ctx *cx, const struct db_place *place, struct round *r,
			  struct kek_rotation *ret)
{
	TRY(db_unit(cx, place, DB_READ, read_round, r));
	for (size_t i = 0; i < r->rows.n; i++) {
		struct step s = { .row = DB_ROW(&r->rows, struct certificate_row, i) };

		TRY(db_unit(cx, place, DB_WRITE, rewrap, &s));
		ret->changed += s.changed;
		FAILPOINT("kek.committed");
	}
	return ERR_NONE;
}

enum err certificates_rotate(struct ctx *cx, struct kek_rotation *ret)
{
	const struct kek_set *keks = &cx->world->settings->keks;
	struct db_rows uses;
	struct db_place place;
	struct round r;

	*ret = (struct kek_rotation){ 0 };
	if (keks->n == 0)
		return refuse(cx, ERR_KEK_MISSING, "secrets.keks names no KEK");
	ret->kek_id = r.kek_id = keks->v[0].id;
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, read_uses, &uses));
	TRY(check_uses(cx, &uses, ret));
	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		/* Each unit has its own time, however many there are. */
		cx->deadline_ms = 0;
		TRY(run_round(cx, &place, &r, ret));
		arena_rewind(cx->arena, mark);
	} while (r.rows.n > 0);
	return ERR_NONE;
}
