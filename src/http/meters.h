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
 * What the requests of this node came to: by route, class of the status and time, and by tenant. Any thread
 * counts and reads.
 */
enum {
	METER_CLASSES = 6,      /* of the status: 1xx … 5xx; 0: the client left before its answer */
	METER_BUCKETS = 12,     /* of the time, without the one that has no bound */
	METER_TENANTS = 100,    /* with numbers of their own: those that came first; all others are one */
	METER_PLACES = 256,     /* where they are found: a power of two, never more than half full */
};

struct meter {
	_Atomic int64_t by_class[METER_CLASSES];
	_Atomic int64_t bucket[METER_BUCKETS + 1];
	_Atomic int64_t sum_us;
};

struct tenant_meter {
	char id[80];
	int64_t requests;
};

struct meters {
	struct meter *v;                /* by struct entry's number; 0: of no route */
	size_t n;
	struct lock lock;               /* guards what follows */
	struct tenant_meter tenant[METER_PLACES];       /* by hash; id "": free. Nobody leaves. */
	size_t ntenants;
	int64_t others;
};

void meters_init(struct meters *m, const struct router *r);
void meters_finish(struct meters *m);
/* e NULL: no route; tenant_id NULL: nobody's. */
void meters_count(struct meters *m, const struct entry *e, const char *tenant_id, int status, int64_t us);
void meters_write(struct meters *m, const struct router *r, struct str *out);

#endif
