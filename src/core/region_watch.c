/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/region_watch.h"

#include <stddef.h>

#include "cc/base/clock.h"
#include "cc/core/provision.h"
#include "cc/core/world.h"
#include "cc/model/q_region.h"

#define EVERY_MS 1000
#define ASK_MS 1000
#define AGAIN_MS 100            /* after the first question that had no answer … */
#define DOWN_EVERY_MS 500       /* … and while the region is down */
#define ASKED_IN_VAIN 2

static enum err ping(struct ctx *cx, void *arg)
{
	(void)arg;
	return q_region_ping(cx->db);
}

static enum err ask(struct ctx *cx, struct region *r, int64_t *ret_us)
{
	const struct db_place place = { .pool = region_watch_pool(cx->world, r),
					.search_path = "pg_catalog, pg_temp" };
	const int64_t start = clock_mono_us();
	enum err e;

	cx->deadline_ms = clock_mono_ms() + ASK_MS;
	e = db_glance(cx, &place, ping, NULL);
	*ret_us = clock_mono_us() - start;
	/* What was not to be had is tried anew the next time. */
	if (e != ERR_NONE)
		db_pool_turn(place.pool);
	return e;
}

static enum region_news is_back(struct ctx *cx, struct region *r, int64_t us)
{
	struct world *w = cx->world;

	r->in_vain = 0;
	atomic_store(&r->asked_us, us);
	if (!db_server_say_up(r->server))
		return REGION_SAME;
	region_pools_turn(r);
	if (w->work_due != NULL)
		w->work_due(w);
	return REGION_BACK;
}

static enum region_news is_silent(struct region *r, int64_t since_ms)
{
	r->in_vain = db_server_heard_ms(r->server) < since_ms ? r->in_vain + 1 : 0;
	if (r->in_vain < ASKED_IN_VAIN || !db_server_say_down(r->server))
		return REGION_SAME;
	region_pools_turn(r);
	return REGION_LOST;
}

enum err region_prepare(struct ctx *cx, struct region *r)
{
	TRY(setup_region(cx, r));
	if (cx->world->work_due != NULL)
		cx->world->work_due(cx->world);
	return ERR_NONE;
}

enum region_news region_look(struct ctx *cx, struct region *r, int64_t *ret_wait_ms)
{
	const int64_t start = clock_mono_ms();
	const int64_t heard = r->server != NULL ? db_server_heard_ms(r->server) : 0;
	enum region_news news;
	int64_t us = 0;

	*ret_wait_ms = EVERY_MS;
	if (r->server == NULL)
		return REGION_SAME;
	if (!region_is_down(r) && r->in_vain == 0 && heard != 0 && start - heard < EVERY_MS) {
		*ret_wait_ms = heard + EVERY_MS - start;
		return REGION_SAME;
	}
	if (ask(cx, r, &us) == ERR_NONE)
		return is_back(cx, r, us);
	news = is_silent(r, start);
	*ret_wait_ms = region_is_down(r) ? DOWN_EVERY_MS : AGAIN_MS;
	return news;
}

bool region_is_down(const struct region *r)
{
	return r != NULL && (atomic_load(&r->unprepared) || db_server_is_down(r->server));
}

enum err region_refuse_down(struct ctx *cx, const struct region *r)
{
	if (!region_is_down(r))
		return ERR_NONE;
	cx->problem.retry_after = 1;
	return refuse(cx, ERR_UNAVAILABLE, "region %s does not answer; retry", r->id);
}
