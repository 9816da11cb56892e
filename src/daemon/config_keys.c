/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that settings name and files hold: those that seal, and those that nobody may have. */
#include "config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEK_DIGITS (2 * (size_t)KEK_LEN)
#define KEK_FILE_MAX 256
#define HASH_LEN 32
#define BLOCKLIST_MAX (64 << 20) /* bytes: a million lines */

/* systemd lends credentials to one service by an ACL, which shows as rights of the group. */
static bool is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	return folder != NULL && folder[0] == '/' && str_starts(path, folder) && path[strlen(folder)] == '/';
}

/* Who the daemon is, or becomes: at a reload it is read as that user. */
static uid_t owner_of(const struct config *c)
{
	const struct passwd *who = c->server.user != NULL ? getpwnam(c->server.user) : NULL;

	return who != NULL ? who->pw_uid : geteuid();
}

/* NULL: nobody but root and the owner can read it or put another in its place. */
static const char *mode_fault(struct arena *a, const char *path, uid_t owner)
{
	const mode_t others = is_credential(path) ? 0037 : 0177;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	const bool known = fd >= 0 && fstat(fd, &st) == 0;
	const char *why = known ? NULL : strerror(errno);

	if (fd >= 0)
		close(fd);
	if (!known)
		return why;
	if (!S_ISREG(st.st_mode))
		return "it is no file";
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != owner)
		return "it belongs to another user";
	if ((st.st_mode & others) != 0)
		return arena_printf(a, "its mode is %04o, and must be 0400 or 0600",
			(unsigned)(st.st_mode & 07777));
	return NULL;
}

static const char *read_kek(struct arena *a, const char *path, uid_t owner, struct kek *ret)
{
	const char *error = mode_fault(a, path, owner);
	char *text;
	size_t n;

	if (error != NULL)
		return error;
	text = text_file_read(a, path, KEK_FILE_MAX, &n, &error);
	if (text == NULL)
		return error;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	if (n != KEK_DIGITS || !hex_decode(text, ret->key, KEK_LEN))
		return "it must hold 64 hexadecimal digits, for example from openssl rand -hex 32";
	return NULL;
}

/* One key under two names would look like a rotation and be none. */
static const char *twin_of(const struct kek *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i].id, v[n].id) || bytes_equal_ct(v[i].key, v[n].key, KEK_LEN))
			return v[i].id;
	return NULL;
}

void config_load_keks(struct arena *a, struct config *ret, struct config_faults *faults)
{
	const struct secrets_conf *s = &ret->secrets;
	struct kek *v = ARENA_ARRAY(a, struct kek, s->keks.n + 1);
	const uid_t owner = owner_of(ret);

	if (s->keks.n > 0 && s->kek_folder == NULL) {
		config_fault(faults, "settings", "secrets.kek_folder", "is required with secrets.keks");
		return;
	}
	arena_hold_secret(a);
	for (size_t i = 0; i < s->keks.n; i++) {
		const char *path = arena_printf(a, "%s/%s", s->kek_folder, s->keks.v[i]);
		const char *why = read_kek(a, path, owner, &v[i]);

		v[i].id = s->keks.v[i];
		config_note_file(ret, v[i].key, sizeof(v[i].key));
		if (why != NULL)
			config_fault(faults, path, "secrets.keks", "cannot be used: %s", why);
		else if (twin_of(v, i) != NULL)
			config_fault(faults, path, "secrets.keks", "is the same key as %s", twin_of(v, i));
	}
	ret->keks = (struct kek_set){ .v = v, .n = s->keks.n };
}

/* The blocklist ------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, HASH_LEN);
}

static bool read_hash(const char *line, size_t n, unsigned char *ret)
{
	char digits[2 * HASH_LEN + 1];

	if (n != (size_t)2 * HASH_LEN)
		return false;
	memcpy(digits, line, n);
	digits[n] = '\0';
	return hex_decode(digits, ret, HASH_LEN);
}

/* Lines that begin with # are for people. 0: all are good; else the number of the first that is not. */
static size_t read_lines(const char *text, unsigned char (*v)[HASH_LEN], size_t *ret_n)
{
	size_t number = 1;

	for (const char *p = text; *p != '\0'; number++) {
		const size_t line = strcspn(p, "\n");
		size_t n = line;

		while (n > 0 && (p[n - 1] == '\r' || p[n - 1] == ' '))
			n--;
		if (n > 0 && p[0] != '#' && !read_hash(p, n, v[(*ret_n)++]))
			return number;
		p += line + (p[line] == '\n');
	}
	return 0;
}

void config_load_blocklist(struct arena *a, struct config *ret, struct config_faults *faults)
{
	const char *path = ret->domains.key_blocklist, *error;
	struct key_blocklist *list = ARENA_NEW(a, struct key_blocklist);
	struct arena *text_arena;
	unsigned char (*v)[HASH_LEN];
	size_t n = 0, size = 0, bad;
	char *text;

	if (path == NULL)
		return;
	text_arena = arena_create(0);
	text = text_file_read(text_arena, path, BLOCKLIST_MAX, &size, &error);
	v = arena_alloc_array(a, size / ((size_t)2 * HASH_LEN) + 1, HASH_LEN);
	bad = text != NULL ? read_lines(text, v, &n) : 0;
	if (text != NULL)
		config_note_file(ret, text, size);
	arena_destroy(text_arena);
	if (text == NULL)
		config_fault(faults, path, "domains.key_blocklist", "cannot be read: %s", error);
	if (bad != 0)
		config_fault(faults, arena_printf(a, "%s:%zu", path, bad), "domains.key_blocklist",
			"must be 64 hexadecimal digits");
	qsort(v, n, HASH_LEN, compare);
	*list = (struct key_blocklist){ .v = (const unsigned char (*)[HASH_LEN])v, .n = n };
	ret->blocked_keys = list;
}
