/* SPDX-License-Identifier: Apache-2.0 */
#include "usage_period.h"

#include <string.h>
#include <time.h>

#include "cc/base/clock.h"

#define HOUR_US (INT64_C(3600) * TIME_SECOND)
#define DAY_US (24 * HOUR_US)
#define PERIOD_DAYS_MAX 1100

static int64_t floor_to(int64_t t, int64_t step)
{
	const int64_t rest = t % step;

	return t - (rest < 0 ? rest + step : rest);
}

static int64_t begin_of_month(int64_t now)
{
	const time_t seconds = (time_t)(now / TIME_SECOND);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return floor_to(now, DAY_US);
	return floor_to(now, DAY_US) - (tm.tm_mday - 1) * DAY_US;
}

static int64_t end_of_month(int64_t now)
{
	return begin_of_month(begin_of_month(now) + 32 * DAY_US) - TIME_SECOND;
}

static int64_t end_of(const char *text)
{
	int64_t t = 0;

	(void)time_parse(text, true, &t);
	return strchr(text, ':') == NULL ? t + DAY_US - TIME_SECOND : t;
}

enum err period_read(struct ctx *cx, const char *start_date, const char *end_date, struct period *ret)
{
	const int64_t now = clock_wall_us();

	*ret = (struct period){ .said = { .start = begin_of_month(now), .end = end_of_month(now) } };
	if (end_date != NULL)
		ret->said.end = end_of(end_date);
	if (start_date != NULL)
		(void)time_parse(start_date, true, &ret->said.start);
	else if (end_date != NULL)
		ret->said.start = begin_of_month(ret->said.end);
	ret->said.start = floor_to(ret->said.start, TIME_SECOND);
	ret->said.end = floor_to(ret->said.end, TIME_SECOND);
	if (ret->said.end < ret->said.start)
		return refuse_field(cx, "end_date", "range", "end_date must not be before start_date");
	if (ret->said.end - ret->said.start > PERIOD_DAYS_MAX * DAY_US)
		return refuse_field(cx, "end_date", "period_too_long",
				    "end_date must be at most %d days after start_date", PERIOD_DAYS_MAX);
	ret->since = floor_to(ret->said.start, HOUR_US);
	ret->until = floor_to(ret->said.end, HOUR_US) + HOUR_US;
	ret->days_from = floor_to(ret->since + DAY_US - 1, DAY_US);
	ret->days_until = floor_to(ret->until, DAY_US);
	if (ret->days_from >= ret->days_until)
		ret->days_from = ret->days_until = ret->until;
	return ERR_NONE;
}
