/* SPDX-License-Identifier: Apache-2.0 */
#include "wipe.h"

#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "cc/base/bytes.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void wipe_and_free(void *p)
{
	if (p != NULL)
		bytes_wipe(p, malloc_usable_size(p));
	free(p);
}

/* What was allocated before came from the same heap. */
static void set_functions(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

void jansson_wipes(void)
{
	(void)pthread_once(&once, set_functions);
}
