/* SPDX-License-Identifier: Apache-2.0 */
#include "wipe.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "cc/base/mem.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What was allocated before came from the same heap. */
static void set_functions(void)
{
	json_set_alloc_funcs(malloc, mem_free_wiped);
}

void jansson_wipes(void)
{
	(void)pthread_once(&once, set_functions);
}
