/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "proxy.h"
#include "tls_link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 1024, CONNECTION_MEMORY_MIN = 32 * 1024 };

/*
 * Room for the records of the headers and for the header section of the answer, and then more: what is beyond
 * header_max, and not absurdly so, shall be refused in our words, not in libmicrohttpd's, which answers by
 * itself when this is full. Pages that nothing was written to cost nothing.
 */
static size_t connection_memory(size_t header_max)
{
	const size_t want = 4 * header_max;

	return want > CONNECTION_MEMORY_MIN ? want : CONNECTION_MEMORY_MIN;
}

/* Without shared another process that listens there is an error, which is what an operator wants to hear. */
static bool bind_to(int *fd, const struct addrinfo *ai, bool shared)
{
	const int yes = 1, no = 0;

	*fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return false;
	(void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (shared && setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) != 0)
		return false;
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	return bind(*fd, ai->ai_addr, ai->ai_addrlen) == 0;
}

static void look_at_address(struct listener *l)
{
	struct sockaddr_storage ss;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	socklen_t size = sizeof(ss);

	if (getsockname(l->fd, (struct sockaddr *)&ss, &size) != 0)
		return;
	if (ss.ss_family == AF_INET) {
		memcpy(&in, &ss, sizeof(in));
		l->port = ntohs(in.sin_port);
		l->loopback = ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
		return;
	}
	if (ss.ss_family != AF_INET6) {
		l->loopback = true;
		return;
	}
	memcpy(&in6, &ss, sizeof(in6));
	l->port = ntohs(in6.sin6_port);
	l->loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) != 0;
}

const char *http_server_bind(struct arena *a, const char *address, int number, bool shared, int *fd)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE };
	struct addrinfo *ai = NULL;
	char port[8];
	int e;
	const char *why = NULL;

	*fd = -1;
	if (number < 0 || number > 65535)
		return arena_printf(a, "%d is not a port", number);
	(void)snprintf(port, sizeof(port), "%d", number);
	e = getaddrinfo(address, port, &hints, &ai);
	if (e != 0)
		return arena_printf(a, "%s is not an address: %s", address, gai_strerror(e));
	if (!bind_to(fd, ai, shared))
		why = arena_printf(a, "cannot listen on %s port %s: %s", address, port, strerror(errno));
	freeaddrinfo(ai);
	return why;
}

/* Another process may have begun to listen since the address was taken. */
static const char *listen_on(struct arena *a, const char *address, int port, int fd)
{
	if (listen(fd, LISTEN_BACKLOG) == 0)
		return NULL;
	return arena_printf(a, "cannot listen on %s port %d: %s", address, port, strerror(errno));
}

const char *http_server_probe(struct arena *a, const char *address, int port, bool shared)
{
	int fd = -1;
	const char *why = http_server_bind(a, address, port, shared, &fd);

	/* On a shared port it would be given connections, and nothing can stand against it. */
	if (why == NULL && !shared)
		why = listen_on(a, address, port, fd);
	if (fd >= 0)
		(void)close(fd);
	return why;
}

static struct MHD_Daemon *start_mhd(struct listener *l, const struct listener_conf *conf)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			       (l->tls ? MHD_USE_TLS : 0) |
			       (conf->proxy_protocol ? MHD_USE_NO_LISTEN_SOCKET : 0);
	/*
	 * 0.9.7x, strict: a target with a space is closed without a word and a missing Host is answered in
	 * HTML. The guard refuses both in our own words, so it is asked not to look.
	 */
	const int strict = MHD_VERSION < 0x00097800 ? 0 : 1;
	const struct MHD_OptionItem more[] = {
		{ conf->proxy_protocol ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, l->fd, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem pool[] = {
		/* One thread is not a pool: the option would only be warned about. */
		{ conf->io_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, conf->io_threads,
		  NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const int secure = l->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END;

	return MHD_start_daemon(flags, 0, NULL, NULL, glue_call, l,
				MHD_OPTION_ARRAY, more,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->connections_max,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)conf->connections_per_address,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				connection_memory(l->server->conf.header_max),
				MHD_OPTION_URI_LOG_CALLBACK, glue_target, l,
				MHD_OPTION_UNESCAPE_CALLBACK, glue_unescape, l,
				MHD_OPTION_NOTIFY_COMPLETED, glue_completed, l,
				MHD_OPTION_NOTIFY_CONNECTION, glue_connection, l,
				MHD_OPTION_STRICT_FOR_CLIENT, strict,
				MHD_OPTION_ARRAY, pool,
				secure, tls_link_certificate,
				MHD_OPTION_HTTPS_PRIORITIES, tls_priorities,
				MHD_OPTION_END);
}

/* libmicrohttpd asks for more until there is none, so it must not wait in accept(). */
static const char *take_over(struct arena *a, struct listener *l, int fd)
{
	int listens = 0;
	socklen_t size = sizeof(listens);
	const int flags = fcntl(fd, F_GETFL);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
		return arena_printf(a, "descriptor %d is no socket that listens", fd);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return arena_printf(a, "descriptor %d: %s", fd, strerror(errno));
	l->fd = fd;
	l->inherited = true;
	return NULL;
}

static const char *begin_to_listen(struct arena *a, struct listener *l, const struct listener_conf *conf)
{
	const int turn = conf->shared ? succession_begin(&l->succession, l->fd) : -1;
	const char *why = listen_on(a, conf->address, conf->port, l->fd);

	succession_end(turn);
	return why;
}

static const char *open_port(struct arena *a, struct listener *l, const struct listener_conf *conf)
{
	const char *why = NULL;

	if (conf->bound > 0)
		l->fd = conf->bound;
	else
		why = http_server_bind(a, conf->address, conf->port, conf->shared, &l->fd);
	return why != NULL ? why : begin_to_listen(a, l, conf);
}

const char *listener_start(struct arena *a, struct listener *l, const struct listener_conf *conf)
{
	const struct http_conf *http = &l->server->conf;
	const char *why;

	if (conf->inherited > 0)
		why = take_over(a, l, conf->inherited);
	else if (conf->path != NULL)
		why = listener_open_path(a, l, conf->path, conf->shared);
	else
		why = open_port(a, l, conf);
	if (why != NULL)
		return why;
	l->shared = conf->shared && !l->inherited;
	look_at_address(l);
	l->mhd = start_mhd(l, conf);
	if (l->mhd == NULL)
		return "libmicrohttpd does not start";
	if (!conf->proxy_protocol)
		return NULL;
	l->loopback = false;
	l->acceptor = proxy_start(l->fd, l->mhd, http->trusted, http->ntrusted);
	return l->acceptor != NULL ? NULL : "cannot start threads";
}

/*
 * Of the sockets on one port the kernel numbers the first to listen 0, and the last takes the place of one
 * that is closed. Where there is none of the number it chooses by itself, among one.
 */
void listener_yield(struct listener *l)
{
	const int to = l->mhd != NULL && l->shared ? succession_leave(&l->succession) : -1;
	struct sock_filter to_other[] = { BPF_STMT(BPF_RET | BPF_K, (unsigned)to) };
	const struct sock_fprog program = { .len = 1, .filter = to_other };

	if (to >= 0)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

const struct router *listener_router(const struct listener *l)
{
	return l->admin ? l->server->admin_router : l->server->router;
}

void listener_stop(struct listener *l)
{
	if (l->mhd != NULL)
		MHD_stop_daemon(l->mhd);
	l->mhd = NULL;
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
	(void)succession_leave(&l->succession);
	if (l->path != NULL)
		listener_remove_path(l);
}
