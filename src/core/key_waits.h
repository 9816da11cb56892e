/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_KEY_WAITS_H
#define CC_SRC_CORE_KEY_WAITS_H

#include <stdint.h>

/*
 * Requests that wait for keys of issuers, so that neither one tenant's issuers nor all together keep the
 * workers. One fetch is a place, with an owner; whoever waits for it too follows. At most `most` of each, and
 * half of them for one owner. Guarded by the registry's lock.
 */
#define KEY_PLACES_MAX 128
#define KEY_OWNER_PLATFORM UINT64_C(2) /* no tenant's: key_owner() is odd */

struct key_place {
	uint64_t owner, url; /* hashes */
	int users;           /* 0: free */
};

uint64_t key_owner(const char *tenant_id); /* NULL: KEY_OWNER_PLATFORM */
/* The place that is taken, or followed (users > 1); NULL: there is none. most: 2 at least are meant. */
struct key_place *key_place_take(struct key_place v[KEY_PLACES_MAX], int most, uint64_t owner, uint64_t url);
void key_place_leave(struct key_place *p);

#endif
