/* SPDX-License-Identifier: Apache-2.0 */
#include "objects_in.h"

struct objstore *region_store(const struct world *w, const char *region)
{
	const struct region *r = region_find(w, region);

	return r != NULL && r->store != NULL ? r->store : w->store;
}

bool world_has_store(const struct world *w)
{
	bool any = w->store != NULL;

	for (size_t i = 0; i < w->nregions; i++)
		any = any || w->regions[i].store != NULL;
	return any;
}

enum err object_key(struct ctx *cx, const char *tenant_id, const char *path, struct obj_key *ret)
{
	if (obj_key_make(ret, tenant_id, path))
		return ERR_NONE;
	return refuse(cx, ERR_INTERNAL, "no object can be called %s", path);
}

enum err refuse_store(struct ctx *cx, enum obj_result r, const struct obj_got *got)
{
	cx->problem.cause = arena_printf(cx->arena, "%s: %s", obj_result_text(r), got->error);
	return refuse(cx, ERR_UNAVAILABLE, "the store of objects cannot be used at the moment; retry");
}
