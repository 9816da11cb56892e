/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_CLOCK_H
#define CC_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/arena.h"

/* Wall-clock times are microseconds since 1970-01-01T00:00:00Z; TIME_NULL is "no time". */
#define TIME_NULL INT64_MIN
#define TIME_SECOND INT64_C(1000000)

int64_t clock_wall_us(void);
int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);
/* Lets the thread rest; a signal may shorten it. */
void clock_nap(int ms);

/* RFC 3339 with Z and whole seconds, as the spec writes times. */
char *time_format(struct arena *a, int64_t t);
/* The same with milliseconds, for log lines and the audit. */
char *time_format_ms(struct arena *a, int64_t t);
/* RFC 3339 with any offset and 0 to 6 decimals; with date_ok also plain YYYY-MM-DD (midnight UTC). */
bool time_parse(const char *s, bool date_ok, int64_t *ret);

#endif
