/* SPDX-License-Identifier: Apache-2.0 */
/* controlcored serve: what is started in which order, and stopped in the reverse one. */
#define _GNU_SOURCE /* close_range */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/world.h"

#include "await.h"
#include "prepare.h"
#include "private.h"
#include "privileges.h"
#include "program.h"
#include "reload.h"
#include "session_text.h"
#include "wire.h"

#define LARGE_BLOCK (128 * 1024)
#define TIDY_MS 200
#define UPKEEP_MS 1000
#define LAST_LINES_MS 100

struct serving {
	struct program program;
	struct supervisor_conf conf;
	struct supervisor supervisor; /* pid 0: none */
	struct wire wire;
	struct descriptors descriptors;
	bool wired;
	bool cut; /* a thread was left behind that works with program and wire */
	int signals;
};

/* --- The process itself --------------------------------------------------------------------------- */

/* What the parent left open is no business of PostgreSQL and Redis either. */
static void close_inherited_on_exec(void)
{
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	for (int fd = 3; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * Large blocks go back to the system when they are freed. Left to itself glibc raises these bounds with
 * every large block that it sees freed, until requests of a bad minute stay in the process for good.
 */
static void return_large_blocks(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	(void)mallopt(M_TRIM_THRESHOLD, 4 * LARGE_BLOCK);
#endif
}

/* Before anything is started: what is started inherits the limit. */
static bool take_descriptors(struct serving *s)
{
	struct descriptors *d = &s->descriptors;

	if (descriptors_share(&s->program.config, descriptors_raise(), d))
		return true;
	complain("the process may have %" PRId64 " descriptors (ulimit -Hn) and needs %" PRId64
		 " beside those of its clients; nothing was started", d->limit, d->own);
	return false;
}

/* Signals come to the main thread only, when it asks for them; every thread inherits the mask. */
static bool take_signals(struct serving *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	sigdelset(&set, SIGUSR1);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals >= 0;
}

static _Noreturn void die_at_once(int sig)
{
	LOG(LOG_WARN, "a second signal: what runs is cut off", LOG_INT("signal", sig));
	log_flush(LAST_LINES_MS);
	_exit(128 + sig);
}

static void *await_second_signal(void *unused)
{
	sigset_t set;
	int sig = SIGTERM;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	while (sigwait(&set, &sig) != 0)
		continue;
	die_at_once(sig);
}

/*
 * While things stop, a second signal does not wait. PostgreSQL and Redis are still stopped cleanly. It is a
 * thread that waits for it, because a handler could not write what is in the log.
 */
static void arm_second_signal(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, await_second_signal, NULL) == 0)
		(void)pthread_detach(thread);
}

/* --- Starting ------------------------------------------------------------------------------------- */

static int start_embedded(struct serving *s)
{
	struct program *p = &s->program;
	const struct embedded *e = &p->embedded;
	const char *error = NULL;

	if (e->fell_back)
		complain("user %s cannot enter %s; the data is in %s", e->user, e->dir, e->data);
	s->conf = embedded_supervisor(p->arena, e, &p->config);
	if (supervisor_start(p->arena, &s->conf, &s->supervisor, &error) &&
		supervisor_await_ready(p->arena, &s->supervisor, s->signals, &error))
		return 0;
	if (error == NULL) {
		complain("stopped before PostgreSQL and Redis were ready");
		return 128 + SIGTERM;
	}
	complain("%s", error);
	return EXIT_UNAVAILABLE;
}

static int write_port(const struct program *p, const char *file, int port)
{
	const char *error = NULL;

	if (file == NULL || private_file(p->arena, file, arena_printf(p->arena, "%d\n", port), true, &error))
		return 0;
	complain("%s", error);
	return EXIT_NO_FILE;
}

static int announce_tls(struct serving *s)
{
	const struct tls_conf *c = &s->program.config.tls;
	const int port = http_server_tls_port(s->wire.http);

	if (c->address == NULL)
		return 0;
	LOG(LOG_INFO, "listening for TLS", LOG_TEXT("address", c->address), LOG_INT("port", port));
	return write_port(&s->program, c->port_file, port);
}

