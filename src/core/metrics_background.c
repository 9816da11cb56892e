/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_in.h"

#include "cc/base/clock.h"
#include "cc/base/expo.h"
#include "cc/base/log.h"
#include "cc/core/usage.h"

enum { RUNS, FAILURES, AGE, JOB_FAMILIES };

/* "job" is Prometheus's own label. */
static void write_job(struct str *out, const char *name, int family, const struct job_meter *m,
		      const char *what, int64_t started_us)
{
	const char *task = arena_printf(out->arena, "task=\"%s\"", expo_label(out->arena, what));
	const int64_t good_us = atomic_load(&m->good_us);

	if (family == RUNS)
		expo_int(out, name, "", task, atomic_load(&m->runs));
	else if (family == FAILURES)
		expo_int(out, name, "", task, atomic_load(&m->failures));
	else
		expo_us(out, name, "", task, clock_wall_us() - (good_us != 0 ? good_us : started_us));
}

static void write_jobs(const struct world *w, struct str *out)
{
	static const struct {
		const char *name, *help;
		enum expo_type type;
	} families[JOB_FAMILIES] = {
		[RUNS] = { "controlcored_job_runs_total", "Runs of background work.", EXPO_COUNTER },
		[FAILURES] = { "controlcored_job_failures_total", "Runs of background work that failed.",
			       EXPO_COUNTER },
		[AGE] = { "controlcored_job_good_age_seconds",
			  "Since the background work last went well on this node, or the node started.",
			  EXPO_GAUGE },
	};

	for (int f = 0; f < JOB_FAMILIES; f++) {
		expo_family(out, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < JOB_METERS_MAX; i++) {
			const char *what = atomic_load(&w->job_meter[i].what);

			if (what != NULL)
				write_job(out, families[f].name, f, &w->job_meter[i], what, w->started_us);
		}
	}
}

/* What was not asked for yet is not there: better none than a nought that is none. */
static void write_control(const struct control_state *s, struct str *out)
{
	const int64_t at_us = atomic_load(&s->at_us), end_us = atomic_load(&s->certificate_end_us);

	if (at_us == 0)
		return;
	expo_one_us(out, "controlcored_control_look_age_seconds", EXPO_GAUGE,
		 "Since outbox, operations, moves and replication were looked at.", clock_mono_us() - at_us);
	expo_one(out, "controlcored_outbox_waiting", EXPO_GAUGE, "Calls of Stripe's that are to be made.",
	      atomic_load(&s->calls_waiting));
	expo_one_us(out, "controlcored_outbox_oldest_age_seconds", EXPO_GAUGE,
		 "How long the oldest call of Stripe's waits that is to be made.",
		 atomic_load(&s->calls_oldest_us));
	expo_one(out, "controlcored_outbox_dead", EXPO_GAUGE,
		 "Calls of Stripe's that were refused in the last day.",
	      atomic_load(&s->calls_dead));
	expo_one(out, "controlcored_moves", EXPO_GAUGE,
		 "Moves between regions that are under way.", atomic_load(&s->moves));
	expo_one(out, "controlcored_operations", EXPO_GAUGE,
		 "Operations that are under way.", atomic_load(&s->operations));
	if (end_us != 0)
		expo_one_us(out, "controlcored_tenant_certificate_end_seconds", EXPO_GAUGE,
			 "Until the tenants' certificate that ends first does so.", end_us - clock_wall_us());
}

enum { STANDBY, REPLICAS, LAG, LOOK_AGE, REPLICATION_FAMILIES };

static void write_server(struct str *out, const char *name, int family, const struct replication *r,
			 const char *database)
{
	const char *label = arena_printf(out->arena, "database=\"%s\"", database);
	const int64_t at_us = atomic_load(&r->at_us), lag_us = atomic_load(&r->lag_us);

	if (at_us == 0)
		return;
	if (family == STANDBY)
		expo_int(out, name, "", label, atomic_load(&r->standby));
	else if (family == REPLICAS)
		expo_int(out, name, "", label, atomic_load(&r->replicas));
	else if (family == LOOK_AGE)
		expo_us(out, name, "", label, clock_mono_us() - at_us);
	else if (lag_us >= 0)
		expo_us(out, name, "", label, lag_us);
}

static void write_replication(const struct world *w, struct str *out)
{
	static const struct {
		const char *name, *help;
	} families[REPLICATION_FAMILIES] = {
		[STANDBY] = { "controlcored_db_standby", "1: the server is a standby, and takes no writes." },
		[REPLICAS] = { "controlcored_db_replicas", "Standbys that are connected to the server." },
		[LAG] = { "controlcored_db_replication_lag_seconds",
			  "How far the slowest standby is behind; absent: none, or not to be seen." },
		[LOOK_AGE] = { "controlcored_db_look_age_seconds", "Since it was asked about its standbys." },
	};

	for (int f = 0; f < REPLICATION_FAMILIES; f++) {
		expo_family(out, families[f].name, EXPO_GAUGE, families[f].help);
		write_server(out, families[f].name, f, &w->control_state.replication, "control");
		for (size_t i = 0; i < w->nregions; i++)
			write_server(out, families[f].name, f, &w->regions[i].replication,
				     w->regions[i].id);
	}
}

void background_metrics(const struct world *w, struct str *out)
{
	write_jobs(w, out);
	write_control(&w->control_state, out);
	write_replication(w, out);
	expo_family(out, "controlcored_log_dropped_total", EXPO_COUNTER, "Log lines that found no room.");
	expo_int(out, "controlcored_log_dropped_total", "", NULL, log_dropped());
	expo_family(out, "controlcored_usage_lost_total", EXPO_COUNTER,
		    "Usage that found no place in the journal, and is not billed.");
	expo_int(out, "controlcored_usage_lost_total", "", NULL, w->usage != NULL ? usage_lost(w->usage) : 0);
	expo_one_us(out, "controlcored_start_time_seconds", EXPO_GAUGE, "When this node started, since 1970.",
		 w->started_us);
}
