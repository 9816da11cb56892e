/* SPDX-License-Identifier: Apache-2.0 */
/* scan-secrets: keys that somebody left in files. */
#define _GNU_SOURCE /* nftw with FTW_ACTIONRETVAL */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/bytes.h"
#include "cc/crypto/apikey.h"

#include "program.h"

#define CHUNK 65536
#define CARRY (APIKEY_MAX - 1) /* what may be the beginning of a key that ends in the next chunk */
#define OPEN_FOLDERS 32

/* One file on its way through memory, whatever its size and the length of its lines. */
struct scan {
	const char *path;
	char bytes[CARRY + CHUNK];
	size_t n;
	uint64_t base;       /* where bytes[0] is in the file */
	uint64_t resume;     /* nothing before it is looked at again */
	uint64_t counted;    /* lines are counted up to here */
	uint64_t line, line_at;
};

/* nftw() hands nothing through. */
static struct {
	size_t found, failed;
	struct scan scan;
	struct arena *arena;
} job;

static void cannot_read(const char *path, int error)
{
	struct arena_mark mark = arena_mark(job.arena);

	complain("cannot read %s: %s", printable(job.arena, path), strerror(error));
	arena_rewind(job.arena, mark);
	job.failed++;
}

/* Reading it could wait for ever, and would take away what is meant for somebody else. */
static void pass_over(const char *path)
{
	struct arena_mark mark = arena_mark(job.arena);

	complain("passed over %s: it is not a regular file", printable(job.arena, path));
	arena_rewind(job.arena, mark);
}

static void count_lines(struct scan *s, uint64_t until)
{
	while (s->counted < until) {
		const char *from = s->bytes + (s->counted - s->base);
		const char *end = memchr(from, '\n', (size_t)(until - s->counted));

		if (end == NULL) {
			s->counted = until;
			return;
		}
		s->counted += (uint64_t)(end - from) + 1;
		s->line++;
		s->line_at = s->counted;
	}
}

static void report(struct scan *s, const struct apikey_found *f)
{
	const uint64_t at = s->base + f->at;
	struct arena_mark mark = arena_mark(job.arena);

	count_lines(s, at);
	printf("%s:%llu:%llu: key-%s (%s)\n", printable(job.arena, s->path), (unsigned long long)s->line,
		(unsigned long long)(at - s->line_at + 1), f->key.id, f->display);
	arena_rewind(job.arena, mark);
	s->resume = at + f->len;
	job.found++;
}

/* What is in memory, then all but its end makes room for more. */
static void scan_chunk(struct scan *s)
{
	const size_t carry = s->n < CARRY ? s->n : CARRY;
	const uint64_t keep = s->base + s->n - carry;
	struct apikey_found f;

	while (apikey_find(s->bytes, s->n, (size_t)(s->resume > s->base ? s->resume - s->base : 0), &f))
		report(s, &f);
	count_lines(s, keep);
	memmove(s->bytes, s->bytes + (keep - s->base), carry);
	s->base = keep;
	s->n = carry;
}

/* Its name may have become another file's since it was listed: links and devices are not opened. */
static void scan_file(const char *path)
{
	struct scan *s = &job.scan;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	*s = (struct scan){ .path = path, .line = 1 };
	if (fd < 0 || fstat(fd, &st) != 0) {
		cannot_read(path, errno);
	} else if (S_ISREG(st.st_mode)) {
		while ((n = read(fd, s->bytes + s->n, CHUNK)) > 0) {
			s->n += (size_t)n;
			scan_chunk(s);
		}
		if (n < 0)
			cannot_read(path, errno);
	} else {
		pass_over(path);
	}
	if (fd >= 0)
		close(fd);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	if (type == FTW_F && S_ISREG(st->st_mode)) {
		scan_file(path);
	} else if (type == FTW_F) {
		pass_over(path);
		/* What was named itself was not looked at. */
		job.failed += at->level == 0;
	}
	if (type == FTW_DNR || type == FTW_NS)
		cannot_read(path, EACCES);
	return FTW_CONTINUE;
}

static int scan_path(const char *path)
{
	/* A link that is named itself is meant. */
	char *real = realpath(path, NULL);

	if (real == NULL) {
		cannot_read(path, errno);
		return EXIT_NO_INPUT;
	}
	/* Found as it was named, not where it leads. */
	struct stat st;
	const bool linked = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

	if (nftw(linked ? real : path, visit, OPEN_FOLDERS, FTW_PHYS | FTW_ACTIONRETVAL) != 0)
		cannot_read(path, errno);
	free(real);
	if (job.found > 0)
		return EXIT_FOUND;
	return job.failed > 0 ? EXIT_NO_INPUT : 0;
}

int cmd_scan_secrets(const struct options *o)
{
	int status;

	job.arena = arena_create(8192);
	arena_hold_secret(job.arena);
	status = scan_path(o->path);
	if (fflush(stdout) != 0 || ferror(stdout))
		status = EXIT_NO_FILE;
	bytes_wipe(&job.scan, sizeof(job.scan));
	arena_destroy(job.arena);
	return status;
}
