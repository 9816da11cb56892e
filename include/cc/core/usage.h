/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_USAGE_H
#define CC_CORE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/ctx.h"

/*
 * What tenants use, counted so that nothing counts twice and nothing is lost when the process is killed: in a
 * file that is mapped into memory (the journal), whose counts go to the control database in numbered batches.
 * The file has two halves. One is counted in; the other is on its way as one batch, which is sent, and sent
 * again, until the database is known to have it. The database takes each number once.
 */
struct usage;

enum usage_meter {
	USAGE_API_CALLS,        /* answered requests of a tenant's credentials, refusals (4xx) too */
	USAGE_API_FAILURES,     /* … that were answered 5xx: the service's own fault, never billed */
	USAGE_BOUNCER_REQUESTS, /* that bouncers say they have decided */
};
extern const char *const usage_meters[];        /* in that order: api_calls api_failures bouncer_requests */

#define USAGE_TENANT_MAX 80     /* bytes with the NUL */
#define USAGE_DETAIL_MAX 40
#define USAGE_OTHER "other"     /* the detail of what found no place of its own */

/*
 * folder: where the journal lies and what earlier processes left is found, or NULL: in memory alone, and what
 * a process that dies has not sent is lost, a second's worth. NULL: *ret_error says why not (arena a).
 */
struct usage *usage_open(struct arena *a, const char *folder, const char **ret_error);
/* Removes the journal when all of it was sent; else the next start finds it. NULL is fine. */
void usage_close(struct usage *u);

/*
 * Counts n > 0. detail: "/policies 2xx", "production"; cut when too long. Any thread; waits for nothing but a
 * lock that is held for a look-up. False: room becomes scarce, usage_send() should come soon.
 */
bool usage_count(struct usage *u, const char *tenant_id, enum usage_meter meter, const char *detail,
		 int64_t n);

/* What is to be sent, and when it is known to be there. One thread at a time; for usage_send() and tests. */
struct usage_line {
	char tenant[USAGE_TENANT_MAX], detail[USAGE_DETAIL_MAX];
	int64_t hour;           /* begin, in seconds since 1970 */
	int64_t meter;          /* enum usage_meter */
	int64_t quantity;
};
struct usage_batch {
	const char *boot;       /* of the process that counted */
	int64_t seq;            /* from 1; greater than all before it of this boot */
	const struct usage_line *const *lines;
	size_t n;
	/* whose it is */
	void *journal;
	int half;
};
/* The oldest batch that is not settled, of dead processes first; false: nothing is to be sent. */
bool usage_next(struct usage *u, struct arena *a, struct usage_batch *ret);
void usage_settle(struct usage *u, const struct usage_batch *b);
/* Takes over what processes that are dead by now left in the folder. How many. */
int usage_adopt(struct usage *u);
/* Counts that found no place at all, of which the log tells; 0 unless something is very wrong. Any thread. */
int64_t usage_lost(const struct usage *u);

/*
 * Sends what there is, each batch in a unit of work of its own. Of a tenant that is gone nothing is kept.
 * A failure leaves all that is not settled to the next call. A job's.
 */
enum err usage_send(struct ctx *cx) MUST_USE;

#endif
