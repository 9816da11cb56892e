/* SPDX-License-Identifier: Apache-2.0 */
/* What closes and opens the tenant's copies. Each in the name of its turn: an older one changes nothing. */
#include "move_parts.h"

#include "provision_parts.h"

#include "cc/base/failpoint.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"

/* When bouncers were last seen, what Redis keeps for a while, and records are not worth waiting for long. */
#define TIDY_TRIES 5

struct gate {
	enum err (*turn)(struct db *db, struct head *row, bool *found, int64_t epoch, int64_t turn);
	int64_t epoch, number;
};

static enum err pass(struct ctx *cx, void *arg)
{
	const struct gate *g = arg;
	struct head head;
	bool found = false;

	TRY(g->turn(cx->db, &head, &found, g->epoch, g->number));
	return found ? ERR_NONE : refuse(cx, ERR_UNAVAILABLE, "the move is in other hands by now");
}

enum err move_fence(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	struct gate g = { q_move_close, m->row.epoch, m->row.turn };

	TRY(db_unit(cx, &m->source, DB_WRITE, pass, &g));
	FAILPOINT("move.fence.closed");
	seen->outcome = MOVE_DONE;
	return ERR_NONE;
}

enum err move_open_source(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	struct gate g = { q_move_open, m->row.epoch, m->row.turn };

	TRY(db_unit(cx, &m->source, DB_WRITE, pass, &g));
	FAILPOINT("move.abort.opened");
	seen->outcome = MOVE_DONE;
	return ERR_NONE;
}

static enum err tighten_and_open(struct ctx *cx, void *arg)
{
	struct tally references = { 0 };

	TRY(pass(cx, arg));
	TRY(q_move_references(cx->db, &references));
	if (references.total > 0)
		return ERR_NONE;
	TRY(q_move_tighten(cx->db));
	return q_move_tighten_versions(cx->db);
}

struct froze {
	const char *id;
	int64_t ms;
};

static enum err note_froze(struct ctx *cx, void *arg)
{
	const struct froze *f = arg;

	q_move_froze_later(cx->db, f->id, f->ms);
	return ERR_NONE;
}

static enum err open_target(struct ctx *cx, struct move *m)
{
	struct gate g = { q_move_open, m->row.epoch + 1, m->row.turn };
	struct froze f = { .id = m->row.id };
	struct db_place place;

	TRY(db_unit(cx, &m->target, DB_WRITE, tighten_and_open, &g));
	f.ms = (move_now(m) - m->state.fenced_at) / 1000;
	FAILPOINT("move.retire.opened");
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, note_froze, &f);
}

static enum err close_schema(struct ctx *cx, void *arg)
{
	const struct move *m = arg;

	q_region_schema_close_later(cx->db, m->row.from_schema);
	return ERR_NONE;
}

/* The target first: the source may be away, and the tenant waits for nobody. */
enum err move_retire(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	struct gate g = { q_move_close, m->row.epoch, m->row.turn };
	struct region *source = NULL;
	struct db_place prov;

	TRY(open_target(cx, m));
	TRY(db_unit(cx, &m->source, DB_WRITE, pass, &g));
	TRY(region_need(cx, m->row.from_region, &source));
	place_prov(cx->world, source, &prov);
	TRY(db_unit(cx, &prov, DB_WRITE, close_schema, m));
	FAILPOINT("move.retire.closed");
	seen->outcome = MOVE_DONE;
	return ERR_NONE;
}

static enum err validate(struct ctx *cx, void *arg)
{
	(void)arg;
	TRY(q_move_validate(cx->db));
	return q_move_validate_versions(cx->db);
}

/* Each by itself, whatever became of the ones before it; what went wrong last is told. */
static enum err tidy(struct ctx *cx, struct move *m)
{
	enum err e = move_copy_live(cx, m), next;
	int64_t keys;

	FAILPOINT("move.cleanup.live");
	next = tenant_forget_redis(cx, m->row.tenant_id, &keys);
	e = next != ERR_NONE ? next : e;
	FAILPOINT("move.cleanup.redis");
	next = move_lead_names(cx, m);
	FAILPOINT("move.cleanup.names");
	e = next != ERR_NONE ? next : e;
	next = move_objects_discard(cx, m);
	FAILPOINT("move.cleanup.objects");
	return next != ERR_NONE ? next : e;
}

enum err move_clean_up(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	move_tell_finished(cx, m);
	TRY(m->state.failures < TIDY_TRIES ? tidy(cx, m) : move_leave_names(cx, m));
	if (!m->row.bare)
		TRY(db_unit(cx, &m->target, DB_WRITE, validate, NULL));
	FAILPOINT("move.cleanup.valid");
	seen->outcome = MOVE_DONE;
	return ERR_NONE;
}
