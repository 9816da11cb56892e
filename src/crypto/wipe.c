/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/wipe.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/mem.h"

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	mem_free_wiped(p);
}

/* realloc() would leave the old place as it is. */
static void *move(void *p, size_t n, const char *file, int line)
{
	const size_t was = p != NULL ? malloc_usable_size(p) : 0;
	void *to = malloc(n);

	if (to == NULL)
		return NULL;
	if (p != NULL)
		memcpy(to, p, was < n ? was : n);
	give_back(p, file, line);
	return to;
}

bool crypto_wipes(void)
{
	return CRYPTO_set_mem_functions(take, move, give_back) == 1;
}
