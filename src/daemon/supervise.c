/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's own life: one thread, one loop. */
#define _GNU_SOURCE /* signalfd with SOCK_CLOEXEC */
#include "supervised.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/schema/write.h"

#include "private.h"

#define PROBE_MS 10
#define RESTART_MS 200       /* pause before the first restart; doubled each time … */
#define RESTART_MAX_MS 10000 /* … up to this */
#define STEADY_MS 60000      /* who lived this long starts with the short pause again */
#define STOP_SOFT_MS 20000
#define STOP_HARD_MS 5000

struct life {
	const struct supervisor_conf *conf;
	int channel, signals;
	bool told; /* the daemon knows that both are ready */
	bool fresh;
	bool housed; /* the folder of the sockets is ours to remove */
	struct service *service[2];
	struct arena *arena; /* of one turn */
};

static void say(const struct life *l, const char *line)
{
	const size_t n = strlen(line);

	/* A daemon that is gone does not listen; that is noticed by the loop. */
	if (send(l->channel, line, n, MSG_NOSIGNAL) != (ssize_t)n)
		return;
}

static void note(struct life *l, const char *level, const char *msg, const char *service, int status)
{
	struct str line;
	struct jw w;

	str_init(&line, l->arena, 256);
	jw_init(&w, &line);
	jw_object(&w);
	jw_key(&w, "ts");
	jw_text(&w, time_format_ms(l->arena, clock_wall_us()));
	jw_key(&w, "level");
	jw_text(&w, level);
	jw_key(&w, "msg");
	jw_text(&w, msg);
	jw_key(&w, "service");
	jw_text(&w, service);
	jw_key(&w, "status");
	jw_int(&w, status);
	jw_object_end(&w);
	str_add_char(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		return;
}

static bool channel_closed(const struct life *l)
{
	char c;
	const ssize_t n = recv(l->channel, &c, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* True when the supervisor shall end: the daemon hung up, or the kernel said that it died. */
static bool wait_turn(struct life *l, int timeout_ms)
{
	struct pollfd p[2] = { { .fd = l->channel, .events = POLLIN },
		{ .fd = l->signals, .events = POLLIN } };
	struct signalfd_siginfo si;
	bool end = false;

	if (poll(p, 2, timeout_ms) < 0 && errno != EINTR)
		return true;
	while (read(l->signals, &si, sizeof si) == sizeof si)
		end = end || si.ssi_signo == SIGUSR1;
	return end || (p[0].revents != 0 && channel_closed(l));
}

/* The lock, which a next start waits for, is free when the process is gone: after all else. */
static _Noreturn void end(struct life *l, int status)
{
	services_stop(l->service, 2, STOP_SOFT_MS, STOP_HARD_MS);
	if (l->housed)
		sockets_remove(l->conf);
	_exit(status);
}

static _Noreturn void fail_start(struct life *l, const char *text)
{
	say(l, arena_printf(l->arena, "%s\n", text));
	end(l, 1);
}

static void service_ended(struct life *l, struct service *s, int status)
{
	const int64_t now = clock_mono_ms();

	s->pid = 0;
	s->ready = false;
	if (!l->told)
		fail_start(l, service_obituary(l->arena, l->conf, s, status));
	if (now - s->started_at > STEADY_MS)
		s->pause_ms = 0;
	s->pause_ms = s->pause_ms == 0 ? RESTART_MS : s->pause_ms * 2;
	if (s->pause_ms > RESTART_MAX_MS)
		s->pause_ms = RESTART_MAX_MS;
	s->start_at = now + s->pause_ms;
	note(l, "error", "a supervised process ended and will be started again", s->name, status);
}

static void reap(struct life *l)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < 2; i++)
			if (l->service[i]->pid == pid)
				service_ended(l, l->service[i], status);
}

/* Starts what is due, probes what is not ready. How long nothing is to do; -1: until something happens. */
static int tend(struct life *l)
{
	int wait = -1;

	for (int i = 0; i < 2; i++) {
		struct service *s = l->service[i];
		const int64_t now = clock_mono_ms();
		int own = -1;

		if (s->pid == 0 && now >= s->start_at && !service_start(l->conf, s) && !l->told)
			fail_start(l, arena_printf(l->arena, "%s cannot be started", s->name));
		if (s->pid == 0)
			own = s->start_at > now ? (int)(s->start_at - now) : RESTART_MAX_MS;
		else if (!s->ready && !(s->ready = s->probe(l->conf)))
			own = PROBE_MS;
		if (own >= 0 && (wait < 0 || own < wait))
			wait = own;
	}
	return wait;
}

static void tell_ready(struct life *l)
{
	if (l->told || !l->service[0]->ready || !l->service[1]->ready)
		return;
	say(l, l->fresh ? "ready fresh\n" : "ready\n");
	l->told = true;
}

/* The first use: initdb, in a folder that gets its name when it is complete. */
static void make_data(struct life *l)
{
	const struct supervisor_conf *c = l->conf;
	int status = 0;
	pid_t pid;

	if (access(c->pg_data, F_OK) == 0)
		return;
	l->fresh = true;
	const char *made = arena_printf(l->arena, "%s.new", c->pg_data);
	if ((pid = initdb_start(l->arena, c, made)) < 0)
		fail_start(l, arena_printf(l->arena, "cannot make %s: %s", made, strerror(errno)));
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (wait_turn(l, PROBE_MS)) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			end(l, 0);
		}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_start(l, arena_printf(l->arena, "initdb failed; see %s/postgresql.log", c->log_dir));
	if (rename(made, c->pg_data) != 0)
		fail_start(l, arena_printf(l->arena, "cannot rename %s: %s", made, strerror(errno)));
}

