/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* realpath of glibc, O_NOFOLLOW */
#include "embedded.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/crypto/digest.h"

#include "private.h"

#define FALLBACK "/var/lib/controlcored"
#define PG_PACKAGES "/usr/lib/postgresql"
#define STOPPING ", stopping"
#define HOLDER_MAX 64
#define DIR_MAX 3000
#define BUSY_MS 3000
#define STOPPING_MS 60000
#define NSECRETS (sizeof(secrets) / sizeof(secrets[0]))
#define SOCKET_NAME_MAX 24  /* "/.s.PGSQL.5432.lock" and some air */
#define SOCKET_PATH_MAX 107 /* what a unix socket address holds */

/* Settings of the section secrets that are made here, each a file of its name. */
static const char *const secrets[] = { "pepper", "role_secret", "audit_key", "signing_key" };
/* The first KEK; who wants another puts it beside and sets secrets.keks. */
#define KEKS "keks"
#define FIRST_KEK "first"
#define STATE "state"

/* --- Where the programs are ----------------------------------------------------------------------- */

static const char *in_path(struct arena *a, const char *program)
{
	const char *path = getenv("PATH");

	for (const char *p = path != NULL ? path : "/usr/bin:/bin"; *p != '\0';) {
		const size_t n = strcspn(p, ":");
		const char *file = arena_printf(a, "%.*s/%s", (int)n, p, program);

		if (n > 0 && p[0] == '/' && access(file, X_OK) == 0)
			return file;
		p += n + (p[n] == ':');
	}
	return NULL;
}

/* The packaged versions lie side by side; the highest number wins. */
static const char *newest_package(struct arena *a)
{
	DIR *d = opendir(PG_PACKAGES);
	int64_t best = 0, v;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		if (parse_int64(e->d_name, &v) && v > best &&
			access(arena_printf(a, PG_PACKAGES "/%s/bin/initdb", e->d_name), X_OK) == 0)
			best = v;
	if (d != NULL)
		closedir(d);
	return best > 0 ? arena_printf(a, PG_PACKAGES "/%d/bin", (int)best) : NULL;
}

static const char *any_version(struct arena *a)
{
	const char *package = newest_package(a);
	const char *initdb = package == NULL ? in_path(a, "initdb") : NULL;

	return initdb == NULL ? package : arena_strndup(a, initdb, strlen(initdb) - strlen("/initdb"));
}

/* Data stays with the version that made it. */
static bool find_postgresql(struct arena *a, struct embedded *e, const char **ret_error)
{
	const char *error;
	size_t n;
	char *made_by = text_file_read(a, arena_printf(a, "%s/postgres/PG_VERSION", e->data), 16, &n, &error);

	if (made_by != NULL) {
		made_by[strcspn(made_by, "\n")] = '\0';
		const char *package = arena_printf(a, PG_PACKAGES "/%s/bin", made_by);
		const bool packaged = access(arena_printf(a, "%s/postgres", package), X_OK) == 0;

		/* Outside the packages only one version is at hand; PostgreSQL itself refuses a wrong one. */
		e->pg_bin = packaged ? package : newest_package(a) == NULL ? any_version(a) : NULL;
		if (e->pg_bin == NULL)
			*ret_error = arena_printf(a,
				"%s/postgres was made by PostgreSQL %s, which is not installed", e->data,
				made_by);
		return e->pg_bin != NULL;
	}
	e->pg_bin = any_version(a);
	if (e->pg_bin == NULL)
		*ret_error =
			"PostgreSQL is not installed: initdb is neither below " PG_PACKAGES " nor in PATH";
	return e->pg_bin != NULL;
}

static bool find_programs(struct arena *a, struct embedded *e, const char **ret_error)
{
	e->redis_bin = in_path(a, "redis-server");
	if (e->redis_bin == NULL)
		*ret_error = "Redis is not installed: redis-server is not in PATH";
	return e->redis_bin != NULL && find_postgresql(a, e, ret_error);
}

/* --- Where things are ----------------------------------------------------------------------------- */

