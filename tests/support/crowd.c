/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "bouncer.h"
#include "temp.h"

#define AT_ONCE 40

struct crowd {
	int n;
	struct pollfd *p;
	bool *done;
};

struct crowd *crowd_open(
	int port, int n, const char *key, const char *environment, const char *etag, int wait_s)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	struct crowd *c = calloc(1, sizeof(*c));
	char text[600];
	const int len = snprintf(text, sizeof(text),
		"GET /api/v1/bundles/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
		"If-None-Match: %s\r\nPrefer: wait=%d\r\n\r\n",
		environment, key, etag, wait_s);

	c->n = n;
	c->p = calloc((size_t)n, sizeof(*c->p));
	c->done = calloc((size_t)n, sizeof(*c->done));
	for (int i = 0; i < n; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(0, connect(fd, (const struct sockaddr *)&to, sizeof(to)));
		assert_int_equal(len, send(fd, text, (size_t)len, MSG_NOSIGNAL));
		c->p[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
		/* Of one tenant so many may be in the queue. */
		if (i % AT_ONCE == AT_ONCE - 1)
			temp_sleep_ms(100);
	}
	return c;
}

static void read_one(struct crowd *c, int i, const char *begin, int *answered)
{
	char text[256];
	const ssize_t n = recv(c->p[i].fd, text, sizeof(text) - 1, 0);

	c->p[i].events = 0;
	c->p[i].fd = -c->p[i].fd; /* poll() passes over it */
	c->done[i] = true;
	text[n > 0 ? n : 0] = '\0';
	if (strncmp(text, begin, strlen(begin)) == 0)
		(*answered)++;
	else
		print_message("# %.60s\n", text);
}

int crowd_answered(struct crowd *c, const char *begin, int ms)
{
	const int64_t until = temp_now_ms() + ms;
	int answered = 0, left = 0;

	for (int i = 0; i < c->n; i++)
		left += !c->done[i];
	while (left > 0 && temp_now_ms() < until) {
		if (poll(c->p, (nfds_t)c->n, (int)(until - temp_now_ms())) <= 0)
			break;
		for (int i = 0; i < c->n; i++) {
			if (c->done[i] || c->p[i].revents == 0)
				continue;
			read_one(c, i, begin, &answered);
			left--;
		}
	}
	return answered;
}

void crowd_close(struct crowd *c)
{
	for (int i = 0; i < c->n; i++)
		close(abs(c->p[i].fd));
	free(c->p);
	free(c->done);
	free(c);
}
