/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_ARENA_H
#define CC_BASE_ARENA_H

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Bump allocator: all memory of one request or job, given back in one step.
 * One thread at a time. Allocation never returns NULL: real exhaustion aborts
 * (what a client can enlarge is capped before it is allocated).
 */
struct arena;

struct arena_mark {
	void *block;
	size_t used;
};

struct arena *arena_create(size_t first_block);
void arena_destroy(struct arena *a);            /* NULL is fine */

/* Memory is zeroed and aligned for any object. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_alloc_array(struct arena *a, size_t n, size_t size); /* overflow aborts */
char *arena_strdup(struct arena *a, const char *s);              /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void *arena_memdup(struct arena *a, const void *p, size_t n);

struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

/* Everything allocated so far is gone; blocks beyond the first are freed. */
void arena_reset(struct arena *a);
/* From now on memory is wiped before it is reused or freed: a secret was read into it. */
void arena_hold_secret(struct arena *a);
/*
 * For secrets that last: its pages are not swapped out and stand in no core dump, and it is wiped. As it
 * takes whole pages, for few. Where the system does not let us lock so many it is as any other that holds
 * secrets, and arena_is_locked() says so.
 */
struct arena *arena_create_locked(size_t first_block);
bool arena_is_locked(const struct arena *a);
/* Memory held, used or not. */
size_t arena_bytes(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc_array((a), (n), sizeof(type)))

#endif
