/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/mem.h"

/* A proxy sends its header with its first packet: who needs longer is none. */
enum { WAITING_MAX = 256, HEADER_MS = 3000, TICK_MS = 100, EVENTS = 32 };
enum { TCP4_LENGTH = 12, TCP6_LENGTH = 36 };

struct waiting {
	struct waiting *next;
	int fd;
	int64_t due_ms;
	struct sockaddr_storage from;
	size_t n, need;
	unsigned char data[PROXY_MAX];
};

struct acceptor {
	int fd, epoll;
	struct MHD_Daemon *mhd;
	const struct cidr *trusted;
	size_t ntrusted;
	struct waiting *first;
	int count;
	atomic_bool stop;
	pthread_t thread;
};

/* --- The header ----------------------------------------------------------------------------------- */

static void take_tcp4(const unsigned char *p, struct sockaddr_storage *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	memcpy(&in.sin_addr, p, 4);
	memcpy(&in.sin_port, p + 8, 2);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &in, sizeof(in));
}

static void take_tcp6(const unsigned char *p, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memcpy(&in6.sin6_addr, p, 16);
	memcpy(&in6.sin6_port, p + 32, 2);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &in6, sizeof(in6));
}

enum proxy_says proxy_read(const unsigned char *p, size_t n, size_t *ret_need, struct sockaddr_storage *ret)
{
	static const unsigned char mark[12] = "\r\n\r\n\0\r\nQUIT\n";
	enum { LOCAL = 0x20, PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };
	size_t length;

	*ret_need = PROXY_HEAD;
	if (memcmp(p, mark, n < sizeof(mark) ? n : sizeof(mark)) != 0)
		return PROXY_BAD;
	if (n < PROXY_HEAD)
		return PROXY_MORE;
	length = (size_t)p[14] << 8 | p[15];
	*ret_need = PROXY_HEAD + length;
	if (*ret_need > PROXY_MAX || (p[12] != LOCAL && p[12] != PROXY))
		return PROXY_BAD;
	if (n < *ret_need)
		return PROXY_MORE;
	if (p[12] == LOCAL)
		return PROXY_ITSELF;
	if (p[13] == TCP4 && length >= TCP4_LENGTH)
		take_tcp4(p + PROXY_HEAD, ret);
	else if (p[13] == TCP6 && length >= TCP6_LENGTH)
		take_tcp6(p + PROXY_HEAD, ret);
	else
		return PROXY_BAD;
	return PROXY_CLIENT;
}

/* --- Connections ---------------------------------------------------------------------------------- */

static socklen_t size_of(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static bool is_proxy(const struct acceptor *a, const struct sockaddr_storage *from)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct cidr at = { .bits = 128 };

	if (from->ss_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		at.v4 = true;
		memcpy(at.net, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(at.net + 12, &in.sin_addr, 4);
	} else {
		memcpy(&in6, from, sizeof(in6));
		memcpy(at.net, &in6.sin6_addr, 16);
		at.v4 = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) != 0;
	}
	for (size_t i = 0; i < a->ntrusted; i++)
		if (cidr_within(&at, &a->trusted[i]))
			return true;
	return false;
}

static void accept_one(struct acceptor *a)
{
	struct sockaddr_storage from = { 0 };
	socklen_t size = sizeof(from);
	const int fd = accept4(a->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event e = { .events = EPOLLIN };
	struct waiting *w;

	if (fd < 0) {
		if (errno != EAGAIN)
			clock_nap(TICK_MS);     /* no descriptor is free, or no memory: not at once again */
		return;
	}
	if (a->count == WAITING_MAX || !is_proxy(a, &from)) {
		(void)close(fd);
		return;
	}
	w = mem_alloc(1, sizeof(*w));
	w->fd = fd;
	w->from = from;
	w->need = PROXY_HEAD;
	w->due_ms = clock_mono_ms() + HEADER_MS;
	e.data.ptr = w;
	if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
		(void)close(fd);
		free(w);
		return;
	}
	w->next = a->first;
	a->first = w;
	a->count++;
}

/* It is nobody's any more; its descriptor is the caller's. */
static int forget(struct acceptor *a, struct waiting *w)
{
	struct waiting **at = &a->first;
	const int fd = w->fd;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	a->count--;
	(void)epoll_ctl(a->epoll, EPOLL_CTL_DEL, fd, NULL);
	free(w);
	return fd;
}

/* Never a byte beyond the header: those are libmicrohttpd's. */
static void read_some(struct acceptor *a, struct waiting *w)
{
	const ssize_t got = recv(w->fd, w->data + w->n, w->need - w->n, 0);
	struct sockaddr_storage client = w->from;
	enum proxy_says says;
	int fd;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	w->n += got > 0 ? (size_t)got : 0;
	says = got > 0 ? proxy_read(w->data, w->n, &w->need, &client) : PROXY_BAD;
	if (says == PROXY_MORE)
		return;
	fd = forget(a, w);
	if (says == PROXY_BAD)
		(void)close(fd);
	else
		(void)MHD_add_connection(a->mhd, fd, (const struct sockaddr *)&client, size_of(&client));
}

static void drop_late(struct acceptor *a, int64_t now)
{
	for (struct waiting *w = a->first, *next; w != NULL; w = next) {
		next = w->next;
		if (now >= w->due_ms)
			(void)close(forget(a, w));
	}
}

static void *run(void *arg)
{
	struct acceptor *a = arg;
	struct epoll_event e[EVENTS];

	while (!atomic_load(&a->stop)) {
		const int n = epoll_wait(a->epoll, e, EVENTS, TICK_MS);

		for (int i = 0; i < n; i++) {
			if (e[i].data.ptr == NULL)
				accept_one(a);
			else
				read_some(a, e[i].data.ptr);
		}
		drop_late(a, clock_mono_ms());
	}
	return NULL;
}

struct acceptor *proxy_start(int fd, struct MHD_Daemon *mhd, const struct cidr *trusted, size_t ntrusted)
{
	struct acceptor *a = mem_alloc(1, sizeof(*a));
	struct epoll_event e = { .events = EPOLLIN };

	*a = (struct acceptor){ .fd = fd, .mhd = mhd, .trusted = trusted, .ntrusted = ntrusted };
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll >= 0 && epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &e) == 0 &&
	    pthread_create(&a->thread, NULL, run, a) == 0)
		return a;
	if (a->epoll >= 0)
		(void)close(a->epoll);
	free(a);
	return NULL;
}

void proxy_stop(struct acceptor *a)
{
	if (a == NULL)
		return;
	atomic_store(&a->stop, true);
	(void)pthread_join(a->thread, NULL);
	while (a->first != NULL)
		(void)close(forget(a, a->first));
	(void)close(a->epoll);
	free(a);
}
