/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel tells nobody which number his socket has among those of a port. So whoever is about to listen
 * takes a name for the port first, a unix socket without a file, and connects to those of all who are there:
 * a connection ends with the process at its other end, however that ends. Such names belong to the network
 * namespace, as ports do.
 */
#define _GNU_SOURCE /* accept4, struct ucred */
#include "succession.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024, TURN_TRIES = 40 };

struct name {
	struct sockaddr_un at;
	socklen_t size;
};

/* False: the socket is at no address that has a number. */
static bool name_of(struct name *ret, int socket, const char *what, int i)
{
	struct sockaddr_storage ss;
	socklen_t size = sizeof(ss);
	char host[NI_MAXHOST], port[NI_MAXSERV];
	int n;

	*ret = (struct name){ .at.sun_family = AF_UNIX };
	if (getsockname(socket, (struct sockaddr *)&ss, &size) != 0 ||
	    getnameinfo((struct sockaddr *)&ss, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return false;
	n = snprintf(ret->at.sun_path + 1, sizeof(ret->at.sun_path) - 1, "controlcored/%lu/%s/%s/%s%d",
		     (unsigned long)geteuid(), host, port, what, i);
	if (n <= 0 || (size_t)n >= sizeof(ret->at.sun_path) - 1)
		return false;
	ret->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	return true;
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A socket that has the name; -1: somebody else has it. */
static int take(const struct name *name)
{
	const int fd = unix_socket();

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&name->at, name->size) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Ports are shared within a user; names anybody may take. */
static bool is_ours(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == geteuid();
}

/* A connection to who has the name; -1: nobody has, or it is not one of us. */
static int greet(const struct name *name)
{
	const int fd = unix_socket();

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&name->at, name->size) == 0 && is_ours(fd))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool is_there(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* One after the other; who hangs here holds the others up for two seconds and not for ever. */
static int wait_for_turn(int socket)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	struct name name;
	int turn;

	if (!name_of(&name, socket, "turn", 0))
		return -1;
	turn = take(&name);
	for (int i = 0; turn < 0 && i < TURN_TRIES; i++) {
		(void)nanosleep(&pause, NULL);
		turn = take(&name);
	}
	return turn;
}

int succession_begin(struct succession *s, int socket)
{
	const int turn = wait_for_turn(socket);
	struct name name;

	*s = (struct succession){ .place = -1 };
	for (int i = 0; i <= ELDERS_MAX && name_of(&name, socket, "", i); i++) {
		const int elder = greet(&name);

		if (elder >= 0 && s->nelders < ELDERS_MAX)
			s->elder[s->nelders++] = elder;
		else if (elder >= 0)
			(void)close(elder);
		else if (s->place < 0)
			s->place = take(&name);
	}
	s->known = true;
	return turn;
}

void succession_end(int turn)
{
	if (turn >= 0)
		(void)close(turn);
}

/* Those who came later: whether anybody did, and whether one is there. */
static void look_at_heirs(const struct succession *s, bool *ret_came, bool *ret_there)
{
	int fd;

	*ret_came = *ret_there = false;
	if (s->place < 0)
		return;
	while ((fd = accept4(s->place, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (is_ours(fd)) {
			*ret_came = true;
			*ret_there = *ret_there || is_there(fd);
		}
		(void)close(fd);
	}
}

int succession_leave(struct succession *s)
{
	bool older = false, came, there;

	if (!s->known)
		return -1;
	s->known = false;
	look_at_heirs(s, &came, &there);
	if (s->place >= 0)
		(void)close(s->place);
	for (int i = 0; i < s->nelders; i++) {
		older = older || is_there(s->elder[i]);
		(void)close(s->elder[i]);
	}
	if (older)
		return 0;
	/* Who came and is gone, or leaves, has told the kernel where to: here. */
	return there || !came ? 1 : -1;
}
