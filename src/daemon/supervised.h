/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_SUPERVISED_H
#define CC_DAEMON_SUPERVISED_H

#include <stdint.h>
#include <sys/socket.h>

#include "supervisor.h"

/* What the supervisor keeps running. */
struct service {
	const char *name, *program;
	pid_t pid; /* 0: not running */
	bool ready;
	int64_t started_at, start_at; /* clock_mono_ms() */
	int pause_ms;
	int stop_soft, stop_hard; /* signals */
	pid_t (*start)(const struct supervisor_conf *c, int log_fd);
	bool (*probe)(const struct supervisor_conf *c);
	/* Stops what an earlier start left and removes its pid files; false: something is in the way. */
	bool (*clear)(const struct supervisor_conf *c);
	const char *log_name;
};

struct service service_postgresql(void);
struct service service_redis(void);

bool service_start(const struct supervisor_conf *c, struct service *s);
/* "PostgreSQL ended with status 1: <last line of its log>" */
const char *service_obituary(
	struct arena *a, const struct supervisor_conf *c, const struct service *s, int status);
/* Soft signals, then hard ones, then SIGKILL; returns when none is left. */
void services_stop(struct service *const *s, int n, int soft_ms, int hard_ms);
/* Removes the sockets, which servers that were killed leave, and their folder; nobody may run any more. */
void sockets_remove(const struct supervisor_conf *c);
/* Runs initdb for `dir`, made anew; -1 and errno. */
pid_t initdb_start(struct arena *a, const struct supervisor_conf *c, const char *dir);

#endif
