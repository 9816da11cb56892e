/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_NEGOTIATE_H
#define CC_SRC_HTTP_NEGOTIATE_H

#include <stdbool.h>

/*
 * What a client takes (RFC 9110 12.5). Pure; any thread. value: the header, or NULL without one. What of it
 * is not well-formed is passed over; if nothing is left, it is as if it were absent.
 */

/* The media type, whose parameters do not count; the most specific range that fits decides. */
bool accept_has(const char *value, const char *type);
#define PROBLEM_TYPE "application/problem+json" /* RFC 9457 */
/* Whether a range is this media type itself. */
bool accept_names(const char *value, const char *type);

enum coding {
	CODING_NONE,    /* as it is */
	CODING_GZIP,    /* gzip is at least as welcome */
	CODING_ONLY_GZIP,       /* … and as it is, it is not */
};
enum coding accept_coding(const char *value);

#endif
