/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as files. Every folder on the way is opened by itself, so that no link leads anywhere else. */
#include "objstore_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder_list.h"
#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"

#define ASIDE ".aside"  /* no key has a segment that begins with a dot */
#define LEFTOVER_S 3600 /* what lies aside for so long is a dead writer's */
#define PIECE 65536
#define ATTEMPTS 8
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct folder {
	struct objstore store;
	int root, aside;
};

static enum obj_result failed(struct obj_got *ret, const char *what)
{
	const int e = errno;
	enum obj_result r = OBJ_BROKEN;

	if (e == ENOENT)
		r = OBJ_MISSING;
	else if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		r = OBJ_FULL;
	else if (e == EACCES || e == EPERM || e == EROFS || e == ELOOP || e == ENOTDIR)
		r = OBJ_DENIED;
	return obj_fail(ret, r, "%s: %s", what, strerror(e));
}

/* That something is not there says nothing of the object when it is being written. */
static enum obj_result write_failed(struct obj_got *ret, const char *what)
{
	const enum obj_result r = failed(ret, what);

	return r == OBJ_MISSING ? OBJ_BROKEN : r;
}

static int step_into(int folder, const char *name, bool make)
{
	int fd = openat(folder, name, OPEN_FOLDER);

	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	if (mkdirat(folder, name, 0700) != 0 && errno != EEXIST)
		return -1;
	/* Its entry must outlive a power cut as surely as the file in it. */
	if (fsync(folder) != 0)
		return -1;
	return openat(folder, name, OPEN_FOLDER);
}

/* The folder that a key's last segment lies in, to be closed; *ret_leaf: that segment. -1: errno. */
static int walk(const struct folder *f, const char *key, bool make, const char **ret_leaf)
{
	int at = fcntl(f->root, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	while (at >= 0 && (slash = strchr(key, '/')) != NULL && slash[1] != '\0') {
		char name[OBJ_KEY_MAX + 1];
		int next, kept;

		(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - key), key);
		next = step_into(at, name, make);
		kept = errno;
		close(at);
		errno = kept;
		at = next;
		key = slash + 1;
	}
	*ret_leaf = key;
	return at;
}

/* Writing ------------------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		const ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static enum obj_result fill(int fd, obj_read_fn read, void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	char *piece = mem_alloc(1, PIECE);
	enum obj_result r = OBJ_OK;
	int64_t n = 0;

	while (r == OBJ_OK && (n = read(arg, piece, PIECE)) > 0) {
		if (!write_all(fd, piece, (size_t)n))
			r = failed(ret, "write");
		else if (clock_mono_ms() >= deadline_ms)
			r = obj_fail(ret, OBJ_LATE, "%s", obj_result_text(OBJ_LATE));
	}
	free(piece);
	if (r == OBJ_OK && n < 0)
		return obj_fail(ret, OBJ_STOPPED, "%s", obj_result_text(OBJ_STOPPED));
	if (r == OBJ_OK && fsync(fd) != 0)
		return failed(ret, "fsync");
	return r;
}

/* Under its own name, in one step. A folder may go while we enter it, with the last file that was in it. */
static enum obj_result settle(
	const struct folder *f, const char *aside, const char *key, unsigned flags, struct obj_got *ret)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		const char *leaf;
		const int at = walk(f, key, true, &leaf);
		int done = -1, kept;

		if (at >= 0)
			done = flags & OBJ_ONCE ? linkat(f->aside, aside, at, leaf, 0)
						: renameat(f->aside, aside, at, leaf);
		if (done == 0)
			done = fsync(at);
		kept = errno;
		if (at >= 0)
			close(at);
		errno = kept;
		if (done == 0)
			return OBJ_OK;
		if (errno == EEXIST)
			return obj_fail(ret, OBJ_EXISTS, "%s is there", key);
		if (errno != ENOENT)
			break;
	}
	return write_failed(ret, key);
}

