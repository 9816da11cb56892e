/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant has in the stores goes with it, in batches: all that lies below its prefix, whoever knows of
 * it.
 */
#include "provision_parts.h"
#include "objects_in.h"

#include <inttypes.h>
#include <stdio.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/model/purge.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"

#define BATCH 200
#define SHARE_MS 1500 /* of a tick, at most; what is left is there at the next */

struct batch {
	struct obj_key key[BATCH];
	int64_t size[BATCH];
	size_t n;
};

static bool collect(void *arg, const struct obj_key *key, int64_t size)
{
	struct batch *b = arg;

	b->size[b->n] = size;
	b->key[b->n++] = *key;
	return b->n < BATCH;
}

struct purging {
	struct objstore *store;
	const char *id;
	bool counts; /* the tenant is gone with it */
	int64_t number; /* of the last batch that was counted */
};

static enum err remove_one(struct ctx *cx, const struct purging *p, const struct obj_key *key)
{
	struct obj_got got;
	const enum obj_result r = obj_delete(p->store, key, cx->deadline_ms, &got);

	return r == OBJ_OK ? ERR_NONE : refuse_store(cx, r, &got);
}

/* Counting: each object once, in front of its removal ------------------------------------------------- */

struct counting {
	const char *id;
	struct purge_batch batch;
	bool found;
	int64_t n, bytes;
};

static enum err look_before(struct ctx *cx, void *arg)
{
	struct counting *c = arg;

	q_purge_batch_get_later(cx->db, &c->batch, &c->found, c->id);
	return ERR_NONE;
}

/* Those that somebody counted who may not have come to removing them. */
static enum err finish_batch(struct ctx *cx, struct purging *p)
{
	struct counting c = { .id = p->id };
	struct db_place control;

	place_platform(cx->world, &control);
	TRY(db_unit(cx, &control, DB_READ, look_before, &c));
	p->number = c.found ? c.batch.number : 0;
	for (size_t i = 0; c.found && i < c.batch.keys.n; i++) {
		struct obj_key key;

		(void)snprintf(key.text, sizeof(key.text), "%s", c.batch.keys.v[i]);
		TRY(remove_one(cx, p, &key));
	}
	return ERR_NONE;
}

static enum err note(struct ctx *cx, void *arg)
{
	const struct counting *c = arg;
	int64_t ours = 0;

	q_purge_count_add_later(cx->db, c->id, "objects", c->n);
	q_purge_count_add_later(cx->db, c->id, "object_bytes", c->bytes);
	TRY(q_purge_batch_put(cx->db, &ours, c->id, c->batch.number, &c->batch.keys));
	return ours == 1 ? ERR_NONE : refuse(cx, ERR_UNAVAILABLE, "the purge is in other hands by now");
}

static enum err count_batch(struct ctx *cx, struct purging *p, const struct batch *b)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, b->n + 1);
	struct counting c = { .id = p->id, .n = (int64_t)b->n };
	struct db_place control;

	for (size_t i = 0; i < b->n; i++) {
		v[i] = b->key[i].text;
		c.bytes += b->size[i];
	}
	c.batch = (struct purge_batch){ ++p->number, { .v = v, .n = b->n } };
	place_platform(cx->world, &control);
	return db_unit(cx, &control, DB_WRITE, note, &c);
}

/* Removing -------------------------------------------------------------------------------------------- */

/* *ret_more: there are others. */
static enum err remove_batch(struct ctx *cx, struct purging *p, struct batch *b, bool *ret_more)
{
	struct obj_key prefix;
	struct obj_got got;
	enum obj_result r;

	b->n = 0;
	if (!obj_prefix_make(&prefix, p->id))
		return refuse(cx, ERR_INTERNAL, "tenant %s has no place in the store", p->id);
	r = obj_list(p->store, &prefix, collect, b, cx->deadline_ms, &got);
	if (r != OBJ_OK && r != OBJ_STOPPED)
		return refuse_store(cx, r, &got);
	*ret_more = r == OBJ_STOPPED;
	if (p->counts && b->n > 0)
		TRY(count_batch(cx, p, b));
	FAILPOINT("tenant.purge.batch");
	for (size_t i = 0; i < b->n; i++)
		TRY(remove_one(cx, p, &b->key[i]));
	return ERR_NONE;
}

/* Parts of what was never stored are the tenant's as well. */
static enum err sweep(struct ctx *cx, const struct purging *p)
{
	struct obj_key prefix;
	struct obj_got got;
	enum obj_result r = OBJ_BAD_KEY;
	int64_t n;

	if (obj_prefix_make(&prefix, p->id))
		r = obj_sweep(p->store, &prefix, 0, true, cx->deadline_ms, &n, &got);
	return r == OBJ_OK ? ERR_NONE : refuse_store(cx, r, &got);
}

static enum err note_versions(struct ctx *cx, void *arg)
{
	const struct counting *c = arg;

	q_purge_count_add_later(cx->db, c->id, "object_versions", c->n);
	return ERR_NONE;
}

