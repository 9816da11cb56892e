/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_BASE_LOGLINE_H
#define CC_SRC_BASE_LOGLINE_H

#include <stddef.h>

#include "cc/base/log.h"

#define LOGLINE_SIZE 8192

/*
 * One JSON object and its newline, at most LOGLINE_SIZE bytes. Fields that do not fit are left
 * out and the line says "truncated":true, so it is valid JSON whatever the values are.
 */
struct logline {
	char text[LOGLINE_SIZE];
	size_t len;
	bool full;
};

void logline_make(struct logline *l, enum log_level level, const char *msg, const struct log_field *fields,
		  int n);

#endif
