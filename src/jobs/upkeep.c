/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning and purge once a second or when there is something to do, and the housekeeping beside it. */
#include "jobs_in.h"

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/certificates.h"
#include "cc/core/control_watch.h"
#include "cc/core/engine.h"
#include "cc/core/marks.h"
#include "cc/core/provision.h"
#include "cc/core/region_watch.h"
#include "cc/core/usage_watch.h"
#include "cc/model/q_control.h"

#define TICK_MS 1000
#define TICK_BUDGET_MS 2000
#define RESTS_MS INT64_C(2000) /* for each second of a lease: two go by, then what failed is gone */
#define BUSY_MS 20 /* a tick that did something is followed by another soon */
#define MARKS_EVERY_MS 5000
#define SWEEP_EVERY_MS 10000
#define TRIM_EVERY_MS 60000
#define TRIM_AGE_S 3600
#define TRIM_ROWS 1000 /* of one kind, in one transaction */
#define TRIM_ROUNDS 20
#define LEDGER_DAYS 1110 /* of hours and their lines: the longest period that can be asked for */
#define ORPHANS_EVERY_MS 300000
#define ORPHAN_GRACE_S 3600
#define ORPHANS_BUDGET_MS 30000
#define ENGINE_EVERY_MS 5000
#define CERTIFICATES_EVERY_MS 5000
#define USAGE_EVERY_MS 1000
#define MOVED_EVERY_MS 10000
#define LOOK_EVERY_MS 10000
#define LEAVE_MS 500

struct upkeep {
	struct jobs *jobs;
	struct arena *arena;
	struct trouble tick, trim, orphans, marks, engine, certificates, usage, look;
	struct setbacks ends, looks;
	unsigned waiting; /* parts of the tick that failed: what they left is leased, and comes again … */
	int64_t waiting_until; /* … before this */
	int64_t marks_at, sweep_at, trim_at, orphans_at, engine_at, certificates_at; /* clock_mono_ms() */
	int64_t usage_at, moved_at, look_at;
};

static bool due(int64_t *at, int64_t every_ms)
{
	const int64_t now = clock_mono_ms();

	if (now < *at)
		return false;
	*at = now + jitter_ms(every_ms);
	return true;
}

/*
 * A piece of work that failed rests until its lease is over. Until that part has done something, or nothing
 * of it was due for longer than that, ticks in which all goes well say nothing about it.
 */
static bool is_waiting(struct upkeep *u, const struct tick_report *r)
{
	const int64_t now = clock_mono_ms();

	u->waiting = (u->waiting & ~r->worked) | r->failed;
	if (r->failed != 0)
		u->waiting_until = now + RESTS_MS * u->jobs->world->settings->provision_lease_s + TICK_MS;
	if (now >= u->waiting_until)
		u->waiting = 0;
	return u->waiting != 0;
}

/* True: there may be more to do at once. *ret_failed: it should keep its distance. */
static bool tick(struct upkeep *u, bool *ret_failed)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, TICK_BUDGET_MS);
	struct tick_report r;
	enum err e = provision_tick(&cx, &r);
	const int done =
		r.undone + r.purged + r.dropped + r.prepared + r.migrated + r.expunged + r.signed_heads;

	if (!is_waiting(u, &r) || e != ERR_NONE)
		trouble_note(&u->tick, &cx, e);
	*ret_failed = e != ERR_NONE;
	if (done > 0)
		LOG(LOG_INFO, "background work done", LOG_INT("undone", r.undone),
			LOG_INT("purged", r.purged), LOG_INT("dropped", r.dropped),
			LOG_INT("prepared", r.prepared), LOG_INT("migrated", r.migrated),
			LOG_INT("expunged", r.expunged), LOG_INT("signed_heads", r.signed_heads));
	return done > 0 && e == ERR_NONE;
}

static enum err trim(struct ctx *cx, void *arg)
{
	(void)arg;
	q_change_trim_later(cx->db, TRIM_AGE_S);
	q_operation_trim_later(cx->db, TRIM_ROWS);
	q_alert_trim_later(cx->db, TRIM_ROWS);
	q_usage_batch_trim_later(cx->db, TRIM_ROWS);
	q_usage_hour_trim_later(cx->db, LEDGER_DAYS, TRIM_ROWS);
	q_outbox_trim_later(cx->db, TRIM_ROWS);
	q_stripe_event_trim_later(cx->db, TRIM_ROWS);
	q_domain_quarantine_trim_later(cx->db, TRIM_ROWS);
	q_retired_name_trim_later(cx->db, TRIM_ROWS);
	return ERR_NONE;
}

static enum err trim_keys(struct ctx *cx, void *arg)
{
	q_idem_control_purge_later(cx->db, arg, TRIM_ROWS);
	return ERR_NONE;
}

static void trim_control(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, TICK_BUDGET_MS);
	struct db_place place;
	int64_t keys = TRIM_ROWS;
	enum err e;

	place_platform(cx.world, &place);
	e = db_unit(&cx, &place, DB_WRITE, trim, NULL);
	for (int i = 0; i < TRIM_ROUNDS && e == ERR_NONE && keys == TRIM_ROWS; i++)
		e = db_unit(&cx, &place, DB_WRITE, trim_keys, &keys);
	trouble_note(&u->trim, &cx, e);
}

