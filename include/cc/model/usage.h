/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_USAGE_H
#define CC_MODEL_USAGE_H

#include "cc/schema/schema.h"

/* How much of a meter a period has; rows of queries. */
struct usage_sum {
	const char *meter, *detail;
	int64_t quantity;
};
extern const struct schema usage_sum_schema;

/* A stretch of the period. */
struct usage_bucket {
	int64_t start;
	int64_t api_calls, api_failures, bouncer_requests;
};
extern const struct schema usage_bucket_schema;

/* A line of the ledger: what was counted in an hour. The sum over a meter's lines is what is billed. */
struct usage_event {
	int64_t hour;
	const char *meter, *detail;
	int64_t quantity;
	bool closed;                    /* nothing is added to it any more */
};
extern const struct schema usage_event_schema;

/* What a tenant uses of one thing. */
struct usage_item {
	const char *metric;
	const char *kind;               /* one of usage_kinds */
	int64_t quantity;
};
extern const struct schema usage_item_schema;
extern const char *const usage_metrics[];       /* names of items … */
extern const char *const usage_kinds[];         /* counter gauge */

struct usage_period {
	int64_t start, end;             /* both are in it */
};
extern const struct schema usage_period_schema;

/* The answer of GET …/usage. */
struct usage_report {
	const char *usage;              /* JSON: items */
	struct usage_period period;
};
extern const struct schema usage_report_schema;

#endif