static int announce_admin(struct serving *s)
{
	const struct admin_conf *c = &s->program.config.admin;
	const int port = http_server_admin_port(s->wire.http);

	if (c->socket != NULL)
		LOG(LOG_INFO, "metrics", LOG_TEXT("socket", c->socket));
	if (c->address == NULL)
		return 0;
	LOG(LOG_INFO, "metrics", LOG_TEXT("address", c->address), LOG_INT("port", port));
	if (!http_server_admin_is_local(s->wire.http))
		LOG(LOG_WARN, "whoever reaches admin.address may read all of it without a key, and it is no "
			"loopback address", LOG_TEXT("address", c->address));
	return write_port(&s->program, c->port_file, port);
}

/* A port where no client can bring a key is hardly what was meant. */
static void warn_of_clear(const struct serving *s)
{
	const struct config *c = &s->program.config;

	if (http_server_is_local(s->wire.http) || c->tls.address != NULL || c->server.trusted_proxies.n > 0)
		return;
	LOG(LOG_WARN,
		"keys are refused: other machines reach the port, and there is neither tls.address nor "
		"server.trusted_proxies",
		LOG_TEXT("address", c->server.address));
}

static void warn_of_resolvers(const struct domains_conf *c)
{
	if (c->resolvers.n >= 2)
		return;
	LOG(LOG_WARN,
		"domains are proven by what a single resolver says: configure several in domains.resolvers",
		LOG_TEXT("resolver", c->resolvers.n == 0 ? "system" : c->resolvers.v[0]));
}

static void warn_of_state(const struct config *c)
{
	if (c->server.state_dir == NULL)
		LOG0(LOG_WARN, "there is no server.state_dir: if this process dies, what tenants used in the "
			       "last second is not counted");
}

static int announce(struct serving *s)
{
	struct program *p = &s->program;
	const int port = http_server_port(s->wire.http);
	int status = announce_tls(s);

	if (status == 0)
		status = announce_admin(s);

	LOG(LOG_INFO, "listening", LOG_TEXT("address", p->config.server.address), LOG_INT("port", port),
		LOG_TEXT("version", CC_VERSION), LOG_INT("connections_max", s->descriptors.clients));
	if (s->descriptors.clients < p->config.server.connections_max)
		LOG(LOG_WARN, "fewer client connections than server.connections_max: descriptors are few",
			LOG_INT("connections", s->descriptors.clients),
			LOG_INT("wanted", p->config.server.connections_max),
			LOG_INT("descriptors", s->descriptors.limit));
	warn_of_clear(s);
	warn_of_resolvers(&p->config.domains);
	warn_of_state(&p->config);
	if (status == 0)
		status = write_port(p, p->config.server.port_file, port);
	if (status == 0)
		systemd_ready("serving");
	if (status == 0 && p->options->embedded != NULL)
		session_text_print(p->arena, &p->embedded, p->config.server.address, port,
			http_server_is_local(s->wire.http));
	return status;
}

static int prepare(struct serving *s)
{
	struct prepare p = { .program = &s->program, .wire = &s->wire, .fresh = s->supervisor.fresh,
		.signals = s->signals };
	const int status = prepare_databases(&p);

	s->cut = p.cut;
	return status;
}

static int start(struct serving *s)
{
	struct program *p = &s->program;
	const bool embedded = p->options->embedded != NULL;
	const char *error = "";
	enum log_level level = LOG_INFO;
	int status = program_can_listen(p) ? 0 : EXIT_UNAVAILABLE;

	if (status == 0 && embedded)
		status = start_embedded(s);
	if (status != 0)
		return status;
	status = program_settle(p);
	if (status != 0)
		return status;
	/* From here on there may be threads. */
	if (!log_parse_level(p->config.log.level, &level) || !log_start(STDERR_FILENO, level)) {
		complain("the log cannot be started");
		return EXIT_SOFTWARE;
	}
	if (!arena_is_locked(p->arena) && !p->config.server.lock_memory)
		LOG0(LOG_WARN, "secrets may be swapped out: so much memory cannot be locked (LimitMEMLOCK)");
	if (privileges_are_all() && !embedded)
		LOG0(LOG_WARN, "this runs as root, and need not: set server.user");
	program_warn_of_reload(p);
	wire_open(&s->wire, p->arena, &p->config);
	s->wire.sockets = p->sockets;
	s->wire.held = p->held;
	s->wired = true;
	status = await_database(p->config.control.conninfo, p->config.control.wait_s, s->signals);
	if (status == 0)
		status = prepare(s);
	if (status != 0)
		return status;
	if (!wire_start(&s->wire, &s->descriptors, &error)) {
		complain("cannot serve: %s", error);
		return EXIT_UNAVAILABLE;
	}
	return announce(s);
}

