/* SPDX-License-Identifier: Apache-2.0 */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/failpoint.h"

/* A name is on the disk when its folder is. */
static bool sync_folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	const size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	const char *dir = slash == NULL ? "." : n == 0 ? "/" : arena_strndup(a, path, n);
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* One that may be written but not listed cannot be opened, and some file systems sync no folder. */
	const bool good = fd < 0 ? errno == EACCES : fsync(fd) == 0 || errno == EINVAL;

	if (fd >= 0)
		close(fd);
	return good;
}

bool private_folder(struct arena *a, const char *path, const struct identity *who, const char **ret_error)
{
	const bool made = mkdir(path, 0700) == 0;
	struct stat st;

	if ((!made && errno != EEXIST) || (made && !sync_folder_of(a, path))) {
		*ret_error = arena_printf(a, "cannot make %s: %s", path, strerror(errno));
		return false;
	}
	if (made && who->drop && lchown(path, who->uid, who->gid) != 0) {
		*ret_error = arena_printf(a, "cannot give %s away: %s", path, strerror(errno));
		return false;
	}
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != who->uid) {
		*ret_error = arena_printf(a, "%s is not a folder of user %u", path, (unsigned)who->uid);
		return false;
	}
	if ((st.st_mode & 077) != 0 && chmod(path, 0700) != 0) {
		*ret_error = arena_printf(a, "%s cannot be made private: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static const char *unfinished(struct arena *a, const char *path)
{
	return arena_printf(a, "%s.new", path);
}

static bool fill(int fd, const char *text)
{
	const size_t n = strlen(text);

	FAILPOINT("private.opened");
	if (fchmod(fd, 0600) != 0 || write(fd, text, n) != (ssize_t)n || fsync(fd) != 0)
		return false;
	FAILPOINT("private.written");
	return true;
}

/* rename() would take the place of a file that is there; link() does not. */
static bool give_name(const char *made, const char *path, bool replace)
{
	return replace ? rename(made, path) == 0 : link(made, path) == 0 && unlink(made) == 0;
}

bool private_file(struct arena *a, const char *path, const char *text, bool replace, const char **ret_error)
{
	const char *made = unfinished(a, path);
	bool good;

	if (replace)
		private_file_forget(a, path);
	const int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		*ret_error = arena_printf(a, "cannot write %s: %s", made, strerror(errno));
		return false;
	}
	good = fill(fd, text) && give_name(made, path, replace) && sync_folder_of(a, path);
	if (!good) {
		*ret_error = arena_printf(a, "cannot write %s: %s", path, strerror(errno));
		unlink(made);
	}
	close(fd);
	return good;
}

void private_file_forget(struct arena *a, const char *path)
{
	unlink(unfinished(a, path));
}