/* Those that somebody removed who died before noting it are not counted. */
static enum err count_versions(struct ctx *cx, const struct purging *p, int64_t n)
{
	struct counting c = { .id = p->id, .n = n };
	struct db_place control;

	if (!p->counts || n == 0)
		return ERR_NONE;
	place_platform(cx->world, &control);
	return db_unit(cx, &control, DB_WRITE, note_versions, &c);
}

/* What no list of objects shows. Nobody says that nothing is left while something is. */
static enum err clear(struct ctx *cx, const struct purging *p, bool *ret_more)
{
	struct obj_key prefix;
	struct obj_rest rest = { 0 };
	struct obj_got got;
	enum obj_result r = OBJ_BAD_KEY;

	if (obj_prefix_make(&prefix, p->id))
		r = obj_clear(p->store, &prefix, cx->deadline_ms, &rest, &got);
	TRY(count_versions(cx, p, rest.removed));
	if (r != OBJ_OK)
		return refuse_store(cx, r, &got);
	*ret_more = rest.more;
	if (rest.more || rest.strange == 0)
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE,
		"%" PRId64 " objects below %s have names that are never made here: remove them by hand",
		rest.strange, prefix.text);
}

static enum err purge_store(struct ctx *cx, struct purging *p, int64_t until, bool *ret_more)
{
	struct batch *b = ARENA_NEW(cx->arena, struct batch);
	int64_t began;

	*ret_more = false;
	if (p->counts)
		TRY(finish_batch(cx, p));
	began = p->number;
	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		TRY(remove_batch(cx, p, b, ret_more));
		FAILPOINT("tenant.purge.objects");
		arena_rewind(cx->arena, mark);
	} while (*ret_more && clock_mono_ms() < until);
	/* Nobody has to look for those of the last batch any more. */
	b->n = 0;
	if (p->number > began)
		TRY(count_batch(cx, p, b));
	if (*ret_more)
		return ERR_NONE;
	TRY(sweep(cx, p));
	return clear(cx, p, ret_more);
}

/* Wherever it may ever have lived. */
enum err purge_objects(struct ctx *cx, const char *id, bool *ret_more)
{
	const int64_t until = clock_mono_ms() + SHARE_MS;
	struct purging p = { .store = cx->world->store, .id = id, .counts = true };
	const struct world *w = cx->world;

	*ret_more = false;
	if (p.store != NULL)
		TRY(purge_store(cx, &p, until, ret_more));
	for (size_t i = 0; i < w->nregions && !*ret_more; i++) {
		p.store = w->regions[i].store;
		if (p.store != NULL)
			TRY(purge_store(cx, &p, until, ret_more));
	}
	return ERR_NONE;
}

struct unseen {
	const struct slot *slot;
	struct tally there, objects;
};

static enum err look_there(struct ctx *cx, void *arg)
{
	struct unseen *u = arg;

	q_region_schema_there_later(cx->db, &u->there, u->slot->schema_id);
	return ERR_NONE;
}

static enum err look_catalogue(struct ctx *cx, void *arg)
{
	struct unseen *u = arg;

	q_purge_catalogued_later(cx->db, &u->objects);
	return ERR_NONE;
}

enum err purge_check_store(struct ctx *cx, const struct slot *s)
{
	struct unseen u = { .slot = s };
	struct region *r = NULL;
	struct db_place place;

	if (region_store(cx->world, s->region) != NULL)
		return ERR_NONE;
	TRY(region_need(cx, s->region, &r));
	place_prov(cx->world, r, &place);
	TRY(db_unit(cx, &place, DB_READ, look_there, &u));
	if (u.there.total == 0)
		return ERR_NONE;
	place_owner(cx, r, s, &place);
	TRY(db_unit(cx, &place, DB_READ, look_catalogue, &u));
	if (u.objects.total == 0)
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE,
		"the catalogue of region %s names objects, and the settings have no store for it", s->region);
}

struct looking {
	const char *schema_id;
	struct leftover row;
	bool found;
};

static enum err look(struct ctx *cx, void *arg)
{
	struct looking *l = arg;

	q_schema_left_later(cx->db, &l->row, &l->found, l->schema_id);
	return ERR_NONE;
}

enum err purge_left_objects(struct ctx *cx, const struct slot *s, bool *ret_more)
{
	const int64_t until = clock_mono_ms() + SHARE_MS;
	struct objstore *store = region_store(cx->world, s->region);
	struct looking l = { .schema_id = s->schema_id };
	struct db_place control;
	struct purging p;

	*ret_more = false;
	if (store == NULL)
		return purge_check_store(cx, s);
	place_platform(cx->world, &control);
	TRY(db_unit(cx, &control, DB_READ, look, &l));
	if (!l.found || store == region_store(cx->world, l.row.region))
		return ERR_NONE;
	if (l.row.to_region != NULL && store == region_store(cx->world, l.row.to_region))
		return ERR_NONE;
	p = (struct purging){ .store = store, .id = l.row.tenant_id };
	return purge_store(cx, &p, until, ret_more);
}
