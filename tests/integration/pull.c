/* SPDX-License-Identifier: Apache-2.0 */
#include "pull.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_S = 30, WINDOW = 65536 };

/* -1: the connection ended. */
static int next_byte(struct pull *p)
{
	if (p->at == p->n) {
		const ssize_t got = recv(p->fd, p->in, sizeof(p->in), 0);

		if (got <= 0)
			return -1;
		p->n = (size_t)got;
		p->at = 0;
	}
	return (unsigned char)p->in[p->at++];
}

/* Up to LF, without CR LF; false: the connection ended before. */
static bool read_text(struct pull *p, char *ret, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = next_byte(p)) >= 0 && c != '\n') {
		assert_true(n + 1 < size);
		ret[n++] = (char)c;
	}
	ret[n > 0 && ret[n - 1] == '\r' ? n - 1 : n] = '\0';
	return c >= 0;
}

static void dial(struct pull *p, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = WAIT_S };
	const int window = WINDOW;

	to.sin_port = htons((uint16_t)port);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window));
	assert_int_equal(0, connect(p->fd, (struct sockaddr *)&to, sizeof(to)));
}

void pull_open(struct pull *p, int port, const char *key, const char *path)
{
	char text[1024];
	bool chunked = false;
	int n;

	memset(p, 0, sizeof(*p));
	dial(p, port);
	n = snprintf(text, sizeof(text),
		"GET /api/v1%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", path, key);
	assert_true(n > 0 && n < (int)sizeof(text));
	assert_int_equal(n, send(p->fd, text, (size_t)n, MSG_NOSIGNAL));
	assert_true(read_text(p, text, sizeof(text)));
	assert_string_equal("HTTP/1.1 200 OK", text);
	while (read_text(p, text, sizeof(text)) && text[0] != '\0')
		chunked = chunked || strcmp(text, "Transfer-Encoding: chunked") == 0;
	assert_true(chunked);
}

/* The next chunk is there; false: the answer is over. */
static bool begin_chunk(struct pull *p)
{
	char size[64];

	/* Behind the data of each but the first is a CR LF. */
	if (p->bytes > 0 && !read_text(p, size, sizeof(size)))
		return false;
	if (!read_text(p, size, sizeof(size)))
		return false;
	p->left = strtoul(size, NULL, 16);
	p->whole = p->left == 0 && strcmp(size, "0") == 0;
	return p->left > 0;
}

const char *pull_line(struct pull *p)
{
	for (p->len = 0;;) {
		int c;

		if (p->left == 0 && !begin_chunk(p))
			return NULL;
		c = next_byte(p);
		if (c < 0)
			return NULL;
		p->left--;
		p->bytes++;
		if (c == '\n')
			break;
		assert_true(p->len + 1 < sizeof(p->line));
		p->line[p->len++] = (char)c;
	}
	p->line[p->len] = '\0';
	p->lines++;
	return p->line;
}

void pull_close(struct pull *p)
{
	close(p->fd);
}
