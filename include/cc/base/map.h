/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_MAP_H
#define CC_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Hash map from text to pointer. Keys are copied, values belong to the caller. Not locked: its owner's lock
 * keeps other threads out. The hash is keyed per process, so clients cannot aim collisions.
 */
struct map;

struct map *map_create(void);
void map_destroy(struct map *m, void (*drop)(void *value));     /* drop may be NULL */
void *map_get(const struct map *m, const char *key);
void *map_set(struct map *m, const char *key, void *value);     /* returns the value replaced, or NULL */
void *map_take(struct map *m, const char *key);                 /* removes and returns, or NULL */
size_t map_count(const struct map *m);
/* Calls f for each entry; f must not change the map; it stops when f returns false. */
void map_each(const struct map *m, bool (*f)(const char *key, void *value, void *arg), void *arg);

#endif
