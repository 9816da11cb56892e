/* SPDX-License-Identifier: Apache-2.0 */
#include "systemd.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "cc/base/clock.h"

static bool take_socket(struct arena *a, int fd, const char *name, struct systemd_sockets *ret,
	const char **ret_error)
{
	int *slot = name != NULL && strcmp(name, "tls") == 0 ? &ret->tls : &ret->plain;

	if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0) {
		*ret_error = arena_printf(a,
			"the descriptor %d (%s) from systemd is no TCP socket that listens", fd,
			name != NULL ? name : "no name");
		return false;
	}
	if (*slot != 0) {
		*ret_error = slot == &ret->tls
			? "systemd passed two sockets named tls: there can be one"
			: "systemd passed two sockets that are not named tls: there can be one "
			  "(FileDescriptorName=tls makes one the TLS listener)";
		return false;
	}
	*slot = fd;
	return true;
}

bool systemd_take_sockets(struct arena *a, struct systemd_sockets *ret, const char **ret_error)
{
	char **names = NULL;
	const int n = sd_listen_fds_with_names(1, &names);
	bool good = n >= 0;

	*ret = (struct systemd_sockets){ 0 };
	if (!good)
		*ret_error = arena_printf(a, "the sockets from systemd: %s", strerror(-n));
	for (int i = 0; good && i < n; i++)
		good = take_socket(
			a, SD_LISTEN_FDS_START + i, names != NULL ? names[i] : NULL, ret, ret_error);
	for (int i = 0; names != NULL && i < n; i++)
		free(names[i]);
	free(names);
	return good;
}

void systemd_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* The time tells the manager this reload from an earlier one. */
void systemd_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
}

void systemd_status(const char *text)
{
	(void)sd_notifyf(0, "STATUS=%s", text);
}

void systemd_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

int systemd_watchdog_ms(void)
{
	uint64_t us = 0;

	if (sd_watchdog_enabled(0, &us) <= 0 || us == 0)
		return 0;
	return us / 2000 > INT_MAX ? INT_MAX : us < 2000 ? 1 : (int)(us / 2000);
}

void systemd_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}
