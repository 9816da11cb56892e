/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_EXPO_H
#define CC_BASE_EXPO_H

#include <stdint.h>

#include "cc/base/str.h"

/*
 * Numbers for Prometheus: the text exposition format, version 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats). Any thread: what is touched is the caller's.
 */
#define EXPO_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum expo_type { EXPO_COUNTER, EXPO_GAUGE, EXPO_HISTOGRAM };

/* Begins a family: everything of it follows before the next one begins. help: one line, plain text. */
void expo_family(struct str *out, const char *name, enum expo_type type, const char *help);
/* suffix: "", "_bucket", "_sum", "_count". labels: `op="listUsers",class="2xx"`, or NULL. */
void expo_int(struct str *out, const char *name, const char *suffix, const char *labels, int64_t value);
/* Microseconds, told in seconds. */
void expo_us(struct str *out, const char *name, const char *suffix, const char *labels, int64_t us);
/* A family of one value without labels. */
void expo_one(struct str *out, const char *name, enum expo_type type, const char *help, int64_t value);
void expo_one_us(struct str *out, const char *name, enum expo_type type, const char *help, int64_t us);
/* The value of a label that is no constant: quotes, backslashes and line ends escaped. */
const char *expo_label(struct arena *a, const char *value);

#endif
