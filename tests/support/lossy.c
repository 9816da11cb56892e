/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem, accept4 */
#include "lossy.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"

enum { HELD_MS = 20 }; /* how late the end of a delay may be seen */
enum { LINKS = 128, BUFFER = 256 * 1024, BUFFER_MAX = 16 << 20 };

/* What becomes of the reply to the request under way. */
enum fate { DELIVER, LOSE, CUT, LEAVE, VANISH, FATES };

/* One client and its connection to the server. */
struct link {
	int client, server;
	char *buf;  /* the request, until it is whole */
	size_t room;
	size_t n;   /* bytes of it */
	bool asked; /* it was passed on, no byte of the reply has come */
	int64_t held_ms; /* the reply is there, and not passed on before; 0: it is not */
	enum fate fate;
};

struct lossy {
	int listen_fd, stop_fd[2], port;
	atomic_int target, percent, slow_ms;
	atomic_long lost, delivered;
	uint64_t random;
	struct link link[LINKS];
	pthread_t thread;
};

static int listen_anywhere(int *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&a, sizeof(a)));
	assert_int_equal(0, listen(fd, LINKS));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&a, &n));
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static int dial(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	a.sin_port = htons((uint16_t)port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void drop(struct link *k)
{
	if (k->client >= 0)
		close(k->client);
	if (k->server >= 0)
		close(k->server);
	k->client = k->server = -1;
	k->n = 0;
	k->asked = false;
	k->held_ms = 0;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		const ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

static enum fate pick_fate(struct lossy *l)
{
	unsigned r;

	l->random = l->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	r = (unsigned)(l->random >> 33);
	if ((int)(r % 100) >= atomic_load(&l->percent))
		return DELIVER;
	return LOSE + (enum fate)(r / 100 % (FATES - 1));
}

/* The length of the request that the buffer begins with; 0: it is not whole yet. */
static size_t request_length(const struct link *k)
{
	const char *end = memmem(k->buf, k->n, "\r\n\r\n", 4), *length;
	size_t body = 0;

	if (end == NULL)
		return 0;
	k->buf[k->n] = '\0';
	length = strcasestr(k->buf, "\r\ncontent-length:");
	if (length != NULL && length < end)
		body = strtoul(length + 17, NULL, 10);
	end += 4;
	return (size_t)(end - k->buf) + body <= k->n ? (size_t)(end - k->buf) + body : 0;
}

/* The server has the whole request; whether the client hears of it is decided now. */
static void pass_on(struct lossy *l, struct link *k)
{
	const size_t n = request_length(k);

	if (n == 0)
		return;
	if (k->server < 0)
		k->server = dial(atomic_load(&l->target));
	if (k->server < 0 || !send_all(k->server, k->buf, n)) {
		drop(k);
		return;
	}
	memmove(k->buf, k->buf + n, k->n - n);
	k->n -= n;
	k->asked = true;
	k->fate = pick_fate(l);
	if (k->fate == VANISH) {
		atomic_fetch_add(&l->lost, 1);
		drop(k);
	} else if (k->fate == LEAVE) {
		/* Its connection to the server stays open for the reply, and is closed with it. */
		atomic_fetch_add(&l->lost, 1);
		close(k->client);
		k->client = -1;
	}
}

static void from_client(struct lossy *l, struct link *k)
{
	ssize_t got;

	if (k->n + 1 == k->room && k->room < BUFFER_MAX) {
		k->room *= 2;
		k->buf = realloc(k->buf, k->room);
	}
	got = recv(k->client, k->buf + k->n, k->room - 1 - k->n, 0);
	if (got <= 0) {
		drop(k);
		return;
	}
	k->n += (size_t)got;
	pass_on(l, k);
}

static void from_server(struct lossy *l, struct link *k)
{
	char bytes[65536];
	const ssize_t got = recv(k->server, bytes, sizeof(bytes), 0);
	const bool first = k->asked;

	k->asked = false;
	k->held_ms = 0;
	if (got <= 0 || k->fate == LEAVE) {
		drop(k);
		return;
	}
	if (first)
		atomic_fetch_add(k->fate == DELIVER ? &l->delivered : &l->lost, 1);
	if (k->fate == CUT)
		send_all(k->client, bytes, (size_t)got / 2);
	if (k->fate != DELIVER || !send_all(k->client, bytes, (size_t)got))
		drop(k);
}

/* True: the first bytes of the reply are there, and it is not their time yet. */
static bool is_held(const struct lossy *l, struct link *k, int64_t now)
{
	if (k->held_ms == 0 && k->asked)
		k->held_ms = now + atomic_load(&l->slow_ms);
	return now < k->held_ms;
}

static void take_client(struct lossy *l)
{
	const int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC), one = 1;

	for (int i = 0; fd >= 0 && i < LINKS; i++) {
		struct link *k = &l->link[i];

		if (k->client >= 0 || k->server >= 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		k->client = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void *serve(void *arg)
{
	struct lossy *l = arg;

	for (;;) {
		const int64_t now = temp_now_ms();
		struct pollfd p[2 + 2 * LINKS] = {
			{.fd = l->stop_fd[0], .events = POLLIN},
                        { .fd = l->listen_fd, .events = POLLIN}
		};

		for (int i = 0; i < LINKS; i++) {
			p[2 + 2 * i] = (struct pollfd){ .fd = l->link[i].client, .events = POLLIN };
			p[3 + 2 * i] = (struct pollfd){
				.fd = now < l->link[i].held_ms ? -1 : l->link[i].server, .events = POLLIN
			};
		}
		if (poll(p, 2 + 2 * LINKS, HELD_MS) < 0)
			continue;
		if (p[0].revents != 0)
			return NULL;
		for (int i = 0; i < LINKS; i++) {
			if (p[3 + 2 * i].revents != 0 && !is_held(l, &l->link[i], temp_now_ms()))
				from_server(l, &l->link[i]);
			else if (p[2 + 2 * i].revents != 0)
				from_client(l, &l->link[i]);
		}
		if (p[1].revents != 0)
			take_client(l);
	}
}

struct lossy *lossy_open(int port, unsigned seed)
{
	struct lossy *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	signal(SIGPIPE, SIG_IGN);
	l->listen_fd = listen_anywhere(&l->port);
	assert_int_equal(0, pipe(l->stop_fd));
	l->random = seed;
	atomic_store(&l->target, port);
	for (int i = 0; i < LINKS; i++) {
		l->link[i].client = l->link[i].server = -1;
		l->link[i].buf = malloc(BUFFER);
		l->link[i].room = BUFFER;
		assert_non_null(l->link[i].buf);
	}
	assert_int_equal(0, pthread_create(&l->thread, NULL, serve, l));
	return l;
}

void lossy_close(struct lossy *l)
{
	assert_int_equal(1, write(l->stop_fd[1], "x", 1));
	pthread_join(l->thread, NULL);
	for (int i = 0; i < LINKS; i++) {
		drop(&l->link[i]);
		free(l->link[i].buf);
	}
	close(l->listen_fd);
	close(l->stop_fd[0]);
	close(l->stop_fd[1]);
	free(l);
}

int lossy_port(const struct lossy *l)
{
	return l->port;
}

void lossy_rate(struct lossy *l, int percent)
{
	atomic_store(&l->percent, percent);
}

void lossy_slow(struct lossy *l, int ms)
{
	atomic_store(&l->slow_ms, ms);
}

void lossy_target(struct lossy *l, int port)
{
	atomic_store(&l->target, port);
}

void lossy_counts(struct lossy *l, long *ret_lost, long *ret_delivered)
{
	*ret_lost = atomic_load(&l->lost);
	*ret_delivered = atomic_load(&l->delivered);
}
