/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* nftw() */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pg.h"
#include "cc/base/clock.h"
#include "cc/db/session.h"

#define SETTINGS_MAX 32
#define START_MS 60000

enum order {
	ORDER_KILL9 = 'k',
	ORDER_RESTART = 'r',
	ORDER_FREEZE = 'f',
	ORDER_THAW = 't',
	ORDER_STOP = 's'
};

#define FAMILY_MAX 256

struct pg {
	pid_t keeper;
	int orders, answers; /* pipes to and from the keeper */
	char dir[64], bin[128];
	char conninfo[8][160];
	int nconninfo;
	char value[4096];
	/* The keeper's own. */
	pid_t server;
	uid_t uid;
	gid_t gid;
	bool fsync;
	const char *const *settings;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
	fprintf(stderr, "pg: %s: %s\n", what, why);
	abort();
}

/* The folder with the highest version; a package of a distribution has them side by side. */
static void find_programs(struct pg *pg)
{
	static const char *const places[] = { "/usr/lib/postgresql/*/bin/postgres",
		"/usr/pgsql-*/bin/postgres", "/usr/local/bin/postgres", "/usr/bin/postgres" };
	double best = -1;
	glob_t g;

	for (size_t k = 0; k < sizeof(places) / sizeof(places[0]) && best < 0; k++) {
		if (glob(places[k], 0, NULL, &g) != 0)
			continue;
		for (size_t i = 0; i < g.gl_pathc; i++) {
			const char *digits = g.gl_pathv[i] + strcspn(g.gl_pathv[i], "0123456789");
			double version = strtod(digits, NULL);

			if (version > best) {
				best = version;
				snprintf(pg->bin, sizeof(pg->bin), "%.*s",
					(int)(strrchr(g.gl_pathv[i], '/') - g.gl_pathv[i]), g.gl_pathv[i]);
			}
		}
		globfree(&g);
	}
	if (best < 0)
		die("no server", "no postgres program found");
}

/* PostgreSQL refuses to run as root. */
static void find_user(struct pg *pg)
{
	const struct passwd *user;

	pg->uid = getuid();
	pg->gid = getgid();
	if (pg->uid != 0)
		return;
	user = getpwnam("postgres");
	if (user == NULL)
		user = getpwnam("nobody");
	if (user == NULL)
		die("no user", "neither postgres nor nobody exists");
	pg->uid = user->pw_uid;
	pg->gid = user->pw_gid;
}

static void become_user(const struct pg *pg)
{
	if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(pg->gid) != 0 || setuid(pg->uid) != 0))
		_exit(126);
	/* After the change of user, which clears it: the server ends with its keeper. */
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

