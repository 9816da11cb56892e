/* SPDX-License-Identifier: Apache-2.0 */
#include "shelf.h"

#include <stddef.h>

void shelf_init(struct shelf *s)
{
	for (int i = 0; i < SHELF_SLOTS; i++)
		atomic_init(&s->slot[i], NULL);
}

void shelf_finish(struct shelf *s)
{
	for (int i = 0; i < SHELF_SLOTS; i++)
		arena_destroy(atomic_exchange(&s->slot[i], NULL));
}

/* Slots are exchanged whole: no list, so no lock and no ABA. */
struct arena *shelf_take(struct shelf *s)
{
	for (int i = 0; i < SHELF_SLOTS; i++) {
		struct arena *a;

		if (atomic_load_explicit(&s->slot[i], memory_order_relaxed) == NULL)
			continue;
		a = atomic_exchange(&s->slot[i], NULL);
		if (a != NULL)
			return a;
	}
	return arena_create(SHELF_ARENA_BYTES);
}

void shelf_give(struct shelf *s, struct arena *a)
{
	arena_reset(a);
	for (int i = 0; i < SHELF_SLOTS; i++) {
		struct arena *empty = NULL;

		if (atomic_load_explicit(&s->slot[i], memory_order_relaxed) != NULL)
			continue;
		if (atomic_compare_exchange_strong(&s->slot[i], &empty, a))
			return;
	}
	arena_destroy(a);
}
