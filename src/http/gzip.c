/* SPDX-License-Identifier: Apache-2.0 */
#define ZLIB_CONST
#include "gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "cc/base/mem.h"

enum { GZIP_FORMAT = 15 + 16, GZIP_MEMORY = 8, LEVEL = 4, ROOM = 32 * 1024 };

struct gzip {
	z_stream z;
};

static void begin(z_stream *z)
{
	*z = (z_stream){ .zalloc = Z_NULL };
	/* Out of memory is the end everywhere. */
	if (deflateInit2(z, LEVEL, Z_DEFLATED, GZIP_FORMAT, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
}

bool gzip_make(struct arena *a, const char *p, size_t n, const char **ret, size_t *ret_n)
{
	char *to;
	z_stream z;
	bool whole;

	if (n > UINT_MAX / 2)
		return false;
	to = arena_alloc(a, n + 1);
	begin(&z);
	z.next_in = (const Bytef *)p;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)n;
	whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
	*ret = to;
	*ret_n = z.total_out;
	(void)deflateEnd(&z);
	return whole;
}

struct gzip *gzip_open(void)
{
	struct gzip *g = mem_alloc(1, sizeof(*g));

	begin(&g->z);
	return g;
}

void gzip_close(struct gzip *g)
{
	if (g == NULL)
		return;
	(void)deflateEnd(&g->z);
	free(g);
}

/* n is that of one piece, far below what zlib takes at a time. */
void gzip_add(struct gzip *g, const char *p, size_t n, bool last, struct str *out)
{
	unsigned char room[ROOM];

	g->z.next_in = (const Bytef *)p;
	g->z.avail_in = (uInt)n;
	do {
		g->z.next_out = room;
		g->z.avail_out = sizeof(room);
		(void)deflate(&g->z, last ? Z_FINISH : Z_NO_FLUSH);
		str_add_n(out, (const char *)room, sizeof(room) - g->z.avail_out);
	} while (g->z.avail_out == 0);
}