static bool make_folders(char *path, const char **ret_error)
{
	for (char *p = path + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		const char c = *p;

		*p = '\0';
		if (mkdir(path, 0777) == 0) {
			/* umask is 077; whoever runs PostgreSQL must be able to pass, not to look. */
			if (chmod(path, 0711) != 0)
				*ret_error = strerror(errno);
		} else if (errno != EEXIST) {
			*ret_error = strerror(errno);
			return false;
		}
		*p = c;
		if (c == '\0')
			return true;
	}
}

static bool plain_path(const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-", *s) == NULL)
			return false;
	return true;
}

/* Sixteen digits that stand for a folder, the same at every start. */
static const char *folder_mark(struct arena *a, const char *dir)
{
	unsigned char sum[32];

	sha256_of(dir, strlen(dir), sum);
	return hex_encode(a, sum, 8);
}

/* --- Who runs them -------------------------------------------------------------------------------- */

/* Data that is there belongs to whom it was made for, whoever was added to the system since. */
static const struct passwd *owner_of_data(struct arena *a, const char *dir)
{
	const char *const places[] = { arena_printf(a, "%s/postgres", dir),
		arena_printf(a, FALLBACK "/%s/postgres", folder_mark(a, dir)) };
	struct stat st;

	for (int i = 0; i < 2; i++)
		if (lstat(places[i], &st) == 0 && st.st_uid != 0)
			return getpwuid(st.st_uid);
	return NULL;
}

static bool choose_user(struct arena *a, struct embedded *e, const char **ret_error)
{
	static const char *const names[] = { "controlcored", "postgres", "nobody" };
	const struct passwd *pw = NULL;

	e->who = (struct identity){ .uid = getuid(), .gid = getgid() };
	if (getuid() != 0)
		return true;
	pw = owner_of_data(a, e->dir);
	for (size_t i = 0; pw == NULL && i < sizeof(names) / sizeof(names[0]); i++)
		pw = getpwnam(names[i]);
	if (pw == NULL || pw->pw_uid == 0) {
		*ret_error =
			"there is no unprivileged user controlcored, postgres or nobody to run PostgreSQL as";
		return false;
	}
	e->who = (struct identity){ .uid = pw->pw_uid, .gid = pw->pw_gid, .drop = true };
	e->user = arena_strdup(a, pw->pw_name);
	return true;
}

bool embedded_make(struct arena *a, const char *dir, const char **ret_error)
{
	const char *why = "not a usable path";

	if (dir[0] != '\0' && strlen(dir) <= DIR_MAX && make_folders(arena_strdup(a, dir), &why))
		return true;
	*ret_error = arena_printf(a, "cannot make %s: %s", dir, why);
	return false;
}

bool embedded_look(struct arena *a, const char *dir, struct embedded *ret, const char **ret_error)
{
	char real[PATH_MAX];

	*ret = (struct embedded){ .lock_fd = -1 };
	*ret_error = NULL;
	if (realpath(dir, real) == NULL) {
		*ret_error = arena_printf(a, "%s: %s", dir, strerror(errno));
		return false;
	}
	ret->dir = ret->data = arena_strdup(a, real);
	if (!choose_user(a, ret, ret_error))
		return false;
	ret->fell_back = ret->who.drop && !identity_can_enter(&ret->who, ret->dir);
	if (ret->fell_back)
		ret->data = arena_printf(a, FALLBACK "/%s", folder_mark(a, ret->dir));
	ret->operator_key = arena_printf(a, "%s/operator.key", ret->dir);
	ret->run = arena_printf(a, "%s/run", ret->data);
	if (strlen(ret->run) + SOCKET_NAME_MAX > SOCKET_PATH_MAX || !plain_path(ret->run))
		ret->run = arena_printf(a, "/tmp/cc-%u-%s", (unsigned)getuid(), folder_mark(a, ret->dir));
	return find_programs(a, ret, ret_error);
}

/* --- One at a time -------------------------------------------------------------------------------- */

static const char *lock_path(struct arena *a, const struct embedded *e)
{
	return arena_printf(a, "%s/lock", e->dir);
}

