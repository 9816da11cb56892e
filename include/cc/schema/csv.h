/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SCHEMA_CSV_H
#define CC_SCHEMA_CSV_H

#include "cc/schema/schema.h"

/* Any thread, one at a time for what lives in one arena. */

/*
 * Comma-separated values (RFC 4180): a line with the names of the F_OUT fields, then one per object, ended
 * by CR LF. Null is an empty cell; what is no scalar is written as JSON. A text that a spreadsheet would take
 * for a formula (it begins with = + - @, a tab or a CR) gets an apostrophe in front, which is how
 * spreadsheets write that it is a text.
 */
void csv_head(struct str *out, const struct schema *s);
void csv_row(struct str *out, const struct schema *s, const void *obj);

#endif
