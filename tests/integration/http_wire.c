/* SPDX-License-Identifier: Apache-2.0 */
#include "http_floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/clock.h"

enum { WAIT_MS = 20000 };

struct wire *wire_open(const struct floor *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)f->port) };
	struct wire *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(w->fd >= 0);
	assert_int_equal(0, connect(w->fd, (const struct sockaddr *)&to, sizeof(to)));
	if (f->tls) {
		const struct tls_ask ask = { .name = f->name != NULL ? f->name : "t.example",
					     .root = mint_root(f->mint) };
		struct tls_told told;

		w->tls = tls_wire_open(w->fd, &ask, &told);
		if (w->tls == NULL)
			fail_msg("no TLS: alert %d", told.alert);
	}
	return w;
}

void wire_close(struct wire *w)
{
	tls_wire_close(w->tls);
	(void)close(w->fd);
	free(w);
}

bool wire_send_n(struct wire *w, const char *text, size_t n)
{
	if (w->tls != NULL)
		return tls_wire_send(w->tls, text, n);
	while (n > 0) {
		const ssize_t sent = send(w->fd, text, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

bool wire_send(struct wire *w, const char *text)
{
	return wire_send_n(w, text, strlen(text));
}

/* False: nothing more will come, or nothing came in time. */
static bool receive(struct wire *w, int ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };
	ssize_t n;

	if (w->n == sizeof(w->buf))
		return false;
	if (w->tls != NULL)
		n = tls_wire_recv(w->tls, w->buf + w->n, sizeof(w->buf) - w->n, ms);
	else if (poll(&p, 1, ms) <= 0)
		return false;
	else
		n = recv(w->fd, w->buf + w->n, sizeof(w->buf) - w->n, 0);
	if (n <= 0)
		return false;
	w->n += (size_t)n;
	return true;
}

static const char *find_end(const struct wire *w)
{
	for (size_t i = 0; i + 4 <= w->n; i++) {
		if (memcmp(w->buf + i, "\r\n\r\n", 4) == 0)
			return w->buf + i + 4;
	}
	return NULL;
}

static void consume(struct wire *w, size_t n)
{
	memmove(w->buf, w->buf + n, w->n - n);
	w->n -= n;
}

void wire_read(struct wire *w, struct wire_answer *ret, bool head_only)
{
	const char *end;
	char length[32];
	size_t head;

	memset(ret, 0, offsetof(struct wire_answer, body) + 1);
	ret->body_len = 0;
	while ((end = find_end(w)) == NULL) {
		if (!receive(w, WAIT_MS))
			return;
	}
	head = (size_t)(end - w->buf);
	assert_true(head < sizeof(ret->head));
	memcpy(ret->head, w->buf, head);
	consume(w, head);
	if (sscanf(ret->head, "HTTP/1.1 %d", &ret->status) != 1)
		fail_msg("not an answer: %s", ret->head);
	if (!head_only && wire_header(ret, "Content-Length", length, sizeof(length)))
		ret->body_len = (size_t)strtoul(length, NULL, 10);
	assert_true(ret->body_len < sizeof(ret->body));
	while (w->n < ret->body_len && receive(w, WAIT_MS))
		continue;
	assert_true(w->n >= ret->body_len);
	memcpy(ret->body, w->buf, ret->body_len);
	ret->body[ret->body_len] = '\0';
	consume(w, ret->body_len);
}

bool wire_header(const struct wire_answer *a, const char *name, char *ret, size_t size)
{
	const size_t n = strlen(name);

	for (const char *p = strstr(a->head, "\r\n"); p != NULL; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1 + strspn(p + n + 1, " ");
		(void)snprintf(ret, size, "%.*s", (int)strcspn(p, "\r"), p);
		return true;
	}
	return false;
}

bool wire_ended(struct wire *w, int ms)
{
	const int64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };
		char c;

		if (w->tls != NULL) {
			const ssize_t n = tls_wire_recv(w->tls, &c, 1, (int)(until - clock_mono_ms()) + 1);

			if (n < 0)
				continue;
			return n == 0;
		}
		if (poll(&p, 1, (int)(until - clock_mono_ms()) + 1) <= 0)
			continue;
		return recv(w->fd, &c, 1, 0) <= 0;
	}
	return false;
}

void floor_raw(const struct floor *f, const char *bytes, size_t n, struct wire_answer *ret)
{
	struct wire *w = wire_open(f);

	(void)wire_send_n(w, bytes, n);
	wire_read(w, ret, false);
	wire_close(w);
}

void floor_ask(const struct floor *f, const char *method, const char *target, const char *headers,
	       const char *body, struct wire_answer *ret)
{
	const size_t size = 512 + strlen(target) + strlen(headers) + (body != NULL ? strlen(body) : 0);
	char *text = malloc(size);
	struct wire *w = wire_open(f);
	int n;

	assert_non_null(text);
	n = snprintf(text, size, "%s %s HTTP/1.1\r\nHost: t.example\r\n%s", method, target, headers);
	if (body != NULL)
		n += snprintf(text + n, size - (size_t)n,
			      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
			      body);
	else
		n += snprintf(text + n, size - (size_t)n, "\r\n");
	(void)wire_send_n(w, text, (size_t)n);
	wire_read(w, ret, strcmp(method, "HEAD") == 0);
	wire_close(w);
	free(text);
}

void floor_check_error(const struct wire_answer *a, int status, const char *code, const char *file, int line)
{
	char want[96], type[64];

	(void)snprintf(want, sizeof(want), "{\"error\":\"%s\",\"message\":\"", code);
	if (a->status == status && wire_header(a, "Content-Type", type, sizeof(type)) &&
	    strcmp(type, "application/json") == 0 && strncmp(a->body, want, strlen(want)) == 0)
		return;
	print_error("expected %d %s, got:\n%s%s\n", status, code, a->head, a->body);
	_fail(file, line);
}

void floor_await(atomic_int *n, int want)
{
	for (int i = 0; i < 4000 && atomic_load(n) != want; i++)
		floor_nap(5);
	assert_int_equal(want, atomic_load(n));
}

void wire_assert_closes(struct wire *w, const struct wire_answer *a)
{
	char value[32];

	assert_true(wire_header(a, "Connection", value, sizeof(value)));
	assert_string_equal("close", value);
	assert_true(wire_ended(w, 10000));
}