/* What the holder wrote into its lock: its number, and whether it is stopping. */
static bool read_holder(int fd, char *ret, size_t size)
{
	const ssize_t n = pread(fd, ret, size - 1, 0);

	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return strstr(ret, STOPPING) != NULL;
}

static bool write_holder(int fd, const char *state)
{
	char text[HOLDER_MAX];
	const int n = snprintf(text, sizeof text, "%d%s\n", (int)getpid(), state);

	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

/*
 * A command that looks whether somebody serves holds it for a moment, one that was killed until the
 * system has buried it, and one that is stopping until its last requests are answered.
 */
static bool await_lock(int fd, char *ret_holder, size_t size)
{
	const int64_t start = clock_mono_ms();

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		const bool stopping = read_holder(fd, ret_holder, size);

		if (clock_mono_ms() - start > (stopping ? STOPPING_MS : BUSY_MS))
			return false;
		clock_nap(10);
	}
	return true;
}

bool embedded_lock(struct arena *a, struct embedded *e, bool *ret_busy, const char **ret_error)
{
	const char *path = lock_path(a, e);
	char holder[HOLDER_MAX] = "";
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	*ret_busy = false;
	if (fd < 0) {
		*ret_error = arena_printf(a, "cannot open %s: %s", path, strerror(errno));
		return false;
	}
	if (!await_lock(fd, holder, sizeof holder)) {
		*ret_busy = true;
		*ret_error = arena_printf(
			a, "another controlcored (process %s) already serves %s", holder, e->dir);
		close(fd);
		return false;
	}
	if (!write_holder(fd, "")) {
		*ret_error = arena_printf(a, "cannot write %s: %s", path, strerror(errno));
		close(fd);
		return false;
	}
	e->lock_fd = fd;
	return true;
}

void embedded_stopping(const struct embedded *e)
{
	if (e->lock_fd >= 0)
		(void)write_holder(e->lock_fd, STOPPING);
}

