/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets: made, handed over to a successor that comes while this process runs, taken back when that is
 * gone, and removed. With shared ports a socket has a name of its own beside the path, as long as it lives,
 * and the path is a further link to whichever has it.
 */
#define _GNU_SOURCE /* SOCK_NONBLOCK */
#include "listener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cc/base/bytes.h"
#include "cc/base/log.h"
#include "cc/base/str.h"

enum { PATH_BACKLOG = 1024, LOCK_TRIES = 20, MARK_LEN = 6 };

/* Nobody listens on the file: it was left by a process that was killed. */
static bool is_stale(const struct sockaddr_un *at)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool stale;

	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED;
	(void)close(fd);
	return stale;
}

static void remove_stale(const struct sockaddr_un *at)
{
	if (is_stale(at))
		(void)unlink(at->sun_path);
}

static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

/*
 * Who puts another file in place of a path, and who removes his own, does it alone: of two daemons one would
 * remove what the other has just put there. -1: without. Who removes and does not get it at once leaves the
 * path alone; who comes tries for a second, as others may hold it for something else, and goes on without.
 */
static int lock_folder(struct arena *a, const char *path, int tries)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	const int fd = open(folder_of(a, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (--tries <= 0) {
			(void)close(fd);
			return -1;
		}
		(void)nanosleep(&pause, NULL);
	}
	return fd;
}

static void unlock_folder(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* The umask decides who may connect. */
static bool listen_at(struct listener *l, const struct sockaddr_un *at)
{
	struct stat st;

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)at, sizeof(*at)) != 0)
		return false;
	if (listen(l->fd, PATH_BACKLOG) != 0 || stat(at->sun_path, &st) != 0)
		return false;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return true;
}

static bool name_of(struct sockaddr_un *at, const char *path)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(at->sun_path))
		return false;
	memcpy(at->sun_path, path, strlen(path) + 1);
	return true;
}

/* Beside a path that leaves no room for more, one that is shorter than most names. */
static bool name_beside(struct arena *a, struct sockaddr_un *at, const char *path)
{
	const char *slash = strrchr(path, '/');
	const int before = slash == NULL ? 0 : (int)(slash + 1 - path);
	char mark[MARK_LEN + 1] = "";

	random_text(mark, MARK_LEN, ALPHABET_BASE32);
	return name_of(at, arena_printf(a, "%s.%s", path, mark)) ||
	       name_of(at, arena_printf(a, "%.*s.%s", before, path, mark));
}

/* The folder's lock is held. What processes that were killed have left beside the path. */
static void remove_left(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *folder = folder_of(a, path);
	const char *name = slash == NULL ? path : slash + 1;
	const size_t n = strlen(name);
	DIR *dir = opendir(folder);
	struct sockaddr_un at;

	for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
		if (strncmp(e->d_name, name, n) == 0 && e->d_name[n] == '.' &&
		    strlen(e->d_name) == n + 1 + MARK_LEN &&
		    name_of(&at, arena_printf(a, "%s/%s", folder, e->d_name)))
			remove_stale(&at);
	if (dir != NULL)
		(void)closedir(dir);
}

/* The folder's lock is held. A link is put in the path's place whole: there is never a moment without one. */
static bool lead_path_here(struct arena *a, const struct listener *l, const char *path)
{
	struct sockaddr_un at;
	int e;

	if (!name_beside(a, &at, path) || link(l->beside, at.sun_path) != 0)
		return false;
	if (rename(at.sun_path, path) == 0)
		return true;
	e = errno;
	(void)unlink(at.sun_path);
	errno = e;
	return false;
}

/* Where files have one name only, the path is taken, and cannot be taken back. */
static bool move_to_path(struct listener *l, const char *path)
{
	if ((errno != EPERM && errno != EOPNOTSUPP) || rename(l->beside, path) != 0)
		return false;
	l->beside = NULL;
	return true;
}

static bool open_beside(struct arena *a, struct listener *l, const char *path, const struct sockaddr_un *at)
{
	const int lock = lock_folder(a, path, LOCK_TRIES);
	bool good = listen_at(l, at);
	int e;

	if (good) {
		l->beside = arena_strdup(a, at->sun_path);
		remove_left(a, path);
		good = lead_path_here(a, l, path) || move_to_path(l, path);
	}
	e = errno;
	if (!good)
		(void)unlink(at->sun_path);
	unlock_folder(lock);
	errno = e;
	return good;
}

const char *listener_open_path(struct arena *a, struct listener *l, const char *path, bool shared)
{
	struct sockaddr_un at;
	bool good;

	if (!name_of(&at, path) || (shared && !name_beside(a, &at, path)))
		return arena_printf(a, "the path %s is too long for a socket", path);
	if (!shared)
		remove_stale(&at);
	good = shared ? open_beside(a, l, path, &at) : listen_at(l, &at);
	if (!good)
		return arena_printf(a, "cannot listen on %s: %s", path, strerror(errno));
	l->path = path;
	return NULL;
}

static bool leads_here(const struct listener *l)
{
	struct stat st;

	return stat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode;
}

/* It leads nowhere, or to one that is dead. */
static bool is_vacant(const char *path)
{
	struct sockaddr_un at;

	return access(path, F_OK) != 0 ? errno == ENOENT : name_of(&at, path) && is_stale(&at);
}

void listener_keep_path(struct listener *l)
{
	struct arena *a;
	int lock;

	if (l->beside == NULL || leads_here(l) || !is_vacant(l->path))
		return;
	a = arena_create(0);
	lock = lock_folder(a, l->path, 1);
	if (lock >= 0 && is_vacant(l->path) && lead_path_here(a, l, l->path))
		LOG(LOG_INFO, "the admin socket's path was taken back", LOG_TEXT("socket", l->path));
	unlock_folder(lock);
	arena_destroy(a);
}

void listener_remove_path(struct listener *l)
{
	struct arena *a = arena_create(0);
	const int lock = lock_folder(a, l->path, 1);

	if (lock >= 0 && leads_here(l))
		(void)unlink(l->path);
	unlock_folder(lock);
	if (l->beside != NULL)
		(void)unlink(l->beside);
	arena_destroy(a);
	l->path = l->beside = NULL;
}
