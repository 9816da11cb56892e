/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define CONNECT_MS 50

/* False when the deadline passed first. Errors of the socket are left to the read or write that follows. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline_ms - clock_mono_ms();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

enum conn_result conn_read(redisContext *c, int64_t deadline_ms, redisReply **ret)
{
	void *reply = NULL;

	for (;;) {
		if (redisGetReplyFromReader(c, &reply) != REDIS_OK)
			return CONN_BROKEN;
		if (reply != NULL) {
			*ret = reply;
			return CONN_GOT;
		}
		if (!wait_for(c->fd, POLLIN, deadline_ms))
			return CONN_LATE;
		if (redisBufferRead(c) != REDIS_OK)
			return CONN_BROKEN;
	}
}

redisReply *conn_call(redisContext *c, int64_t deadline_ms, int argc, const char **argv, const size_t *lens)
{
	redisReply *reply;
	int done = 0;

	if (redisAppendCommandArgv(c, argc, argv, lens) != REDIS_OK)
		return NULL;
	while (!done) {
		if (!wait_for(c->fd, POLLOUT, deadline_ms) || redisBufferWrite(c, &done) != REDIS_OK)
			return NULL;
	}
	return conn_read(c, deadline_ms, &reply) == CONN_GOT ? reply : NULL;
}

/* "host:port", the host of IPv6 in brackets. */
static bool split_address(const char *address, char *host, size_t size, int *ret_port)
{
	const char *colon = strrchr(address, ':');
	size_t len;
	int64_t port;

	if (colon == NULL || !parse_int64(colon + 1, &port) || port < 1 || port > 65535)
		return false;
	len = (size_t)(colon - address);
	if (len > 2 && address[0] == '[' && colon[-1] == ']') {
		address++;
		len -= 2;
	}
	if (len == 0 || len >= size)
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	*ret_port = (int)port;
	return true;
}

/* hiredis 0.14 does not ask for it. */
static redisContext *closed_on_exec(redisContext *c)
{
	if (c != NULL && c->err == 0 && c->fd >= 0)
		(void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	return c;
}

static redisContext *begin_connect(const char *address)
{
	redisContext *c;
	char host[256];
	int port;

	if (str_starts(address, "unix:"))
		return closed_on_exec(redisConnectUnixNonBlock(address + strlen("unix:")));
	if (!split_address(address, host, sizeof(host), &port))
		return NULL;
	c = closed_on_exec(redisConnectNonBlock(host, port));
	/* A subscription only listens; without this a peer that vanished would never be missed. */
	if (c != NULL && c->err == 0)
		(void)redisEnableKeepAlive(c);
	return c;
}

static bool is_connected(redisContext *c, int64_t deadline_ms)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return wait_for(c->fd, POLLOUT, deadline_ms) &&
	       getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

static bool say(redisContext *c, int64_t deadline_ms, const char *verb, const char *arg)
{
	const char *argv[] = { verb, arg };
	const size_t lens[] = { strlen(verb), strlen(arg) };
	redisReply *reply = conn_call(c, deadline_ms, 2, argv, lens);
	bool fine = reply != NULL && reply->type == REDIS_REPLY_STATUS;

	freeReplyObject(reply);
	return fine;
}

static bool introduce(redisContext *c, const struct redis_conf *conf, int64_t deadline_ms)
{
	char number[16];

	if (conf->password != NULL && !say(c, deadline_ms, "AUTH", conf->password))
		return false;
	if (conf->database == 0)
		return true;
	snprintf(number, sizeof(number), "%d", conf->database);
	return say(c, deadline_ms, "SELECT", number);
}

redisContext *conn_dial(const struct redis_conf *conf)
{
	const int64_t deadline = clock_mono_ms() + (conf->connect_ms > 0 ? conf->connect_ms : CONNECT_MS);
	redisContext *c = begin_connect(conf->address);

	if (c == NULL)
		return NULL;
	if (c->err == 0 && is_connected(c, deadline) && introduce(c, conf, deadline))
		return c;
	redisFree(c);
	return NULL;
}
