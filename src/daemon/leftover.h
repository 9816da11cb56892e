/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_LEFTOVER_H
#define CC_DAEMON_LEFTOVER_H

#include <stdbool.h>

/*
 * Stops every process of this program name whose working folder is `dir`: a PostgreSQL or Redis works
 * in its data folder, so this finds those of a daemon that was killed, and no others. gentle is sent to
 * `first` (a process id from a pid file; 0: unknown) or, when that is none of them, to all; then SIGQUIT,
 * then SIGKILL, five seconds apart. Returns how many there were; -1: one cannot be stopped.
 */
int leftover_stop(const char *dir, const char *program, int first, int gentle);

#endif
