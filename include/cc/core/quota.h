/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_QUOTA_H
#define CC_CORE_QUOTA_H

#include "cc/base/ctx.h"
#include "cc/core/plan.h"
#include "cc/model/quota.h"
#include "cc/model/tenant.h"
#include "cc/schema/read.h"

/*
 * How much a tenant may have of what is counted, and where that is refused. The limits are those of its
 * settings; what else there is to a quota stands beside them, as JSON. Where it is refused is decided by the
 * head row (core/head.h), of API keys by the lock of the tenant's row. What takes a ctx runs on the thread
 * of its unit of work, the rest on any.
 */

/* Shares of a limit that are worth a word. */
#define PERCENTS_MAX 10
struct percents {
	int64_t v[PERCENTS_MAX];
	size_t n;
};
/* Compact JSON: [80,90]. False: it is not that, or not ascending, or beyond 1 to 1000. */
bool quota_thresholds(const char *text, struct percents *ret);

/* Where it is refused: INT_NULL is nowhere. */
int64_t quota_hard_limit(int64_t limit, const char *enforcement, int64_t grace_percent);
/* The same of every metric that the head row counts. json: quota_row.quotas. */
void quota_hard_limits(struct arena *a, const char *json, const struct limits *limits, struct limits *ret);

/*
 * Inside a unit of work in the control database bound to cx->tenant. used: what its region says; ret is
 * complete when they return.
 */
enum err quota_read(struct ctx *cx, const struct tenant_usage *used, struct tenant_quota *ret) MUST_USE;
/*
 * Members that are not sent stay. Locks the tenant's row; audit and change feed are the caller's. Faults of
 * thresholds and of users.limit. ERR_BELOW_USAGE: what is lowered must leave room for what there is;
 * ERR_UNAVAILABLE where nobody says what there is.
 */
enum err quota_change(struct ctx *cx, const struct tenant_quota *sent, const struct tenant_usage *used,
		      struct tenant_quota *ret, struct strv *ret_changed) MUST_USE;
/*
 * One more API key: refuses where the quota does (ERR_QUOTA), warns beyond its limit. row was read under the
 * lock of the tenant's row.
 */
enum err quota_take_api_key(struct ctx *cx, const struct quota_row *row) MUST_USE;

/* The write that is under way uses more than the limit, and is let through: said in the answer. */
void quota_warn(struct ctx *cx, const char *metric, int64_t used, int64_t limit, int64_t hard);

#endif
