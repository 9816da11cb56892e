/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"
#include "tls_link.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/log.h"

#define TELL_EVERY_MS 60000

enum { STATE_BITS = 3, STATE_MASK = (1 << STATE_BITS) - 1 };

static int64_t due_of(enum peer_state state, int64_t deadline_ms)
{
	return deadline_ms << STATE_BITS | (int64_t)state;
}

static enum peer_state state_of(int64_t due)
{
	return (enum peer_state)(due & STATE_MASK);
}

/* 0 when the kernel does not tell. */
static uint64_t bytes_received(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return 0;
	return info.tcpi_bytes_received;
}

/* why ERR_NONE: nothing is said. */
static void peer_end(struct peer *c, int64_t due, enum err why)
{
	if (!atomic_compare_exchange_strong(&c->due, &due, due_of(PEER_DEAD, 0)))
		return;
	/* A TLS session is its I/O thread's. */
	if (why != ERR_NONE && c->tls == NULL) {
		/* The request is not complete: no byte of an answer was sent yet. */
		peer_last_words(c, NULL, why);
	}
	(void)shutdown(c->fd, SHUT_RDWR);
}

/*
 * libmicrohttpd says nothing before the headers are complete, so the kernel is asked whether
 * an idle connection has begun to send. Bytes that came before the first look at an idle period
 * count as none: such a client is cut by the idle deadline or by its next byte.
 */
static void check_idle(const struct peers *t, struct peer *c, int64_t due, int64_t now)
{
	const uint64_t bytes = bytes_received(c->fd);

	if (due != c->seen_due) {
		c->seen_due = due;
		c->base_bytes = bytes;
	} else if (bytes != c->base_bytes) {
		(void)atomic_compare_exchange_strong(&c->due, &due, due_of(PEER_HEAD, now + t->header_ms));
		return;
	}
	if (now >= due >> STATE_BITS)
		peer_end(c, due, ERR_NONE);
}

static void check_one(const struct peers *t, struct peer *c, int64_t now)
{
	const int64_t due = atomic_load(&c->due);
	const bool late = now >= due >> STATE_BITS;

	switch (state_of(due)) {
	case PEER_IDLE:
		check_idle(t, c, due, now);
		break;
	case PEER_HEAD:
	case PEER_BODY:
		if (late)
			peer_end(c, due, ERR_REQUEST_LATE);
		break;
	case PEER_SHAKE:
	case PEER_SEND:
		if (late)
			peer_end(c, due, ERR_NONE);
		break;
	case PEER_WORK:
	case PEER_DEAD:
		break;
	}
}

static int64_t tick_ms(const struct peers *t)
{
	int shortest = t->header_ms < t->request_ms ? t->header_ms : t->request_ms;

	if (t->idle_ms < shortest)
		shortest = t->idle_ms;
	if (t->handshake_ms > 0 && t->handshake_ms < shortest)
		shortest = t->handshake_ms;
	if (shortest > 4000)
		return 500;
	return shortest > 160 ? shortest / 8 : 20;
}

/* Whoever comes now waits, and would never know why. */
static void tell_full(struct peers *t, int64_t *told_ms, int64_t now)
{
	if (t->max == 0 || t->count < t->max || now - *told_ms < TELL_EVERY_MS)
		return;
	*told_ms = now;
	LOG(LOG_WARN, "every client connection is taken; further clients wait",
	    LOG_INT("connections", t->max));
}

static void *reap(void *arg)
{
	struct peers *t = arg;
	int64_t told_ms = -TELL_EVERY_MS;

	lock_take(&t->lock);
	while (!t->stop) {
		/* Nothing here blocks; the lock is what keeps the descriptors ours. */
		const int64_t now = clock_mono_ms();

		for (struct peer *c = t->first; c != NULL; c = c->next)
			check_one(t, c, now);
		tell_full(t, &told_ms, now);
		(void)cond_wait_until(&t->wake, &t->lock, now + tick_ms(t));
	}
	lock_drop(&t->lock);
	return NULL;
}

void peers_init(struct peers *t, int header_ms, int request_ms, int idle_ms, int handshake_ms)
{
	memset(t, 0, sizeof(*t));
	t->header_ms = header_ms;
	t->request_ms = request_ms;
	t->idle_ms = idle_ms;
	t->handshake_ms = handshake_ms;
	lock_init(&t->lock, RANK_CONNS);
	cond_init(&t->wake);
}

bool peers_start(struct peers *t)
{
	t->running = pthread_create(&t->reaper, NULL, reap, t) == 0;
	return t->running;
}

