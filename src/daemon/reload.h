/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_RELOAD_H
#define CC_DAEMON_RELOAD_H

#include "program.h"
#include "wire.h"

/*
 * Reads the settings again and puts in place those that can change while requests are served (F_LIVE).
 * Those that cannot stay as they were, and the log names them; with any fault all stay as they were, and
 * the log has every fault. Main thread.
 */
void reload_settings(struct program *p, struct wire *w);
/*
 * Frees what reloads replaced, as far as no request and no job that began before them is left. True: there is
 * more, call again soon. Main thread.
 */
bool reload_tidy(struct program *p, struct wire *w);

#endif
