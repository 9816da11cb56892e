/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_PLAN_H
#define CC_CORE_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* Any thread: what is touched is the caller's or constant. */

/* Limits: INT_NULL is unlimited, 0 allows none. */
struct limits {
	int64_t max_policies, max_resources, max_users, max_bouncers;
};

struct rate {
	int64_t limit;          /* requests … */
	int64_t window;         /* … in this many seconds; bursts up to limit */
};

struct plan {
	const char *name;               /* free pro enterprise */
	struct limits limits;
	struct rate tenant_rate, key_rate;
	int64_t term_months;
	int64_t price_minor;            /* per month, minor units */
	const char *currency;
};

struct plan_set {
	const struct plan *v;
	size_t n;
};
const struct plan *plan_find(const struct plan_set *s, const char *name);       /* NULL: unknown */

#endif
