/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_API_AUDIT_QUERY_H
#define CC_SRC_API_AUDIT_QUERY_H

#include "cc/base/ctx.h"
#include "cc/model/audit.h"
#include "cc/model/check.h"
#include "cc/model/policy.h"

/* What the list and the export of the audit can be asked for. */
struct audit_filter {
	const char *start_date, *end_date;
	const char *actor, *action, *category, *object, *object_id, *environment, *outcome, *chain;
	int64_t since, until;           /* of the dates, see audit_filter_times() */
};

#define AUDIT_TEXT(T, m, hi, d) \
	{ .name = #m, .kind = K_TEXT, .flags = F_CREATE | F_NULLABLE, \
	  .offset = FIELD_AT(T, filter.m, const char *), .min = 1, .max = (hi), .doc = (d) }
#define AUDIT_DATE(T, m, d) \
	{ .name = #m, .kind = K_TEXT, .flags = F_CREATE | F_NULLABLE, \
	  .offset = FIELD_AT(T, filter.m, const char *), .min = 1, .max = 40, \
	  .check = check_time_or_date, .doc = (d) }
#define AUDIT_ENUM(T, m, vals, d) \
	{ .name = #m, .kind = K_ENUM, .flags = F_CREATE | F_NULLABLE, \
	  .offset = FIELD_AT(T, filter.m, const char *), .values = (vals), .doc = (d) }
/* T has a member `struct audit_filter filter`. */
#define AUDIT_FILTER_FIELDS(T) \
	AUDIT_DATE(T, start_date, "From this date or date-time on."), \
	AUDIT_DATE(T, end_date, "Up to this date-time; a date means the whole day."), \
	AUDIT_TEXT(T, actor, 120, "Only what this credential did."), \
	AUDIT_TEXT(T, action, 120, "Only this operation: createPolicy, …"), \
	AUDIT_ENUM(T, category, audit_categories, "Only this kind of operation."), \
	AUDIT_TEXT(T, object, 120, "Only this kind of object: policy, …"), \
	AUDIT_TEXT(T, object_id, 120, "Only the object with this id."), \
	AUDIT_ENUM(T, environment, environments, "Only objects of this environment."), \
	AUDIT_TEXT(T, outcome, 40, "Only this outcome: success."), \
	AUDIT_ENUM(T, chain, audit_chains, "Only this chain.")

/* Reads the dates; a fault when they end before they begin. */
enum err audit_filter_times(struct ctx *cx, struct audit_filter *f) MUST_USE;
/* Whether the rows of this chain are wanted at all. */
bool audit_filter_chain(const struct audit_filter *f, const char *chain);

#endif
