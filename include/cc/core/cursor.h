/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_CURSOR_H
#define CC_CORE_CURSOR_H

#include "cc/base/arena.h"
#include "cc/core/world.h"

/* Any thread: what is touched is the caller's or constant. */

#define CURSOR_MAC_LEN 16

/*
 * Proves that this control plane made a cursor, for this tenant (NULL: across tenants). The key is the
 * pepper, so that cursors are good on every node and until it changes.
 */
void cursor_mac(struct arena *a, const struct settings *s, const char *tenant_id, const void *p, size_t n,
		unsigned char ret[CURSOR_MAC_LEN]);

#endif
