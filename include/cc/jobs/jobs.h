/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_JOBS_JOBS_H
#define CC_JOBS_JOBS_H

#include "cc/core/world.h"

/* The background threads of a node: change-feed poller, Redis push (both ways), provisioning and purge. */
struct jobs;

struct jobs *jobs_start(struct world *w);       /* sets w->changed and w->work_due */
void jobs_stop(struct jobs *j);                 /* finishes the step under way, joins */

#endif
