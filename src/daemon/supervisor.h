/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_SUPERVISOR_H
#define CC_DAEMON_SUPERVISOR_H

#include <stdbool.h>

#include "cc/base/arena.h"
#include "spawn.h"

/*
 * A process of one thread, forked before the daemon has any other thread, that owns a PostgreSQL and
 * a Redis: it starts them, starts them again when they die, and stops them when the daemon says so or
 * is gone (its end of the channel closes, whatever ended it).
 */
struct supervisor_conf {
	const char *pg_bin;    /* folder of postgres and initdb */
	const char *pg_data;   /* made by initdb on first use */
	const char *redis_bin; /* redis-server */
	const char *redis_dir;
	const char *run_dir; /* the sockets: .s.PGSQL.5432, redis.sock; made at start, removed at the end */
	const char *log_dir;
	const char *lock_path; /* held while it lives: a new start waits for it */
	struct identity who;   /* never root */
	int max_connections;
	int daemon_lock_fd; /* closed in the supervisor: that lock is the daemon's alone */
};

struct supervisor {
	pid_t pid;
	int fd;     /* channel; readable: it says something or is gone */
	bool fresh; /* after ready: the data was made by this start */
};

/* False: *ret_error says why (arena a). conf must live as long as the process. */
bool supervisor_start(
	struct arena *a, const struct supervisor_conf *conf, struct supervisor *ret, const char **ret_error);
/*
 * Waits until both answer. signal_fd becoming readable ends the wait (false, *ret_error NULL).
 * Failed starts are told in *ret_error, and the supervisor ends by itself.
 */
bool supervisor_await_ready(struct arena *a, struct supervisor *s, int signal_fd, const char **ret_error);
/* Clean stop of both; waits at most 40 s for the supervisor to end. False: it had to be killed. */
bool supervisor_stop(struct supervisor *s);

/* The life of the process; never returns. */
_Noreturn void supervise(const struct supervisor_conf *conf, int channel);

#endif
