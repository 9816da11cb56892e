/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cc/base/clock.h"

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

static bool listen_on(int *fd, const struct addrinfo *ai)
{
	const int yes = 1, no = 0;

	*fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return false;
	(void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(*fd, ai->ai_addr, ai->ai_addrlen) != 0)
		return false;
	return listen(*fd, LISTEN_BACKLOG) == 0;
}

static int port_of(int fd)
{
	struct sockaddr_storage ss;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	socklen_t size = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &size) != 0)
		return 0;
	if (ss.ss_family == AF_INET) {
		memcpy(&in, &ss, sizeof(in));
		return ntohs(in.sin_port);
	}
	memcpy(&in6, &ss, sizeof(in6));
	return ntohs(in6.sin6_port);
}

/* fd: -1, or what must be closed, also after a failure. */
static const char *open_listener(struct arena *a, const char *address, int number, int *fd)
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
	if (!listen_on(fd, ai))
		why = arena_printf(a, "cannot listen on %s port %s: %s", address, port, strerror(errno));
	freeaddrinfo(ai);
	return why;
}

const char *http_server_probe(struct arena *a, const char *address, int port)
{
	int fd = -1;
	const char *why = open_listener(a, address, port, &fd);

	if (fd >= 0)
		(void)close(fd);
	return why;
}

static struct MHD_Daemon *start_mhd(struct http_server *s)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	const int io_threads = s->conf.io_threads > 1 ? s->conf.io_threads : 1;
	/*
	 * 0.9.7x, strict: a target with a space is closed without a word and a missing Host is answered in
	 * HTML. The guard refuses both in our own words, so it is asked not to look.
	 */
	const int strict = MHD_VERSION < 0x00097800 ? 0 : 1;
	const struct MHD_OptionItem pool[] = {
		/* One thread is not a pool: the option would only be warned about. */
		{ io_threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, io_threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, glue_call, s,
				MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->conf.connections_max,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)s->conf.connections_per_address,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory(s->conf.header_max),
				MHD_OPTION_URI_LOG_CALLBACK, glue_target, s,
				MHD_OPTION_UNESCAPE_CALLBACK, glue_unescape, s,
				MHD_OPTION_NOTIFY_COMPLETED, glue_completed, s,
				MHD_OPTION_NOTIFY_CONNECTION, glue_connection, s,
				MHD_OPTION_STRICT_FOR_CLIENT, strict,
				MHD_OPTION_ARRAY, pool,
				MHD_OPTION_END);
}

static struct http_server *server_create(const struct http_conf *conf)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->arena = arena_create((size_t)64 * 1024);
	s->listen_fd = -1;
	s->conf = *conf;
	s->conf.address = arena_strdup(s->arena, conf->address);
	s->conf.server_name = arena_strdup(s->arena, conf->server_name);
	if (s->conf.io_threads < 1)
		s->conf.io_threads = 1;
	if (s->conf.connections_max < s->conf.io_threads)
		s->conf.connections_max = s->conf.io_threads;
	shelf_init(&s->shelf);
	s->bodies.max = conf->bodies_max;
	peers_init(&s->peers, conf->header_ms, conf->request_ms, conf->idle_ms);
	s->peers.max = s->conf.connections_max;
	flows_init(&s->flows, conf->streams_max);
	if (!workers_init(s))
		abort();
	return s;
}

struct http_server *http_server_start(struct arena *a, const struct http_conf *conf, const char **ret_error)
{
	struct http_server *s = server_create(conf);
	const char *why = NULL;

	s->router = router_create(s->arena, conf->groups, &why);
	if (s->router == NULL)
		why = arena_strdup(a, why);
	if (why == NULL)
		why = open_listener(a, s->conf.address, s->conf.port, &s->listen_fd);
	if (why == NULL)
		s->port = port_of(s->listen_fd);
	s->queue_response = refused_next();
	if (why == NULL && s->queue_response == NULL)
		why = "libmicrohttpd has no MHD_queue_response";
	if (why == NULL && (!peers_start(&s->peers) || !workers_start(s)))
		why = "cannot start threads";
	if (why == NULL) {
		s->mhd = start_mhd(s);
		if (s->mhd == NULL)
			why = "libmicrohttpd does not start";
	}
	if (why == NULL)
		return s;
	*ret_error = why;
	http_server_destroy(s);
	return NULL;
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_stats(struct http_server *s, struct http_stats *ret)
{
	ret->requests = atomic_load(&s->requests);
	ret->refused_overload = atomic_load(&s->refused_overload);
	ret->queued = (int)(queue_waiting(&s->queue) + queue_waiting(&s->express));
	ret->in_work = atomic_load(&s->in_work);
	ret->body_bytes = atomic_load(&s->bodies.used);
	ret->connections = peers_count(&s->peers);
}

static void wait_for_answers(struct http_server *s, int ms)
{
	const int64_t until = clock_mono_ms() + ms;

	while (atomic_load(&s->live) > 0 && clock_mono_ms() < until)
		clock_nap(2);
}

void http_server_drain(struct http_server *s, int drain_ms)
{
	if (s->drained)
		return;
	s->drained = true;
	atomic_store(&s->draining, true);
	if (s->mhd != NULL) {
		(void)MHD_quiesce_daemon(s->mhd);
		/* Otherwise the kernel goes on taking connections that nobody will serve. */
		(void)shutdown(s->listen_fd, SHUT_RD);
		wait_for_answers(s, drain_ms);
	}
	atomic_store(&s->hurry, true);
	workers_join(s);
	if (s->mhd != NULL) {
		/* No connection is suspended any more; what was decided last is still on its way. */
		wait_for_answers(s, drain_ms < 1000 ? 100 : 1000);
		MHD_stop_daemon(s->mhd);
	}
	if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	peers_stop(&s->peers);
}

void http_server_destroy(struct http_server *s)
{
	if (s == NULL)
		return;
	http_server_drain(s, 0);
	peers_finish(&s->peers);
	workers_finish(s);
	flows_finish(&s->flows);
	shelf_finish(&s->shelf);
	arena_destroy(s->arena);
	free(s);
}
