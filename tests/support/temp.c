/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* pipe2, nftw */
#include "temp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define READ_MAX (1 << 20)

extern char **environ;

static _Noreturn void give_up(const char *what, const char *name)
{
	print_error("%s %s: %s\n", what, name, strerror(errno));
	fail();
	abort();
}

static void *get(size_t n)
{
	void *p = calloc(1, n);

	if (p == NULL)
		give_up("no memory for", "a test");
	return p;
}

/* --- Files ---------------------------------------------------------------------------------------- */

char *temp_path(const char *folder, const char *name)
{
	const size_t n = strlen(folder) + strlen(name) + 2;
	char *path = get(n);

	snprintf(path, n, "%s/%s", folder, name);
	return path;
}

char *temp_folder(const char *name)
{
	const char *base = getenv("TMPDIR");
	char *short_name = get(strlen(name) + 8), *path;

	snprintf(short_name, strlen(name) + 8, "%s-XXXXXX", name);
	path = temp_path(base != NULL ? base : "/tmp", short_name);
	free(short_name);
	if (mkdtemp(path) == NULL || chmod(path, 0755) != 0)
		give_up("cannot make", path);
	return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) != 0 && errno != ENOENT;
}

void temp_remove(char *folder)
{
	if (folder != NULL && getenv("CC_KEEP") == NULL)
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

void temp_write(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const size_t n = strlen(text);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		give_up("cannot write", path);
	close(fd);
}

static char *read_all(int fd)
{
	char *text = get(READ_MAX + 1);
	size_t n = 0;

	for (ssize_t got = 1; got > 0 && n < READ_MAX; n += (size_t)got) {
		got = read(fd, text + n, READ_MAX - n);
		if (got < 0)
			got = 0;
	}
	return text;
}

char *temp_read(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	char *text = read_all(fd);
	close(fd);
	return text;
}

/* --- Time and ports ------------------------------------------------------------------------------- */

int temp_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
		getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		give_up("no free", "port");
	close(fd);
	return ntohs(a.sin_port);
}

void temp_sleep_ms(int ms)
{
	const struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&t, NULL);
}

int64_t temp_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- Processes ------------------------------------------------------------------------------------ */

static _Noreturn void exec_child(const char *const *argv, const char *const *env, int out, int err, int death)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *args[64];
	size_t n = 0;

	if (death != 0)
		prctl(PR_SET_PDEATHSIG, death);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	for (; n < 63 && argv[n] != NULL; n++)
		args[n] = strdup(argv[n]);
	args[n] = NULL;
	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		putenv(strdup(env[i]));
	execvp(args[0], args);
	dprintf(STDERR_FILENO, "%s: %s\n", args[0], strerror(errno));
	_exit(127);
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int temp_wait(pid_t pid, int deadline_ms)
{
	const int64_t deadline = temp_now_ms() + deadline_ms;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (temp_now_ms() > deadline)
			return -1;
		temp_sleep_ms(2);
	}
	return status_of(status);
}

pid_t temp_spawn(const char *const *argv, const char *const *env, const char *log_path, int parent_death)
{
	const int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (log < 0)
		give_up("cannot write", log_path);
	const pid_t pid = fork();
	if (pid == 0)
		exec_child(argv, env, log, log, parent_death);
	close(log);
	if (pid < 0)
		give_up("cannot start", argv[0]);
	return pid;
}

/* A file without a name to catch output: the child cannot block on a full pipe. */
static int nameless(void)
{
	char *path = temp_path(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", "cc-out-XXXXXX");
	const int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		give_up("cannot make", path);
	unlink(path);
	free(path);
	return fd;
}

static char *caught(int fd)
{
	lseek(fd, 0, SEEK_SET);
	char *text = read_all(fd);
	close(fd);
	return text;
}

struct temp_run temp_run(const char *const *argv, const char *const *env, int deadline_ms)
{
	struct temp_run r;
	const int out = nameless(), err = nameless();
	const pid_t pid = fork();

	if (pid == 0)
		exec_child(argv, env, out, err, SIGKILL);
	if (pid < 0)
		give_up("cannot start", argv[0]);
	r.status = temp_wait(pid, deadline_ms);
	if (r.status < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	r.out = caught(out);
	r.err = caught(err);
	return r;
}

void temp_run_free(struct temp_run *r)
{
	free(r->out);
	free(r->err);
}