/* A supervisor before us may still be stopping; its lock is free when all it had is gone. */
static void take_lock(struct life *l)
{
	const int fd = open(l->conf->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const int64_t deadline = clock_mono_ms() + STOP_SOFT_MS + STOP_HARD_MS + STOP_HARD_MS;

	if (fd < 0)
		fail_start(
			l, arena_printf(l->arena, "cannot open %s: %s", l->conf->lock_path, strerror(errno)));
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (clock_mono_ms() > deadline)
			fail_start(l, "the supervisor of an earlier start still runs");
		if (wait_turn(l, PROBE_MS))
			_exit(0);
	}
}

/* Not before the lock is ours: the one before us removes it at its end. */
static void make_run(struct life *l)
{
	const char *error = NULL;

	if (!private_folder(l->arena, l->conf->run_dir, &l->conf->who, &error))
		fail_start(l, error);
	l->housed = true;
}

static int take_signals(void)
{
	sigset_t wanted, all;

	/*
	 * Signals for a whole group or service are the daemon's to answer: it drains first, then hangs up.
	 * Only the kernel's word that the daemon died (SIGUSR1) counts here.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigaddset(&wanted, SIGUSR1);
	return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

_Noreturn void supervise(const struct supervisor_conf *conf, int channel)
{
	struct service pg = service_postgresql(), redis = service_redis();
	struct life l = { .conf = conf, .channel = channel, .service = { &pg, &redis } };

	prctl(PR_SET_NAME, "cc-supervisor");
	setsid();
	l.arena = arena_create(4096);
	l.signals = take_signals();
	if (l.signals < 0)
		fail_start(&l, "cannot watch signals");
	take_lock(&l);
	for (int i = 0; i < 2; i++)
		if (!l.service[i]->clear(conf))
			fail_start(&l, arena_printf(l.arena, "a %s of an earlier start cannot be stopped",
					       l.service[i]->name));
	make_run(&l);
	make_data(&l);
	for (;;) {
		reap(&l);
		const int wait = tend(&l);

		tell_ready(&l);
		if (wait_turn(&l, wait))
			break;
		arena_reset(l.arena);
	}
	end(&l, 0);
}
