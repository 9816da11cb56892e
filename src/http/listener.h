/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_LISTENER_H
#define CC_SRC_HTTP_LISTENER_H

#include <microhttpd.h>
#include <stdbool.h>

#include "cc/base/arena.h"

/* A port of the server with the I/O threads of its own that serve it. */
struct http_server;
struct listener {
	struct http_server *server;
	struct MHD_Daemon *mhd;         /* NULL: not started */
	bool tls;
	bool loopback;                  /* only this machine reaches it, and its clients are who connect */
	struct acceptor *acceptor;      /* of the PROXY protocol; NULL: libmicrohttpd accepts */
	int fd, port;                   /* fd -1: none */
};

struct listener_conf {
	const char *address;
	int port;                       /* 0: any free one */
	int io_threads, connections_max, connections_per_address;
	bool proxy_protocol;
};

/* Binds the port and starts its threads. NULL, or why not; what was opened listener_stop() closes. */
const char *listener_start(struct arena *a, struct listener *l, const struct listener_conf *conf);
/* Takes no further connection. */
void listener_quiesce(struct listener *l);
void listener_stop(struct listener *l);

#endif
