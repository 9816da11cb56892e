/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with the databases before anybody is served. */
#include "prepare.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/apikeys.h"
#include "cc/core/provision.h"
#include "cc/core/region_watch.h"

#include "private.h"

#define SETUP_MS 600000

/* Lies in the program's arena: a thread that is cut off goes on with it. */
struct work {
	struct prepare what;
	pthread_t thread;
	int done; /* eventfd */
	int status;
	atomic_bool cut;
};

/* What fails after the databases were stopped is no news. */
static int cannot(const struct work *w, const char *doing, const struct ctx *cx, enum err e)
{
	if (!atomic_load(&w->cut))
		complain_problem(doing, cx, e);
	return EXIT_UNAVAILABLE;
}

/* Not a reason to stay away: all other tenants are served, and operators can put these right. */
static int look_for_strays(const struct work *w, struct ctx *cx)
{
	const char *which = NULL;
	int64_t n = 0;
	const enum err e = setup_strays(cx, &n, &which);

	if (e != ERR_NONE)
		return cannot(w, "the tenants cannot be read", cx, e);
	if (n > 0)
		LOG(LOG_WARN, "tenants have a plan or region that is not configured: their requests are 503",
			LOG_INT("tenants", n), LOG_TEXT("which", which));
	return 0;
}

static void tell_silent(const struct world *w)
{
	for (size_t i = 0; i < w->nregions; i++)
		if (region_is_down(&w->regions[i]))
			LOG(LOG_WARN, "a region does not answer: it is served once it does and is set up",
				LOG_TEXT("region", w->regions[i].id));
}

static int set_up(const struct work *w)
{
	struct program *p = w->what.program;
	const struct config *c = &p->config;
	struct ctx cx = wire_ctx(w->what.wire, p->arena, SETUP_MS);
	struct setup_report r;
	const unsigned how = SETUP_WITHOUT_SILENT | (c->control.migrate ? 0 : SETUP_DRY);
	enum err e = setup_all(&cx, c->control.admin_conninfo, how, &r);

	if (e != ERR_NONE)
		return cannot(w, "the databases cannot be set up", &cx, e);
	if (r.control_pending + r.region_pending > 0) {
		complain("migrations are missing (control %d, regions %d): run controlcored migrate",
			r.control_pending, r.region_pending);
		return EXIT_UNAVAILABLE;
	}
	LOG(LOG_INFO, "databases are up to date", LOG_INT("control_applied", r.control_applied),
		LOG_INT("region_applied", r.region_applied), LOG_INT("tenants_applied", r.tenants_applied));
	e = setup_refusals(&cx);
	if (e != ERR_NONE)
		return cannot(w, "refusing to serve", &cx, e);
	tell_silent(&w->what.wire->world);
	return look_for_strays(w, &cx);
}

/* The first operator key: when there is none yet, or when the data it belonged to is new. */
static int make_first_key(const struct work *w)
{
	struct program *p = w->what.program;
	const char *path = p->embedded.operator_key, *key = NULL, *error = NULL;
	struct ctx cx = wire_ctx(w->what.wire, p->arena, SETUP_MS);
	enum err e;

	if (access(path, F_OK) == 0 && !w->what.fresh)
		return 0;
	e = operator_key_create(&cx, "first operator", NULL, &key);
	if (e != ERR_NONE)
		return cannot(w, "the first operator key cannot be made", &cx, e);
	if (private_file(p->arena, path, arena_printf(p->arena, "%s\n", key), true, &error))
		return 0;
	complain("%s", error);
	return EXIT_NO_FILE;
}

static void *run(void *arg)
{
	struct work *w = arg;

	w->status = set_up(w);
	if (w->status == 0 && w->what.program->options->embedded != NULL)
		w->status = make_first_key(w);
	(void)eventfd_write(w->done, 1);
	return NULL;
}

/*
 * The signal that ends it, or 0 when the work is done. A lost terminal ends an embedded instance; elsewhere
 * the settings are read again once it serves.
 */
static int watch(const struct work *w)
{
	struct pollfd p[2] = {
		{ .fd = w->what.signals, .events = POLLIN },
		{ .fd = w->done, .events = POLLIN },
	};
	const bool embedded = w->what.program->options->embedded != NULL;
	struct signalfd_siginfo si;
	bool again = false;
	int sig = 0;

	do {
		if (poll(p, 2, -1) < 0 || p[0].revents == 0 ||
			read(w->what.signals, &si, sizeof si) != sizeof si)
			continue;
		if (si.ssi_signo == SIGHUP && !embedded)
			again = true;
		else
			sig = (int)si.ssi_signo;
	} while (sig == 0 && p[1].revents == 0);
	if (again && sig == 0)
		(void)kill(getpid(), SIGHUP);
	return sig;
}

static bool is_done(const struct work *w)
{
	struct pollfd p = { .fd = w->done, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/*
 * Libraries wait in there for names, connections and locks of the database. So nobody waits for the thread
 * when a signal comes: what it has not committed the databases roll back, and its locks go with the process.
 */
static int await(struct work *w)
{
	const int sig = watch(w);

	w->what.cut = !is_done(w);
	atomic_store(&w->cut, w->what.cut);
	if (w->what.cut)
		(void)pthread_detach(w->thread);
	else
		(void)pthread_join(w->thread, NULL);
	if (sig == 0 || (!w->what.cut && w->status != 0))
		return w->status;
	complain("stopped before the databases were set up");
	return 128 + sig;
}

int prepare_databases(struct prepare *p)
{
	struct work *w = ARENA_NEW(p->program->arena, struct work);
	int status;

	*w = (struct work){ .what = *p, .done = eventfd(0, EFD_CLOEXEC) };
	if (w->done < 0 || pthread_create(&w->thread, NULL, run, w) != 0) {
		complain("cannot start a thread for the databases");
		status = EXIT_SOFTWARE;
	} else {
		status = await(w);
	}
	p->cut = w->what.cut;
	if (w->done >= 0 && !p->cut)
		close(w->done);
	return status;
}