/* --- Serving -------------------------------------------------------------------------------------- */

/* The next signal, or 0. */
static int take_signal(const struct serving *s)
{
	struct signalfd_siginfo si;

	return read(s->signals, &si, sizeof si) == sizeof si ? (int)si.ssi_signo : 0;
}

/*
 * Waits until a signal or the end of the supervisor can be seen, and tells systemd every beat ms (0: never)
 * that this thread runs.
 */
static bool wait_for_events(struct pollfd p[2], int beat, int64_t until_ms)
{
	for (;;) {
		const int64_t left = until_ms - clock_mono_ms();
		int n, wait = beat > 0 ? beat : -1;

		if (left <= 0)
			return false;
		if (wait < 0 || left < wait)
			wait = left > INT_MAX ? -1 : (int)left;
		n = poll(p, 2, wait);
		if (beat > 0)
			systemd_alive();
		if (n > 0)
			return true;
	}
}

static void fill_events(const struct serving *s, struct pollfd p[2])
{
	p[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->supervisor.pid > 0 ? s->supervisor.fd : -1, .events = POLLIN };
}

/* Does what is to be done now and then: until when that can wait. */
static int64_t keep_house(struct serving *s)
{
	const bool untidy = reload_tidy(&s->program, &s->wire), shared = wire_upkeep(&s->wire);

	if (!untidy && !shared)
		return INT64_MAX;
	return clock_mono_ms() + (untidy ? TIDY_MS : UPKEEP_MS);
}

/* A lost terminal ends an embedded instance; elsewhere SIGHUP reads the settings again. */
static int serve_until_signal(struct serving *s, int *ret_signal)
{
	const int beat = systemd_watchdog_ms();
	struct pollfd p[2];

	fill_events(s, p);
	for (;;) {
		if (!wait_for_events(p, beat, keep_house(s)))
			continue;
		if (p[1].revents != 0) {
			LOG0(LOG_ERROR, "the supervisor of PostgreSQL and Redis is gone; stopping");
			return EXIT_SOFTWARE;
		}
		*ret_signal = take_signal(s);
		if (*ret_signal == SIGHUP && s->supervisor.pid == 0)
			reload_settings(&s->program, &s->wire);
		else if (*ret_signal != 0)
			return 0;
	}
}

/*
 * Load balancers look at /readyz now and then: until they have, requests come and are served. From STOPPING=1
 * on the watchdog is told nothing: systemd has put it off then, WATCHDOG=1 would set it anew, and nobody
 * tells it anything while the rest is stopped. TimeoutStopSec is what bounds the end.
 */
static void serve_until_noticed(struct serving *s)
{
	const int64_t until = clock_mono_ms() + s->wire.config->server.lag_ms;
	struct pollfd p[2];

	wire_leave(&s->wire);
	fill_events(s, p);
	while (wait_for_events(p, 0, until)) {
		const int sig = take_signal(s);

		if (p[1].revents != 0)
			return;
		if (sig == SIGINT || sig == SIGTERM)
			die_at_once(sig);
	}
}

static int serve(struct serving *s)
{
	int sig = 0;
	const int status = serve_until_signal(s, &sig);

	systemd_stopping();
	LOG(LOG_INFO, "stopping", LOG_INT("signal", sig));
	if (sig == SIGTERM)
		serve_until_noticed(s);
	return status;
}

static void stop(struct serving *s)
{
	arm_second_signal();
	embedded_stopping(&s->program.embedded);
	if (s->wired && !s->cut)
		wire_close(&s->wire);
	log_stop();
	if (s->supervisor.pid > 0 && !supervisor_stop(&s->supervisor))
		complain("the supervisor did not end in time and was killed");
	if (s->signals >= 0)
		close(s->signals);
}

int cmd_serve(const struct options *o)
{
	struct serving s = { .signals = -1 };
	int status = program_load(&s.program, o, true);

	if (status == 0) {
		return_large_blocks();
		close_inherited_on_exec();
		umask(077);
		status = take_descriptors(&s) ? 0 : EXIT_UNAVAILABLE;
		if (status == 0)
			status = take_signals(&s) ? start(&s) : EXIT_SOFTWARE;
		if (status == 0)
			status = serve(&s);
		stop(&s);
		if (s.cut)
			_exit(status);
	}
	program_free(&s.program);
	return status;
}
