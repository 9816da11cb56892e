/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_METRICS_IN_H
#define CC_SRC_CORE_METRICS_IN_H

#include "cc/core/world.h"

/* Part of world_metrics(): background work, and what was last seen of the control database. */
void background_metrics(const struct world *w, struct str *out);

#endif
