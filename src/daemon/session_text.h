/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_SESSION_TEXT_H
#define CC_DAEMON_SESSION_TEXT_H

#include "embedded.h"

/*
 * Prints a curl session to paste; the key stays in its file. local: as http_server_is_local() says; else keys
 * are not taken on that port, and what helps is printed instead.
 */
void session_text_print(struct arena *a, const struct embedded *e, const char *address, int port, bool local);

#endif
