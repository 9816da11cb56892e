/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* setresuid, close_range */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool identity_assume(const struct identity *who)
{
	if (!who->drop)
		return true;
	if (setgroups(1, &who->gid) != 0 || setresgid(who->gid, who->gid, who->gid) != 0 ||
		setresuid(who->uid, who->uid, who->uid) != 0)
		return false;
	/* There must be no way back. */
	return setuid(0) != 0 && getuid() == who->uid && geteuid() == who->uid && getegid() == who->gid;
}

static void reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "controlcored: %s: %s\n", what, strerror(errno));
	_exit(127);
}

static void become(const struct spawn *s, pid_t parent)
{
	static char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C", zone[] = "TZ=UTC";
	static char *const env[] = { path, locale, zone, NULL };
	char *argv[64];
	size_t n = 0;

	reset_signals();
	if (dup2(s->out_fd, STDOUT_FILENO) < 0 || dup2(s->out_fd, STDERR_FILENO) < 0)
		_exit(127);
	close(STDIN_FILENO);
	if (open("/dev/null", O_RDONLY) != STDIN_FILENO)
		give_up("/dev/null");
	/* A group of its own: what a terminal sends to ours does not reach it. */
	if (setpgid(0, 0) != 0)
		give_up("setpgid");
	if (!identity_assume(s->who))
		give_up("cannot become the unprivileged user");
	if (chdir(s->dir) != 0)
		give_up(s->dir);
	umask(077);
	/* After the change of user, which would clear it. */
	if (prctl(PR_SET_PDEATHSIG, s->death_signal) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		give_up("prctl");
	if (getppid() != parent)
		_exit(127);
	if (close_range(3, ~0U, 0) != 0)
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	while (n < sizeof(argv) / sizeof(argv[0]) - 1 && s->argv[n] != NULL) {
		argv[n] = strdup(s->argv[n]);
		n++;
	}
	argv[n] = NULL;
	if (argv[0] != NULL)
		execve(argv[0], argv, env);
	give_up(s->argv[0]);
}

pid_t spawn_child(const struct spawn *s)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid == 0)
		become(s, parent);
	return pid;
}

bool identity_can_enter(const struct identity *who, const char *dir)
{
	int status;
	const pid_t pid = fork();

	if (pid == 0)
		_exit(identity_assume(who) && access(dir, X_OK) == 0 ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
