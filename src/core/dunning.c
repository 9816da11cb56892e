/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/dunning.h"

#include <stdbool.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define GRACE_US (7 * DAY_US)
#define SUSPEND_US (14 * DAY_US)

static bool is_lost(const char *status)
{
	return str_eq(status, "unpaid") || str_eq(status, "canceled");
}

static enum standing standing_of(const char *status, int64_t trouble_since, int64_t at)
{
	const int64_t lasts = at - trouble_since;

	if (is_lost(status))
		return STANDING_SUSPENDED;
	if (!str_eq(status, "past_due"))
		return STANDING_ACTIVE;
	return lasts >= SUSPEND_US ? STANDING_SUSPENDED
	       : lasts >= GRACE_US ? STANDING_GRACE
				   : STANDING_PAST_DUE;
}

struct dunning dunning_step(
	const struct dunning *before, const char *stripe_status, int64_t at, int64_t evidence_us)
{
	const bool trouble = str_eq(stripe_status, "past_due") || is_lost(stripe_status);
	struct dunning d = *before;
	enum standing said;

	/* A time that lies ahead was read off a clock that has come back since. */
	if (!trouble)
		d.trouble_since = TIME_NULL;
	else if (d.trouble_since == TIME_NULL || d.trouble_since > at)
		d.trouble_since = at;
	said = standing_of(stripe_status, d.trouble_since, at);
	if (said <= d.now) {
		d.now = said;
		d.next_at = TIME_NULL;
	} else if (d.next_at == TIME_NULL || d.next != said || d.next_at > at) {
		d.next_at = at;
	} else if (at - d.next_at >= evidence_us) {
		d.now = said;
		d.next_at = TIME_NULL;
	}
	d.next = d.next_at == TIME_NULL ? d.now : said;
	return d;
}
