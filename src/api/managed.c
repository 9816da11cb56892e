/* SPDX-License-Identifier: Apache-2.0 */
#include "managed.h"

#include <inttypes.h>

#include "cc/core/actor.h"
#include "cc/core/head.h"

enum err managed_changeable(struct ctx *cx, bool found, int64_t row_version)
{
	return found ? ctx_check_version(cx, row_version) : ERR_NOT_FOUND;
}

enum err managed_in_use(struct ctx *cx, const char *kind, int64_t id, int64_t used_by)
{
	return refuse(cx, ERR_IN_USE, "%" PRId64 " %s %s %" PRId64, used_by,
		      used_by == 1 ? "policy names" : "policies name", kind, id);
}

const char *managed_creator(const struct ctx *cx)
{
	return cx->actor != NULL ? cx->actor->id : actor_kind_name(ACTOR_SYSTEM);
}

enum err managed_deleted(struct ctx *cx, struct req *rq, const char *kind, int64_t id)
{
	struct deletion *d = ARENA_NEW(cx->arena, struct deletion);

	d->message = arena_printf(cx->arena, "%s deleted", kind);
	d->id = id;
	d->deleted_at = cx->head->now;
	return reply(rq, d);
}

enum err managed_unchanged(struct ctx *cx, struct req *rq, const void *obj)
{
	head_undo_later(cx);
	return reply(rq, obj);
}
