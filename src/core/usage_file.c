/* SPDX-License-Identifier: Apache-2.0 */
/* Journals as files: made whole or not at all, owned by who holds their lock, taken over from the dead. */
#include "usage_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"

#define PREFIX "usage-"
#define SUFFIX ".journal"
#define UNFINISHED ".new"
#define DAMAGED ".damaged"
#define UNFINISHED_S 60 /* what is older will not be finished */

bool journal_is_name(const char *name)
{
	return str_starts(name, PREFIX) && (str_ends(name, SUFFIX) || str_ends(name, SUFFIX UNFINISHED));
}

static struct journal_map *map_file(int fd)
{
	const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap(NULL, sizeof(struct journal_map), PROT_READ | PROT_WRITE, flags, fd, 0);

	return p != MAP_FAILED ? p : NULL;
}

static void name_boot(struct journal_map *m)
{
	random_text(m->boot, BOOT_LEN, ALPHABET_BASE32);
	m->bytes = sizeof(*m);
	atomic_store(&m->seq[0], 1);
	atomic_store(&m->magic, JOURNAL_MAGIC);
}

/* Every block is there from the start: a full disk must not end the process when it counts. */
static bool make_file(struct journal *j, const char *path)
{
	int e;

	j->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return false;
	e = posix_fallocate(j->fd, 0, sizeof(struct journal_map));
	if (e == 0 && flock(j->fd, LOCK_EX | LOCK_NB) != 0)
		e = errno;
	if (e == 0) {
		j->map = map_file(j->fd);
		e = j->map == NULL ? errno : 0;
	}
	if (e == 0)
		return true;
	(void)unlink(path);
	errno = e;
	return false;
}

struct journal *journal_create(struct arena *a, const char *folder, const char **ret_error)
{
	struct journal *j = mem_alloc(1, sizeof(*j));
	char id[13] = { 0 };
	const char *path;

	j->fd = -1;
	if (folder == NULL) {
		j->map = map_file(-1);
		if (j->map == NULL)
			abort();
		name_boot(j->map);
		return j;
	}
	random_text(id, sizeof(id) - 1, ALPHABET_BASE32);
	path = arena_printf(a, "%s/" PREFIX "%s" SUFFIX, folder, id);
	if (make_file(j, arena_printf(a, "%s" UNFINISHED, path))) {
		name_boot(j->map);
		FAILPOINT("usage.made");
		if (rename(arena_printf(a, "%s" UNFINISHED, path), path) == 0) {
			j->path = mem_strdup(path);
			return j;
		}
	}
	*ret_error = arena_printf(a, "no journal can be made in %s: %s", folder, strerror(errno));
	journal_close(j, false);
	return NULL;
}

void journal_close(struct journal *j, bool remove)
{
	if (remove && j->path != NULL)
		(void)unlink(j->path);
	if (j->map != NULL)
		(void)munmap(j->map, sizeof(*j->map));
	if (j->fd >= 0)
		(void)close(j->fd);
	free(j->path);
	free(j);
}

static bool is_text(const char *text, size_t room)
{
	const size_t n = strnlen(text, room);

	return n > 0 && n < room && utf8_valid(text, n);
}

static bool is_line(const struct usage_line *l)
{
	return is_text(l->tenant, sizeof(l->tenant)) && is_text(l->detail, sizeof(l->detail)) &&
	       l->meter >= USAGE_API_CALLS && l->meter <= USAGE_BOUNCER_REQUESTS && l->quantity > 0 &&
	       l->hour > 0 && l->hour % 3600 == 0;
}

static bool is_lane(struct usage_lane *l)
{
	const uint32_t fine = atomic_load(&l->fine), coarse = atomic_load(&l->coarse);

	if (fine > FINE || coarse > COARSE)
		return false;
	for (uint32_t i = 0; i < fine; i++)
		if (!is_line(&l->line[i]))
			return false;
	for (uint32_t i = 0; i < coarse; i++)
		if (!is_line(&l->line[FINE + i]))
			return false;
	return true;
}

/* It is read as it was written, by this program, or not at all. */
static bool is_whole(struct journal_map *m)
{
	if (atomic_load(&m->magic) != JOURNAL_MAGIC || m->bytes != sizeof(*m) ||
	    strnlen(m->boot, sizeof(m->boot)) != BOOT_LEN)
		return false;
	for (int half = 0; half < 2; half++) {
		if (atomic_load(&m->seq[half]) < 0)
			return false;
		for (int i = 0; atomic_load(&m->seq[half]) > 0 && i < LANES; i++)
			if (!is_lane(&m->lane[half][i]))
				return false;
	}
	return true;
}

/* Locked, and still the file that has this name: whoever had it may have removed it meanwhile. */
static int take_file(const char *path)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat mine, there;

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
	    mine.st_ino == there.st_ino && mine.st_dev == there.st_dev)
		return fd;
	(void)close(fd);
	return -1;
}

static struct journal *put_aside(struct journal *j)
{
	struct arena *a = arena_create(512);

	LOG(LOG_ERROR, "a journal of usage is damaged: what it counted is not known",
	    LOG_TEXT("file", j->path));
	(void)rename(j->path, arena_printf(a, "%s" DAMAGED, j->path));
	arena_destroy(a);
	journal_close(j, false);
	return NULL;
}

struct journal *journal_take(const char *folder, const char *name)
{
	struct arena *a = arena_create(512);
	const char *path = arena_printf(a, "%s/%s", folder, name);
	struct journal *j = NULL;
	const int fd = take_file(path);
	struct stat st;

	if (fd >= 0 && str_ends(name, UNFINISHED)) {
		if (fstat(fd, &st) == 0 && st.st_mtime < clock_wall_us() / TIME_SECOND - UNFINISHED_S)
			(void)unlink(path);
		(void)close(fd);
	} else if (fd >= 0) {
		j = mem_alloc(1, sizeof(*j));
		j->fd = fd;
		j->path = mem_strdup(path);
		if (fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(*j->map))
			j->map = map_file(fd);
		if (j->map == NULL || !is_whole(j->map))
			j = put_aside(j);
	}
	arena_destroy(a);
	return j;
}
