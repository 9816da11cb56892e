/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_LINEDIFF_H
#define CC_CORE_LINEDIFF_H

#include "cc/base/arena.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * What makes `to` of `from`, line by line, in the unified format that patch(1) reads: three lines of context,
 * the names in its first two lines. "" when they are equal. The shortest script is looked for within bounds
 * of time and memory; of texts that differ beyond them, the part that differs is replaced as a whole.
 */
char *linediff(struct arena *a, const char *from, const char *to, const char *from_name, const char *to_name);

#endif
