/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite RESULT SECONDS COMMAND…: runs one test suite.
 *
 * Output goes to RESULT.out, the outcome to RESULT.rc ("exit 0", "signal 11", "timeout 180"), both to
 * stdout as well. The suite gets an empty TMPDIR of its own, removed afterwards (kept with CC_KEEP=1).
 * Whatever it starts is adopted by this program when orphaned; a process that still lives a few
 * seconds after the suite ended was left behind: it is named, killed and counted as a failure.
 * What sanitizers report, in whichever process, is added to the output and is a failure as well.
 * CC_TIMEOUT=n replaces SECONDS; CC_LONG=1 multiplies them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 10000
#define LONG_FACTOR 20
#define SHM_FREE_MIN (4ULL << 30)

static int out = -1;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap(void)
{
	const struct timespec t = { 0, 20 * 1000 * 1000 };

	nanosleep(&t, NULL);
}

static void die(const char *what)
{
	fprintf(stderr, "suite: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* Creates the folders above a file. */
static void make_folders(const char *path)
{
	char dir[4096];

	snprintf(dir, sizeof dir, "%s", path);
	for (char *p = dir + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(dir, 0755) != 0 && errno != EEXIST)
			die(dir);
		*p = '/';
	}
}

static int open_result(const char *result, const char *suffix)
{
	char path[4096];

	snprintf(path, sizeof path, "%s%s", result, suffix);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		die(path);
	return fd;
}

static void run_command(char **argv)
{
	const int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (getenv("CC_NO_ASLR") != NULL)
		personality(ADDR_NO_RANDOMIZE); /* gcc 12's thread sanitizer cannot map everywhere */
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "suite: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* The command's outcome as text; kills its process group when the time is over. */
static bool await_command(pid_t pid, int seconds, char *ret, size_t size)
{
	const int64_t deadline = now_ms() + (int64_t)seconds * 1000;
	int64_t kill_at = 0;

	for (;;) {
		int status;
		const pid_t done = waitpid(-1, &status, WNOHANG);

		if (done == pid && kill_at != 0)
			snprintf(ret, size, "timeout %d", seconds);
		else if (done == pid && WIFSIGNALED(status))
			snprintf(ret, size, "signal %d", WTERMSIG(status));
		else if (done == pid)
			snprintf(ret, size, "exit %d", WEXITSTATUS(status));
		if (done == pid)
			return kill_at == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
		if (done > 0)
			continue;
		if (kill_at == 0 && now_ms() > deadline) {
			dprintf(out, "\n# timeout: not finished after %d seconds\n", seconds);
			kill(-pid, SIGTERM);
			kill_at = now_ms() + 2000;
		} else if (kill_at != 0 && now_ms() > kill_at) {
			kill(-pid, SIGKILL);
		}
		nap();
	}
}

/* Calls fn for each living child of this process; returns how many there are. */
static int each_child(void (*fn)(pid_t pid, const char *name))
{
	DIR *proc = opendir("/proc");
	int n = 0;

	for (struct dirent *d; proc != NULL && (d = readdir(proc)) != NULL;) {
		char path[300], stat[512] = "";
		char name[64] = "?", state = 'Z';
		int ppid = 0;
		const long pid = strtol(d->d_name, NULL, 10);

		if (pid <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%ld/stat", pid);
		FILE *f = fopen(path, "re");
		if (f == NULL)
			continue;
		const size_t got = fread(stat, 1, sizeof stat - 1, f);
		fclose(f);
		stat[got] = '\0';
		const char *end = strrchr(stat, ')');
		const char *start = strchr(stat, '(');
		if (start == NULL || end == NULL || sscanf(end + 1, " %c %d", &state, &ppid) != 2)
			continue;
		if (ppid != getpid() || state == 'Z')
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(end - start - 1), start + 1);
		fn((pid_t)pid, name);
		n++;
	}
	if (proc != NULL)
		closedir(proc);
	return n;
}

static void look(pid_t pid, const char *name)
{
	(void)pid;
	(void)name;
}

static void name_and_kill(pid_t pid, const char *name)
{
	dprintf(out, "# left behind: process %d (%s)\n", (int)pid, name);
	kill(pid, SIGKILL);
}

static void kill_quietly(pid_t pid, const char *name)
{
	(void)name;
	kill(pid, SIGKILL);
}

/* Waits for orphans of the suite to end; returns how many had to be killed. */
static int clear_orphans(void)
{
	const int64_t deadline = now_ms() + GRACE_MS;
	int left = 0;

	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (each_child(look) == 0)
			return left;
		if (now_ms() > deadline) {
			const int n = each_child(left == 0 ? name_and_kill : kill_quietly);
			left += n;
		}
		nap();
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) != 0 && errno != ENOENT;
}

static void copy_file(const char *path, int to)
{
	char buf[65536];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	for (ssize_t n; fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0;)
		if (write(to, buf, (size_t)n) < 0)
			break;
	if (fd >= 0)
		close(fd);
}

static void copy_output(const char *result)
{
	char path[4096];

	snprintf(path, sizeof path, "%s.out", result);
	copy_file(path, STDOUT_FILENO);
}

/*
 * Sanitizers write into a folder: on the error output of a process that is killed, or whose status nobody
 * asks for, a report would be lost. Everybody may write there: some processes change their user.
 */
static void open_reports(const char *folder)
{
	static const char *const options[] = { "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
		"UBSAN_OPTIONS" };
	char text[4096];

	if (mkdir(folder, 0700) != 0 || chmod(folder, 01777) != 0)
		die(folder);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		const char *others = getenv(options[i]);

		snprintf(text, sizeof text, "%s%slog_path=%s/report", others != NULL ? others : "",
			 others != NULL ? ":" : "", folder);
		setenv(options[i], text, 1);
	}
}

