/* SPDX-License-Identifier: Apache-2.0 */
#include "odd_peer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENCE_MS 60000

static void reply_mirror(struct web_turn *t)
{
	static const char *const names[] = { "Content-Type", "Content-Length", "X-Mine", "Expect",
		"User-Agent", "Accept-Encoding", "Authorization" };
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s %s\n", web_method(t), web_target(t));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = web_header(t, names[i]);

		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%s=%s\n", names[i], value != NULL ? value : "none");
	}
	snprintf(text + n, sizeof(text) - n, "body=%s", web_body(t));
	web_reply(t, 200, "text/plain", text);
}

static void reply_long(struct web_turn *t, size_t n)
{
	char *body = malloc(n + 1);

	memset(body, 'x', n);
	body[n] = '\0';
	web_reply(t, 200, NULL, body);
	free(body);
}

/* Without a length: only counting stops it. */
static void pour(struct web_turn *t, const char *head, const char *more)
{
	bool there = web_write(t, head, strlen(head));

	for (int i = 0; there && i < 100000; i++)
		there = web_write(t, more, strlen(more));
}

static void write_text(struct web_turn *t, const char *text)
{
	(void)web_write(t, text, strlen(text));
}

static void drip(struct web_turn *t)
{
	write_text(t, "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
	while (web_sleep(t, 20) && web_write(t, "x", 1))
		;
}

void odd_peer(struct web_turn *t, void *arg)
{
	const char *what = web_target(t);

	(void)arg;
	if (strncmp(what, "/mirror", 7) == 0)
		reply_mirror(t);
	else if (strcmp(what, "/status/503") == 0)
		web_reply(t, 503, NULL, "{}");
	else if (strcmp(what, "/moved") == 0)
		write_text(t, "HTTP/1.1 302 Found\r\nLocation: /mirror\r\nX-Two: a\r\nx-two: b\r\n"
			      "Content-Length: 0\r\n\r\n");
	else if (strcmp(what, "/interim") == 0)
		write_text(t,
			"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Late:  2 \r\n"
			"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	else if (strcmp(what, "/exactly") == 0)
		reply_long(t, ODD_EXACTLY);
	else if (strcmp(what, "/one-more") == 0)
		reply_long(t, ODD_EXACTLY + 1);
	else if (strcmp(what, "/endless") == 0)
		pour(t, "HTTP/1.1 200 OK\r\n\r\n",
			"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
	else if (strcmp(what, "/endless-head") == 0)
		pour(t, "HTTP/1.1 200 OK\r\n",
			"X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
	else if (strcmp(what, "/endless-interim") == 0)
		pour(t, "", "HTTP/1.1 103 Early Hints\r\nX-Filler: y\r\n\r\n");
	else if (strcmp(what, "/silent") == 0)
		(void)web_sleep(t, SILENCE_MS);
	else if (strcmp(what, "/drip") == 0)
		drip(t);
	else if (strcmp(what, "/half") == 0)
		write_text(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
	else if (strcmp(what, "/garbage") == 0)
		write_text(t, "\x16\x03\x01 what is this\r\n\r\n");
	else
		web_hang_up(t);
}
