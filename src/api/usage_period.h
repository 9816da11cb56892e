/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_API_USAGE_PERIOD_H
#define CC_SRC_API_USAGE_PERIOD_H

#include "cc/base/ctx.h"
#include "cc/model/check.h"
#include "cc/model/usage.h"

/* A period that usage can be asked for. It is counted by hour: those that the period touches are in it. */
struct period {
	struct usage_period said;       /* as it is answered: both ends are in it, in whole seconds */
	int64_t since, until;           /* begins of hours; until is not in it any more */
	int64_t days_from, days_until;  /* the whole days in between, or both until */
};

#define PERIOD_DATE(T, m, d) \
	{ FIELD_OF(T, m, const char *, K_TEXT, F_CREATE | F_NULLABLE), .min = 1, .max = 40, \
	  .check = check_time_or_date, .doc = (d) }
#define PERIOD_FIELDS(T) \
	PERIOD_DATE(T, start_date, "From this date or date-time on; by default the begin of the month."), \
	PERIOD_DATE(T, end_date, \
		    "Up to this date-time, a date means the whole day; by default the end of the month.")

/* Texts may be NULL, and are dates. A fault when it ends before it begins, or is longer than three years. */
enum err period_read(struct ctx *cx, const char *start_date, const char *end_date,
		     struct period *ret) MUST_USE;

#endif
