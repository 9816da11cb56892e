/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: made, handed over to a successor that comes while this process runs, and removed. */
#include "listener.h"

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

#include "cc/base/str.h"

enum { PATH_BACKLOG = 1024, LOCK_TRIES = 20 };

/* A file that nobody listens on was left by a process that was killed. */
static void remove_stale(const struct sockaddr_un *at)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 && errno == ECONNREFUSED)
		(void)unlink(at->sun_path);
	(void)close(fd);
}

/*
 * Who puts another file in place of a path, and who removes his own, does it alone: of two daemons one would
 * remove what the other has just put there. -1: without. Who removes and does not get it at once leaves the
 * path alone; who comes tries for a second, as others may hold it for something else, and goes on without.
 */
static int lock_folder(struct arena *a, const char *path, int tries)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	const char *slash = strrchr(path, '/');
	const char *folder = slash == NULL ? "." : slash == path ? "/" : arena_strndup(a, path,
		(size_t)(slash - path));
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

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

/* Made beside the path and put in its place whole: there is never a moment without one. */
static bool put_in_place(struct arena *a, struct listener *l, const char *path,
			 const struct sockaddr_un *beside)
{
	int lock, e;
	bool good;

	(void)unlink(beside->sun_path);
	if (!listen_at(l, beside))
		return false;
	lock = lock_folder(a, path, LOCK_TRIES);
	good = rename(beside->sun_path, path) == 0;
	e = errno;
	if (!good)
		(void)unlink(beside->sun_path);
	unlock_folder(lock);
	errno = e;
	return good;
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

	return name_of(at, arena_printf(a, "%s.%ld", path, (long)getpid())) ||
	       name_of(at, arena_printf(a, "%.*s.%lx", before, path, (long)getpid()));
}

const char *listener_open_path(struct arena *a, struct listener *l, const char *path, bool shared)
{
	struct sockaddr_un at;
	bool good;

	if (!name_of(&at, path) || (shared && !name_beside(a, &at, path)))
		return arena_printf(a, "the path %s is too long for a socket", path);
	if (!shared)
		remove_stale(&at);
	good = shared ? put_in_place(a, l, path, &at) : listen_at(l, &at);
	if (!good)
		return arena_printf(a, "cannot listen on %s: %s", path, strerror(errno));
	l->path = path;
	return NULL;
}

void listener_remove_path(struct listener *l)
{
	struct arena *a = arena_create(0);
	const int lock = lock_folder(a, l->path, 1);
	struct stat st;

	if (lock >= 0 && stat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		(void)unlink(l->path);
	unlock_folder(lock);
	arena_destroy(a);
	l->path = NULL;
}
