/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/clock.h"

#include <time.h>

#include "timetext.h"

#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)
#define MINUTE INT64_C(60)
#define FIRST_SECOND INT64_C(-62167219200)      /* 0000-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)       /* 9999-12-31T23:59:59Z */

static int64_t clock_us(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * TIME_SECOND + ts.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

void clock_nap(int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL);
}

/*
 * Days are counted in eras of 400 years that begin on 1 March, so that the leap day is the last
 * of its year and every month has a fixed offset. (timegm() and gmtime_r() would do, but take the
 * time zone lock, and this runs for every log line.)
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = year + era * 400 + (*ret_month <= 2);
}

/* n digits and what follows them: lists have thousands of times, and printf() is most of their cost. */
static char *put(char *p, int64_t v, int n, char then)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	p[n] = then;
	return p + n + 1;
}

void timetext(char ret[TIMETEXT_SIZE], int64_t t, bool milliseconds)
{
	int64_t us = t % TIME_SECOND, seconds = t / TIME_SECOND, days, rest, year;
	int month, day;
	char *p = ret;

	if (us < 0) {
		us += TIME_SECOND;
		seconds--;
	}
	if (seconds < FIRST_SECOND)
		seconds = FIRST_SECOND;
	if (seconds > LAST_SECOND)
		seconds = LAST_SECOND;
	rest = (seconds % DAY + DAY) % DAY;
	days = (seconds - rest) / DAY;
	date_of(days, &year, &month, &day);
	p = put(p, year, 4, '-');
	p = put(p, month, 2, '-');
	p = put(p, day, 2, 'T');
	p = put(p, rest / 3600, 2, ':');
	p = put(p, rest / 60 % 60, 2, ':');
	p = put(p, rest % 60, 2, milliseconds ? '.' : 'Z');
	if (milliseconds)
		p = put(p, us / 1000, 3, 'Z');
	*p = '\0';
}

char *time_format(struct arena *a, int64_t t)
{
	char text[TIMETEXT_SIZE];

	if (t == TIME_NULL)
		return NULL;
	timetext(text, t, false);
	return arena_strdup(a, text);
}

char *time_format_ms(struct arena *a, int64_t t)
{
	char text[TIMETEXT_SIZE];

	if (t == TIME_NULL)
		return NULL;
	timetext(text, t, true);
	return arena_strdup(a, text);
}

/* Exactly n digits with a value of lo to hi; moves *s behind them. */
static bool digits(const char **s, int n, int lo, int hi, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	if (v < lo || v > hi)
		return false;
	*s += n;
	*ret = v;
	return true;
}

static bool letter(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool month_has(int year, int month, int day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return day <= days[month - 1] + (month == 2 && leap);
}

static bool parse_date(const char **s, int64_t *ret_days)
{
	int year, month, day;

	if (!digits(s, 4, 0, 9999, &year) || !letter(s, '-') || !digits(s, 2, 1, 12, &month) ||
	    !letter(s, '-') || !digits(s, 2, 1, 31, &day) || !month_has(year, month, day))
		return false;
	*ret_days = days_of(year, month, day);
	return true;
}

/* One to six decimals behind a point, as microseconds; no point is no decimals. */
static bool parse_fraction(const char **s, int64_t *ret_us)
{
	int64_t unit = TIME_SECOND, us = 0;
	int v;

	if (!letter(s, '.')) {
		*ret_us = 0;
		return true;
	}
	while (unit > 1 && digits(s, 1, 0, 9, &v)) {
		unit /= 10;
		us += v * unit;
	}
	*ret_us = us;
	return unit < TIME_SECOND;
}

static bool parse_offset(const char **s, int64_t *ret_seconds)
{
	int hour, minute, sign;

	if (letter(s, 'Z') || letter(s, 'z')) {
		*ret_seconds = 0;
		return true;
	}
	sign = **s == '-' ? -1 : 1;
	if ((!letter(s, '+') && !letter(s, '-')) || !digits(s, 2, 0, 23, &hour) || !letter(s, ':') ||
	    !digits(s, 2, 0, 59, &minute))
		return false;
	*ret_seconds = sign * (hour * HOUR + minute * MINUTE);
	return true;
}

bool time_parse(const char *s, bool date_ok, int64_t *ret)
{
	int64_t days, offset, us, t;
	int hour, minute, second;

	if (!parse_date(&s, &days))
		return false;
	if (date_ok && *s == '\0') {
		*ret = days * DAY * TIME_SECOND;
		return true;
	}
	if ((!letter(&s, 'T') && !letter(&s, 't')) || !digits(&s, 2, 0, 23, &hour) || !letter(&s, ':') ||
	    !digits(&s, 2, 0, 59, &minute) || !letter(&s, ':') || !digits(&s, 2, 0, 60, &second) ||
	    !parse_fraction(&s, &us) || !parse_offset(&s, &offset) || *s != '\0')
		return false;
	t = days * DAY + hour * HOUR + minute * MINUTE + second - offset;
	/* Leap seconds end a UTC day and are counted as the first second of the next. */
	if (second == 60 && t % DAY != 0)
		return false;
	if (t < FIRST_SECOND || t > LAST_SECOND)
		return false;
	*ret = t * TIME_SECOND + us;
	return true;
}
