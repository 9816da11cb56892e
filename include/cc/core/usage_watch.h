/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_USAGE_WATCH_H
#define CC_CORE_USAGE_WATCH_H

#include "cc/base/ctx.h"
#include "cc/core/rounds.h"
#include "cc/model/alert_rules.h"
#include "cc/schema/read.h"

/*
 * What a tenant should know of what it uses: shares of its limits that are reached, bouncers that fell
 * silent, a move that failed. One that uses anything is looked at within seconds, others once an hour.
 */

/*
 * One round, by any node: some tenants that are due, one after the other. What is so is compared with the
 * alerts that are open; a share is over when its use has fallen five percents below it, and the same share of
 * one period of billing is one alert, however often it is reached. Once a day the gauges are recounted. A
 * job's.
 */
enum err usage_watch_tick(struct ctx *cx, struct round *ret) MUST_USE;

/* Inside a unit of work in the control database bound to cx->tenant. */
enum err alert_rules_read(struct ctx *cx, struct alert_rules *ret) MUST_USE;
/* The same of a row that has been read. */
enum err alert_rules_of(struct ctx *cx, const struct usage_watch *row, struct alert_rules *ret) MUST_USE;
/* Members that are not sent stay. Locks the tenant's row; audit and change feed are the caller's. */
enum err alert_rules_change(struct ctx *cx, const struct alert_rules *sent, struct alert_rules *ret,
			    struct strv *ret_changed) MUST_USE;

/* Pure: what is reached of a limit, added to the set. limit INT_NULL or 0: nothing. metric: "policies". */
struct alert_set;
void usage_shares(struct arena *a, struct alert_set *s, const char *metric, const struct alert_rule *rule,
		  int64_t used, int64_t limit);
/* The same of what is not limited: of the tenant's own expectation, or else of what its plan includes. */
void usage_budget(struct arena *a, struct alert_set *s, const char *metric, const struct alert_budget *b,
		  int64_t used, int64_t included);

#endif
