/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_SERVERS_H
#define CC_TESTS_SERVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "pg.h"

/*
 * What a daemon keeps its data on: one PostgreSQL for all of it, or one for the control database and one
 * for each region. Start them before the test starts threads; they go with the test, whatever ends it.
 */
#define SERVERS_REGIONS 9

struct servers {
	struct pg *control;
	struct pg *region[SERVERS_REGIONS]; /* of servers_region_ids[]; all the same one, or each its own */
	size_t nregions;
	bool own;
};

/* us-east-1, eu-west-1, ap-southeast-1, and then the others. */
extern const char *const servers_region_ids[SERVERS_REGIONS];

/* nregions: how many have their own. On one server for all there is room for each. */
void servers_start(struct servers *s, size_t nregions, bool own);
void servers_stop(struct servers *s);
/* The one of a region; an unknown region ends the test. */
struct pg *servers_region(const struct servers *s, const char *region);
/* The one that has this database: a region's, or else the control database's. */
struct pg *servers_with(const struct servers *s, const char *database);

#endif
