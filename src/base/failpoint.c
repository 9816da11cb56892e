/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/failpoint.h"

#ifdef CC_FAILPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long passed;      /* how often the armed point was passed */

void failpoint_pass(const char *name)
{
	const char *armed = getenv("CC_FAILPOINT");
	const char *colon = armed ? strrchr(armed, ':') : NULL;
	size_t len;

	if (colon == NULL)
		return;
	len = (size_t)(colon - armed);
	if (!(len == 1 && armed[0] == '*') && (strncmp(armed, name, len) != 0 || name[len] != '\0'))
		return;
	if (atomic_fetch_add(&passed, 1) + 1 == strtol(colon + 1, NULL, 10))
		kill(getpid(), SIGKILL);
}
#else
/* ISO C forbids an empty translation unit. */
typedef int failpoint_unused;
#endif
