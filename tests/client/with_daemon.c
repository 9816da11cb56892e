/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with_daemon COMMAND…: runs it beside the program with a PostgreSQL and a Redis of its own. CC_URL and
 * CC_OPERATOR_KEY are in its environment; its exit status is this one's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon.h"

static int run(const char *const *argv)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct daemon *d;
	char url[64];
	int status;

	if (argc < 2)
		return 2;
	d = daemon_start(NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", daemon_port(d));
	setenv("CC_URL", url, 1);
	setenv("CC_OPERATOR_KEY", daemon_operator_key(d), 1);
	status = run((const char *const *)(uintptr_t)(argv + 1));
	daemon_finish(d);
	return status;
}