bool embedded_running(struct arena *a, const struct embedded *e)
{
	const int fd = open(lock_path(a, e), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool held = false;

	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return held;
}

/* --- Making it ------------------------------------------------------------------------------------ */

static const char *secret_path(struct arena *a, const struct embedded *e, const char *name)
{
	return arena_printf(a, "%s/secrets/%s", e->dir, name);
}

/* 32 random bytes as text, once. The lock says that nobody else writes it now. */
static bool make_secret(struct arena *a, const char *path, const char **ret_error)
{
	unsigned char random[32];
	struct stat st;
	bool good;

	if (lstat(path, &st) == 0)
		return true;
	private_file_forget(a, path);
	arena_hold_secret(a);
	good = random_bytes(random, sizeof random);
	if (good)
		good = private_file(a, path, arena_printf(a, "%s\n", hex_encode(a, random, sizeof random)),
			false, ret_error);
	else
		*ret_error = "the system gives no random bytes";
	bytes_wipe(random, sizeof random);
	return good;
}

static bool make_secrets(struct arena *a, const struct embedded *e, const char **ret_error)
{
	for (size_t i = 0; i < NSECRETS; i++)
		if (!make_secret(a, secret_path(a, e, secrets[i]), ret_error))
			return false;
	return make_secret(a, secret_path(a, e, KEKS "/" FIRST_KEK), ret_error);
}

static const char *objects_path(struct arena *a, const struct embedded *e)
{
	return arena_printf(a, "%s/objects", e->dir);
}

bool embedded_prepare(struct arena *a, const struct embedded *e, const char **ret_error)
{
	const struct identity self = { .uid = getuid(), .gid = getgid() };
	const char *why = "";

	if (e->fell_back && !make_folders(arena_strdup(a, e->data), &why)) {
		*ret_error = arena_printf(a, "cannot make %s: %s", e->data, why);
		return false;
	}
	return private_folder(a, arena_printf(a, "%s/secrets", e->dir), &self, ret_error) &&
	       private_folder(a, secret_path(a, e, KEKS), &self, ret_error) &&
	       private_folder(a, arena_printf(a, "%s/log", e->dir), &self, ret_error) &&
	       private_folder(a, arena_printf(a, "%s/" STATE, e->dir), &self, ret_error) &&
	       private_folder(a, objects_path(a, e), &self, ret_error) &&
	       make_secrets(a, e, ret_error) &&
	       private_folder(a, arena_printf(a, "%s/redis", e->data), &e->who, ret_error);
}

/* --- What follows from it ------------------------------------------------------------------------- */

/* What to do about a secret that is not whole. */
static const char *secret_hint(struct arena *a, const struct embedded *e)
{
	return access(arena_printf(a, "%s/postgres", e->data), F_OK) == 0
		       ? "put the file back as it was, what is stored was made with it"
		       : "nothing is stored yet, remove the file and the next start makes it anew";
}

static size_t secret_presets(struct arena *a, const struct embedded *e, struct preset *ret)
{
	for (size_t i = 0; i < NSECRETS; i++) {
		const char *path = secret_path(a, e, secrets[i]);

		ret[i] = (struct preset){ .setting = arena_printf(a, "secrets.%s", secrets[i]),
			.value = path,
			.by = "--embedded",
			.where = path,
			.hint = secret_hint(a, e),
			.in_file = true };
	}
	return NSECRETS;
}

size_t embedded_presets(struct arena *a, const struct embedded *e, struct preset *ret, size_t max)
{
	static const char by[] = "--embedded";
	const char *control = arena_printf(a, "host=%s dbname=cc_control", e->run);
	const char *admin = arena_printf(a, "host=%s dbname=postgres user=postgres", e->run);
	const char *redis = arena_printf(a, "unix:%s/redis.sock", e->run);
	size_t n = 0;

	if (max < 10 + NSECRETS)
		return 0;
	ret[n++] = (struct preset){ .setting = "server.state_dir",
		.value = arena_printf(a, "%s/" STATE, e->dir), .by = by };
	ret[n++] = (struct preset){ .setting = "control.conninfo", .value = control, .by = by };
	ret[n++] = (struct preset){ .setting = "control.admin_conninfo", .value = admin, .by = by };
	ret[n++] = (struct preset){ .setting = "redis.address", .value = redis, .by = by };
	n += secret_presets(a, e, ret + n);
	ret[n++] = (struct preset){
		.setting = "secrets.kek_folder", .value = secret_path(a, e, KEKS), .by = by
	};
	ret[n++] = (struct preset){ .setting = "store.folder", .value = objects_path(a, e), .weak = true };
	ret[n++] = (struct preset){ .setting = "secrets.keks", .value = FIRST_KEK, .weak = true };
	ret[n++] = (struct preset){ .setting = "server.lag_ms", .value = "0", .weak = true };
	ret[n++] = (struct preset){ .setting = "admin.socket", .weak = true,
		.value = arena_printf(a, "%s/admin.sock", e->run) };
	for (size_t i = 0; i < REGIONS_MAX && n + 2 <= max; i++) {
		const struct region_info *r = &known_regions[i];

		ret[n++] = (struct preset){ .setting = arena_printf(a, "regions.%s.conninfo", r->id),
			.by = by,
			.value = arena_printf(a, "host=%s dbname=region_%s", e->run, r->ident) };
		/* Nine regions share one server. */
		ret[n++] = (struct preset){ .setting = arena_printf(a, "regions.%s.connections", r->id),
			.value = "12",
			.weak = true };
	}
	return n;
}

struct supervisor_conf embedded_supervisor(struct arena *a, const struct embedded *e, const struct config *c)
{
	int64_t connections = 2 * c->control.connections + 30; /* migrations, operators' tools, superusers */

	for (size_t i = 0; i < c->nregions; i++)
		connections += c->region[i].connections + 4;
	return (struct supervisor_conf){
		.pg_bin = e->pg_bin,
		.pg_data = arena_printf(a, "%s/postgres", e->data),
		.redis_bin = e->redis_bin,
		.redis_dir = arena_printf(a, "%s/redis", e->data),
		.run_dir = e->run,
		.log_dir = arena_printf(a, "%s/log", e->dir),
		.lock_path = arena_printf(a, "%s/supervisor.lock", e->dir),
		.who = e->who,
		.max_connections = (int)connections,
		.daemon_lock_fd = e->lock_fd,
	};
}
