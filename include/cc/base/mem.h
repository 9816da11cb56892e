/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_MEM_H
#define CC_BASE_MEM_H

#include <stddef.h>

/*
 * Heap memory for objects that outlive a request. Like the arena these never return NULL:
 * real exhaustion aborts. Freed with free(), by any thread.
 */
void *mem_alloc(size_t n, size_t size);         /* zeroed; an overflow of n * size aborts */
char *mem_strdup(const char *s);                /* NULL stays NULL */
/* free(), and nothing of what lay there, also beyond what was asked for, is left. NULL is fine. */
void mem_free_wiped(void *p);

#endif
