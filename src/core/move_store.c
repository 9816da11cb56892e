/* SPDX-License-Identifier: Apache-2.0 */
/* The row of a move: every state is stored in place of the one it was made of, in a turn of its own. */
#include "move_parts.h"

#include <stdlib.h>

#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/audit.h"
#include "cc/core/operations.h"
#include "cc/model/q_control.h"

#define URGENT_LEASE_MS 3000
#define LEASE_MS 20000          /* what takes longer renews it */
#define RENEW_MS 3000
#define NOTE_MS 2000
#define RETENTION_S 604800      /* what is left behind in the source */

/* How far it has come by the time that each step begins. */
static const int64_t percents[MOVE_STEPS] = {
	[MOVE_PREPARE] = 2, [MOVE_COPY] = 5, [MOVE_CATCHUP] = 50, [MOVE_PREWARM] = 60, [MOVE_FENCE] = 80,
	[MOVE_DRAIN] = 82, [MOVE_VERIFY] = 84, [MOVE_FLIP] = 88, [MOVE_RETIRE] = 90, [MOVE_CLEANUP] = 95,
	[MOVE_COMPLETED] = 100,
};

static enum move_step step_of(const char *name)
{
	for (int i = 0; i < MOVE_STEPS; i++)
		if (str_eq(move_steps[i], name))
			return (enum move_step)i;
	return MOVE_STEPS;
}

static int64_t lease_ms(enum move_step s)
{
	return move_is_urgent(s) ? URGENT_LEASE_MS : LEASE_MS;
}

static int64_t or_zero(int64_t t)
{
	return t == TIME_NULL ? 0 : t;
}

static int64_t or_null(int64_t t)
{
	return t == 0 ? TIME_NULL : t;
}

int64_t move_now(const struct move *m)
{
	return m->row.now + clock_mono_us() - m->read_us;
}

static enum err read_state(struct ctx *cx, struct move *m)
{
	const struct move_row *r = &m->row;

	m->read_us = clock_mono_us();
	m->renewed_ms = clock_mono_ms();
	m->state = (struct move_state){
		.step = step_of(r->step), .reason = (enum move_reason)r->reason, .attempts = r->attempts,
		.failures = r->failures, .fenced_at = or_zero(r->fenced_at),
		.not_before = or_zero(r->not_before),
	};
	if (m->state.step == MOVE_STEPS)
		return refuse(cx, ERR_INTERNAL, "move %s: step \"%s\" is not known here", r->id, r->step);
	return ERR_NONE;
}

struct taking {
	struct move_row *row;
	bool urgent, found;
	struct strv regions;
};

static enum err look(struct ctx *cx, void *arg)
{
	struct taking *t = arg;
	struct tally due = { 0 };

	TRY(q_move_due(cx->db, &due, &t->regions, t->urgent));
	t->found = due.total > 0;
	return ERR_NONE;
}

static enum err claim(struct ctx *cx, void *arg)
{
	struct taking *t = arg;

	q_move_claim_later(cx->db, t->row, &t->found, &t->regions, t->urgent,
			   t->urgent ? URGENT_LEASE_MS : LEASE_MS, cx->world->settings->node);
	return ERR_NONE;
}

enum err move_take(struct ctx *cx, bool urgent, struct move *m, bool *ret_found)
{
	struct taking t = { .row = &m->row, .urgent = urgent, .regions = region_names_all(cx) };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_glance(cx, &place, look, &t));
	if (t.found)
		TRY(db_unit(cx, &place, DB_WRITE, claim, &t));
	*ret_found = t.found;
	return t.found ? read_state(cx, m) : ERR_NONE;
}

struct keeping {
	const struct move *m;
	const struct move_state *next;
	struct move_row *row;
	bool found, tenant_found;
};

static enum err note_audit(struct ctx *cx, const struct move *m, const char *action)
{
	const struct audit_entry e = {
		.action = action, .object_type = "deployment", .object_id = m->row.id,
		.detail = arena_printf(cx->arena, "{\"from_region\":\"%s\",\"region\":\"%s\"}",
				       m->row.from_region, m->row.to_region),
	};

