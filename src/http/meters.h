/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_METERS_H
#define CC_SRC_HTTP_METERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/lock.h"
#include "cc/base/str.h"

#include "router.h"

/*
 * What the requests of this node came to: by route, class of the status and time, and by tenant: the busiest
 * of late, each from when it was seen to be so. Any thread counts and reads.
 */
enum {
	METER_CLASSES = 6,      /* of the status: 1xx … 5xx; 0: the client left before its answer */
	METER_BUCKETS = 12,     /* of the time, without the one that has no bound */
	METER_TENANTS = 100,    /* with numbers of their own; all others are one */
	METER_RIVALS = 32,      /* of the others that may take the place of one of these */
	METER_FADE = 20000,     /* requests of tenants: then what was before counts half as much */
};

struct meter {
	_Atomic int64_t by_class[METER_CLASSES];
	_Atomic int64_t bucket[METER_BUCKETS + 1];
	_Atomic int64_t sum_us;
};

struct tenant_meter {
	char id[80];
	int64_t requests;
	int64_t weight;         /* of late: who has more of it than who is shown takes its place */
};

struct meters {
	struct meter *v;                /* by struct entry's number; 0: of no route */
	_Atomic int64_t limited;        /* with status 429 */
	size_t n;
	struct lock lock;               /* guards what follows */
	struct tenant_meter tenant[METER_TENANTS], rival[METER_RIVALS]; /* id "": free */
	int64_t others;
	int64_t fade;           /* requests until the next fading */
};

void meters_init(struct meters *m, const struct router *r);
void meters_finish(struct meters *m);
/* e NULL: no route; tenant_id NULL: nobody's. */
void meters_count(struct meters *m, const struct entry *e, const char *tenant_id, int status, int64_t us);
void meters_write(struct meters *m, const struct router *r, struct str *out);

#endif
