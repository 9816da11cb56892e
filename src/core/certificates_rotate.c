/* SPDX-License-Identifier: Apache-2.0 */
/* Another KEK: DEKs are sealed again, one certificate in a transaction, so that it can end at any time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/failpoint.h"
#include "cc/base/mem.h"
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

struct batch {
	struct db_rows rows;
	const char *kek_id;
	const char *after_tenant, *after_domain;
};

static enum err read_batch(struct ctx *cx, void *arg)
{
	struct batch *r = arg;

	return q_certificate_other_kek(cx->db, &r->rows, r->kek_id, r->after_tenant, r->after_domain,
				       ROUND_ROWS);
}

struct step {
	const struct certificate_row *row;
	struct sealed fresh;
	int64_t changed;
};

/* Writers of a certificate lock the tenant's row first, and so does the audit. */
static enum err rewrap(struct ctx *cx, void *arg)
{
	struct step *s = arg;
	const struct certificate_row *row = s->row;
	const struct audit_entry entry = { .action = "rotateKek", .object_type = "domain",
					   .object_id = row->domain };
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	bool found = false;

	TRY(q_tenant_lock(cx->db, tenant, &found, row->tenant_id));
	TRY(q_certificate_rewrap(cx->db, &s->changed, row->tenant_id, row->domain, row->wrapped_dek,
				 s->fresh.kek_id, s->fresh.dek));
	FAILPOINT("kek.rewrapped");
	return s->changed > 0 ? audit_control(cx, row->tenant_id, &entry) : ERR_NONE;
}

struct rotation {
	struct arena *lasting;
	struct kek_rotation *ret;
	size_t room;
};

static void note_damage(struct rotation *r, const struct certificate_row *row)
{
	struct kek_rotation *ret = r->ret;
	struct arena *a = r->lasting;

	if (ret->ndamaged == r->room) {
		struct kek_damage *more = ARENA_ARRAY(a, struct kek_damage, 2 * r->room + 16);

		if (ret->ndamaged > 0)
			memcpy(more, ret->damaged, ret->ndamaged * sizeof(*more));
		ret->damaged = more;
		r->room = 2 * r->room + 16;
	}
	ret->damaged[ret->ndamaged++] = (struct kek_damage){
		.tenant_id = arena_strdup(a, row->tenant_id), .domain = arena_strdup(a, row->domain),
		.serial = arena_strdup(a, row->serial), .kek_id = arena_strdup(a, row->kek_id),
	};
}

/* One that does not open keeps nobody else's from being sealed anew. */
static enum err run_one(struct ctx *cx, const struct db_place *place, struct rotation *r,
			const struct certificate_row *row)
{
	const struct binding b = { row->tenant_id, row->domain, row->serial };
	const struct sealed old = { row->sealed_key, row->wrapped_dek, row->kek_id };
	struct step s = { .row = row };

	if (envelope_rewrap(cx, &b, &old, &s.fresh) != ERR_NONE) {
		ctx_clear_problem(cx);
		note_damage(r, row);
		return ERR_NONE;
	}
	TRY(db_unit(cx, place, DB_WRITE, rewrap, &s));
	r->ret->changed += s.changed;
	FAILPOINT("kek.committed");
	return ERR_NONE;
}

static enum err run_rounds(struct ctx *cx, const struct db_place *place, struct rotation *r)
{
	struct batch batch = { .kek_id = r->ret->kek_id, .after_tenant = "", .after_domain = "" };
	char *at[2] = { NULL, NULL };
	enum err e;

	do {
		const struct certificate_row *row = NULL;

		arena_reset(cx->arena);
		/* Each unit has its own time, however many there are. */
		cx->deadline_ms = 0;
		e = db_unit(cx, place, DB_READ, read_batch, &batch);
		for (size_t i = 0; e == ERR_NONE && i < batch.rows.n; i++) {
			row = DB_ROW(&batch.rows, struct certificate_row, i);
			e = run_one(cx, place, r, row);
		}
		if (row == NULL)
			break;
		free(at[0]);
		free(at[1]);
		batch.after_tenant = at[0] = mem_strdup(row->tenant_id);
		batch.after_domain = at[1] = mem_strdup(row->domain);
	} while (e == ERR_NONE);
	free(at[0]);
	free(at[1]);
	return e;
}

static enum err rotate(struct ctx *cx, const struct db_place *place, struct kek_rotation *ret)
{
	struct rotation r = { .lasting = cx->arena, .ret = ret };
	struct ctx own = *cx;
	enum err e;

	own.arena = arena_create(65536);
	e = run_rounds(&own, place, &r);
	if (e != ERR_NONE)
		(void)refuse(cx, e, "%s", own.problem.message != NULL
						  ? arena_strdup(cx->arena, own.problem.message)
						  : err_info(e)->meaning);
	arena_destroy(own.arena);
	return e;
}

enum err certificates_rotate(struct ctx *cx, struct kek_rotation *ret)
{
	const struct kek_set *keks = &cx->world->settings->keks;
	struct db_rows uses;
	struct db_place place;

	*ret = (struct kek_rotation){ 0 };
	if (keks->n == 0)
		return refuse(cx, ERR_KEK_MISSING, "secrets.keks names no KEK");
	ret->kek_id = keks->v[0].id;
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, read_uses, &uses));
	TRY(check_uses(cx, &uses, ret));
	TRY(rotate(cx, &place, ret));
	if (ret->ndamaged == 0)
		return ERR_NONE;
	return refuse(cx, ERR_CONFLICT, "%zu certificate%s not open, and stay%s as before", ret->ndamaged,
		      ret->ndamaged == 1 ? " does" : "s do", ret->ndamaged == 1 ? "s" : "");
}
