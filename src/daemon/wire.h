/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_WIRE_H
#define CC_DAEMON_WIRE_H

#include "cc/api/api.h"
#include "cc/cache/redis.h"
#include "cc/core/world.h"
#include "cc/http/answers.h"
#include "cc/jobs/jobs.h"

#include "config.h"
#include "descriptors.h"
#include "program.h"
#include "tls.h"

/* Who gets what: the settings become a world, the world gets its threads. Used by one thread. */
struct wire {
	struct arena *arena; /* lives as long as the program */
	const struct config *_Atomic config; /* of the latest reload; others look at it meanwhile */
	struct redis_conf redis;
	struct world world;
	struct jobs *jobs;
	struct http_server *http;
	_Atomic(struct http_server *) waiting; /* the same, for threads that began before it */
	struct answers *answers;
	struct tls_keeper *tls; /* NULL: no TLS listener */
	/* to listen on instead of opening ports */
	struct systemd_sockets sockets;
	struct held_ports held;
	atomic_bool reload_refused; /* the latest one was */
	_Atomic int64_t read_us; /* when the settings that count were read, wall clock */
};

/* What core needs of c, in arena a, where c lives as long. */
const struct settings *wire_settings(struct arena *a, const struct config *c);
struct bytes bytes_of(const char *secret); /* p NULL: there is none */
/* Pools, registry, limiter: nothing connects, no thread starts. config and arena must outlive it. */
void wire_open(struct wire *w, struct arena *a, const struct config *config);
/* A context for work outside requests: set-up, commands. */
struct ctx wire_ctx(struct wire *w, struct arena *a, int ms);
/* Jobs, then the listener. False: *ret_error says why, and what was started is stopped again. */
bool wire_start(struct wire *w, const struct descriptors *d, const char **ret_error);
/*
 * From now on these settings count where F_LIVE says that they can; in all else config must be as it was.
 * It and a live until the next one is in place and all have left that entered world.turnover before.
 */
void wire_reload(struct wire *w, struct arena *a, const struct config *config);
/* The settings were read again, and were valid or not: /metrics says it. */
void wire_reloaded(struct wire *w, bool good);
/* Every now and then while it serves; cheap. True: where it shall be called once a second at least. */
bool wire_upkeep(struct wire *w);
/* /readyz says so, kept connections are ended, and else all goes on. */
void wire_leave(struct wire *w);
/* The reverse: no answer is lost, then jobs, then all else. Also after a failed or missing start. */
void wire_close(struct wire *w);

#endif
