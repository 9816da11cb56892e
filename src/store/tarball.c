/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/store/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "cc/base/mem.h"
#include "cc/base/str.h"

#define FILE_MODE 0644

struct tarball {
	struct archive *out;
	struct str bytes;
};

/* Into memory of ours: what fails fails for want of it, or is a mistake of the program. */
static void check(struct tarball *t, int code)
{
	(void)t;
	if (code != ARCHIVE_OK)
		abort();
}

static la_ssize_t take(struct archive *out, void *arg, const void *p, size_t n)
{
	struct tarball *t = arg;

	(void)out;
	str_add_n(&t->bytes, p, n);
	return (la_ssize_t)n;
}

struct tarball *tarball_begin(struct arena *a)
{
	struct tarball *t = mem_alloc(1, sizeof(*t));

	str_init(&t->bytes, a, 16384);
	t->out = archive_write_new();
	if (t->out == NULL)
		abort();
	check(t, archive_write_set_format_pax_restricted(t->out));
	check(t, archive_write_add_filter_gzip(t->out));
	check(t, archive_write_set_options(t->out, "gzip:!timestamp,gzip:compression-level=6"));
	/* The last block is not filled up. */
	check(t, archive_write_set_bytes_in_last_block(t->out, 1));
	check(t, archive_write_open(t->out, t, NULL, take, NULL));
	return t;
}

void tarball_add(struct tarball *t, const char *name, const void *p, size_t n)
{
	struct archive_entry *e = archive_entry_new();

	if (e == NULL)
		abort();
	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, (la_int64_t)n);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, FILE_MODE);
	archive_entry_set_mtime(e, 0, 0);
	check(t, archive_write_header(t->out, e));
	if (n > 0 && archive_write_data(t->out, p, n) != (la_ssize_t)n)
		abort();
	archive_entry_free(e);
}

const unsigned char *tarball_end(struct tarball *t, size_t *ret_n)
{
	const unsigned char *p;

	check(t, archive_write_close(t->out));
	check(t, archive_write_free(t->out));
	p = (const unsigned char *)t->bytes.data;
	*ret_n = t->bytes.len;
	free(t);
	return p;
}
