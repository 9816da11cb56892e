/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/slots.h"

#include <string.h>

/* Taken first and counted then, so that no two who come at once both fit. */
int slots_take(struct slots *s, int n, const char *tenant_id)
{
	const uint64_t owner = hash64_of(tenant_id, strlen(tenant_id), 0) | 1;
	const int share = n > 1 ? n / 2 : 1;
	int mine = 0, got = -1;

	for (int i = 0; i < n && got < 0; i++) {
		uint64_t nobody = 0;

		if (atomic_compare_exchange_strong(&s->owner[i], &nobody, owner))
			got = i;
	}
	for (int i = 0; i < n; i++)
		mine += atomic_load(&s->owner[i]) == owner;
	if (got < 0 || mine <= share)
		return got;
	slots_give(s, got);
	return -1;
}

void slots_give(struct slots *s, int slot)
{
	atomic_store(&s->owner[slot], 0);
}
