/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_SURGE_H
#define CC_TESTS_SURGE_H

#include <stdint.h>

/*
 * Requests by the clock, whatever becomes of those before (open loop): so many a second, of ten nine on
 * connections of their own and one on a connection that is kept. A thread of its own, until surge_end().
 */
struct surge;
struct surge_told {
	long asked;             /* all */
	long fresh, kept;       /* answered with 200, the last byte included */
	long failed;            /* on fresh connections: no answer, or another */
	long cut;               /* on kept ones: no answer, and none before it had said that it is the last */
	long behind;            /* were due when no descriptor was free: the rate was not kept */
	int64_t worst_us;       /* from the connection to the last byte, of those that were answered */
	int64_t ran_us;
	char error[128];        /* of the first that failed or was cut */
};

struct surge *surge_start(int port, int rate);
struct surge_told surge_end(struct surge *s);

#endif
