/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/head.h"

#include <inttypes.h>
#include <stddef.h>

#include "cc/core/quota.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_tenant.h"

#define GATE_TRIES 3            /* a place may become free between the gate and the look behind it */
#define MOVING_RETRY_S 1

/* A kind of object that is counted: its gate, its way back, where its limit and its counter are. */
struct quota {
	const char *resource;   /* the wire's word */
	size_t limit_at;        /* in struct limits */
	size_t used_at;         /* in struct head */
	enum err (*take)(struct db *db, struct head *row, bool *found, int64_t epoch, int64_t max_used);
	void (*release_later)(struct db *db);
	enum err (*add)(struct db *db, struct head *row, bool *found, int64_t max_used, int64_t ids);
};

#define COUNTED(kind, one, many) \
	[kind] = { #many, offsetof(struct limits, max_##many), offsetof(struct head, many##_used), \
		   q_head_take_##one, q_head_release_##one##_later, q_head_add_##one }
static const struct quota quotas[] = {
	COUNTED(TAKE_POLICY, policy, policies),
	COUNTED(TAKE_RESOURCE, resource, resources),
	COUNTED(TAKE_BOUNCER, bouncer, bouncers),
	COUNTED(TAKE_USER, user, users),
};

static int64_t number_at(const void *obj, size_t at)
{
	return *(const int64_t *)(const void *)((const char *)obj + at);
}

enum err refuse_moving(struct ctx *cx)
{
	cx->problem.retry_after = MOVING_RETRY_S;
	return refuse(cx, ERR_TENANT_MOVING, "the tenant is being moved; retry in a moment");
}

enum err refuse_quota(struct ctx *cx, const char *resource, int64_t limit, int64_t used)
{
	cx->problem.resource = resource;
	cx->problem.limit = limit;
	cx->problem.used = used;
	return refuse(cx, ERR_QUOTA, "%" PRId64 " of %" PRId64 " %s in use", used, limit, resource);
}

enum err refuse_quota_hard(struct ctx *cx, const char *resource, int64_t limit, int64_t hard, int64_t used)
{
	if (hard <= limit)
		return refuse_quota(cx, resource, limit, used);
	cx->problem.hard_limit = hard;
	(void)refuse_quota(cx, resource, limit, used);
	return refuse(cx, ERR_QUOTA, "%" PRId64 " of %" PRId64 " %s in use, at most %" PRId64 " may be", used,
		      limit, resource, hard);
}

/* The gate let nothing through: why? ERR_NONE: no longer so, try again. q NULL: no place was asked for. */
static enum err gate_verdict(struct ctx *cx, const struct quota *q, int64_t limit)
{
	struct head *h = ARENA_NEW(cx->arena, struct head);
	bool found;

	TRY(q_head_look(cx->db, h, &found));
	if (!found || h->epoch != cx->tenant->epoch || !h->writable)
		return refuse_moving(cx);
	if (q != NULL && number_at(h, q->used_at) >= limit)
		return refuse_quota_hard(cx, q->resource, number_at(&cx->tenant->warn, q->limit_at), limit,
					 number_at(h, q->used_at));
	return ERR_NONE;
}

enum err head_gate(struct ctx *cx, enum take take)
{
	const struct quota *q = take == TAKE_NOTHING ? NULL : &quotas[take];
	struct head *h = ARENA_NEW(cx->arena, struct head);
	const int64_t epoch = cx->tenant->epoch;
	int64_t limit = INT64_MAX;
	bool found;

	cx->head = NULL;
	if (q != NULL)
		TRY(tenant_may_grow(cx));
	if (q != NULL && number_at(&cx->tenant->limits, q->limit_at) != INT_NULL)
		limit = number_at(&cx->tenant->limits, q->limit_at);
	for (int i = 0; i < GATE_TRIES; i++) {
		if (q == NULL)
			TRY(q_head_pass(cx->db, h, &found, epoch));
		else
			TRY(q->take(cx->db, h, &found, epoch, limit));
		if (found) {
			cx->head = h;
			return ERR_NONE;
		}
		TRY(gate_verdict(cx, q, limit));
	}
	cx->problem.retry_after = MOVING_RETRY_S;
	return refuse(cx, ERR_OVERLOADED, "too many writes at the tenant's limit at once; retry");
}

static int64_t *place_at(struct head *h, size_t at)
{
	return (int64_t *)(void *)((char *)h + at);
}

static enum err add_one(struct ctx *cx, const struct quota *q, int64_t *ret_id)
{
	struct head *h = ARENA_NEW(cx->arena, struct head);
	int64_t limit = number_at(&cx->tenant->limits, q->limit_at);
	bool found;

	TRY(tenant_may_grow(cx));
	if (limit == INT_NULL)
		limit = INT64_MAX;
	TRY(q->add(cx->db, h, &found, limit, ret_id != NULL ? 1 : 0));
	if (!found) {
		TRY(q_head_look(cx->db, h, &found));
		return refuse_quota_hard(cx, q->resource, number_at(&cx->tenant->warn, q->limit_at), limit,
					 number_at(h, q->used_at));
	}
	if (ret_id != NULL)
		*ret_id = h->last_id;
	if (cx->head != NULL) {
		struct head *now = arena_memdup(cx->arena, cx->head, sizeof(*now));

		*place_at(now, q->used_at) = number_at(h, q->used_at);
		cx->head = now;
	}
	return ERR_NONE;
}

enum err head_add_policy(struct ctx *cx, int64_t *ret_id)
{
	return add_one(cx, &quotas[TAKE_POLICY], ret_id);
}

enum err head_add(struct ctx *cx, enum take take, int64_t *ret_id)
{
	return add_one(cx, &quotas[take], ret_id);
}

void head_warn(struct ctx *cx)
{
	for (int take = TAKE_POLICY; take <= TAKE_USER && cx->head != NULL; take++) {
		const struct quota *q = &quotas[take];

		quota_warn(cx, q->resource, number_at(cx->head, q->used_at),
			   number_at(&cx->tenant->warn, q->limit_at),
			   number_at(&cx->tenant->limits, q->limit_at));
	}
}

void head_release_later(struct ctx *cx, enum take kind)
{
	if (kind != TAKE_NOTHING)
		quotas[kind].release_later(cx->db);
}

void head_undo_later(struct ctx *cx)
{
	q_head_undo_later(cx->db);
	cx->head = NULL;
}

struct gated {
	enum take take;
	db_work work;
	void *arg;
};

static enum err work_gated(struct ctx *cx, void *arg)
{
	const struct gated *g = arg;

	TRY(head_gate(cx, g->take));
	return g->work(cx, g->arg);
}

static enum err run_here(struct ctx *cx, enum db_mode mode, db_work work, void *arg)
{
	struct db_place place = { 0 };

	TRY(tenant_place(cx, cx->tenant, &place));
	return db_unit(cx, &place, mode, work, arg);
}

/* Runs where the tenant was last seen; when it is not there, asks once where it went and goes there. */
static enum err run_found(struct ctx *cx, enum db_mode mode, db_work work, void *arg,
			  const struct tenant **ret_fresh)
{
	const struct tenant *old = cx->tenant, *fresh = NULL;
	enum err e = run_here(cx, mode, work, arg);

	*ret_fresh = NULL;
	if (e != ERR_TENANT_MOVING)
		return e;
	ctx_clear_problem(cx);
	TRY(tenant_reload(cx, old->id, &fresh));
	/* Another status has other rules: the next request meets them at the API's own gate. */
	if (fresh->epoch <= old->epoch || fresh->status != old->status) {
		tenant_put(fresh);
		return refuse_moving(cx);
	}
	cx->tenant = fresh;
	*ret_fresh = fresh;
	e = run_here(cx, mode, work, arg);
	return e == ERR_TENANT_MOVING ? refuse_moving(cx) : e;
}

enum err head_unit(struct ctx *cx, enum db_mode mode, db_work work, void *arg,
		   const struct tenant **ret_fresh)
{
	enum err e = run_found(cx, mode, work, arg, ret_fresh);
	struct world *w = cx->world;

	cx->head = NULL;
	/* Also after a failure: whether a commit that was interrupted took place is not known. */
	if (mode == DB_WRITE && w->data_changed != NULL &&
	    (e == ERR_NONE || e == ERR_UNAVAILABLE || e == ERR_INTERNAL))
		w->data_changed(w, cx->tenant->id);
	return e;
}

enum err head_note(struct ctx *cx, db_work work, void *arg, const struct tenant **ret_fresh)
{
	return run_found(cx, DB_WRITE, work, arg, ret_fresh);
}

enum err head_write(struct ctx *cx, enum take take, db_work work, void *arg, const struct tenant **ret_fresh)
{
	struct gated g = { take, work, arg };

	return head_unit(cx, DB_WRITE, work_gated, &g, ret_fresh);
}

enum err head_read(struct ctx *cx, db_work work, void *arg, const struct tenant **ret_fresh)
{
	return head_unit(cx, DB_READ, work, arg, ret_fresh);
}
