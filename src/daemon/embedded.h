/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_EMBEDDED_H
#define CC_DAEMON_EMBEDDED_H

#include "config.h"
#include "supervisor.h"

/*
 * serve --embedded DIR: where things are. All texts are absolute paths without symbolic links.
 *   DIR/lock               held by the daemon: one instance per folder
 *   DIR/supervisor.lock    held by the supervisor
 *   DIR/operator.key       the first operator key, 0600
 *   DIR/secrets/           pepper, role_secret, audit_key, signing_key, keks/first
 *   DIR/log/               postgresql.log, redis.log
 *   DATA/postgres, DATA/redis   DATA is DIR, or below /var/lib/controlcored when the unprivileged
 *                          user cannot enter DIR
 *   RUN/                   the sockets, while the supervisor lives: DIR/run, or a short folder below
 *                          /tmp when that path is too long
 */
struct embedded {
	const char *dir, *data, *run;
	const char *operator_key;
	const char *pg_bin, *redis_bin;
	const char *user; /* name of the unprivileged user; NULL: we are not root */
	struct identity who;
	bool fell_back; /* data is not below dir */
	int lock_fd;    /* -1: not locked */
};

/* Makes DIR and what is above it. */
bool embedded_make(struct arena *a, const char *dir, const char **ret_error);
/* Looks where everything is or would be below a DIR that is there; makes nothing. */
bool embedded_look(struct arena *a, const char *dir, struct embedded *ret, const char **ret_error);
/*
 * One daemon per folder; one that is stopping is waited for. False with a sentence: another has it
 * (*ret_busy), or the lock cannot be made.
 */
bool embedded_lock(struct arena *a, struct embedded *e, bool *ret_busy, const char **ret_error);
/* This daemon, which has the lock, is about to end: the next one waits. */
void embedded_stopping(const struct embedded *e);
/* Does a daemon hold the folder right now? */
bool embedded_running(struct arena *a, const struct embedded *e);
/* Folders of what stays, owners, secrets; needs the lock. */
bool embedded_prepare(struct arena *a, const struct embedded *e, const char **ret_error);
/* What --embedded decides of the settings. */
size_t embedded_presets(struct arena *a, const struct embedded *e, struct preset *ret, size_t max);
/* What the supervisor needs; max_connections follows from the settings. */
struct supervisor_conf embedded_supervisor(struct arena *a, const struct embedded *e, const struct config *c);
#define EMBEDDED_PRESETS_MAX 48

#endif
