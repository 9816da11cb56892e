/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/health.h"

#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/cache/redis.h"
#include "cc/core/region_watch.h"
#include "cc/model/q_control.h"
#include "cc/model/tally.h"

#define WAIT_MS 1000
#define KEEP_MS 1000            /* strangers may ask: they do not each cause work */
#define FEED_FRESH_MS 1000
#define REFUSAL_MS 60000        /* nobody may write for long, and then it is not known any more */

static enum err ask(struct ctx *cx, void *arg)
{
	q_tenant_ping_later(cx->db, arg);
	return ERR_NONE;
}

static bool database_answers(struct ctx *cx, int64_t *ret_us)
{
	const int64_t deadline = cx->deadline_ms, start = clock_mono_us();
	struct tally *one = ARENA_NEW(cx->arena, struct tally);
	struct db_place place;
	enum err e;

	place_platform(cx->world, &place);
	if (deadline == 0 || deadline > clock_mono_ms() + WAIT_MS)
		cx->deadline_ms = clock_mono_ms() + WAIT_MS;
	e = db_unit(cx, &place, DB_READ, ask, one);
	cx->deadline_ms = deadline;
	ctx_clear_problem(cx);
	*ret_us = e == ERR_NONE ? clock_mono_us() - start : 0;
	return e == ERR_NONE;
}

/* A connection of its own each time: those of the workers and jobs are theirs. */
static bool redis_answers(const struct world *w, int64_t *ret_us)
{
	struct redis *r;
	bool up;

	*ret_us = 0;
	if (w->redis == NULL)
		return false;
	r = redis_create(w->redis);
	up = redis_ping(r, ret_us) == ERR_NONE;
	redis_destroy(r);
	return up;
}

/* True: it is this caller's turn to ask. Otherwise the latest answer is there, or the wait was too long. */
static bool take_turn(struct registry *r)
{
	const int64_t until = clock_mono_ms() + 2 * (int64_t)WAIT_MS;
	bool mine, in_time = true;

	while (r->health.checking && r->health.at_ms == 0 && in_time)
		in_time = cond_wait_until(&r->changed, &r->lock, until);
	mine = !r->health.checking && (r->health.at_ms == 0 || clock_mono_ms() - r->health.at_ms > KEEP_MS);
	if (mine)
		r->health.checking = true;
	return mine;
}

static void check_now(struct ctx *cx, struct registry *r)
{
	struct health_memo m = { .checking = false };

	m.database_up = database_answers(cx, &m.database_us);
	m.redis_up = redis_answers(r->world, &m.redis_us);
	m.at_ms = clock_mono_ms();
	lock_take(&r->lock);
	r->health = m;
	cond_wake_all(&r->changed);
	lock_drop(&r->lock);
}

enum err health_wrote(struct ctx *cx, bool in_region, enum err e)
{
	struct world *w = cx->world;
	struct region *r = in_region && cx->tenant != NULL ? region_find(w, cx->tenant->region) : NULL;
	_Atomic int64_t *at_ms = r != NULL ? &r->no_writes_ms : &w->registry->no_writes_ms;

	if (e == ERR_NONE && atomic_load(at_ms) != 0)
		atomic_store(at_ms, 0);
	if (e == ERR_NONE || !cx->problem.no_writes)
		return e;
	atomic_store(at_ms, clock_mono_ms());
	/* In a unit that reads, the same SQLSTATE is a mistake of ours. */
	return e == ERR_INTERNAL ? ERR_UNAVAILABLE : e;
}

static bool refuses(const _Atomic int64_t *at_ms)
{
	const int64_t at = atomic_load(at_ms);

	return at != 0 && clock_mono_ms() - at <= REFUSAL_MS;
}

static const char *refusing(const struct ctx *cx)
{
	const struct world *w = cx->world;
	const char *text = refuses(&w->registry->no_writes_ms) ? "the control database" : NULL;

	for (size_t i = 0; i < w->nregions; i++) {
		if (refuses(&w->regions[i].no_writes_ms))
			text = arena_printf(cx->arena, "%s%sregion %s", text != NULL ? text : "",
					    text != NULL ? ", " : "", w->regions[i].id);
	}
	return text;
}

static const struct region_health *regions(struct ctx *cx)
{
	const struct world *w = cx->world;
	struct region_health *v = ARENA_ARRAY(cx->arena, struct region_health, w->nregions + 1);

	for (size_t i = 0; i < w->nregions; i++)
		v[i] = (struct region_health){ .id = w->regions[i].id, .up = !region_is_down(&w->regions[i]),
					       .us = atomic_load(&w->regions[i].asked_us) };
	return v;
}

/* How many, and not which: anybody may ask. */
static void look_at_resolvers(const struct world *w, struct health *ret)
{
	for (size_t i = 0; w->resolver != NULL && i < w->settings->nresolvers; i++) {
		const bool silent = atomic_load(&w->resolver[i].silent_us) != 0;

		ret->resolvers_asked += silent || atomic_load(&w->resolver[i].answered_us) != 0;
		ret->resolvers_silent += silent;
	}
}

void health_check(struct ctx *cx, struct health *ret)
{
	struct registry *r = cx->world->registry;
	bool mine;

	lock_take(&r->lock);
	mine = take_turn(r);
	lock_drop(&r->lock);
	if (mine)
		check_now(cx, r);
	lock_take(&r->lock);
	*ret = (struct health){
		.database_up = r->health.database_up,
		.database_us = r->health.database_us,
		.redis_up = r->health.redis_up,
		.redis_us = r->health.redis_us,
		.redis_used = r->world->redis != NULL,
		.regions = regions(cx),
		.nregions = cx->world->nregions,
		.refusing = refusing(cx),
		.uptime_s = (clock_mono_ms() - r->born_ms) / 1000,
	};
	lock_drop(&r->lock);
	look_at_resolvers(cx->world, ret);
	ret->certificate_used = cx->world->platform_end != NULL &&
				cx->world->platform_end(cx->world, &ret->certificate);
}

enum err health_ready(struct ctx *cx, bool *ret_degraded)
{
	const struct registry *r = cx->world->registry;
	const int64_t fresh = registry_fresh_at(r);
	int64_t us;

	*ret_degraded = false;
	if (atomic_load(&cx->world->leaving))
		return refuse(cx, ERR_UNAVAILABLE, "this node is stopping");
	if (fresh != 0 && clock_mono_ms() - fresh <= FEED_FRESH_MS)
		return ERR_NONE;
	/* No other node can ask the database either: without this one nobody would serve what is known. */
	*ret_degraded = registry_usable(r);
	if (*ret_degraded || database_answers(cx, &us))
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE, "the control database does not answer");
}
