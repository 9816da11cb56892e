/* SPDX-License-Identifier: Apache-2.0 */
#include "surge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/clock.h"

#define ANSWER_US INT64_C(30000000)
#define TICK_MS 1
#define ONE_IN 10 /* is for a kept connection … */
#define KEPT 8    /* … of so many, in turn: each is asked again soon enough to hear that it is to end */
#define AT_ONCE_MOST 8000
#define ROOM 1024
#define EVENTS 256

static const char fresh_request[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
static const char kept_request[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

enum phase { FREE, CONNECTING, WAITING, IDLE };
struct conn {
	enum phase phase;
	bool kept;
	int fd;
	int64_t begun_us;
	size_t n;
	char in[ROOM];
};

struct surge {
	pthread_t thread;
	int port, rate, epoll;
	atomic_bool stop;
	int most, free_at;      /* of conn[]; where the last free one was */
	struct conn kept[KEPT];
	int turn;
	struct conn *conn;
	struct surge_told told;
};

static void say(struct surge *s, const char *what)
{
	if (s->told.error[0] == '\0')
		(void)snprintf(s->told.error, sizeof s->told.error, "%s", what);
}

static void drop(struct conn *c)
{
	close(c->fd);
	c->phase = FREE;
}

static void fail_conn(struct surge *s, struct conn *c, const char *what)
{
	*(c->kept ? &s->told.cut : &s->told.failed) += 1;
	say(s, what);
	drop(c);
}

static void watch(struct surge *s, struct conn *c, unsigned events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	assert_int_equal(0, epoll_ctl(s->epoll, op, c->fd, &e));
}

static void ask(struct surge *s, struct conn *c)
{
	const char *request = c->kept ? kept_request : fresh_request;
	const size_t n = strlen(request);

	c->n = 0;
	c->phase = WAITING;
	if (send(c->fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail_conn(s, c, strerror(errno));
}

static void open_conn(struct surge *s, struct conn *c)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	c->phase = CONNECTING;
	c->begun_us = clock_mono_us();
	if (connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
		fail_conn(s, c, strerror(errno));
	else
		watch(s, c, EPOLLOUT, EPOLL_CTL_ADD);
}

static bool begin_kept(struct surge *s)
{
	struct conn *c = &s->kept[s->turn++ % KEPT];

	if (c->phase == FREE) {
		c->kept = true;
		open_conn(s, c);
		return true;
	}
	if (c->phase != IDLE)
		return false;
	c->begun_us = clock_mono_us();
	ask(s, c);
	return true;
}

static bool begin_fresh(struct surge *s)
{
	for (int i = 0; i < s->most; i++) {
		struct conn *c = &s->conn[(s->free_at + i) % s->most];

		if (c->phase != FREE)
			continue;
		s->free_at = (s->free_at + i + 1) % s->most;
		open_conn(s, c);
		return true;
	}
	return false;
}

/* All of the answer is there. *ret_last: the connection ends with it. */
static bool is_whole(const struct conn *c, bool *ret_last)
{
	const char *body = strstr(c->in, "\r\n\r\n"), *length = strstr(c->in, "\r\nContent-Length: ");

	if (body == NULL || length == NULL || length > body)
		return false;
	*ret_last = strstr(c->in, "\r\nConnection: close\r\n") != NULL;
	return c->n >= (size_t)(body + 4 - c->in) + strtoul(length + 18, NULL, 10);
}

static void settle(struct surge *s, struct conn *c, bool last)
{
	const int64_t us = clock_mono_us() - c->begun_us;

	if (strncmp(c->in, "HTTP/1.1 200", 12) != 0) {
		fail_conn(s, c, "another status");
		return;
	}
	s->told.worst_us = us > s->told.worst_us ? us : s->told.worst_us;
	*(c->kept ? &s->told.kept : &s->told.fresh) += 1;
	if (last || !c->kept)
		drop(c);
	else
		c->phase = IDLE;
}

static void hear(struct surge *s, struct conn *c)
{
	bool last = false;
	const ssize_t got = recv(c->fd, c->in + c->n, sizeof c->in - 1 - c->n, 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (c->phase == IDLE) { /* it waited too long for its next turn, or forever */
		drop(c);
		return;
	}
	if (got <= 0) {
		fail_conn(s, c, got == 0 ? "closed without an answer" : strerror(errno));
		return;
	}
	c->n += (size_t)got;
	c->in[c->n] = '\0';
	if (is_whole(c, &last))
		settle(s, c, last);
}

static void go_on(struct surge *s, struct conn *c)
{
	int error = 0;
	socklen_t n = sizeof error;

	if (c->phase == FREE)
		return;
	if (c->phase != CONNECTING) {
		hear(s, c);
		return;
	}
	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0) {
		fail_conn(s, c, strerror(error));
		return;
	}
	watch(s, c, EPOLLIN, EPOLL_CTL_MOD);
	ask(s, c);
}

static int end_late(struct surge *s, struct conn *v, int n)
{
	const int64_t now = clock_mono_us();
	int open = 0;

	for (int i = 0; i < n; i++) {
		if (v[i].phase == FREE || v[i].phase == IDLE)
			continue;
		if (now - v[i].begun_us > ANSWER_US)
			fail_conn(s, &v[i], "no answer in 30 s");
		else
			open++;
	}
	return open;
}

static void begin_due(struct surge *s, int64_t start_us, int64_t *begun)
{
	const int64_t due = (clock_mono_us() - start_us) * s->rate / 1000000;

	for (; *begun < due; (*begun)++) {
		s->told.asked++;
		if (*begun % ONE_IN == 0 && begin_kept(s))
			continue;
		if (!begin_fresh(s))
			s->told.behind++;
	}
}

static void *run(void *arg)
{
	struct surge *s = arg;
	const int64_t start = clock_mono_us();
	struct epoll_event e[EVENTS];
	int64_t begun = 0;
	bool over = false;

	while (!over || end_late(s, s->conn, s->most) + end_late(s, s->kept, KEPT) > 0) {
		if (!over)
			begin_due(s, start, &begun);
		const int n = epoll_wait(s->epoll, e, EVENTS, TICK_MS);
		for (int i = 0; i < n; i++)
			go_on(s, e[i].data.ptr);
		if (!over && atomic_load(&s->stop)) {
			s->told.ran_us = clock_mono_us() - start;
			over = true;
		}
	}
	return NULL;
}

/* What there may be open at a time: a restart takes a while, and by then more have come. */
static int descriptors(void)
{
	struct rlimit r;

	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &r));
	r.rlim_cur = r.rlim_max;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &r));
	return r.rlim_cur > AT_ONCE_MOST + 200 ? AT_ONCE_MOST : (int)r.rlim_cur - 200;
}

struct surge *surge_start(int port, int rate)
{
	struct surge *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->port = port;
	s->rate = rate;
	s->most = descriptors();
	s->conn = calloc((size_t)s->most, sizeof *s->conn);
	assert_non_null(s->conn);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_true(s->epoll >= 0);
	assert_int_equal(0, pthread_create(&s->thread, NULL, run, s));
	return s;
}

struct surge_told surge_end(struct surge *s)
{
	struct surge_told told;

	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	for (int i = 0; i < KEPT; i++)
		if (s->kept[i].phase != FREE)
			drop(&s->kept[i]);
	close(s->epoll);
	told = s->told;
	free(s->conn);
	free(s);
	return told;
}