void peers_stop(struct peers *t)
{
	if (!t->running)
		return;
	lock_take(&t->lock);
	t->stop = true;
	cond_wake_all(&t->wake);
	lock_drop(&t->lock);
	(void)pthread_join(t->reaper, NULL);
	t->running = false;
}

void peers_finish(struct peers *t)
{
	cond_finish(&t->wake);
	lock_finish(&t->lock);
}

int peers_count(struct peers *t)
{
	int n;

	lock_take(&t->lock);
	n = t->count;
	lock_drop(&t->lock);
	return n;
}

int peers_new(struct peers *t)
{
	int n = 0;

	lock_take(&t->lock);
	for (const struct peer *c = t->first; c != NULL; c = c->next)
		n += !atomic_load(&c->asked);
	lock_drop(&t->lock);
	return n;
}

static void write_ip(char *ret, size_t size, const struct sockaddr *address)
{
	ret[0] = '\0';
	if (address == NULL)
		return;
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		(void)inet_ntop(AF_INET, &in.sin_addr, ret, (socklen_t)size);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, ret, (socklen_t)size);
	}
}

void peers_refuse(struct peers *t)
{
	lock_take(&t->lock);
	for (struct peer *c = t->first; c != NULL; c = c->next) {
		const int64_t due = atomic_load(&c->due);

		if (state_of(due) == PEER_HEAD || state_of(due) == PEER_BODY)
			peer_end(c, due, ERR_UNAVAILABLE);
	}
	lock_drop(&t->lock);
}

struct peer *peer_open(struct peers *t, int fd, const struct sockaddr *address)
{
	struct peer *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->fd = fd;
	write_ip(c->ip, sizeof(c->ip), address);
	peer_idle(t, c);
	c->seen_due = atomic_load(&c->due);     /* a fresh connection has received nothing: base_bytes 0 */
	lock_take(&t->lock);
	c->next = t->first;
	if (c->next != NULL)
		c->next->prev = c;
	t->first = c;
	t->count++;
	lock_drop(&t->lock);
	return c;
}

void peer_close(struct peers *t, struct peer *c)
{
	lock_take(&t->lock);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		t->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	t->count--;
	lock_drop(&t->lock);
	free(c);
}

bool peer_move(struct peer *c, enum peer_state state, int64_t deadline_ms)
{
	int64_t due = atomic_load(&c->due);

	do {
		if (state_of(due) == PEER_DEAD)
			return false;
	} while (!atomic_compare_exchange_weak(&c->due, &due, due_of(state, deadline_ms)));
	return true;
}

void peer_idle(const struct peers *t, struct peer *c)
{
	(void)peer_move(c, PEER_IDLE, clock_mono_ms() + t->idle_ms);
}

void peer_shake(const struct peers *t, struct peer *c)
{
	(void)peer_move(c, PEER_SHAKE, clock_mono_ms() + t->handshake_ms);
}

void peer_refuse(struct peer *c, enum err e)
{
	int64_t due = atomic_load(&c->due);

	do {
		const enum peer_state state = state_of(due);

		if (state != PEER_IDLE && state != PEER_HEAD && state != PEER_BODY)
			return;
	} while (!atomic_compare_exchange_weak(&c->due, &due, due_of(PEER_DEAD, 0)));
	c->refused = e;
	random_text(c->refused_id + 4, sizeof(c->refused_id) - 5, ALPHABET_BASE32);
	memcpy(c->refused_id, "req-", 4);
	peer_last_words(c, c->refused_id, e);
}

void peer_last_words(const struct peer *c, const char *request_id, enum err e)
{
	const struct err_info *info = err_info(e);
	char made[] = "req-................";
	const time_t now = (time_t)(clock_wall_us() / TIME_SECOND);
	char body[384], text[768], at[32];
	struct tm tm;
	int n;

	if (request_id == NULL) {
		random_text(made + 4, sizeof(made) - 5, ALPHABET_BASE32);
		request_id = made;
	}
	if (gmtime_r(&now, &tm) == NULL || strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		at[0] = '\0';
	n = snprintf(body, sizeof(body),
		     "{\"error\":\"%s\",\"message\":\"%s\",\"request_id\":\"%s\",\"timestamp\":\"%s\"}",
		     info->code, info->meaning, request_id, at);
	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nX-Request-ID: %s\r\n"
		     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		     "%sConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		     info->status, MHD_get_reason_phrase_for((unsigned)info->status), request_id,
		     info->status == 503 ? "Retry-After: 1\r\n" : "", n, body);
	if (n <= 0 || (size_t)n >= sizeof(text))
		return;
	if (c->tls != NULL)
		tls_link_say(c->tls, text, (size_t)n);
	else
		(void)send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}
