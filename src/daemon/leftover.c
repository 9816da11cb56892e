/* SPDX-License-Identifier: Apache-2.0 */
#include "leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/clock.h"

#define STEP_MS 5000
#define PIDS_MAX 1024

static bool named(const char *pid, const char *program)
{
	char path[64], comm[64] = "";

	snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, comm, sizeof comm - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 && strncmp(comm, program, strlen(program)) == 0 && comm[strlen(program)] == '\n';
}

static bool works_in(const char *pid, const struct stat *dir)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%.20s/cwd", pid);
	return stat(path, &st) == 0 && st.st_dev == dir->st_dev && st.st_ino == dir->st_ino;
}

static int find(const struct stat *dir, const char *program, pid_t *ret)
{
	DIR *proc = opendir("/proc");
	int n = 0;

	for (struct dirent *d; proc != NULL && n < PIDS_MAX && (d = readdir(proc)) != NULL;)
		if (isdigit((unsigned char)d->d_name[0]) && named(d->d_name, program) &&
			works_in(d->d_name, dir))
			ret[n++] = (pid_t)strtol(d->d_name, NULL, 10);
	if (proc != NULL)
		closedir(proc);
	return n;
}

/* Signals them and waits until none is left; the number that is. */
static int stop_step(const struct stat *dir, const char *program, int first, int sig)
{
	pid_t pid[PIDS_MAX];
	int n = find(dir, program, pid);
	bool known = false;

	for (int i = 0; i < n; i++)
		known = known || pid[i] == first;
	for (int i = 0; i < n; i++)
		if (!known || pid[i] == first)
			kill(pid[i], sig);
	for (int waited = 0; n > 0 && waited < STEP_MS; waited += 20) {
		clock_nap(20);
		n = find(dir, program, pid);
	}
	return n;
}

int leftover_stop(const char *dir, const char *program, int first, int gentle)
{
	pid_t pid[PIDS_MAX];
	struct stat st;

	if (stat(dir, &st) != 0)
		return 0;
	const int found = find(&st, program, pid);
	if (found == 0 || stop_step(&st, program, first, gentle) == 0)
		return found;
	if (stop_step(&st, program, 0, SIGQUIT) == 0 || stop_step(&st, program, 0, SIGKILL) == 0)
		return found;
	return -1;
}
