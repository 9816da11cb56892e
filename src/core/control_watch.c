/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/control_watch.h"

#include "cc/base/clock.h"
#include "cc/core/region_watch.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"

struct look {
	struct control_state_row state;
	struct replication_row replication;
};

static enum err look(struct ctx *cx, void *arg)
{
	const struct world *w = cx->world;
	struct look *l = arg;

	q_node_seen_later(cx->db, w->settings->node, CC_VERSION, w->started_us);
	q_node_trim_later(cx->db);
	TRY(q_control_replication(cx->db, &l->replication));
	return q_control_state(cx->db, &l->state);
}

static void keep_replication(struct replication *r, const struct replication_row *row)
{
	atomic_store(&r->replicas, row->replicas);
	atomic_store(&r->lag_us, row->lag_us != INT_NULL ? row->lag_us : -1);
	atomic_store(&r->standby, row->standby);
	atomic_store(&r->at_us, clock_mono_us());
}

static void keep_state(struct control_state *s, const struct control_state_row *row)
{
	atomic_store(&s->calls_waiting, row->calls_waiting);
	atomic_store(&s->calls_dead, row->calls_dead);
	atomic_store(&s->calls_oldest_us, row->calls_oldest != TIME_NULL ? row->now - row->calls_oldest : 0);
	atomic_store(&s->moves, row->moves);
	atomic_store(&s->operations, row->operations);
	atomic_store(&s->certificate_end_us, row->certificate_end != TIME_NULL ? row->certificate_end : 0);
	atomic_store(&s->at_us, clock_mono_us());
}

static enum err look_at_region(struct ctx *cx, void *arg)
{
	return q_region_replication(cx->db, arg);
}

/* What a region does not say leaves what it said, and its age tells. */
static void watch_region(struct ctx *cx, struct region *r)
{
	const struct db_place place = { .pool = region_prov_pool(cx->world, r),
					.search_path = "pg_catalog, pg_temp" };
	struct replication_row row;

	if (region_is_down(r))
		return;
	if (db_glance(cx, &place, look_at_region, &row) == ERR_NONE)
		keep_replication(&r->replication, &row);
	ctx_clear_problem(cx);
}

enum err control_watch(struct ctx *cx)
{
	struct world *w = cx->world;
	struct db_place place;
	struct look l;

	place_platform(w, &place);
	TRY(db_unit(cx, &place, DB_WRITE, look, &l));
	keep_state(&w->control_state, &l.state);
	keep_replication(&w->control_state.replication, &l.replication);
	for (size_t i = 0; i < w->nregions; i++)
		watch_region(cx, &w->regions[i]);
	return ERR_NONE;
}

static enum err leave(struct ctx *cx, void *arg)
{
	(void)arg;
	q_node_gone_later(cx->db, cx->world->settings->node);
	return ERR_NONE;
}

enum err control_watch_leave(struct ctx *cx)
{
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, leave, NULL);
}
