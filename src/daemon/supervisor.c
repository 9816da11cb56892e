/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's side of the supervisor. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define READY_MS 180000 /* crash recovery of a large database included */
#define STOP_MS 40000

bool supervisor_start(
	struct arena *a, const struct supervisor_conf *conf, struct supervisor *ret, const char **ret_error)
{
	int pair[2];
	const pid_t daemon = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		*ret_error = arena_printf(a, "cannot make a channel: %s", strerror(errno));
		return false;
	}
	const pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		close(conf->daemon_lock_fd);
		/* The channel tells of the daemon's end too; this is in case somebody keeps it open. */
		if (prctl(PR_SET_PDEATHSIG, SIGUSR1) != 0 || getppid() != daemon)
			_exit(1);
		supervise(conf, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		*ret_error = arena_printf(a, "cannot fork: %s", strerror(errno));
		close(pair[0]);
		return false;
	}
	*ret = (struct supervisor){ .pid = pid, .fd = pair[0] };
	return true;
}

/* One line from the channel, or NULL when it closed, failed or the deadline passed. */
static const char *read_line(struct arena *a, int fd, int signal_fd, int64_t deadline, bool *ret_signal)
{
	struct str line;
	char c;

	str_init(&line, a, 256);
	for (;;) {
		struct pollfd p[2] = {
			{.fd = fd,         .events = POLLIN},
                        { .fd = signal_fd, .events = POLLIN}
		};
		const int64_t left = deadline - clock_mono_ms();

		if (left <= 0 || (poll(p, 2, (int)left) < 0 && errno != EINTR))
			return NULL;
		if (p[1].revents != 0) {
			*ret_signal = true;
			return NULL;
		}
		if (p[0].revents == 0)
			continue;
		if (read(fd, &c, 1) != 1)
			return NULL;
		if (c == '\n')
			return line.data;
		str_add_char(&line, c);
	}
}

bool supervisor_await_ready(struct arena *a, struct supervisor *s, int signal_fd, const char **ret_error)
{
	bool signalled = false;
	const char *line = read_line(a, s->fd, signal_fd, clock_mono_ms() + READY_MS, &signalled);

	*ret_error = NULL;
	if (signalled)
		return false;
	s->fresh = str_eq(line, "ready fresh");
	if (s->fresh || str_eq(line, "ready"))
		return true;
	*ret_error = line == NULL ? "the supervisor of PostgreSQL and Redis ended or gave no answer" : line;
	return false;
}

bool supervisor_stop(struct supervisor *s)
{
	const int64_t deadline = clock_mono_ms() + STOP_MS;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	while (s->pid > 0 && waitpid(s->pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() > deadline) {
			/* PostgreSQL and Redis are told by the kernel that their parent is gone. */
			kill(s->pid, SIGKILL);
			waitpid(s->pid, NULL, 0);
			s->pid = -1;
			return false;
		}
		clock_nap(10);
	}
	s->pid = -1;
	return true;
}