	TRY(audit_control(cx, m->row.tenant_id, &e));
	change_note_later(cx, m->row.tenant_id, "tenant", m->row.tenant_id);
	return ERR_NONE;
}

/* What is stored together with a state. */
static enum err keep_beside(struct ctx *cx, const struct keeping *k)
{
	const struct move_row *r = &k->m->row;

	if (k->next->step == MOVE_RETIRE) {
		TRY(q_move_flip(cx->db, r->id));
		return note_audit(cx, k->m, "moveTenant");
	}
	if (k->next->step == MOVE_COMPLETED) {
		q_move_leave_later(cx->db, r->from_schema, RETENTION_S);
		q_move_operation_end_later(cx->db, r->id, "completed");
	}
	if (k->next->step == MOVE_ABORTED) {
		if (r->to_schema != NULL)
			q_move_leave_later(cx->db, r->to_schema, 0);
		q_move_operation_end_later(cx->db, r->id, r->cancelled ? "cancelled" : "failed");
		return note_audit(cx, k->m, "abortMove");
	}
	return ERR_NONE;
}

static void note_later(struct ctx *cx, const struct move *m, const struct move_figures *f)
{
	q_move_note_later(cx->db, m->row.id, m->row.turn, f->rows, f->bytes, f->copy_ms, f->lag,
			  f->verified_version, f->verified_seq, f->checksum);
}

/* The tenant first, as whoever cancels an operation does. */
static void lock_tenant_later(struct ctx *cx, struct keeping *k)
{
	q_tenant_lock_later(cx->db, ARENA_NEW(cx->arena, struct tenant_row), &k->tenant_found,
			    k->m->row.tenant_id);
}

static enum err keep(struct ctx *cx, void *arg)
{
	struct keeping *k = arg;
	const struct move_state *s = k->next;
	const bool moves_on = s->step != k->m->state.step;

	if (moves_on && (s->step == MOVE_RETIRE || s->step == MOVE_ABORTED))
		lock_tenant_later(cx, k);
	if (k->m->is_due)
		note_later(cx, k->m, &k->m->due);
	TRY(q_move_store(cx->db, k->row, &k->found, k->m->row.id, k->m->row.turn, move_steps[s->step],
			 (int64_t)s->reason, s->attempts, s->failures, or_null(s->fenced_at),
			 or_null(s->not_before), lease_ms(s->step),
			 s->step == MOVE_RETIRE && moves_on, move_is_over(s->step), moves_on,
			 cx->world->settings->node));
	if (k->found && moves_on) {
		q_move_operation_step_later(cx->db, k->m->row.id, move_steps[s->step], percents[s->step]);
		TRY(keep_beside(cx, k));
	}
	FAILPOINT("move.store");
	return ERR_NONE;
}

enum err move_keep(struct ctx *cx, struct move *m, const struct move_state *next, bool *ret_ours)
{
	struct move_row row;
	struct keeping k = { .m = m, .next = next, .row = &row };
	struct db_place place;

	*ret_ours = false;
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, keep, &k));
	FAILPOINT("move.stored");
	if (!k.found)
		return ERR_NONE;
	if (next->step == MOVE_RETIRE || next->step == MOVE_ABORTED)
		tenant_changed(cx, m->row.tenant_id);
	m->row = row;
	m->is_due = false;
	*ret_ours = true;
	return read_state(cx, m);
}

struct rest {
	const struct move *m;
	int64_t ms;
};

static enum err rest(struct ctx *cx, void *arg)
{
	const struct rest *r = arg;

	q_move_rest_later(cx->db, r->m->row.id, r->m->row.turn, r->ms);
	return ERR_NONE;
}

enum err move_let_go(struct ctx *cx, const struct move *m, int64_t ms)
{
	struct rest r = { m, ms };
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, rest, &r);
}

struct renewing {
	const struct move *m;
	struct move_lease lease;
	bool found;
};

static enum err renew(struct ctx *cx, void *arg)
{
	struct renewing *r = arg;

	q_move_renew_later(cx->db, &r->lease, &r->found, r->m->row.id, r->m->row.turn, LEASE_MS);
	return ERR_NONE;
}

