/* SPDX-License-Identifier: Apache-2.0 */
#include "folder_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/clock.h"

#define DEPTH_MAX 32
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static enum obj_result show_folder(
	struct folder_walk *w, DIR *d, const char *path, const char *name, int depth)
{
	const int fd = openat(dirfd(d), name, OPEN_FOLDER);

	if (fd >= 0)
		return folder_list(w, fd, path, depth + 1);
	return errno == ENOENT ? OBJ_OK : obj_fail(w->got, OBJ_DENIED, "%s: %s", path, strerror(errno));
}

/* An object, or where one may be. */
static bool has_place(const char *text, bool folder)
{
	struct obj_key prefix;

	if (obj_text_is_safe(text, false))
		return true;
	return folder && snprintf(prefix.text, sizeof(prefix.text), "%s/", text) < (int)sizeof(prefix.text) &&
	       obj_text_is_safe(prefix.text, true);
}

static enum obj_result show(struct folder_walk *w, DIR *d, const char *path, const char *name, int depth)
{
	struct obj_key key;
	struct stat st;

	if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return OBJ_OK; /* gone meanwhile */
	if (snprintf(key.text, sizeof(key.text), "%s/%s", path, name) >= (int)sizeof(key.text) ||
		!has_place(key.text, S_ISDIR(st.st_mode)) || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
		w->strange++;
		return OBJ_OK;
	}
	if (S_ISDIR(st.st_mode))
		return show_folder(w, d, key.text, name, depth);
	if (!w->each(w->arg, &key, st.st_size))
		return obj_fail(w->got, OBJ_STOPPED, "%s", obj_result_text(OBJ_STOPPED));
	return OBJ_OK;
}

enum obj_result folder_list(struct folder_walk *w, int fd, const char *path, int depth)
{
	DIR *d = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
	enum obj_result r = OBJ_OK;
	const struct dirent *e;

	if (d == NULL) {
		close(fd);
		return obj_fail(
			w->got, OBJ_BROKEN, "%s: %s", path, depth < DEPTH_MAX ? strerror(errno) : "too deep");
	}
	while (r == OBJ_OK && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = show(w, d, path, e->d_name, depth);
		if (r == OBJ_OK && clock_mono_ms() >= w->deadline_ms)
			r = obj_fail(w->got, OBJ_LATE, "%s", obj_result_text(OBJ_LATE));
	}
	closedir(d);
	return r;
}

void folder_forget(int fd, time_t since)
{
	const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *d = own >= 0 ? fdopendir(own) : NULL;
	const struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
			st.st_mtime < since)
			(void)unlinkat(fd, e->d_name, 0);
	if (d != NULL)
		closedir(d);
	else if (own >= 0)
		close(own);
}
