/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_PULL_H
#define CC_TESTS_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A chunked answer of any length, read line by line at the test's own pace; nothing of it is kept. Failures
 * end the test. One thread.
 */
struct pull {
	int fd;
	char in[65536], line[16384];
	size_t n, at, len;      /* of in: there, used; of line: so far */
	size_t left;            /* of the chunk */
	int64_t lines, bytes;   /* so far */
	bool whole;             /* the last chunk came */
};

/* Sends GET path_below_api_v1 with the key and reads the head, which must be that of a 200 in chunks. */
void pull_open(struct pull *p, int port, const char *key, const char *path);
/* The next line without its end, until the next call; NULL: nothing more comes, see `whole`. */
const char *pull_line(struct pull *p);
void pull_close(struct pull *p);

#endif
