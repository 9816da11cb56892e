/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in stores where nobody looks for it: of tenants that are gone, of tenants that live elsewhere, of
 * nobody.
 */
#include "objects_in.h"

#include <stdio.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/objects_audit.h"
#include "cc/model/provision.h"
#include "cc/model/q_control.h"

#define WALK_MS 3600000 /* through one store, however much there is */
#define ID_MAX 200

/* Through one store. */
struct walk {
	struct ctx *cx;
	struct objects_audit *a;
	struct objstore *store;
	char id[ID_MAX + 1]; /* whose turn it is */
	const char *what;    /* is found of each of its objects; NULL: they may be here */
	bool ours;           /* … and may be removed */
	struct object_owner owner;
	enum err e;
};

static enum err ask_owner(struct ctx *cx, void *arg)
{
	struct walk *w = arg;

	return q_object_owner(cx->db, &w->owner, w->id);
}

static bool may_be_here(const struct walk *w)
{
	const struct world *world = w->cx->world;

	if (region_store(world, w->owner.region) == w->store)
		return true;
	for (size_t i = 0; i < w->owner.others.n; i++)
		if (region_store(world, w->owner.others.v[i]) == w->store)
			return true;
	return false;
}

/* Asked behind the object: who was made since is known. */
static enum err judge(struct walk *w)
{
	const struct arena_mark mark = arena_mark(w->cx->arena);
	struct db_place control;

	place_platform(w->cx->world, &control);
	TRY(db_unit(w->cx, &control, DB_READ, ask_owner, w));
	w->what = NULL;
	w->ours = true;
	if (w->owner.region == NULL) {
		w->what = w->owner.purged ? "purged" : "stranger";
		w->ours = w->owner.purged;
	} else if (!w->owner.busy && !may_be_here(w)) {
		w->what = "elsewhere";
	}
	arena_rewind(w->cx->arena, mark);
	return ERR_NONE;
}

static enum err tell(struct walk *w, const struct obj_key *key)
{
	struct obj_got got;
	enum obj_result r = OBJ_OK;

	w->a->findings++;
	w->a->found(w->a->arg, w->id, obj_key_path(key, w->id), w->what);
	if (!w->ours)
		w->a->left++;
	else if (w->a->remove)
		r = obj_delete(w->store, key, w->cx->deadline_ms, &got);
	return r == OBJ_OK ? ERR_NONE : refuse_store(w->cx, r, &got);
}

static bool look_at(void *arg, const struct obj_key *key, int64_t size)
{
	struct walk *w = arg;
	const char *id = strchr(key->text, '/') + 1;
	const int n = (int)strcspn(id, "/");
	const bool same = strncmp(w->id, id, (size_t)n) == 0 && w->id[n] == '\0';

	(void)size;
	if (!same)
		(void)snprintf(w->id, sizeof(w->id), "%.*s", n, id);
	/* Before each that goes once more: the tenant may have come back to this store a moment ago. */
	if (!same || (w->a->remove && w->what != NULL && w->ours))
		w->e = judge(w);
	if (w->e == ERR_NONE && w->what != NULL)
		w->e = tell(w, key);
	return w->e == ERR_NONE;
}

static enum err walk_through(struct ctx *cx, struct objects_audit *a, struct objstore *store)
{
	struct walk *w = ARENA_NEW(cx->arena, struct walk);
	struct obj_got got;
	enum obj_result r;

	*w = (struct walk){ .cx = cx, .a = a, .store = store };
	cx->deadline_ms = clock_mono_ms() + WALK_MS;
	r = obj_walk(store, look_at, w, cx->deadline_ms, &got);
	TRY(w->e);
	return r == OBJ_OK ? ERR_NONE : refuse_store(cx, r, &got);
}

static bool seen_before(const struct world *w, size_t i)
{
	bool seen = w->regions[i].store == NULL || w->regions[i].store == w->store;

	for (size_t k = 0; k < i; k++)
		seen = seen || w->regions[k].store == w->regions[i].store;
	return seen;
}

enum err objects_strangers(struct ctx *cx, struct objects_audit *a)
{
	const struct world *w = cx->world;

	if (w->store != NULL)
		TRY(walk_through(cx, a, w->store));
	for (size_t i = 0; i < w->nregions; i++)
		if (!seen_before(w, i))
			TRY(walk_through(cx, a, w->regions[i].store));
	return ERR_NONE;
}
