/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_DUNNING_H
#define CC_CORE_DUNNING_H

#include <stdint.h>

/*
 * What an unpaid subscription means for its tenant, as one pure function. Nothing gets worse by one look:
 * two must agree, ten minutes apart by the database's clock, each with the subscription freshly fetched.
 * So neither a single event nor a clock that jumps and comes back takes anything from anybody. Getting
 * better needs one.
 */
enum standing { /* from the best to the worst */
	STANDING_ACTIVE,
	STANDING_PAST_DUE,  /* all goes on, and an alert says so */
	STANDING_GRACE,     /* after a week */
	STANDING_SUSPENDED, /* after two: no changes; reads and bouncers go on */
};

struct dunning {
	enum standing now;
	enum standing next;    /* what the look before this one said … */
	int64_t next_at;       /* … and when; TIME_NULL: the same as now */
	int64_t trouble_since; /* TIME_NULL: it is paid */
};

/*
 * stripe_status: the subscription's, as it was fetched at `at`. evidence_us: how far apart two looks must
 * be.
 */
struct dunning dunning_step(
	const struct dunning *before, const char *stripe_status, int64_t at, int64_t evidence_us);

#endif
