/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_PRIVATE_H
#define CC_DAEMON_PRIVATE_H

#include <stdbool.h>

#include "cc/base/arena.h"
#include "spawn.h"

/*
 * Files and folders that one user alone may look into. False: *ret_error is a sentence (arena a) that
 * names the path.
 */

/* A folder that only `who` (and root) can enter; an existing one must be theirs already. */
bool private_folder(struct arena *a, const char *path, const struct identity *who, const char **ret_error);

/*
 * Writes text to a file of ours, 0600. It gets its name when it is complete and on the disk: whatever
 * ends the process leaves all of it or none. replace: over an existing one; else that is an error, and
 * so is the "<path>.new" of another that writes it now, or was killed.
 */
bool private_file(struct arena *a, const char *path, const char *text, bool replace, const char **ret_error);
/* Takes away what a killed writer of path left; only for who knows that no other writes it now. */
void private_file_forget(struct arena *a, const char *path);

#endif
