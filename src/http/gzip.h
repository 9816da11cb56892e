/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_GZIP_H
#define CC_SRC_HTTP_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "cc/base/str.h"

/* The only file with zlib. On the thread that owns what is passed. */

/* Less than this is sent sooner than it is made smaller. */
enum { GZIP_MIN = 2048 };

/* False: it would not be smaller. The result lives in the arena. */
bool gzip_make(struct arena *a, const char *p, size_t n, const char **ret, size_t *ret_n);

/* Of what comes in pieces; a quarter of a MiB of memory. */
struct gzip;
struct gzip *gzip_open(void);
void gzip_close(struct gzip *g);        /* NULL is fine */
/* Adds to out what there is by now of all pieces; last: the end too. */
void gzip_add(struct gzip *g, const char *p, size_t n, bool last, struct str *out);

#endif
