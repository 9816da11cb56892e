/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_CONNINFO_H
#define CC_DB_CONNINFO_H

#include "cc/base/arena.h"

/* Any thread: what is touched is the caller's or constant. */

/* Connection strings, keywords or URI, read by the library that will use them. */

/* The value of a keyword: "dbname". NULL: absent, or the text is no connection string. */
const char *conninfo_get(struct arena *a, const char *conninfo, const char *keyword);
/* Keywords of both; where both have one, over's. NULL: one of them is no connection string. */
const char *conninfo_join(struct arena *a, const char *base, const char *over);

#endif