static enum obj_result folder_put(struct objstore *s, const char *key, unsigned flags, obj_read_fn read,
	void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	const struct folder *f = (const struct folder *)s;
	char aside[33];
	enum obj_result r;
	int fd;

	random_text(aside, sizeof(aside) - 1, ALPHABET_BASE32);
	fd = openat(f->aside, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return write_failed(ret, "a file aside");
	r = fill(fd, read, arg, deadline_ms, ret);
	close(fd);
	if (r == OBJ_OK)
		r = settle(f, aside, key, flags, ret);
	(void)unlinkat(f->aside, aside, 0);
	return r;
}

/* Reading ------------------------------------------------------------------------------------------ */

static enum obj_result open_file(const struct folder *f, const char *key, int *ret_fd, struct obj_got *ret)
{
	const char *leaf;
	const int at = walk(f, key, false, &leaf);
	int fd = -1, kept;
	struct stat st;

	if (at >= 0)
		fd = openat(at, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	kept = errno;
	if (at >= 0)
		close(at);
	errno = kept;
	if (fd < 0)
		return failed(ret, key);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return obj_fail(ret, OBJ_MISSING, "%s is no file", key);
	}
	ret->size = st.st_size;
	*ret_fd = fd;
	return OBJ_OK;
}

static enum obj_result pour(int fd, obj_write_fn write, void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	char *piece = mem_alloc(1, PIECE);
	enum obj_result r = OBJ_OK;
	ssize_t n = 0;

	do {
		n = read(fd, piece, PIECE);
		if (n < 0 && errno != EINTR)
			r = failed(ret, "read");
		else if (n > 0 && !write(arg, piece, (size_t)n))
			r = obj_fail(ret, OBJ_STOPPED, "%s", obj_result_text(OBJ_STOPPED));
		else if (clock_mono_ms() >= deadline_ms)
			r = obj_fail(ret, OBJ_LATE, "%s", obj_result_text(OBJ_LATE));
	} while (r == OBJ_OK && n != 0);
	free(piece);
	return r;
}

static enum obj_result folder_get(struct objstore *s, const char *key, int64_t size_max, obj_write_fn write,
	void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	int fd = -1;
	enum obj_result r = open_file((const struct folder *)s, key, &fd, ret);

	if (r != OBJ_OK)
		return r;
	if (ret->size > size_max)
		r = obj_fail(ret, OBJ_TOO_LARGE, "%s has %lld bytes", key, (long long)ret->size);
	else
		r = pour(fd, write, arg, deadline_ms, ret);
	close(fd);
	return r;
}

static enum obj_result folder_stat(
	struct objstore *s, const char *key, int64_t deadline_ms, struct obj_got *ret)
{
	int fd = -1;
	const enum obj_result r = open_file((const struct folder *)s, key, &fd, ret);

	(void)deadline_ms;
	if (r == OBJ_OK)
		close(fd);
	return r;
}

/* Removing ----------------------------------------------------------------------------------------- */

/* Of folders that are empty now nothing is left, up to the tenant's own; whoever needs one makes it anew. */
static void tidy(const struct folder *f, const char *key)
{
	char path[OBJ_KEY_MAX + 1];
	char *slash;
	bool went = true;

	(void)snprintf(path, sizeof(path), "%s", key);
	while (went && (slash = strrchr(path, '/')) != NULL && strchr(path, '/') != slash) {
		const char *leaf;
		int at;

		*slash = '\0';
		at = walk(f, path, false, &leaf);
		went = at >= 0 && unlinkat(at, leaf, AT_REMOVEDIR) == 0;
		if (at >= 0)
			close(at);
	}
}

static enum obj_result folder_remove(
	struct objstore *s, const char *key, int64_t deadline_ms, struct obj_got *ret)
{
	const struct folder *f = (const struct folder *)s;
	const char *leaf;
	const int at = walk(f, key, false, &leaf);
	enum obj_result r = OBJ_OK;

	(void)deadline_ms;
	if (at < 0 || unlinkat(at, leaf, 0) != 0 || fsync(at) != 0)
		r = failed(ret, key);
	if (at >= 0)
		close(at);
	if (r == OBJ_OK)
		tidy(f, key);
	return r == OBJ_MISSING ? OBJ_OK : r;
}

static enum obj_result walk_below(
	const struct folder *f, const char *prefix, struct folder_walk *w, struct obj_got *ret)
{
	const char *leaf;
	char bare[OBJ_KEY_MAX + 1];
	int at, fd = -1;
	enum obj_result r;

	(void)snprintf(bare, sizeof(bare), "%.*s", (int)strlen(prefix) - 1, prefix);
	at = walk(f, bare, false, &leaf);
	if (at >= 0)
		fd = step_into(at, leaf, false);
	r = fd < 0 ? failed(ret, prefix) : OBJ_OK;
	if (at >= 0)
		close(at);
	if (r == OBJ_OK)
		r = folder_list(w, fd, bare, 0);
	return r == OBJ_MISSING ? OBJ_OK : r;
}

static enum obj_result folder_list_all(struct objstore *s, const char *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, struct obj_got *ret)
{
	struct folder_walk w = { .each = each, .arg = arg, .deadline_ms = deadline_ms, .got = ret };

	return walk_below((const struct folder *)s, prefix, &w, ret);
}

static bool pass_over(void *arg, const struct obj_key *key, int64_t size)
{
	(void)arg;
	(void)key;
	(void)size;
	return true;
}

static enum obj_result folder_clear(struct objstore *s, const char *prefix, int64_t deadline_ms,
	struct obj_rest *ret_rest, struct obj_got *ret)
{
	struct folder_walk w = { .each = pass_over, .deadline_ms = deadline_ms, .got = ret };
	const enum obj_result r = walk_below((const struct folder *)s, prefix, &w, ret);

	ret_rest->strange = w.strange;
	return r;
}

static void folder_destroy(struct objstore *s)
{
	struct folder *f = (struct folder *)s;

	if (f->aside >= 0)
		close(f->aside);
	if (f->root >= 0)
		close(f->root);
	free(f);
}

static const struct objstore_kind kind = {
	.put = folder_put,
	.get = folder_get,
	.stat = folder_stat,
	.remove = folder_remove,
	.list = folder_list_all,
	.clear = folder_clear,
	.destroy = folder_destroy,
};

struct objstore *objstore_folder(struct arena *a, const char *path, const char **ret_error)
{
	struct folder *f = mem_alloc(1, sizeof(*f));

	f->store.kind = &kind;
	f->aside = -1;
	f->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->root >= 0 && (mkdirat(f->root, ASIDE, 0700) == 0 || errno == EEXIST))
		f->aside = openat(f->root, ASIDE, OPEN_FOLDER);
	if (f->aside >= 0) {
		folder_forget(f->aside, time(NULL) - LEFTOVER_S);
		return &f->store;
	}
	*ret_error = arena_printf(a, "%s: %s", path, strerror(errno));
	folder_destroy(&f->store);
	return NULL;
}
