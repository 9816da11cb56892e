/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_HEALTH_H
#define CC_CORE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/ctx.h"
#include "cc/model/certificate.h"

/* Of the platform's certificates, the one that ends first. */
struct platform_end {
	char name[256];                 /* the first that it is for */
	int64_t until;                  /* microseconds since 1970 */
	enum nearness nearness;
};

/* As whoever watches over it last found it: core/region_watch.h. */
struct region_health {
	const char *id;
	bool up;
	int64_t us;                     /* how long its latest answer to that took; 0: none yet */
};

struct health {
	bool database_up, redis_up;
	bool redis_used;                /* one is configured */
	int64_t database_us, redis_us;  /* how long the answer took; 0 when there was none */
	int64_t uptime_s;
	bool certificate_used;          /* one of the platform is shown */
	struct platform_end certificate;
	const struct region_health *regions;    /* each that this node is configured with */
	size_t nregions;
	int resolvers_asked, resolvers_silent;  /* of those that domains are looked up with */
	const char *refusing;           /* "region us-east-1": databases that take no writes; NULL: none */
};

/* Asks both, at most once a second whoever asks; waits a second at most. Blocks: for workers. */
void health_check(struct ctx *cx, struct health *ret);
/*
 * How a write of a request ended, in the region of cx->tenant or in the control database: one that refused
 * the latest write (its disk is full, it is a standby) is told for a minute, or until it takes one.
 * Returns e, or ERR_UNAVAILABLE where a server that only reads made it ERR_INTERNAL. Any thread.
 */
enum err health_wrote(struct ctx *cx, bool in_region, enum err e) MUST_USE;
/*
 * Can requests be served? Decided from memory while the change feed is fresh, or not older than what may
 * still be served from memory: *ret_degraded. Beyond that the control database is asked.
 */
enum err health_ready(struct ctx *cx, bool *ret_degraded) MUST_USE;

#endif
