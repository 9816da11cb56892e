/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_BASE_TIMETEXT_H
#define CC_SRC_BASE_TIMETEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TIMETEXT_SIZE 32

/* RFC 3339 in UTC without an arena; outside the years 0000 to 9999 the nearest time inside is written. */
void timetext(char ret[TIMETEXT_SIZE], int64_t t, bool milliseconds);

#endif
