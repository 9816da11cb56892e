/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_STORE_TARBALL_H
#define CC_STORE_TARBALL_H

#include <stdbool.h>
#include <stddef.h>

#include "cc/base/arena.h"
#include "cc/base/err.h"

/*
 * A gzip'ed tar of files, in memory and reproducible: no time, no owner, no name of a machine is in it, so
 * that the same files in the same order are the same bytes. One thread.
 */
struct tarball;

/* Its bytes will lie in the arena. */
struct tarball *tarball_begin(struct arena *a);
/* name: relative, of at most 900 bytes. */
void tarball_add(struct tarball *t, const char *name, const void *p, size_t n);
/* Ends it and frees all but the bytes. */
const unsigned char *tarball_end(struct tarball *t, size_t *ret_n);

#endif
