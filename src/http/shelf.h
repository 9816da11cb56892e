/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_SHELF_H
#define CC_SRC_HTTP_SHELF_H

#include <stdatomic.h>

#include "cc/base/arena.h"

/* Empty arenas kept for the next requests: at most this many, beyond it they are freed. Any thread. */
enum { SHELF_SLOTS = 64, SHELF_ARENA_BYTES = 16 * 1024 };

struct shelf {
	struct arena *_Atomic slot[SHELF_SLOTS];
};

void shelf_init(struct shelf *s);
void shelf_finish(struct shelf *s);
struct arena *shelf_take(struct shelf *s);
void shelf_give(struct shelf *s, struct arena *a);      /* resets it */

#endif
