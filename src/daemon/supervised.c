/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* nftw */
#include "supervised.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define LITTER_MS 10000 /* how long a killed initdb's own processes may take to end */
#define LOG_MAX (8 << 20) /* a log larger than this becomes <name>.1 at the next start */

static int open_log(const struct supervisor_conf *c, const char *name)
{
	char path[4200], old[4208];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", c->log_dir, name);
	snprintf(old, sizeof old, "%s.1", path);
	if (stat(path, &st) == 0 && st.st_size > LOG_MAX)
		rename(path, old);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

bool service_start(const struct supervisor_conf *c, struct service *s)
{
	const int log_fd = open_log(c, s->log_name);

	s->started_at = clock_mono_ms();
	s->start_at = s->started_at + 1000;
	if (log_fd < 0)
		return false;
	/* After a crash its own orphans may still hold what it needs. */
	if (s->clear(c))
		s->pid = s->start(c, log_fd);
	if (s->pid < 0)
		s->pid = 0;
	close(log_fd);
	return s->pid > 0;
}

/* ret_text: at least 1024 bytes. */
static void last_line(const char *path, char *ret_text)
{
	char buf[1024];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	ret_text[0] = '\0';
	if (fd < 0)
		return;
	const off_t end = lseek(fd, 0, SEEK_END);
	const ssize_t n =
		pread(fd, buf, sizeof buf - 1, end > (off_t)sizeof buf ? end - (off_t)sizeof buf + 1 : 0);
	close(fd);
	if (n <= 0)
		return;
	buf[n] = '\0';
	for (ssize_t i = n; i-- > 0 && buf[i] == '\n';)
		buf[i] = '\0';
	const char *line = strrchr(buf, '\n');
	snprintf(ret_text, sizeof buf, "%s", line != NULL ? line + 1 : buf);
}

const char *service_obituary(
	struct arena *a, const struct supervisor_conf *c, const struct service *s, int status)
{
	char line[1024];

	last_line(arena_printf(a, "%s/%s", c->log_dir, s->log_name), line);
	return arena_printf(a, "%s ended (%s %d) before it answered: %s", s->name,
		WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), line);
}

/* --- Stopping ------------------------------------------------------------------------------------- */

static int still_running(struct service *const *s, int n)
{
	int running = 0;

	for (int i = 0; i < n; i++) {
		if (s[i]->pid > 0 && waitpid(s[i]->pid, NULL, WNOHANG) != 0)
			s[i]->pid = 0;
		running += s[i]->pid > 0;
	}
	return running;
}

static bool stop_step(struct service *const *s, int n, int step, int64_t deadline)
{
	for (int i = 0; i < n; i++)
		if (s[i]->pid > 0)
			kill(s[i]->pid, step == 0 ? s[i]->stop_soft : step == 1 ? s[i]->stop_hard : SIGKILL);
	while (still_running(s, n) > 0) {
		if (clock_mono_ms() > deadline)
			return false;
		clock_nap(10);
	}
	return true;
}

void services_stop(struct service *const *s, int n, int soft_ms, int hard_ms)
{
	if (!stop_step(s, n, 0, clock_mono_ms() + soft_ms) && !stop_step(s, n, 1, clock_mono_ms() + hard_ms))
		stop_step(s, n, 2, clock_mono_ms() + hard_ms);
}

/* --- The first use --- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What a killed initdb had started ends by itself, but may add files until it does. */
static bool make_empty(const char *dir)
{
	for (const int64_t deadline = clock_mono_ms() + LITTER_MS;; clock_nap(20)) {
		nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		if (mkdir(dir, 0700) == 0)
			return true;
		if (errno != EEXIST || clock_mono_ms() > deadline)
			return false;
	}
}

pid_t initdb_start(struct arena *a, const struct supervisor_conf *c, const char *dir)
{
	/* trust: the sockets lie in a folder that only this user (and root) can enter. */
	const char *const argv[] = {
		arena_printf(a, "%s/initdb", c->pg_bin),
		"-D",
		dir,
		"--username=postgres",
		"--auth=trust",
		"--encoding=UTF8",
		"--locale=C.UTF-8",
		"--data-checksums",
		"--no-instructions",
		NULL,
	};
	const int log_fd = open_log(c, "postgresql.log");

	if (log_fd < 0 || !make_empty(dir) || (c->who.drop && lchown(dir, c->who.uid, c->who.gid) != 0))
		return -1;
	const pid_t pid = spawn_child(&(struct spawn){
		.argv = argv, .dir = dir, .who = &c->who, .out_fd = log_fd, .death_signal = SIGKILL });
	close(log_fd);
	return pid;
}
