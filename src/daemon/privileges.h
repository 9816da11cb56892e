/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_PRIVILEGES_H
#define CC_DAEMON_PRIVILEGES_H

#include <stdbool.h>

#include "cc/base/arena.h"

/* What this process may do, and others to it. Main thread, before there is another. */

/* Neither a core dump nor a debugger of the same user shows what is in memory. False: errno says why not. */
bool privileges_forbid_dumps(void);
/*
 * Before privileges_drop(): asks for the limit that privileges_lock_memory() needs; only root may raise it.
 */
void privileges_allow_locking(void);
/* Nothing of this process is swapped out from now on. NULL, or why that cannot be (arena a). */
const char *privileges_lock_memory(struct arena *a);
/* Whether this process may do all that root may. */
bool privileges_are_all(void);
/*
 * For good becomes this user, with its groups and without a capability. Who is that user already stays it.
 * False: *ret_error (arena a) says why not; half of it may be done, so that nothing may be served.
 */
bool privileges_drop(struct arena *a, const char *user, const char **ret_error);

#endif
