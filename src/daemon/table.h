/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_TABLE_H
#define CC_DAEMON_TABLE_H

#include <stdio.h>

#include "cc/schema/doc.h"
#include "cc/schema/schema.h"

/*
 * The objects of d->list as lines for people: a column for each field of row, as wide as what is in it. What
 * is absent or null is a dash.
 */
void table_print(struct arena *a, FILE *f, const struct schema *row, const struct doc *d, const char *list);

#endif
