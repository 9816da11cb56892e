/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "cable.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"

#define SOCKET_NAME ".s.PGSQL.5432"

enum { LINKS = 256, CHUNK = 65536, TICK_MS = 10 };

/* Both ends of one connection; -1: none. */
struct link {
	int fd[2];
	bool lost; /* something of it was swallowed */
};

struct cable {
	char *folder, *socket, *server;
	int listen_fd;
	atomic_int state;
	atomic_bool stop;
	pthread_t thread;
	struct link link[LINKS];
};

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	assert_true(strlen(path) < sizeof(a.sun_path));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static void drop(struct link *k)
{
	for (int i = 0; i < 2; i++) {
		if (k->fd[i] >= 0)
			close(k->fd[i]);
		k->fd[i] = -1;
	}
	k->lost = false;
}

static int dial(const struct cable *c)
{
	const struct sockaddr_un a = address(c->server);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void take_one(struct cable *c)
{
	const int client = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	const int server = atomic_load(&c->state) == CABLE_WHOLE ? dial(c) : -1;
	struct link *k = c->link;

	while (k < c->link + LINKS && k->fd[0] >= 0)
		k++;
	if (client < 0 || server < 0 || k == c->link + LINKS) {
		if (client >= 0)
			close(client);
		if (server >= 0)
			close(server);
		return;
	}
	*k = (struct link){ .fd = { client, server } };
}

static bool send_all(int fd, const char *data, ssize_t n)
{
	while (n > 0) {
		const ssize_t sent = send(fd, data, (size_t)n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		n -= sent;
	}
	return true;
}

static void pass(struct cable *c, struct link *k, int from)
{
	char data[CHUNK];
	const ssize_t n = recv(k->fd[from], data, sizeof(data), MSG_DONTWAIT);

	if (atomic_load(&c->state) == CABLE_SILENT && n > 0)
		k->lost = true;
	else if (n <= 0 || !send_all(k->fd[1 - from], data, n))
		drop(k);
}

/* All of a cable that is cut, and what was swallowed of one that is whole again. */
static void judge(struct cable *c)
{
	const int state = atomic_load(&c->state);

	for (struct link *k = c->link; k < c->link + LINKS; k++)
		if (k->fd[0] >= 0 && (state == CABLE_CUT || (state == CABLE_WHOLE && k->lost)))
			drop(k);
}

static void *serve(void *arg)
{
	struct cable *c = arg;
	struct pollfd p[1 + 2 * LINKS];

	while (!atomic_load(&c->stop)) {
		judge(c);
		/* Nobody is let in by one that swallows: who knocks waits. */
		p[0] = (struct pollfd){ .fd = atomic_load(&c->state) == CABLE_SILENT ? -1 : c->listen_fd,
			.events = POLLIN };
		for (int i = 0; i < LINKS; i++)
			for (int side = 0; side < 2; side++)
				p[1 + 2 * i + side] =
					(struct pollfd){ .fd = c->link[i].fd[side], .events = POLLIN };
		(void)poll(p, 1 + 2 * LINKS, TICK_MS);
		for (int i = 0; i < LINKS; i++)
			for (int side = 0; side < 2; side++)
				if (p[1 + 2 * i + side].revents != 0 && c->link[i].fd[side] >= 0)
					pass(c, &c->link[i], side);
		if (p[0].revents != 0)
			take_one(c);
	}
	return NULL;
}

struct cable *cable_open(const char *folder)
{
	struct cable *c = calloc(1, sizeof(*c));
	struct sockaddr_un a;

	assert_non_null(c);
	c->folder = temp_folder("cc-cable");
	c->socket = temp_path(c->folder, SOCKET_NAME);
	c->server = temp_path(folder, SOCKET_NAME);
	for (int i = 0; i < LINKS; i++)
		c->link[i] = (struct link){ .fd = { -1, -1 } };
	a = address(c->socket);
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->listen_fd >= 0);
	assert_int_equal(0, bind(c->listen_fd, (struct sockaddr *)&a, sizeof(a)));
	assert_int_equal(0, listen(c->listen_fd, LINKS));
	assert_int_equal(0, pthread_create(&c->thread, NULL, serve, c));
	return c;
}

void cable_close(struct cable *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->stop, true);
	pthread_join(c->thread, NULL);
	for (struct link *k = c->link; k < c->link + LINKS; k++)
		drop(k);
	close(c->listen_fd);
	free(c->socket);
	free(c->server);
	temp_remove(c->folder);
	free(c);
}

const char *cable_folder(const struct cable *c)
{
	return c->folder;
}

void cable_set(struct cable *c, enum cable_state s)
{
	atomic_store(&c->state, (int)s);
}
