/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_AWAIT_H
#define CC_DAEMON_AWAIT_H

#include <stdint.h>

/*
 * Waits until the server of conninfo takes connections, wait_s seconds at most: after that too 0, because
 * whoever connects then says best what is wrong. SIGTERM or SIGINT in the signalfd ends it: 128 + the signal,
 * after complaining. Main thread.
 */
int await_database(const char *conninfo, int64_t wait_s, int signals);

#endif
