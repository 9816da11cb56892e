/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange itself; reading answers is in client_answer.c. */
#define _GNU_SOURCE /* strcasestr, memmem */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 30000
#define ANSWER_MAX (64 << 20)

struct kept {
	struct answer a;
	char *head, *body, *asked;
	struct kept *next;
};

struct client {
	int port, fd;
	char *key, *tenant, *host, *request_id;
	struct kept *kept;
	char *rest; /* client_begin(): the body that client_end() sends */
	struct tls_wire *tls;
	char *tls_name, *tls_root; /* NULL: plain HTTP */
	struct tls_told told;
};

/* What has been read of a connection and not been used. */
struct intake {
	char *data;
	size_t n, cap;
};

struct client *client_open(int port)
{
	struct client *c = calloc(1, sizeof *c);

	assert_non_null(c);
	signal(SIGPIPE, SIG_IGN);
	c->port = port;
	c->fd = -1;
	return c;
}

static void hang_up(struct client *c)
{
	tls_wire_close(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void client_forget(struct client *c)
{
	while (c->kept != NULL) {
		struct kept *k = c->kept;

		c->kept = k->next;
		json_decref(k->a.json);
		free(k->head);
		free(k->body);
		free(k->asked);
		free(k);
	}
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	client_forget(c);
	free(c->key);
	free(c->tenant);
	free(c->host);
	free(c->rest);
	free(c->request_id);
	free(c->tls_name);
	free(c->tls_root);
	free(c);
}

static void replace(char **at, const char *text)
{
	free(*at);
	*at = text != NULL ? strdup(text) : NULL;
}

void client_key(struct client *c, const char *key)
{
	replace(&c->key, key);
}

void client_tenant(struct client *c, const char *tenant)
{
	replace(&c->tenant, tenant);
}

void client_host(struct client *c, const char *host)
{
	replace(&c->host, host);
}

void client_request_id(struct client *c, const char *id)
{
	replace(&c->request_id, id);
}

void client_tls(struct client *c, const char *name, const char *root)
{
	hang_up(c);
	replace(&c->tls_name, name);
	replace(&c->tls_root, root);
}

const struct tls_told *client_told(const struct client *c)
{
	return &c->told;
}

void client_port(struct client *c, int port)
{
	hang_up(c);
	c->port = port;
}

/* --- Bytes ---------------------------------------------------------------------------------------- */

static const char *shake(struct client *c)
{
	const struct tls_ask ask = { .name = c->tls_name, .root = c->tls_root };

	if (c->tls_name == NULL)
		return NULL;
	c->tls = tls_wire_open(c->fd, &ask, &c->told);
	if (c->tls != NULL && c->told.verified == 0)
		return NULL;
	hang_up(c);
	return "the TLS handshake failed";
}

static const char *dial(struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
	const int one = 1;

	a.sin_port = htons((uint16_t)c->port);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return "no socket";
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&a, sizeof a) == 0)
		return shake(c);
	hang_up(c);
	return "cannot connect";
}

