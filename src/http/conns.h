/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_CONNS_H
#define CC_SRC_HTTP_CONNS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cc/base/lock.h"

/*
 * The table of open connections and the reaper that ends those past their deadline.
 * libmicrohttpd's own time-out is about inactivity only: a client that sends one byte a second
 * would live for ever.
 */
enum conn_state {
	CONN_IDLE,              /* between requests */
	CONN_HEAD,              /* the first bytes of a request are here, its headers are not complete */
	CONN_BODY,              /* headers complete, body on its way */
	CONN_WORK,              /* ours to answer: no deadline of the client runs */
	CONN_SEND,              /* the answer is on its way */
	CONN_DEAD,              /* ended by the reaper; nothing may be sent any more */
};

struct conn {
	struct conn *prev, *next;       /* guarded by: conns.lock */
	int fd;
	/* Deadline (clock_mono_ms()) × 8 + state: one word, so reaper and I/O thread cannot both win. */
	_Atomic int64_t due;
	int64_t seen_due;               /* reaper: the idle period that base_bytes belongs to */
	uint64_t base_bytes;            /* reaper: bytes received when the connection became idle */
	char ip[INET6_ADDRSTRLEN];
};

struct conns {
	struct lock lock;
	struct cond wake;
	struct conn *first;             /* guarded by: lock */
	int count;                      /* guarded by: lock */
	bool stop;                      /* guarded by: lock */
	bool running;
	int header_ms, request_ms, idle_ms;
	pthread_t reaper;
};

void conns_init(struct conns *t, int header_ms, int request_ms, int idle_ms);
bool conns_start(struct conns *t);
void conns_stop(struct conns *t);               /* joins the reaper; NULL-safe for one never started */
void conns_finish(struct conns *t);
int conns_count(struct conns *t);

struct conn *conn_open(struct conns *t, int fd, const struct sockaddr *address);
/* Before the descriptor is closed: afterwards its number may belong to somebody else. */
void conn_close(struct conns *t, struct conn *c);

/* False: the reaper was first and the connection is at its end. */
bool conn_move(struct conn *c, enum conn_state state, int64_t deadline_ms);
void conn_idle(const struct conns *t, struct conn *c);
/*
 * Best effort: a complete answer straight to the socket, for the moments in which libmicrohttpd can
 * only close. All texts are ours, request_id is checked (NULL: one is made), so nothing is escaped.
 */
void conn_last_words(const struct conn *c, const char *request_id, const char *status, const char *code,
		     const char *message);

#endif
