/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_DESCRIPTORS_H
#define CC_DAEMON_DESCRIPTORS_H

#include "config.h"

/*
 * Every client connection is a descriptor, and so is every connection to PostgreSQL. What the process may
 * have is shared out at start, so that clients, however many come, leave the pools what they need.
 */
struct descriptors {
	int64_t limit;   /* of the process */
	int64_t own;     /* kept for pools, files and threads */
	int64_t clients; /* what is left for client connections, at most server.connections_max */
};

#define DESCRIPTORS_CLIENTS_MIN 32 /* with fewer it is not worth to serve */

/* Raises the process's soft limit as far as it may; what it is then. */
int64_t descriptors_raise(void);
/* False: not even DESCRIPTORS_CLIENTS_MIN (or server.connections_max, if that is less) are left. */
bool descriptors_share(const struct config *c, int64_t limit, struct descriptors *ret);
/* Of `clients`, how many may come from one address; 0: all of them. */
int64_t descriptors_per_address(const struct server_conf *c, int64_t clients);

#endif
