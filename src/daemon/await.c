/* SPDX-License-Identifier: Apache-2.0 */
#include "await.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/db/server.h"

#include "program.h"
#include "systemd.h"

#define LOOK_MS 500

/* 0: none that ends it came before the next look. */
static int signal_within(int signals, int ms)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo si;

	if (poll(&p, 1, ms) <= 0 || read(signals, &si, sizeof si) != sizeof si)
		return 0;
	return si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT ? (int)si.ssi_signo : 0;
}

int await_database(const char *conninfo, int64_t wait_s, int signals)
{
	const int64_t until = clock_mono_ms() + wait_s * 1000;
	bool told = false;

	while (!db_server_answers(conninfo) && clock_mono_ms() < until) {
		if (!told) {
			LOG(LOG_WARN, "the control database does not answer: it is waited for",
				LOG_INT("seconds", wait_s));
			systemd_status("waiting for the control database");
		}
		told = true;
		const int sig = signal_within(signals, LOOK_MS);
		if (sig != 0) {
			complain("stopped before the control database answered");
			return 128 + sig;
		}
	}
	if (told)
		systemd_status("setting up");
	return 0;
}
