/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_SLOTS_H
#define CC_CORE_SLOTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "cc/base/bytes.h"

/*
 * Places at an outside service that answers when it likes (policy engine, DNS): while all are taken nobody
 * else waits for it, and one tenant has at most half of them, so that none keeps the others from it.
 * Any thread.
 */
#define SLOTS_MAX 64
struct slots {
	_Atomic(uint64_t) owner[SLOTS_MAX];     /* 0: free */
};

/* One of the first n places for this tenant, to be given back, or -1. n: 1 to SLOTS_MAX. */
int slots_take(struct slots *s, int n, const char *tenant_id);
void slots_give(struct slots *s, int slot);

#endif
