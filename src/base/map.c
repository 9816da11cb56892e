/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/mem.h"

#define MAP_FIRST 16    /* slots; always a power of two */

struct slot {
	char *key;      /* NULL: free */
	void *value;
	uint64_t hash;
};

struct map {
	struct slot *slots;
	size_t nslots, count;
};

struct map *map_create(void)
{
	struct map *m = mem_alloc(1, sizeof(*m));

	m->nslots = MAP_FIRST;
	m->slots = mem_alloc(m->nslots, sizeof(*m->slots));
	return m;
}

void map_destroy(struct map *m, void (*drop)(void *value))
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->nslots; i++) {
		if (m->slots[i].key != NULL && drop != NULL)
			drop(m->slots[i].value);
		free(m->slots[i].key);
	}
	free(m->slots);
	free(m);
}

static uint64_t key_hash(const char *key)
{
	return hash64_of(key, strlen(key), 0);
}

/* The slot of the key, or the free one where it belongs. A quarter is free, so the walk ends. */
static size_t slot_of(const struct map *m, const char *key, uint64_t hash)
{
	size_t at = hash & (m->nslots - 1);

	while (m->slots[at].key != NULL &&
	       (m->slots[at].hash != hash || strcmp(m->slots[at].key, key) != 0))
		at = (at + 1) & (m->nslots - 1);
	return at;
}

void *map_get(const struct map *m, const char *key)
{
	return m->slots[slot_of(m, key, key_hash(key))].value;
}

static void map_grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t n = m->nslots;

	m->slots = mem_alloc(n, 2 * sizeof(*m->slots));
	m->nslots = 2 * n;
	for (size_t i = 0; i < n; i++) {
		if (old[i].key != NULL)
			m->slots[slot_of(m, old[i].key, old[i].hash)] = old[i];
	}
	free(old);
}

void *map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = key_hash(key);
	struct slot *s = &m->slots[slot_of(m, key, hash)];
	void *old = s->value;

	if (s->key != NULL) {
		s->value = value;
		return old;
	}
	if (m->count + 1 > m->nslots / 4 * 3) {
		map_grow(m);
		s = &m->slots[slot_of(m, key, hash)];
	}
	*s = (struct slot){ .key = mem_strdup(key), .value = value, .hash = hash };
	m->count++;
	return NULL;
}

/*
 * Entries behind the freed slot move up as far as their own place allows, so that no walk meets
 * a hole: there are no tombstones to collect.
 */
static void close_gap(struct map *m, size_t gap)
{
	const size_t mask = m->nslots - 1;

	for (size_t at = (gap + 1) & mask; m->slots[at].key != NULL; at = (at + 1) & mask) {
		size_t home = m->slots[at].hash & mask;

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			m->slots[gap] = m->slots[at];
			gap = at;
		}
	}
	m->slots[gap] = (struct slot){ 0 };
}

void *map_take(struct map *m, const char *key)
{
	size_t at = slot_of(m, key, key_hash(key));
	void *value = m->slots[at].value;

	if (m->slots[at].key == NULL)
		return NULL;
	free(m->slots[at].key);
	close_gap(m, at);
	m->count--;
	return value;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

void map_each(const struct map *m, bool (*f)(const char *key, void *value, void *arg), void *arg)
{
	for (size_t i = 0; i < m->nslots; i++) {
		if (m->slots[i].key != NULL && !f(m->slots[i].key, m->slots[i].value, arg))
			return;
	}
}
