/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_JOBS_JOBS_H
#define CC_JOBS_JOBS_H

#include "cc/core/world.h"

/* The background threads of a node: change-feed poller, Redis push (both ways), provisioning and purge,
 * keys of issuers, checks of domains, moves between regions, usage on its way to the database, billing. */
struct jobs;

/* Sets w->jobs, w->changed, w->work_due, w->keys_due and w->usage_due. NULL: no thread could be started. */
struct jobs *jobs_start(struct world *w);
/* Finishes the step under way and joins; nobody calls w->changed any more. NULL is fine. */
void jobs_stop(struct jobs *j);

#endif