static void look_for_orphans(struct upkeep *u, struct region *r)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, ORPHANS_BUDGET_MS);
	const char *names = NULL;
	int found = 0;
	enum err e = provision_orphans(&cx, r, ORPHAN_GRACE_S, &found, &names);

	trouble_note(&u->orphans, &cx, e);
	if (e == ERR_NONE && found > 0)
		LOG(LOG_WARN, "schemas or roles that nothing records; they are dropped in an hour",
			LOG_TEXT("region", r->id), LOG_INT("found", found), LOG_TEXT("names", names));
}

static void write_marks(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, TICK_BUDGET_MS);

	trouble_note(&u->marks, &cx, marks_write(&cx));
}

static void sweep_pools(struct world *w)
{
	db_pool_sweep(w->ctl);
	db_pool_sweep(w->ctl_tenant);
	region_pools_sweep(w);
}

/* Modules in the policy engine that whoever loaded them did not remove. */
static void sweep_engine(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, ORPHANS_BUDGET_MS);
	int removed = 0;
	enum err e = engine_sweep(&cx, &removed);

	trouble_note(&u->engine, &cx, e);
	if (removed > 0)
		LOG(LOG_INFO, "modules left in the policy engine are removed", LOG_INT("modules", removed));
}

/* Some at a time: what is left is still due. */
static void watch_certificates(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, TICK_BUDGET_MS);
	struct round round;
	const enum err e = certificates_tick(&cx, &round);

	trouble_note(&u->certificates, &cx, e);
	setbacks_note(&u->ends, &round);
	if (e == ERR_NONE && round.done > 0)
		u->certificates_at = 0;
}

static enum err call_moved(struct ctx *cx, void *arg)
{
	(void)arg;
	q_usage_watch_moved_later(cx->db);
	return ERR_NONE;
}

/* Some at a time, as with certificates. */
static void watch_usage(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, TICK_BUDGET_MS);
	struct db_place place;
	struct round round = { 0 };
	enum err e = ERR_NONE;

	if (due(&u->moved_at, MOVED_EVERY_MS)) {
		place_platform(cx.world, &place);
		e = db_unit(&cx, &place, DB_WRITE, call_moved, NULL);
	}
	if (e == ERR_NONE)
		e = usage_watch_tick(&cx, &round);
	trouble_note(&u->usage, &cx, e);
	setbacks_note(&u->looks, &round);
	if (e == ERR_NONE && round.done > 0)
		u->usage_at = 0;
}

static void look_at_control(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, TICK_BUDGET_MS);

	trouble_note(&u->look, &cx, control_watch(&cx));
}

/* Others see by its silence that it is gone, only later. */
static void leave(struct upkeep *u)
{
	struct ctx cx = jobs_ctx(u->jobs, u->arena, LEAVE_MS);

	if (u->look.failures == 0 && control_watch_leave(&cx) != ERR_NONE)
		LOG0(LOG_DEBUG, "the node's end could not be told");
}

static void keep_house(struct upkeep *u)
{
	struct world *w = u->jobs->world;

	if (due(&u->marks_at, MARKS_EVERY_MS))
		write_marks(u);
	if (due(&u->look_at, LOOK_EVERY_MS))
		look_at_control(u);
	if (due(&u->sweep_at, SWEEP_EVERY_MS))
		sweep_pools(w);
	if (due(&u->trim_at, TRIM_EVERY_MS))
		trim_control(u);
	if (due(&u->engine_at, ENGINE_EVERY_MS))
		sweep_engine(u);
	if (due(&u->certificates_at, CERTIFICATES_EVERY_MS))
		watch_certificates(u);
	if (due(&u->usage_at, USAGE_EVERY_MS))
		watch_usage(u);
	if (!due(&u->orphans_at, ORPHANS_EVERY_MS))
		return;
	for (size_t i = 0; i < w->nregions && !jobs_stopping(u->jobs); i++)
		if (!region_is_down(&w->regions[i]))
			look_for_orphans(u, &w->regions[i]);
}

void *upkeep_run(void *jobs)
{
	struct upkeep u = {
		.jobs = jobs,
		.arena = arena_create(65536),
		.tick = { .what = "provisioning" },
		.trim = { .what = "trim of the control database" },
		.orphans = { .what = "orphan check" },
		.marks = { .what = "marks of use" },
		.engine = { .what = "clearing of the policy engine" },
		.certificates = { .what = "watch over certificates" },
		.ends = { .what = "watch over certificates" },
		.looks = { .what = "watch over usage" },
		.usage = { .what = "watch over usage" },
		.look = { .what = "look at the control database" },
		.orphans_at = clock_mono_ms() + ORPHANS_EVERY_MS / 5,
	};
	bool more, failed;

	do {
		more = tick(&u, &failed);
		if (!jobs_stopping(jobs))
			keep_house(&u);
		/* A failure keeps its distance, whoever calls meanwhile. */
		if (failed && !jobs_pause(jobs, ALARM_WORK, trouble_pause_ms(&u.tick, TICK_MS)))
			break;
		if (!jobs_pause(jobs, ALARM_WORK, BUSY_MS))
			break;
	} while (jobs_wait(jobs, ALARM_WORK, clock_mono_ms() + (more ? 0 : jitter_ms(TICK_MS))));
	leave(&u);
	arena_destroy(u.arena);
	return NULL;
}
