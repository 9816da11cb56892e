/* SPDX-License-Identifier: Apache-2.0 */
/* The background threads: started, woken and stopped together. */
#include "jobs_in.h"

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"
#include "cc/base/trace.h"
#include "cc/core/limiter.h"
#include "cc/core/world.h"

#include <stdlib.h>

#define PAUSE_MAX_MS 5000
#define DOUBLINGS_MAX 3
#define SETBACKS_EVERY_MS 60000

/* A thread has entered the settings from the begin of a step until it waits. */
static _Thread_local struct {
	bool entered;
	uint64_t ticket;
} step;

static void step_end(struct jobs *j)
{
	if (step.entered)
		turnover_leave(&j->world->turnover, step.ticket);
	step.entered = false;
}

static void step_begin(struct jobs *j)
{
	step_end(j);
	step.ticket = turnover_enter(&j->world->turnover);
	step.entered = true;
}

bool jobs_wait(struct jobs *j, enum alarm a, int64_t until_ms)
{
	bool go_on;

	step_end(j);
	lock_take(&j->lock);
	while (!j->stop && !j->due[a] && cond_wait_until(&j->wake[a], &j->lock, until_ms))
		;
	j->due[a] = false;
	go_on = !j->stop;
	lock_drop(&j->lock);
	return go_on;
}

bool jobs_pause(struct jobs *j, enum alarm a, int64_t ms)
{
	const int64_t until_ms = clock_mono_ms() + ms;
	bool go_on;

	step_end(j);
	lock_take(&j->lock);
	while (!j->stop && clock_mono_ms() < until_ms)
		(void)cond_wait_until(&j->wake[a], &j->lock, until_ms);
	go_on = !j->stop;
	lock_drop(&j->lock);
	return go_on;
}

void jobs_alarm(struct jobs *j, enum alarm a)
{
	lock_take(&j->lock);
	j->due[a] = true;
	cond_wake_all(&j->wake[a]);
	lock_drop(&j->lock);
}

bool jobs_stopping(struct jobs *j)
{
	bool stop;

	lock_take(&j->lock);
	stop = j->stop;
	lock_drop(&j->lock);
	return stop;
}

struct ctx jobs_ctx(struct jobs *j, struct arena *a, int64_t ms)
{
	struct trace t;

	trace_make(&t);
	trace_set(&t);
	arena_reset(a);
	step_begin(j);
	return (struct ctx){ .arena = a, .world = j->world, .deadline_ms = clock_mono_ms() + ms };
}

void trouble_note(struct trouble *t, const struct ctx *cx, enum err e)
{
	const char *message = cx->problem.message;

	job_meter_note(cx->world, t->what, e);
	if (e == ERR_NONE) {
		if (t->told)
			LOG(LOG_INFO, "background work goes on", LOG_TEXT("what", t->what),
				LOG_INT("failures", t->failures));
		t->told = false;
		t->failures = 0;
		return;
	}
	t->failures++;
	if (!t->told)
		LOG(LOG_WARN, "background work fails", LOG_TEXT("what", t->what),
			LOG_TEXT("code", err_info(e)->code), LOG_TEXT("message", message),
			LOG_TEXT("cause", cx->problem.cause));
	t->told = true;
}

void setbacks_note(struct setbacks *s, const struct round *r)
{
	const int64_t now = clock_mono_ms();

	s->failed += r->failed;
	if (r->failed == 0 || now < s->say_at)
		return;
	LOG(LOG_WARN, "background work of a tenant fails", LOG_TEXT("what", s->what),
		LOG_TEXT("tenant_id", r->tenant_id), LOG_INT("failures", s->failed),
		LOG_TEXT("code", err_info(r->error)->code), LOG_TEXT("message", r->problem.message),
		LOG_TEXT("cause", r->problem.cause));
	s->failed = 0;
	s->say_at = now + SETBACKS_EVERY_MS;
}

int64_t jitter_ms(int64_t ms)
{
	uint16_t r = 0;

	if (!random_bytes(&r, sizeof(r)))
		return ms;
	return ms - ms / 5 + ms * 2 / 5 * r / UINT16_MAX;
}

