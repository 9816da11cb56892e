/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant has in the stores goes with it, in batches: all that lies below its prefix, whoever knows of
 * it.
 */
#include "provision_parts.h"
#include "objects_in.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/model/q_control.h"

#define BATCH 200
#define SHARE_MS 1500 /* of a tick, at most; what is left is there at the next */

struct batch {
	struct obj_key key[BATCH];
	size_t n;
};

static bool collect(void *arg, const struct obj_key *key, int64_t size)
{
	struct batch *b = arg;

	(void)size;
	b->key[b->n++] = *key;
	return b->n < BATCH;
}

/* *ret_more: there are others. */
static enum err remove_batch(
	struct ctx *cx, struct objstore *store, const struct obj_key *prefix, struct batch *b, bool *ret_more)
{
	struct obj_got got;
	enum obj_result r;

	b->n = 0;
	r = obj_list(store, prefix, collect, b, cx->deadline_ms, &got);
	if (r != OBJ_OK && r != OBJ_STOPPED)
		return refuse_store(cx, r, &got);
	*ret_more = r == OBJ_STOPPED;
	for (size_t i = 0; i < b->n; i++) {
		r = obj_delete(store, &b->key[i], cx->deadline_ms, &got);
		if (r != OBJ_OK)
			return refuse_store(cx, r, &got);
	}
	return ERR_NONE;
}

static enum err purge_store(
	struct ctx *cx, struct objstore *store, const char *id, int64_t until, bool *ret_more)
{
	struct batch *b = ARENA_NEW(cx->arena, struct batch);
	struct obj_key prefix;

	*ret_more = false;
	if (!obj_prefix_make(&prefix, id))
		return refuse(cx, ERR_INTERNAL, "tenant %s has no place in the store", id);
	do {
		TRY(remove_batch(cx, store, &prefix, b, ret_more));
		FAILPOINT("tenant.purge.objects");
	} while (*ret_more && clock_mono_ms() < until);
	return ERR_NONE;
}

/* Wherever it may ever have lived. */
enum err purge_objects(struct ctx *cx, const char *id, bool *ret_more)
{
	const int64_t until = clock_mono_ms() + SHARE_MS;
	const struct world *w = cx->world;

	*ret_more = false;
	if (w->store != NULL)
		TRY(purge_store(cx, w->store, id, until, ret_more));
	for (size_t i = 0; i < w->nregions && !*ret_more; i++)
		if (w->regions[i].store != NULL)
			TRY(purge_store(cx, w->regions[i].store, id, until, ret_more));
	return ERR_NONE;
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

	*ret_more = false;
	if (store == NULL)
		return ERR_NONE;
	place_platform(cx->world, &control);
	TRY(db_unit(cx, &control, DB_READ, look, &l));
	if (!l.found || store == region_store(cx->world, l.row.region))
		return ERR_NONE;
	if (l.row.to_region != NULL && store == region_store(cx->world, l.row.to_region))
		return ERR_NONE;
	return purge_store(cx, store, l.row.tenant_id, until, ret_more);
}
