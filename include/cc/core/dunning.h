/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_DUNNING_H
#define CC_CORE_DUNNING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What an unpaid subscription means for its tenant, as one pure function. Nothing gets worse by one look:
 * two must agree, ten minutes apart by the database's clock, each with the subscription freshly fetched, and
 * each at a time when that clock agrees with Stripe's. So neither a single event nor a clock that is wrong,
 * for however long, takes anything from anybody. Getting better needs one look, at any time.
 */
enum standing { /* from the best to the worst */
	STANDING_ACTIVE,
	STANDING_PAST_DUE,  /* all goes on, and an alert says so */
	STANDING_GRACE,     /* after a week: nothing is added */
	STANDING_SUSPENDED, /* after two: no changes; reads and bouncers go on */
	STANDING_REMOVING,  /* thirty days later: the deletion is scheduled, and can be undone */
	STANDING_REMOVED,   /* thirty days later: it is not held up any longer */
};

struct dunning {
	enum standing now;
	int64_t since;         /* when that began; TIME_NULL: not known */
	enum standing next;    /* what the look before this one said … */
	int64_t next_at;       /* … and when; TIME_NULL: the same as now */
	int64_t trouble_since; /* TIME_NULL: it is paid */
};

struct dunning_look {
	const char *status; /* the subscription's at Stripe */
	int64_t at;         /* when it was asked for, by the database */
	int64_t theirs;     /* what Stripe's clock said then; TIME_NULL: it did not say */
	bool debt;          /* one before it was not paid: only one that is ends that */
};
/* So far apart both clocks may be. */
#define DUNNING_CLOCKS_US (INT64_C(300) * 1000000)
bool dunning_clocks_agree(const struct dunning_look *l);

/* evidence_us: how far apart two looks must be. */
struct dunning dunning_step(
	const struct dunning *before, const struct dunning_look *look, int64_t evidence_us);

#endif