/* Adds them to the output; returns how many processes made one. */
static int copy_reports(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		char path[512];

		if (d->d_name[0] == '.')
			continue;
		dprintf(out, "\n# a sanitizer reports:\n");
		snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
		copy_file(path, out);
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* Memory where there is plenty: most of what a suite costs is the files of its databases. */
static const char *temp_base(void)
{
	struct statvfs v;

	if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &v) == 0 &&
		(unsigned long long)v.f_bavail * v.f_frsize > SHM_FREE_MIN)
		return "/dev/shm";
	return "/tmp";
}

int main(int argc, char **argv)
{
	char tmp[64], reports[80];
	char outcome[64] = "exit 125";

	if (argc < 4) {
		fprintf(stderr, "usage: suite RESULT SECONDS COMMAND…\n");
		return 125;
	}
	const char *limit = getenv("CC_TIMEOUT");
	int seconds = (int)strtol(limit != NULL ? limit : argv[2], NULL, 10);
	if (limit == NULL && getenv("CC_LONG") != NULL)
		seconds *= LONG_FACTOR;
	make_folders(argv[1]);
	out = open_result(argv[1], ".out");
	const int rc = open_result(argv[1], ".rc");

	snprintf(tmp, sizeof tmp, "%s/cc-test-XXXXXX", temp_base());
	/* Others must be able to enter: databases run as an unprivileged user. */
	if (mkdtemp(tmp) == NULL || chmod(tmp, 0755) != 0 || setenv("TMPDIR", tmp, 1) != 0)
		die(tmp);
	snprintf(reports, sizeof reports, "%s/reports", tmp);
	open_reports(reports);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		die("prctl");
	const int64_t start = now_ms();
	const pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run_command(argv + 3);
	bool good = await_command(pid, seconds, outcome, sizeof outcome);
	const int left = clear_orphans(), reported = copy_reports(reports);
	if (getenv("CC_KEEP") == NULL)
		nftw(tmp, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
	dprintf(rc, "%s left %d reports %d ms %lld\n", outcome, left, reported,
		(long long)(now_ms() - start));
	copy_output(argv[1]);
	good = good && left == 0 && reported == 0;
	return good ? 0 : 1;
}
