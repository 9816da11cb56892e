/* SPDX-License-Identifier: Apache-2.0 */
#include "web_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUEST_MAX (9 << 20)
#define TURNS_MAX 256

struct web_turn {
	struct web_peer *peer;
	pthread_t thread;
	int fd;
	char *text; /* what came, with the rest of the connection */
	size_t len;
	char method[16], target[2048];
	char *headers; /* after the request line */
	char *body;
	size_t body_len;
	char value[1024]; /* of web_header() */
	bool closing;
	atomic_bool over;
};

struct web_peer {
	web_fn fn;
	void *arg;
	int fd, port;
	char url[64];
	pthread_t thread;
	struct web_turn *turn[TURNS_MAX]; /* the accepting thread's alone, until that has ended */
	atomic_int accepted;
	atomic_bool stop;
	atomic_int requests;
	_Atomic(int64_t) ahead_s;
};

/* Reading a request --------------------------------------------------------------------------------- */

static bool read_more(struct web_turn *t)
{
	ssize_t n;

	if (t->len + 1 >= REQUEST_MAX)
		return false;
	do
		n = recv(t->fd, t->text + t->len, REQUEST_MAX - 1 - t->len, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	t->len += (size_t)n;
	t->text[t->len] = '\0';
	return true;
}

/* False: the connection is over. Bodies come with Content-Length. */
static bool read_request(struct web_turn *t)
{
	char *end;

	while ((end = strstr(t->text, "\r\n\r\n")) == NULL)
		if (!read_more(t))
			return false;
	if (sscanf(t->text, "%15s %2047s", t->method, t->target) != 2)
		return false;
	t->headers = strstr(t->text, "\r\n") + 2;
	t->body = end + 4;
	t->body_len = web_header(t, "Content-Length") != NULL ? strtoul(t->value, NULL, 10) : 0;
	while (t->len - (size_t)(t->body - t->text) < t->body_len)
		if (!read_more(t))
			return false;
	return true;
}

static void next_request(struct web_turn *t)
{
	const size_t used = (size_t)(t->body - t->text) + t->body_len;

	memmove(t->text, t->text + used, t->len - used + 1);
	t->len -= used;
}

const char *web_method(const struct web_turn *t)
{
	return t->method;
}

const char *web_target(const struct web_turn *t)
{
	return t->target;
}

const char *web_header(struct web_turn *t, const char *name)
{
	const size_t n = strlen(name);

	for (const char *line = t->headers; line < t->body - 2; line = strstr(line, "\r\n") + 2) {
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		line += n + 1 + strspn(line + n + 1, " ");
		snprintf(t->value, sizeof(t->value), "%.*s", (int)strcspn(line, "\r\n"), line);
		return t->value;
	}
	return NULL;
}

const char *web_body(const struct web_turn *t)
{
	return t->body;
}

size_t web_body_len(const struct web_turn *t)
{
	return t->body_len;
}

/* Answering ----------------------------------------------------------------------------------------- */

static bool send_all(struct web_turn *t, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(t->fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

static const char *date_of(const struct web_turn *t, char *text, size_t n)
{
	const time_t now = time(NULL) + (time_t)atomic_load(&t->peer->ahead_s);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, n, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return text;
}

void web_peer_clock(struct web_peer *p, int64_t ahead_s)
{
	atomic_store(&p->ahead_s, ahead_s);
}

void web_reply(struct web_turn *t, int status, const char *type, const char *body)
{
	char head[512], date[64];
	const int n = snprintf(head, sizeof(head),
		"HTTP/1.1 %d Whatever\r\nContent-Type: %s\r\nContent-Length: %zu\r\nDate: %s\r\n\r\n", status,
		type != NULL ? type : "application/json", strlen(body), date_of(t, date, sizeof(date)));

	if (!send_all(t, head, (size_t)n) ||
		(strcmp(t->method, "HEAD") != 0 && !send_all(t, body, strlen(body))))
		t->closing = true;
}

bool web_write(struct web_turn *t, const char *bytes, size_t n)
{
	t->closing = true;
	return send_all(t, bytes, n);
}

void web_hang_up(struct web_turn *t)
{
	t->closing = true;
}

bool web_sleep(struct web_turn *t, int ms)
{
	for (; ms > 0 && !atomic_load(&t->peer->stop); ms -= 5)
		usleep(5000);
	return !atomic_load(&t->peer->stop);
}

/* Threads ------------------------------------------------------------------------------------------- */

static void *run_turn(void *arg)
{
	struct web_turn *t = arg;

	while (!t->closing && read_request(t)) {
		atomic_fetch_add(&t->peer->requests, 1);
		t->peer->fn(t, t->peer->arg);
		next_request(t);
	}
	shutdown(t->fd, SHUT_RDWR);
	atomic_store(&t->over, true);
	return NULL;
}

static void end_turn(struct web_turn **slot)
{
	struct web_turn *t = *slot;

	if (t == NULL)
		return;
	shutdown(t->fd, SHUT_RDWR);
	pthread_join(t->thread, NULL);
	close(t->fd);
	free(t->text);
	free(t);
	*slot = NULL;
}

/* NULL: so many are open that no more may be. */
static struct web_turn **free_slot(struct web_peer *p)
{
	for (int i = 0; i < TURNS_MAX; i++) {
		if (p->turn[i] != NULL && atomic_load(&p->turn[i]->over))
			end_turn(&p->turn[i]);
		if (p->turn[i] == NULL)
			return &p->turn[i];
	}
	return NULL;
}

static void open_turn(struct web_peer *p, struct web_turn **slot, int fd)
{
	struct web_turn *t = calloc(1, sizeof(*t));

	t->peer = p;
	t->fd = fd;
	t->text = calloc(1, REQUEST_MAX);
	*slot = t;
	/* Counted before anything can be answered on it. */
	atomic_fetch_add(&p->accepted, 1);
	pthread_create(&t->thread, NULL, run_turn, t);
}

static void *run_peer(void *arg)
{
	struct web_peer *p = arg;
	struct web_turn **slot;
	int fd;

	while (!atomic_load(&p->stop) && (fd = accept(p->fd, NULL, NULL)) >= 0) {
		slot = free_slot(p);
		if (slot != NULL)
			open_turn(p, slot, fd);
		else
			close(fd);
	}
	return NULL;
}

struct web_peer *web_peer_start(web_fn fn, void *arg)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct web_peer *p = calloc(1, sizeof(*p));
	socklen_t n = sizeof(at);

	p->fn = fn;
	p->arg = arg;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->fd, (struct sockaddr *)&at, n) != 0 || listen(p->fd, 64) != 0 ||
		getsockname(p->fd, (struct sockaddr *)&at, &n) != 0)
		fail_msg("a peer cannot listen: %s", strerror(errno));
	p->port = ntohs(at.sin_port);
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d", p->port);
	pthread_create(&p->thread, NULL, run_peer, p);
	return p;
}

void web_peer_stop(struct web_peer *p)
{
	if (p == NULL)
		return;
	atomic_store(&p->stop, true);
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	for (int i = 0; i < TURNS_MAX; i++)
		end_turn(&p->turn[i]);
	close(p->fd);
	free(p);
}

int web_peer_port(const struct web_peer *p)
{
	return p->port;
}

const char *web_peer_url(const struct web_peer *p)
{
	return p->url;
}

int web_peer_connections(const struct web_peer *p)
{
	return atomic_load(&p->accepted);
}

int web_peer_requests(const struct web_peer *p)
{
	return atomic_load(&p->requests);
}
