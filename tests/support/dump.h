/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_DUMP_H
#define CC_TESTS_DUMP_H

#include "daemon.h"

/*
 * What all databases of a daemon hold: a line for every table with a digest of all its rows, one for every
 * column, index and policy, one for every role. Two dumps are equal exactly when nothing differs.
 */
char *dump_take(struct daemon *d); /* malloc'ed */
/* A dump that is still the same a while later: background work has come to rest. */
char *dump_settled(struct daemon *d);
/* The first lines that differ, or NULL. Lives until the next call. */
const char *dump_difference(const char *a, const char *b);

#endif
