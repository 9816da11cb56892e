/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_TALLY_H
#define CC_MODEL_TALLY_H

#include "cc/schema/schema.h"

/* How many rows there are: what a list's total is read into. */
struct tally {
	int64_t total;
};
extern const struct schema tally_schema;

/* A bare counter as the row of a query: tally_at(&rq->total). */
static inline struct tally *tally_at(int64_t *counter)
{
	return (struct tally *)(void *)counter;
}

#endif
