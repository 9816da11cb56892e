/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_STORES_H
#define CC_DAEMON_STORES_H

#include "config.h"
#include "cc/store/objstore.h"

/* What belongs together must be there together. */
void store_check(const struct store_conf *c, const char *nowhere, struct config_faults *faults);
/* The store that the settings name; *ret NULL: none. False: *ret_error says why it cannot be used. */
bool store_open(struct arena *a, const struct store_conf *c, struct http_client *http, struct objstore **ret,
	const char **ret_error);

#endif
