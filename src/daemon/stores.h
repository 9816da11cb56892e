/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_STORES_H
#define CC_DAEMON_STORES_H

#include "config.h"
#include "cc/core/world.h"

/* What belongs together must be there together. */
void stores_check(const struct config *c, const char *nowhere, struct config_faults *faults);
/*
 * Gives the world and its regions the stores that the settings name; regions that name the same one share it.
 * False: *ret_error says why one cannot be used. Whatever was opened goes with stores_close().
 */
bool stores_open(struct arena *a, const struct config *c, struct world *w, const char **ret_error);
void stores_close(struct world *w);

#endif
