/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_SYSTEMD_H
#define CC_DAEMON_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/arena.h"

/*
 * The door to libsystemd: sockets from a .socket unit (sd_listen_fds(3)), what the manager is told
 * (sd_notify(3)) and the watchdog. Started by anything else, all of it does nothing. Main thread.
 */
struct systemd_sockets {
	int plain, tls; /* descriptors that listen; 0: none came */
};

/*
 * Takes what came, and no child does again. A socket is for TLS when its FileDescriptorName is `tls`. False:
 * *ret_error says what is wrong with them.
 */
bool systemd_take_sockets(struct arena *a, struct systemd_sockets *ret, const char **ret_error);
/* Requests are served: said after a start and after each reload, with a line for `systemctl status`. */
void systemd_ready(const char *status);
void systemd_reloading(void); /* until systemd_ready() */
void systemd_stopping(void);
/* A line for `systemctl status`: one sentence. */
void systemd_status(const char *text);
/* How often systemd_alive() is waited for, in ms; 0: by nobody. Half of what the manager allows. */
int systemd_watchdog_ms(void);
void systemd_alive(void);

#endif
