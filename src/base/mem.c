/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"

void *mem_alloc(size_t n, size_t size)
{
	void *p;

	/* calloc() would see it as well, but sanitizers answer for it in their own way. */
	if (size != 0 && n > SIZE_MAX / size)
		abort();
	p = calloc(n ? n : 1, size ? size : 1);
	if (p == NULL)
		abort();
	return p;
}

char *mem_strdup(const char *s)
{
	size_t n;
	char *copy;

	if (s == NULL)
		return NULL;
	n = strlen(s) + 1;
	copy = mem_alloc(n, 1);
	memcpy(copy, s, n);
	return copy;
}

void mem_free_wiped(void *p)
{
	if (p != NULL)
		bytes_wipe(p, malloc_usable_size(p));
	free(p);
}
