/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_PEERS_H
#define CC_SRC_HTTP_PEERS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cc/base/err.h"
#include "cc/base/lock.h"

/*
 * The table of open connections and the reaper that ends those past their deadline.
 * libmicrohttpd's own time-out is about inactivity only: a client that sends one byte a second
 * would live for ever.
 */
enum peer_state {
	PEER_SHAKE,             /* the TLS handshake is not over */
	PEER_IDLE,              /* between requests */
	PEER_HEAD,              /* the first bytes of a request are here, its headers are not complete */
	PEER_BODY,              /* headers complete, body on its way */
	PEER_WORK,              /* ours to answer: no deadline of the client runs */
	PEER_SEND,              /* the answer is on its way */
	PEER_DEAD,              /* ended by the reaper; nothing may be sent any more */
};

struct tls_link;

struct peer {
	struct peer *prev, *next;       /* guarded by: peers.lock */
	int fd;
	/* Deadline (clock_mono_ms()) × 8 + state: one word, so reaper and I/O thread cannot both win. */
	_Atomic int64_t due;
	int64_t seen_due;               /* reaper: the idle period that base_bytes belongs to */
	uint64_t base_bytes;            /* reaper: bytes received when the connection became idle */
	struct tls_link *tls;           /* NULL: plain HTTP */
	atomic_bool asked;              /* a request has come here */
	char ip[INET6_ADDRSTRLEN];
	enum err refused;               /* what peer_refuse() has said, and as which request */
	char refused_id[4 + 16 + 1];
};

struct peers {
	struct lock lock;
	struct cond wake;
	struct peer *first;             /* guarded by: lock */
	int count;                      /* guarded by: lock */
	int max;                        /* libmicrohttpd takes no more; 0: not known */
	bool stop;                      /* guarded by: lock */
	bool running;
	int header_ms, request_ms, idle_ms;
	int handshake_ms;
	pthread_t reaper;
};

void peers_init(struct peers *t, int header_ms, int request_ms, int idle_ms, int handshake_ms);
bool peers_start(struct peers *t);
void peers_stop(struct peers *t);               /* joins the reaper; NULL-safe for one never started */
void peers_finish(struct peers *t);
int peers_count(struct peers *t);
int peers_new(struct peers *t);                 /* those on which nothing was asked yet */
/* Whose request is still on its way gets 503 and is closed; over TLS it is closed. At the end of a drain. */
void peers_refuse(struct peers *t);

struct peer *peer_open(struct peers *t, int fd, const struct sockaddr *address);
/* Before the descriptor is closed: afterwards its number may belong to somebody else. */
void peer_close(struct peers *t, struct peer *c);

/* False: the reaper was first and the connection is at its end. */
bool peer_move(struct peer *c, enum peer_state state, int64_t deadline_ms);
void peer_idle(const struct peers *t, struct peer *c);
void peer_shake(const struct peers *t, struct peer *c);
/*
 * Best effort: a complete answer past libmicrohttpd, for the moments in which it can only close. request_id
 * is checked (NULL: one is made) and the rest is of the table, so nothing is escaped. With TLS only from the
 * connection's own I/O thread.
 */
void peer_last_words(const struct peer *c, const char *request_id, enum err e);
/* The same once, of a request that nobody answers; the connection is at its end then. Its I/O thread only. */
void peer_refuse(struct peer *c, enum err e);

#endif
