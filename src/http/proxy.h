/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_PROXY_H
#define CC_SRC_HTTP_PROXY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "cc/base/cidr.h"

/*
 * The PROXY protocol, version 2: a proxy that only passes bytes on says in front of them who its client is
 * (haproxy.org, proxy-protocol.txt). libmicrohttpd knows nothing of it, so connections are accepted here, and
 * handed to it when their header was read.
 */

enum { PROXY_HEAD = 16, PROXY_MAX = 1024 };

enum proxy_says {
	PROXY_MORE,             /* *ret_need bytes in all are needed */
	PROXY_BAD,              /* this is no such header, longer than PROXY_MAX, or of a client without an
				   address: nobody may pass for the proxy */
	PROXY_ITSELF,           /* the connection is the proxy's own: a health check */
	PROXY_CLIENT,           /* *ret is its client */
};
/* Of the first n bytes, of which no more than *ret_need may have been read. Pure. */
enum proxy_says proxy_read(const unsigned char *p, size_t n, size_t *ret_need, struct sockaddr_storage *ret);

struct acceptor;
/*
 * Accepts on fd, from these proxies and nobody else, until proxy_stop(). All must outlive it. NULL: no thread
 * could be started.
 */
struct acceptor *proxy_start(int fd, struct MHD_Daemon *mhd, const struct cidr *trusted, size_t ntrusted);
void proxy_stop(struct acceptor *a);    /* NULL is fine */

#endif
