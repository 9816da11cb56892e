/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_BODY_H
#define CC_SRC_HTTP_BODY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The body of a request while it comes. Bodies are what clients can make large, so they have memory of
 * their own that goes back to the system, and all of a server together have a bound. What counts is what
 * has come, not what was announced: memory that nothing was written to costs nothing. The budget is all
 * threads'; a body is its call's, and so one thread's at a time.
 */
struct body_budget {
	_Atomic int64_t used;
	int64_t max;                    /* bytes; 0: no bound */
};

struct body {
	struct body_budget *budget;     /* NULL: nobody wants it */
	char *data;                     /* with a NUL behind it; NULL while nothing came */
	size_t len, cap;
	bool mapped;
};

/* announced: its Content-Length; 0: not known. */
void body_open(struct body *b, struct body_budget *budget, uint64_t announced);
/* False: there is no room, and what had come is given back. */
bool body_add(struct body *b, const char *data, size_t n);
/* Gives it back, also one that was never opened. wipe: a secret is in it. */
void body_close(struct body *b, bool wipe);

#endif
