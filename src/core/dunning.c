/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/dunning.h"

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define GRACE_US (7 * DAY_US)
#define SUSPEND_US (14 * DAY_US)
#define REMOVE_US (30 * DAY_US) /* after the suspension, and again until nothing holds the deletion up */

static bool is_lost(const char *status)
{
	return str_eq(status, "unpaid") || str_eq(status, "canceled");
}

bool dunning_clocks_agree(const struct dunning_look *l)
{
	const int64_t apart = l->theirs > l->at ? l->theirs - l->at : l->at - l->theirs;

	return l->theirs != TIME_NULL && apart <= DUNNING_CLOCKS_US;
}

/* Its first invoice was never paid: it never began. */
static bool never_began(const char *status)
{
	return str_eq(status, "incomplete_expired");
}

static bool is_paid(const char *status)
{
	return str_eq(status, "active") || str_eq(status, "trialing");
}

/* By what is owed alone. */
static enum standing owed(const char *status, int64_t lasts)
{
	if (is_lost(status))
		return STANDING_SUSPENDED;
	if (never_began(status))
		return STANDING_GRACE;
	if (!str_eq(status, "past_due"))
		return STANDING_ACTIVE;
	return lasts >= SUSPEND_US ? STANDING_SUSPENDED
	       : lasts >= GRACE_US ? STANDING_GRACE
				   : STANDING_PAST_DUE;
}

static enum standing standing_of(const struct dunning *d, const struct dunning_look *l)
{
	const bool unbegun_again = l->debt && never_began(l->status);
	const enum standing s =
		unbegun_again ? STANDING_SUSPENDED : owed(l->status, l->at - d->trouble_since);

	if (s < STANDING_SUSPENDED || d->now < STANDING_SUSPENDED)
		return s;
	if (d->now < STANDING_REMOVED && d->since != TIME_NULL && l->at - d->since >= REMOVE_US)
		return (enum standing)(d->now + 1);
	return d->now;
}

static void become(struct dunning *d, enum standing s, int64_t at)
{
	if (s != d->now || d->since == TIME_NULL)
		d->since = at;
	d->now = s;
	d->next_at = TIME_NULL;
}

static void judge(struct dunning *d, const struct dunning_look *l, int64_t evidence_us)
{
	enum standing said;

	/* A time that lies ahead was read off a clock that has come back since. */
	if (d->trouble_since == TIME_NULL || d->trouble_since > l->at)
		d->trouble_since = l->at;
	if (d->since != TIME_NULL && d->since > l->at)
		d->since = l->at;
	said = standing_of(d, l);
	if (said <= d->now) {
		become(d, said, l->at);
	} else if (d->next_at == TIME_NULL || d->next != said || d->next_at > l->at) {
		d->next_at = l->at;
		d->next = said;
	} else if (l->at - d->next_at >= evidence_us) {
		become(d, said, l->at);
	}
}

struct dunning dunning_step(
	const struct dunning *before, const struct dunning_look *look, int64_t evidence_us)
{
	const bool trouble =
		str_eq(look->status, "past_due") || is_lost(look->status) || never_began(look->status);
	struct dunning d = *before;

	if (!trouble && look->debt && !is_paid(look->status))
		return d;
	if (!trouble) {
		d.trouble_since = TIME_NULL;
		become(&d, STANDING_ACTIVE, look->at);
	} else if (dunning_clocks_agree(look)) {
		judge(&d, look, evidence_us);
	} else {
		d.next_at = TIME_NULL; /* what was said before such a look is no evidence */
	}
	if (d.next_at == TIME_NULL)
		d.next = d.now;
	return d;
}
