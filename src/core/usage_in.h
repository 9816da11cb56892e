/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_USAGE_IN_H
#define CC_SRC_CORE_USAGE_IN_H

#include <stdatomic.h>
#include <sys/types.h>

#include "cc/base/lock.h"
#include "cc/core/usage.h"

enum {
	LANES = 4,
	/* Lines of a lane in one half: each key has one of the first; the rest is for whole tenants. */
	FINE = 6144,
	COARSE = 2048,
	LINES = FINE + COARSE,
	BOOT_LEN = 26,
};

#define JOURNAL_MAGIC UINT64_C(0x3130304c52554343) /* "CCURL001", read as little endian */

/* A lane of a half: lines in the order of their coming, so that the first n are all there is. */
struct usage_lane {
	_Atomic uint32_t fine, coarse; /* how many there are; a line is whole before it is counted */
	struct usage_line line[LINES];
};

/* The file, as it is mapped. What a crash leaves of it is read by usage_file.c. */
struct journal_map {
	_Atomic uint64_t magic;        /* last to be written */
	uint64_t bytes;
	char boot[BOOT_LEN + 6];
	_Atomic int64_t seq[2];        /* of the half's batch; 0: it was sent, whatever lies in it */
	struct usage_lane lane[2][LANES];
};

struct journal {
	struct journal_map *map;
	int fd;         /* keeps the lock that says that somebody has it; -1: in memory */
	char *path;     /* NULL: in memory */
	struct journal *next;
};

/* usage_file.c */
struct journal *journal_create(struct arena *a, const char *folder, const char **ret_error);
/* What a dead process left, if it is one's own now; NULL: it is not, or it is no journal. */
struct journal *journal_take(const char *folder, const char *name);
void journal_close(struct journal *j, bool remove);
bool journal_is_name(const char *name);

#endif