enum err move_may_go_on(struct ctx *cx, struct move *m, bool *ret)
{
	struct renewing r = { .m = m };
	struct db_place place;

	*ret = !m->row.cancelled && !atomic_load(&cx->world->stopping);
	if (!*ret || clock_mono_ms() < m->renewed_ms + RENEW_MS)
		return ERR_NONE;
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, renew, &r));
	if (!r.found)
		return refuse(cx, ERR_UNAVAILABLE, "the move is in other hands by now");
	m->renewed_ms = clock_mono_ms();
	m->row.cancelled = r.lease.cancelled;
	*ret = !r.lease.cancelled;
	return ERR_NONE;
}

struct noting {
	const struct move *m;
	const struct move_figures *f;
};

static enum err note(struct ctx *cx, void *arg)
{
	const struct noting *n = arg;

	note_later(cx, n->m, n->f);
	return ERR_NONE;
}

static int64_t newer(int64_t is, int64_t was)
{
	return is != INT_NULL ? is : was;
}

static void put_off(struct move *m, const struct move_figures *f)
{
	struct move_figures *d = &m->due;

	if (!m->is_due)
		*d = (struct move_figures){ .lag = INT_NULL, .verified_version = INT_NULL,
					    .verified_seq = INT_NULL };
	m->is_due = true;
	d->rows += f->rows;
	d->bytes += f->bytes;
	d->copy_ms += f->copy_ms;
	d->lag = newer(f->lag, d->lag);
	d->verified_version = newer(f->verified_version, d->verified_version);
	d->verified_seq = newer(f->verified_seq, d->verified_seq);
	d->checksum = f->checksum != NULL ? f->checksum : d->checksum;
}

enum err move_figures_add(struct ctx *cx, struct move *m, const struct move_figures *f)
{
	struct noting n = { .m = m, .f = f };
	struct db_place place;

	if (move_is_urgent(m->state.step)) {
		put_off(m, f);
	} else {
		place_platform(cx->world, &place);
		TRY(db_unit(cx, &place, DB_WRITE, note, &n));
	}
	m->row.verified_version = newer(f->verified_version, m->row.verified_version);
	m->row.verified_seq = newer(f->verified_seq, m->row.verified_seq);
	return ERR_NONE;
}

struct trouble {
	const char *id, *error;
};

static enum err tell(struct ctx *cx, void *arg)
{
	const struct trouble *t = arg;

	q_move_trouble_later(cx->db, t->id, t->error);
	return ERR_NONE;
}

void move_tell_trouble(struct ctx *cx, const struct move *m, enum err e)
{
	const struct problem problem = cx->problem;
	const int64_t deadline = cx->deadline_ms;
	struct trouble t = { m->row.id, operation_error_text(cx, e) };
	struct db_place place;

	place_platform(cx->world, &place);
	cx->deadline_ms = clock_mono_ms() + NOTE_MS;
	/* Without it the move only tells less. */
	if (db_unit(cx, &place, DB_WRITE, tell, &t) != ERR_NONE)
		ctx_clear_problem(cx);
	cx->deadline_ms = deadline;
	cx->problem = problem;
}

static enum err find_region(struct ctx *cx, const char *id, struct region **ret)
{
	*ret = region_find(cx->world, id);
	if (*ret == NULL)
		return refuse(cx, ERR_UNAVAILABLE, "Region %s is not served by this node.", id);
	return ERR_NONE;
}

/* Also of a region that is down: most steps need one of the two, and a fence must open without the other. */
enum err move_find_places(struct ctx *cx, struct move *m)
{
	const struct move_row *r = &m->row;
	const struct slot from = { .schema_id = r->from_schema, .shard = r->from_shard };
	const struct slot to = { .schema_id = r->to_schema, .shard = r->to_shard };
	struct region *source = NULL, *target = NULL;

	TRY(find_region(cx, r->from_region, &source));
	TRY(find_region(cx, r->to_region, &target));
	place_owner(cx, source, &from, &m->source);
	if (r->to_schema != NULL)
		place_owner(cx, target, &to, &m->target);
	return ERR_NONE;
}
