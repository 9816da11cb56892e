/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant has in the store goes with it, in batches: all that lies below its prefix, whoever knows of
 * it.
 */
#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/store/objstore.h"

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

static enum err failed(struct ctx *cx, const char *id, enum obj_result r, const struct obj_got *got)
{
	cx->problem.cause = arena_printf(cx->arena, "%s: %s", obj_result_text(r), got->error);
	return refuse(cx, ERR_UNAVAILABLE, "The store did not remove the objects of tenant %s.", id);
}

/* *ret_more: there are others. */
static enum err remove_batch(
	struct ctx *cx, const char *id, const struct obj_key *prefix, struct batch *b, bool *ret_more)
{
	struct obj_got got;
	enum obj_result r;

	b->n = 0;
	r = obj_list(cx->world->store, prefix, collect, b, cx->deadline_ms, &got);
	if (r != OBJ_OK && r != OBJ_STOPPED)
		return failed(cx, id, r, &got);
	*ret_more = r == OBJ_STOPPED;
	for (size_t i = 0; i < b->n; i++) {
		r = obj_delete(cx->world->store, &b->key[i], cx->deadline_ms, &got);
		if (r != OBJ_OK)
			return failed(cx, id, r, &got);
	}
	return ERR_NONE;
}

enum err purge_objects(struct ctx *cx, const char *id, bool *ret_more)
{
	const int64_t until = clock_mono_ms() + SHARE_MS;
	struct obj_key prefix;

	*ret_more = false;
	if (cx->world->store == NULL)
		return ERR_NONE;
	if (!obj_prefix_make(&prefix, id))
		return refuse(cx, ERR_INTERNAL, "tenant %s has no place in the store", id);
	do {
		struct batch *b = ARENA_NEW(cx->arena, struct batch);

		TRY(remove_batch(cx, id, &prefix, b, ret_more));
		FAILPOINT("tenant.purge.objects");
	} while (*ret_more && clock_mono_ms() < until);
	return ERR_NONE;
}
