/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_LISTENER_H
#define CC_SRC_HTTP_LISTENER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cc/base/arena.h"

#include "succession.h"

/* A port of the server with the I/O threads of its own that serve it. */
struct http_server;
struct router;
struct listener {
	struct http_server *server;
	struct MHD_Daemon *mhd;         /* NULL: not started */
	bool tls;
	bool admin;                     /* for those who run the daemon: other routes, no credentials */
	bool net;                       /* … and by the network */
	bool loopback;                  /* only this machine reaches it, and its clients are who connect */
	struct acceptor *acceptor;      /* of the PROXY protocol; NULL: libmicrohttpd accepts */
	int fd, port;                   /* fd -1: none */
	bool inherited;                 /* others go on accepting from it when this process is gone */
	bool shared;                    /* others may listen on the same port */
	struct succession succession;   /* … and who does */
	const char *path;               /* of a unix socket, removed in the end; NULL: none was made … */
	const char *beside;             /* its own name where the path is shared; NULL: it is not … */
	dev_t device;                   /* … and which file there is ours */
	ino_t inode;
};

struct listener_conf {
	const char *path;               /* of a unix socket; NULL: address and port */
	const char *address;
	int port;                       /* 0: any free one */
	int io_threads, connections_max, connections_per_address;
	bool proxy_protocol;
	int inherited;                  /* a socket that listens already and is taken over; 0: none */
	int bound;                      /* one that has the address and port already; 0: none */
	bool shared;                    /* SO_REUSEPORT; a path becomes ours, whoever had it */
};

/* Binds the port and starts its threads. NULL, or why not; what was opened listener_stop() closes. */
const char *listener_start(struct arena *a, struct listener *l, const struct listener_conf *conf);
/*
 * The kernel gives new connections to the other process at a shared port, be it the one that came after this
 * one or one that was there before; those it had given before are still accepted. Nothing where the port is
 * not shared, or nobody else is there.
 */
void listener_yield(struct listener *l);
/* Takes no further connection. */
void listener_quiesce(struct listener *l);
void listener_stop(struct listener *l);
/* Listens on a unix socket: NULL, or why not. A file that is another's by the end stays. */
const char *listener_open_path(struct arena *a, struct listener *l, const char *path, bool shared);
/* Now and then: of a path that leads nowhere any more one that is still there takes possession. */
void listener_keep_path(struct listener *l);
void listener_remove_path(struct listener *l);
/* Where its requests find their routes. */
const struct router *listener_router(const struct listener *l);

#endif