static pid_t launch(const struct pg *pg, char *const *argv)
{
	pid_t pid = fork();
	char log[96];
	int fd;

	if (pid != 0)
		return pid;
	become_user(pg);
	snprintf(log, sizeof(log), "%s/log", pg->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	dup2(fd, 1);
	dup2(fd, 2);
	close(fd);
	if (chdir(pg->dir) != 0)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

static bool init_data(const struct pg *pg)
{
	char program[160], data[96];
	char *const argv[] = { program, "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8",
		"--locale=C", "-D", data, NULL };
	int status = -1;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/initdb", pg->bin);
	snprintf(data, sizeof(data), "%s/data", pg->dir);
	pid = launch(pg, argv);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* The server's own note: its process on the first line, "ready" on the last. */
static bool is_ready(const struct pg *pg)
{
	char path[96], text[1024];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/data/postmaster.pid", pg->dir);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return strtol(text, NULL, 10) == pg->server && strstr(text, "ready") != NULL;
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 5000000 };

	nanosleep(&t, NULL);
}

static bool start_server(struct pg *pg)
{
	char program[160], data[96], socket[96];
	char *argv[2 * SETTINGS_MAX + 16] = { program, "-D", data, "-c", socket, "-c",
		"listen_addresses=", "-c", "shared_buffers=32MB", "-c", "max_connections=100",
		/* What a killed server leaves goes with its folder. */
		"-c", "dynamic_shared_memory_type=mmap" };
	int n = 13;

	snprintf(program, sizeof(program), "%s/postgres", pg->bin);
	snprintf(data, sizeof(data), "%s/data", pg->dir);
	snprintf(socket, sizeof(socket), "unix_socket_directories=%s", pg->dir);
	if (!pg->fsync) {
		static char *const fast[] = { "-c", "fsync=off", "-c", "full_page_writes=off" };

		memcpy(&argv[n], fast, sizeof(fast));
		n += 4;
	}
	for (int i = 0; pg->settings != NULL && pg->settings[i] != NULL && i < SETTINGS_MAX - 4; i++) {
		argv[n++] = "-c";
		argv[n++] = (char *)(uintptr_t)pg->settings[i];
	}
	pg->server = launch(pg, argv);
	for (int64_t end = clock_mono_ms() + START_MS; clock_mono_ms() < end; nap()) {
		if (is_ready(pg))
			return true;
		if (waitpid(pg->server, NULL, WNOHANG) == pg->server)
			break;
	}
	pg->server = 0;
	return false;
}

/* Its processes' numbers are those of its children; it is stopped, so that it starts no others meanwhile. */
static int find_family(const struct pg *pg, pid_t family[FAMILY_MAX])
{
	DIR *proc = opendir("/proc");
	int n = 0;

	kill(pg->server, SIGSTOP);
	for (const struct dirent *d; proc != NULL && n < FAMILY_MAX && (d = readdir(proc)) != NULL;) {
		char path[300], stat[512] = "";
		const char *after;
		int parent = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/stat", d->d_name);
		f = strtol(d->d_name, NULL, 10) > 0 ? fopen(path, "r") : NULL;
		if (f == NULL)
			continue;
		after = fgets(stat, sizeof(stat), f) != NULL ? strrchr(stat, ')') : NULL;
		fclose(f);
		if (after != NULL && sscanf(after, ") %*c %d", &parent) == 1 && parent == pg->server)
			family[n++] = (pid_t)strtol(d->d_name, NULL, 10);
	}
	if (proc != NULL)
		closedir(proc);
	return n;
}

/* The server and its children; being their subreaper, the keeper can wait for them. */
static void signal_family(const struct pg *pg, int sig)
{
	pid_t family[FAMILY_MAX];
	const int n = find_family(pg, family);

	kill(pg->server, sig);
	for (int i = 0; i < n; i++)
		kill(family[i], sig);
}

/* SIGINT closes the sessions, SIGQUIT drops them but gives shared memory back, SIGKILL is a crash. */
static void end_server(struct pg *pg, int sig)
{
	if (pg->server <= 0)
		return;
	signal_family(pg, sig == SIGKILL ? SIGKILL : SIGCONT);
	if (sig != SIGKILL)
		kill(pg->server, sig);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	pg->server = 0;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static bool obey(struct pg *pg, char order)
{
	switch ((enum order)order) {
	case ORDER_KILL9:
		end_server(pg, SIGKILL);
		return true;
	case ORDER_RESTART:
		end_server(pg, SIGINT);
		return start_server(pg);
	case ORDER_FREEZE:
		signal_family(pg, SIGSTOP);
		return true;
	case ORDER_THAW:
		signal_family(pg, SIGCONT);
		return true;
	case ORDER_STOP:
		break;
	}
	return false;
}

/* Until it is told to stop, or the test is gone and the pipe with it. */
__attribute__((noreturn)) static void keep(struct pg *pg, int orders, int answers)
{
	char c, answer;

	for (int fd = 3; fd < 1024; fd++)
		if (fd != orders && fd != answers)
			close(fd); /* the pipes of other keepers, the sockets of the test */
	setsid();
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	answer = init_data(pg) && start_server(pg) ? 'y' : 'n';
	while (write(answers, &answer, 1) == 1 && read(orders, &c, 1) == 1 && c != ORDER_STOP)
		answer = obey(pg, c) ? 'y' : 'n';
	end_server(pg, SIGQUIT);
	nftw(pg->dir, drop, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static void expect_answer(struct pg *pg, const char *what)
{
	char answer = 'n', path[96], line[512];
	FILE *log;

	if (read(pg->answers, &answer, 1) == 1 && answer == 'y')
		return;
	snprintf(path, sizeof(path), "%s/log", pg->dir);
	log = fopen(path, "r");
	while (log != NULL && fgets(line, sizeof(line), log) != NULL)
		fputs(line, stderr);
	die(what, "the server does not run; its log is above");
}

static void order(struct pg *pg, enum order o, const char *what)
{
	char c = (char)o;

	if (write(pg->orders, &c, 1) != 1)
		die(what, "its keeper is gone");
	expect_answer(pg, what);
}

/* Short: the name of a socket in it has at most 107 bytes. */
static void make_folder(struct pg *pg)
{
	const char *base = getenv("TMPDIR");

	if (base == NULL || strlen(base) > 40)
		base = "/tmp";
	snprintf(pg->dir, sizeof(pg->dir), "%s/cc-pg-XXXXXX", base);
	if (mkdtemp(pg->dir) == NULL || chmod(pg->dir, 0711) != 0 || chown(pg->dir, pg->uid, pg->gid) != 0)
		die("start", "no folder for it");
}

struct pg *pg_start_with(const struct pg_options *o)
{
	struct pg *pg = calloc(1, sizeof(*pg));
	int orders[2], answers[2];

	if (pg == NULL || pipe(orders) != 0 || pipe(answers) != 0)
		die("start", "no memory or no pipe");
	pg->fsync = o->fsync;
	pg->settings = o->settings;
	find_programs(pg);
	find_user(pg);
	make_folder(pg);
	pg->keeper = fork();
	if (pg->keeper == 0)
		keep(pg, orders[0], answers[1]);
	close(orders[0]);
	close(answers[1]);
	pg->orders = orders[1];
	pg->answers = answers[0];
	fcntl(pg->orders, F_SETFD, FD_CLOEXEC);
	fcntl(pg->answers, F_SETFD, FD_CLOEXEC);
	expect_answer(pg, "start");
	return pg;
}

struct pg *pg_start(void)
{
	return pg_start_with(&(struct pg_options){ .fsync = false });
}

void pg_stop(struct pg *pg)
{
	char c = ORDER_STOP;

	if (pg == NULL)
		return;
	if (write(pg->orders, &c, 1) == 1)
		waitpid(pg->keeper, NULL, 0);
	close(pg->orders);
	close(pg->answers);
	free(pg);
}

void pg_kill9(struct pg *pg)
{
	order(pg, ORDER_KILL9, "kill");
}

void pg_restart(struct pg *pg)
{
	order(pg, ORDER_RESTART, "restart");
}

void pg_freeze(struct pg *pg)
{
	order(pg, ORDER_FREEZE, "freeze");
}

void pg_thaw(struct pg *pg)
{
	order(pg, ORDER_THAW, "thaw");
}

const char *pg_dir(const struct pg *pg)
{
	return pg->dir;
}

const char *pg_conninfo(struct pg *pg, const char *database)
{
	char *text = pg->conninfo[pg->nconninfo++ % 8];

	snprintf(text, sizeof(pg->conninfo[0]), "host=%s port=5432 dbname=%s", pg->dir, database);
	return text;
}

static void as_superuser(struct pg *pg, const char *database, const char *sql, bool script)
{
	struct ctx cx = { .arena = arena_create(4096), .deadline_ms = clock_mono_ms() + START_MS };
	struct db_session *s = NULL;
	const char *value = NULL;
	enum err e = db_session_open(&cx, pg_conninfo(pg, database), PG_SUPERUSER, NULL, &s);

	if (e == ERR_NONE)
		e = script ? db_session_script(&cx, s, sql) : db_session_exec(&cx, s, sql, 0, NULL, &value);
	if (e != ERR_NONE)
		die(sql, cx.problem.cause != NULL ? cx.problem.cause : "refused");
	snprintf(pg->value, sizeof(pg->value), "%s", value != NULL ? value : "");
	db_session_close(s);
	arena_destroy(cx.arena);
}

void pg_sql(struct pg *pg, const char *database, const char *sql)
{
	as_superuser(pg, database, sql, true);
}

const char *pg_value(struct pg *pg, const char *database, const char *sql)
{
	as_superuser(pg, database, sql, false);
	return pg->value;
}
