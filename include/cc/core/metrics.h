/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_METRICS_H
#define CC_CORE_METRICS_H

#include "cc/core/world.h"

/*
 * What is behind the requests, for Prometheus (cc/base/expo.h): pools of connections, regions, the change
 * feed, rate limits, the platform's certificate. Asks nobody; any thread.
 */
void world_metrics(struct world *w, struct str *out);

#endif
