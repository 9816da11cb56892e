/* SPDX-License-Identifier: Apache-2.0 */
/* The stock of spare schemas: made ahead, dropped when given up, kept at the newest version. */
#include "provision_parts.h"

#include "cc/base/failpoint.h"
#include "cc/base/clock.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"

#define REST_MS 5000 /* of a region in which a spare could not be made */

struct find {
	struct slot slot;
	struct strv regions;
	bool found;
};

static enum err claim_drop(struct ctx *cx, void *arg)
{
	struct find *f = arg;

	q_schema_drop_claim_later(
		cx->db, &f->slot, &f->found, &f->regions, cx->world->settings->provision_lease_s);
	return ERR_NONE;
}

/* There are more objects than go in one step: whoever looks next goes on. */
static enum err drop_later(struct ctx *cx, void *arg)
{
	const struct find *f = arg;

	q_schema_drop_again_later(cx->db, f->slot.schema_id);
	return ERR_NONE;
}

enum err drop_one(struct ctx *cx, bool *ret_did, int *count)
{
	struct find f = { .regions = region_names(cx) };
	struct db_place place;
	bool more;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, claim_drop, &f));
	*ret_did = f.found;
	if (!f.found)
		return ERR_NONE;
	FAILPOINT("schema.drop.claimed");
	TRY(purge_left_objects(cx, &f.slot, &more));
	if (more)
		return db_unit(cx, &place, DB_WRITE, drop_later, &f);
	FAILPOINT("schema.drop.objects");
	TRY(schema_drop(cx, &f.slot));
	*count += 1;
	return ERR_NONE;
}

/* Spares -------------------------------------------------------------------------------------------- */

static enum err read_stock(struct ctx *cx, void *arg)
{
	const struct strv regions = region_names(cx);

	q_spare_stock_later(cx->db, arg, &regions);
	return ERR_NONE;
}

static enum err ping(struct ctx *cx, void *arg)
{
	(void)arg;
	return q_region_ping(cx->db);
}

/* Nothing recorded: somebody else was faster, and the place in the shard is given back with the rest. */
static enum err record_spare(struct ctx *cx, void *arg)
{
	struct find *f = arg;
	int64_t n = 0;

	TRY(shard_reserve(cx, f->slot.region, &f->slot.shard));
	TRY(q_spare_record(cx->db, &n, f->slot.schema_id, f->slot.region, f->slot.shard,
		cx->world->settings->provision_lease_s, cx->world->settings->spare_schemas));
	f->found = n == 1;
	FAILPOINT("spare.record");
	return n == 1 ? ERR_NONE : ERR_CONFLICT;
}

static enum err give_up(struct ctx *cx, void *arg)
{
	const struct slot *s = arg;

	q_schema_give_up_later(cx->db, s->schema_id);
	return ERR_NONE;
}

static enum err mark_ready(struct ctx *cx, void *arg)
{
	const struct slot *s = arg;
	int64_t n = 0;

	TRY(q_spare_ready(cx->db, &n, s->schema_id, newest_version()));
	return n == 1 ? ERR_NONE
		      : refuse(cx, ERR_UNAVAILABLE, "Preparing schema %s took longer than its lease.",
				s->schema_id);
}

/* A schema that failed is never used: it is left to be dropped under the record it has. */
static enum err make_spare(struct ctx *cx, struct find *f)
{
	struct db_place place;
	struct problem problem;
	enum err e, given;

	place_platform(cx->world, &place);
	e = schema_make(cx, &f->slot);
	if (e == ERR_NONE)
		e = db_unit(cx, &place, DB_WRITE, mark_ready, &f->slot);
	if (e == ERR_NONE) {
		FAILPOINT("spare.ready");
		return e;
	}
	problem = cx->problem;
	cx->deadline_ms = clock_mono_ms() + STEP_MS;
	given = db_unit(cx, &place, DB_WRITE, give_up, &f->slot);
	if (given == ERR_NONE)
		cx->problem = problem;
	return e;
}

/* The region is asked first: while it is away no records pile up for schemas that cannot be made. */
static enum err spare_in(struct ctx *cx, struct region *r, bool *ret_made)
{
	struct find f = {
		.slot = {.region = r->id, .schema_id = id_new(cx->arena, "t_", 16)}
	};
	struct db_place place;
	enum err e;

	cx->deadline_ms = clock_mono_ms() + STEP_MS;
	place_prov(cx->world, r, &place);
	TRY(db_unit(cx, &place, DB_READ, ping, NULL));
	deadline_by_lease(cx);
	place_platform(cx->world, &place);
	e = db_unit(cx, &place, DB_WRITE, record_spare, &f);
	if (e == ERR_CONFLICT && !f.found) {
		ctx_clear_problem(cx);
		return ERR_NONE;
	}
	TRY(e);
	FAILPOINT("spare.recorded");
	TRY(make_spare(cx, &f));
	*ret_made = true;
	return ERR_NONE;
}

/* A region that fails is left alone for a while, so that the others have theirs. */
static bool is_resting(struct region *r)
{
	bool resting;

	lock_take(&r->lock);
	resting = clock_mono_ms() < r->spares_at_ms;
	lock_drop(&r->lock);
	return resting;
}

static void let_rest(struct region *r)
{
	lock_take(&r->lock);
	r->spares_at_ms = clock_mono_ms() + REST_MS;
	lock_drop(&r->lock);
}

/* The one with the fewest of those that lack any; NULL: none does. */
static struct region *neediest(struct ctx *cx, const struct db_rows *stocks)
{
	int64_t fewest = cx->world->settings->spare_schemas;
	struct region *ret = NULL;

	for (size_t i = 0; i < stocks->n; i++) {
		const struct stock *s = DB_ROW(stocks, struct stock, i);
		struct region *r = s->spares < fewest ? region_find(cx->world, s->region) : NULL;

		if (r == NULL || is_resting(r))
			continue;
		fewest = s->spares;
		ret = r;
	}
	return ret;
}

enum err spare_one(struct ctx *cx, bool *ret_did, int *count)
{
	struct db_place place;
	struct db_rows stocks;
	bool made = false;
	struct region *r;
	enum err e;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, read_stock, &stocks));
	r = neediest(cx, &stocks);
	*ret_did = r != NULL;
	if (r == NULL)
		return ERR_NONE;
	e = spare_in(cx, r, &made);
	if (e != ERR_NONE)
		let_rest(r);
	*count += made;
	return e;
}

/* Migration ----------------------------------------------------------------------------------------- */

static enum err claim_migrate(struct ctx *cx, void *arg)
{
	struct find *f = arg;

	q_schema_migrate_claim_later(
		cx->db, &f->slot, &f->found, &f->regions, newest_version(), MIGRATE_LEASE_S);
	return ERR_NONE;
}

enum err migrate_one(struct ctx *cx, bool *ret_did, int *count)
{
	struct find f = { .regions = region_names(cx) };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, claim_migrate, &f));
	*ret_did = f.found;
	if (!f.found)
		return ERR_NONE;
	TRY(schema_migrate(cx, &f.slot));
	*count += 1;
	if (f.slot.tenant_id != NULL)
		tenant_changed(cx, f.slot.tenant_id);
	return ERR_NONE;
}
