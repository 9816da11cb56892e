/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_SCHEMA_SCAN_H
#define CC_SRC_SCHEMA_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One pass over a body before any of it is turned into objects: is it UTF-8, does it begin as an
 * object, is it within the caps (loose: that of its depth alone)? It does not replace the parser. NULL when
 * fine, else what is wrong, and the offset.
 */
const char *json_scan(const char *text, size_t len, bool loose, size_t *ret_at);

/* Line and column (in characters) of an offset, both from 1. */
void json_where(const char *text, size_t at, size_t *ret_line, size_t *ret_column);

#endif