int64_t trouble_pause_ms(const struct trouble *t, int64_t base_ms)
{
	const int doublings = t->failures - 1 < DOUBLINGS_MAX ? t->failures - 1 : DOUBLINGS_MAX;
	const int64_t ms = base_ms << (doublings > 0 ? doublings : 0);

	return jitter_ms(ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS);
}

static void on_work_due(struct world *w)
{
	jobs_alarm(w->jobs, ALARM_WORK);
}

static void on_bundles_due(struct world *w)
{
	jobs_alarm(w->jobs, ALARM_BUNDLES);
	jobs_alarm(w->jobs, ALARM_BUNDLES_TOO);
}

static void on_keys_due(struct world *w)
{
	jobs_alarm(w->jobs, ALARM_KEYS);
}

static void on_usage_due(struct world *w)
{
	jobs_alarm(w->jobs, ALARM_USAGE);
}

static void on_calls_due(struct world *w)
{
	jobs_alarm(w->jobs, ALARM_CALLS);
}

static bool start(struct jobs *j, void *(*run)(void *))
{
	if (pthread_create(&j->threads[j->nthreads], NULL, run, j) != 0)
		return false;
	j->nthreads++;
	return true;
}

static bool start_watches(struct jobs *j)
{
	bool ok = j->world->nregions <= WATCHES_MAX;

	for (size_t i = 0; ok && i < j->world->nregions; i++)
		ok = start(j, region_run);
	return ok;
}

/* On the ledger there are none to make. */
static bool start_calls(struct jobs *j)
{
	const struct stripe_settings *s = &j->world->settings->stripe;
	bool ok = true;

	for (int i = 0; s->key != NULL && ok && i < s->concurrent; i++)
		ok = start(j, calls_run);
	return ok;
}

struct jobs *jobs_start(struct world *w)
{
	struct jobs *j = mem_alloc(1, sizeof(*j));
	bool ok;

	j->world = w;
	j->stripe = w->settings->stripe.key != NULL;
	random_text(j->node, sizeof(j->node) - 1, ALPHABET_BASE32);
	lock_init(&j->lock, RANK_JOBS);
	for (int a = 0; a < ALARM_COUNT; a++)
		cond_init(&j->wake[a]);
	w->jobs = j;
	atomic_store(&w->stopping, false);
	w->changed = push_feed;
	w->tell_changed = w->redis != NULL ? push_data : NULL;
	w->work_due = on_work_due;
	w->keys_due = on_keys_due;
	w->bundles_due = on_bundles_due;
	w->usage_due = on_usage_due;
	w->calls_due = on_calls_due;
	ok = start(j, feed_run) && start(j, upkeep_run) && start(j, keys_run) &&
	     start(j, domains_run) && start(j, moves_run) && start(j, moves_run_too) &&
	     start(j, fences_run) && start(j, usage_run) && start(j, billing_run) &&
	     start_watches(j) && start_calls(j);
	if (ok && w->bundles != NULL)
		ok = start(j, bundles_run) && start(j, bundles_run_too);
	if (ok && w->redis != NULL)
		ok = start(j, push_run) && start(j, listen_run) && start(j, limits_run);
	if (ok)
		return j;
	jobs_stop(j);
	return NULL;
}

void jobs_stop(struct jobs *j)
{
	if (j == NULL)
		return;
	lock_take(&j->lock);
	j->stop = true;
	atomic_store(&j->world->stopping, true);
	for (int a = 0; a < ALARM_COUNT; a++)
		cond_wake_all(&j->wake[a]);
	lock_drop(&j->lock);
	limiter_wake(j->world->limiter);
	while (j->nthreads > 0)
		pthread_join(j->threads[--j->nthreads], NULL);
	j->world->changed = NULL;
	j->world->tell_changed = NULL;
	j->world->work_due = NULL;
	j->world->keys_due = NULL;
	j->world->usage_due = NULL;
	j->world->calls_due = NULL;
	j->world->bundles_due = NULL;
	j->world->jobs = NULL;
	for (int a = 0; a < ALARM_COUNT; a++)
		cond_finish(&j->wake[a]);
	lock_finish(&j->lock);
	push_forget(&j->changes);
	free(j);
}
