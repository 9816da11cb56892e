/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/failpoint.h"

#ifdef CC_FAILPOINTS
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORDER_MAX 128

static atomic_long passed; /* how often the armed point was passed */
static _Thread_local bool started;

/* What the environment says, or the file that it names. False: nothing is armed. */
static bool read_order(char *ret)
{
	const char *armed = getenv("CC_FAILPOINT");
	ssize_t n;
	int fd;

	if (armed == NULL)
		return false;
	if (armed[0] != '@') {
		n = (ssize_t)strnlen(armed, ORDER_MAX - 1);
		memcpy(ret, armed, (size_t)n);
	} else {
		fd = open(armed + 1, O_RDONLY | O_CLOEXEC);
		n = fd >= 0 ? read(fd, ret, ORDER_MAX - 1) : -1;
		if (fd >= 0)
			close(fd);
	}
	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

void failpoint_pass(const char *name)
{
	char order[ORDER_MAX], *point = order, *plus, *colon;

	if (!read_order(order) || (colon = strrchr(order, ':')) == NULL)
		return;
	*colon = '\0';
	plus = strchr(order, '+');
	if (plus != NULL) {
		*plus = '\0';
		point = plus + 1;
		if (!started) {
			started = strcmp(order, name) == 0;
			return;
		}
	}
	if (fnmatch(point, name, 0) == 0 && atomic_fetch_add(&passed, 1) + 1 == strtol(colon + 1, NULL, 10))
		kill(getpid(), SIGKILL);
}
#else
/* ISO C forbids an empty translation unit. */
typedef int failpoint_unused;
#endif
