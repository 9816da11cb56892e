/* SPDX-License-Identifier: Apache-2.0 */
/* To listen no more, without a race of libmicrohttpd's that ends the program. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "call.h"
#include "proxy.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

typedef int epoll_ctl_fn(int, int, int, struct epoll_event *);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static epoll_ctl_fn *epoll_ctl_next;

static void find_next(void)
{
	void *found = dlsym(RTLD_NEXT, "epoll_ctl");

	memcpy(&epoll_ctl_next, &found, sizeof(epoll_ctl_next));
	if (epoll_ctl_next == NULL)
		abort();
}

static bool listens(int fd)
{
	int yes = 0;
	socklen_t size = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

/*
 * MHD_quiesce_daemon() tells the I/O threads that the socket is to leave their epoll sets, and takes it out
 * as well, without a lock. Whoever comes second is told ENOENT and aborts the program (0.9.75; one
 * stop in 1,600 under load). A socket that listens and is not there any more is out, so that is what both
 * are told. Like MHD_queue_response() this is found by its name before the library's.
 */
__attribute__((visibility("default")))
int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	const int before = errno;
	int e;

	(void)pthread_once(&once, find_next);
	e = epoll_ctl_next(set, op, fd, event);
	if (e == 0 || op != EPOLL_CTL_DEL || errno != ENOENT)
		return e;
	if (!listens(fd)) {
		errno = ENOENT;
		return e;
	}
	errno = before;
	return 0;
}

void listener_quiesce(struct listener *l)
{
	if (l->mhd == NULL)
		return;
	proxy_stop(l->acceptor);
	l->acceptor = NULL;
	(void)MHD_quiesce_daemon(l->mhd);
	/* Otherwise the kernel goes on taking connections that nobody will serve; here somebody will. */
	if (!l->inherited)
		(void)shutdown(l->fd, SHUT_RD);
}