static void send_all(struct client *c, const char *p, size_t n)
{
	if (c->tls != NULL)
		(void)tls_wire_send(c->tls, p, n);
	while (n > 0 && c->tls == NULL) {
		const ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

/* More bytes; false: the connection ended, failed or was silent for too long. */
static bool take_in(struct client *c, struct intake *in)
{
	if (in->n + 65536 > in->cap) {
		in->cap = in->cap == 0 ? 131072 : in->cap * 2;
		in->data = in->cap <= ANSWER_MAX ? realloc(in->data, in->cap) : NULL;
		assert_non_null(in->data);
	}
	const size_t room = in->cap - in->n - 1;
	const ssize_t got = c->tls != NULL ? tls_wire_recv(c->tls, in->data + in->n, room, WAIT_MS)
					   : recv(c->fd, in->data + in->n, room, 0);
	if (got <= 0)
		return false;
	in->n += (size_t)got;
	in->data[in->n] = '\0';
	return true;
}

static void consume(struct intake *in, size_t n)
{
	memmove(in->data, in->data + n, in->n - n + 1);
	in->n -= n;
}

/* Length of what ends with `end`, reading until it is there; 0: it does not come. */
static size_t until(struct client *c, struct intake *in, const char *end)
{
	char *at;

	while (in->n == 0 || (at = memmem(in->data, in->n, end, strlen(end))) == NULL)
		if (!take_in(c, in))
			return 0;
	return (size_t)(at - in->data) + strlen(end);
}

static bool append(struct client *c, struct intake *in, struct kept *k, size_t n)
{
	while (in->n < n)
		if (!take_in(c, in))
			return false;
	k->body = realloc(k->body, k->a.body_len + n + 1);
	assert_non_null(k->body);
	if (n > 0)
		memcpy(k->body + k->a.body_len, in->data, n);
	k->a.body_len += n;
	k->body[k->a.body_len] = '\0';
	if (n > 0)
		consume(in, n);
	return true;
}

static bool read_chunks(struct client *c, struct intake *in, struct kept *k)
{
	for (;;) {
		const size_t line = until(c, in, "\r\n");
		const unsigned long n = line > 0 ? strtoul(in->data, NULL, 16) : 0;

		if (line == 0)
			return false;
		consume(in, line);
		if (!append(c, in, k, n) || until(c, in, "\r\n") == 0)
			return false;
		consume(in, 2);
		if (n == 0)
			return true;
	}
}

static bool read_body(struct client *c, struct intake *in, struct kept *k, bool head_only)
{
	const char *length = answer_header(&k->a, "Content-Length");
	const char *coding = answer_header(&k->a, "Transfer-Encoding");

	if (head_only || k->a.status == 204 || k->a.status == 304 || k->a.status < 200)
		return append(c, in, k, 0);
	if (coding != NULL)
		return read_chunks(c, in, k);
	if (length != NULL)
		return append(c, in, k, strtoul(length, NULL, 10));
	while (take_in(c, in))
		;
	return append(c, in, k, in->n);
}

static const char *receive(struct client *c, struct kept *k, bool head_only)
{
	struct intake in = { 0 };
	const char *error = NULL;
	int interim = 0;

	do {
		const size_t n = until(c, &in, "\r\n\r\n");

		if (n == 0 || strncmp(in.data, "HTTP/1.1 ", 9) != 0) {
			error = in.n == 0 ? "closed without an answer" : "what came is no answer";
			break;
		}
		free(k->head);
		k->head = strndup(in.data, n);
		k->a.head = k->head;
		k->a.status = (int)strtol(in.data + 9, NULL, 10);
		consume(&in, n);
	} while (k->a.status < 200 && interim++ < 4);
	if (error == NULL && !read_body(c, &in, k, head_only))
		error = "the body ended early";
	if (error != NULL)
		k->a.status = 0;
	free(in.data);
	return error;
}

/* --- One exchange --------------------------------------------------------------------------------- */

static struct kept *keep(struct client *c, const char *method, const char *target)
{
	struct kept *k = calloc(1, sizeof *k);
	const size_t n = strlen(method) + strlen(target) + 2;

	assert_non_null(k);
	k->asked = calloc(1, n);
	assert_non_null(k->asked);
	snprintf(k->asked, n, "%s %s", method, target);
	k->a.asked = k->asked;
	k->a.head = k->a.body = "";
	k->next = c->kept;
	c->kept = k;
	return k;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The server may have closed a kept connection; then nothing was lost with it. Never sent twice, though. */
static bool still_open(const struct client *c)
{
	char byte;

	return c->fd >= 0 && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void exchange(struct client *c, struct kept *k, const char *bytes, size_t n, bool head_only)
{
	const int64_t start = now_us();

	if (!still_open(c))
		hang_up(c);
	if (c->fd < 0)
		k->a.error = dial(c);
	/* A server may answer and close before it has read all: a failed sending is not the end. */
	if (k->a.error == NULL) {
		send_all(c, bytes, n);
		k->a.error = receive(c, k, head_only);
	}
	if (k->a.error != NULL)
		hang_up(c);
	k->a.us = now_us() - start;
}

static void finish(struct client *c, struct kept *k)
{
	const char *connection = k->a.status != 0 ? answer_header(&k->a, "Connection") : NULL;

	if (connection != NULL && strcasecmp(connection, "close") == 0)
		hang_up(c);
	if (k->body != NULL)
		k->a.body = k->body;
	k->a.json = json_loadb(k->a.body, k->a.body_len, JSON_DECODE_ANY, NULL);
}

static char *compose(const struct client *c, const char *method, const char *target, const char *headers,
	const char *body, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	assert_non_null(f);
	fprintf(f, "%s %s HTTP/1.1\r\n", method, target);
	if (c->host != NULL)
		fprintf(f, "Host: %s\r\n", c->host);
	else
		fprintf(f, "Host: 127.0.0.1:%d\r\n", c->port);
	if (c->key != NULL)
		fprintf(f, "Authorization: Bearer %s\r\n", c->key);
	if (c->tenant != NULL)
		fprintf(f, "X-Tenant-ID: %s\r\n", c->tenant);
	if (c->request_id != NULL)
		fprintf(f, "X-Request-ID: %s\r\n", c->request_id);
	if (headers != NULL)
		fputs(headers, f);
	if (body != NULL && (headers == NULL || strcasestr(headers, "content-type:") == NULL))
		fputs("Content-Type: application/json\r\n", f);
	if (body != NULL || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		strcmp(method, "PATCH") == 0)
		fprintf(f, "Content-Length: %zu\r\n", body != NULL ? strlen(body) : 0);
	fprintf(f, "\r\n%s", body != NULL ? body : "");
	fclose(f);
	return text;
}

const struct answer *client_call(
	struct client *c, const char *method, const char *target, const char *headers, const char *body)
{
	struct kept *k = keep(c, method, target);
	size_t n;
	char *text = compose(c, method, target, headers, body, &n);

	exchange(c, k, text, n, strcmp(method, "HEAD") == 0);
	finish(c, k);
	free(text);
	return &k->a;
}

const struct answer *client_raw(struct client *c, const void *bytes, size_t n)
{
	struct kept *k = keep(c, "raw", "bytes");

	hang_up(c);
	exchange(c, k, bytes, n, false);
	finish(c, k);
	hang_up(c);
	return &k->a;
}

void client_begin(struct client *c, const char *method, const char *target, const char *body)
{
	size_t n;
	char *text = compose(c, method, target, NULL, body, &n);

	(void)keep(c, method, target);
	hang_up(c);
	assert_null(dial(c));
	send_all(c, text, n - strlen(body));
	replace(&c->rest, body);
	free(text);
}

const struct answer *client_end(struct client *c)
{
	struct kept *k = c->kept;

	exchange(c, k, c->rest, strlen(c->rest), false);
	finish(c, k);
	return &k->a;
}
