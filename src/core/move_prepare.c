/* SPDX-License-Identifier: Apache-2.0 */
/* The target's schema: recorded, made, marked with where the copy begins. */
#include "move_parts.h"

#include "provision_parts.h"

#include "cc/base/failpoint.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

struct recording {
	struct move *m;
	const char *schema_id;
	int64_t shard, n;
};

static enum err record(struct ctx *cx, void *arg)
{
	struct recording *r = arg;

	TRY(shard_reserve(cx, r->m->row.to_region, &r->shard));
	TRY(q_move_target_record(cx->db, &r->n, r->m->row.id, r->m->row.turn, r->schema_id, r->shard));
	return r->n == 1 ? ERR_NONE : refuse(cx, ERR_UNAVAILABLE, "the move is in other hands by now");
}

static enum err record_target(struct ctx *cx, struct move *m)
{
	struct recording r = { .m = m, .schema_id = id_new(cx->arena, "t_", 16) };
	struct db_place place;

	if (m->row.to_schema != NULL)
		return ERR_NONE;
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, record, &r));
	FAILPOINT("move.prepare.recorded");
	m->row.to_schema = r.schema_id;
	m->row.to_shard = r.shard;
	return ERR_NONE;
}

struct schemas {
	const struct move *m;
	struct slot source, target;
	bool found[2];
};

static enum err read_versions(struct ctx *cx, void *arg)
{
	struct schemas *s = arg;

	q_move_schema_version_later(cx->db, &s->source, &s->found[0], s->m->row.from_schema);
	q_move_schema_version_later(cx->db, &s->target, &s->found[1], s->m->row.to_schema);
	return ERR_NONE;
}

static enum err note_made(struct ctx *cx, void *arg)
{
	const struct schemas *s = arg;

	q_move_schema_made_later(cx->db, s->m->row.to_schema, newest_version());
	return ERR_NONE;
}

static enum err read_both(struct ctx *cx, struct schemas *s)
{
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, read_versions, s));
	if (!s->found[0] || !s->found[1])
		return refuse(cx, ERR_INTERNAL, "a schema of move %s is not recorded", s->m->row.id);
	return ERR_NONE;
}

enum err move_columns(struct ctx *cx, const struct move *m, int64_t *ret_version)
{
	struct schemas s = { .m = m };

	TRY(read_both(cx, &s));
	*ret_version = s.source.version;
	if (s.source.version == s.target.version)
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE, "one of the tenant's schemas is being upgraded");
}

/* Rows travel with all their columns: both schemas must have the same ones. */
static enum err make_target(struct ctx *cx, struct move *m)
{
	struct schemas s = { .m = m };
	struct db_place place;

	TRY(read_both(cx, &s));
	if (s.source.version < newest_version())
		return refuse(cx, ERR_UNAVAILABLE, "the tenant's schema is being upgraded");
	if (s.target.version > 0)
		return ERR_NONE;
	TRY(schema_make(cx, &s.target));
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, note_made, &s));
	FAILPOINT("move.prepare.made");
	return ERR_NONE;
}

static enum err read_head(struct ctx *cx, void *arg)
{
	return q_move_head(cx->db, arg);
}

struct adoption {
	const struct move *m;
	struct head source;
};

static enum err adopt(struct ctx *cx, void *arg)
{
	const struct adoption *a = arg;
	struct head head;

	TRY(q_move_adopt(cx->db, a->m->row.epoch + 1, a->source.version, a->source.audit_seq));
	TRY(move_touch_target(cx, a->m, &head));
	TRY(q_move_loosen(cx->db));
	return q_move_loosen_versions(cx->db);
}

enum err move_touch_target(struct ctx *cx, const struct move *m, struct head *ret)
{
	bool found = false;

	TRY(q_move_touch(cx->db, ret, &found, m->row.epoch + 1, m->row.turn));
	return found ? ERR_NONE : refuse(cx, ERR_UNAVAILABLE, "the move is in other hands by now");
}

enum err move_prepare(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	struct adoption a = { .m = m };

	TRY(record_target(cx, m));
	TRY(move_find_places(cx, m));
	TRY(make_target(cx, m));
	TRY(db_unit(cx, &m->source, DB_READ, read_head, &a.source));
	TRY(db_unit(cx, &m->target, DB_WRITE, adopt, &a));
	FAILPOINT("move.prepare.adopted");
	seen->outcome = MOVE_DONE;
	return ERR_NONE;
}
