/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_HTTP_FLOOR_H
#define CC_TESTS_HTTP_FLOOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "cc/http/server.h"

#include "mint.h"
#include "tls_wire.h"

/*
 * The HTTP floor alone on a free loopback port: a small table of routes, hooks of its own, no database.
 * Credentials: "good" passes from memory, "cold" and "nobody" must be loaded (nobody is then refused),
 * "limited" is over its rate, all others are unknown.
 */
struct floor {
	struct arena *arena;
	struct http_server *server;
	struct http_conf conf;
	int port;
	bool tls;                       /* port speaks TLS: wires do as well */
	const char *name;               /* … for this host; NULL: t.example */
	struct tls_store *store;
	struct mint *mint;
};

/* What the hooks and handlers have seen since floor_start(). */
struct floor_seen {
	atomic_int handled;             /* handlers run */
	atomic_int writes, reads;       /* unit hook, by the route's mode */
	atomic_int changed;             /* fields that the last run of a unit has named */
	atomic_int gated, loaded;       /* gate hook from memory, with loading */
	atomic_int done, abandoned;     /* done hook with a status, without one */
	atomic_bool hold;               /* GET /t/slow waits while this is set, at most 20 s */
	atomic_int holding;
	atomic_int made;                /* answers of GET /t/fixed */
	atomic_bool revoked;            /* no credential is known any more */
	atomic_int pieces;              /* of streams, made */
	atomic_int fail_at;             /* the piece of this number fails; 0: none, 1: the first */
};
/* GET /t/stream/{owner}/{pieces}: so many pieces of FLOOR_PIECE bytes, all of them `a` to `z` in turn. */
enum { FLOOR_PIECE = 50000 };
extern struct floor_seen floor_seen;
extern const struct route_group *const floor_groups[];

/* The defaults of these tests: change some, then floor_start_with(). */
void floor_conf(struct http_conf *ret);
void floor_start_with(struct floor *f, const struct http_conf *conf);
void floor_start(struct floor *f);
/* With a TLS listener too, which port is then: it has a certificate for t.example. */
void floor_start_tls(struct floor *f, const struct http_conf *conf);
/* From now on the TLS listener has certificates for these names and no others. */
void floor_certify(struct floor *f, const struct mint_leaf *v, size_t n);
void floor_stop(struct floor *f);
void floor_forget(void);                /* floor_seen starts again */

/* A raw connection; every wait ends after 20 s. */
struct wire {
	int fd;
	struct tls_wire *tls;           /* NULL: plain */
	size_t n;
	char buf[256 * 1024];
};
struct wire *wire_open(const struct floor *f);
void wire_close(struct wire *w);
bool wire_send(struct wire *w, const char *text);
bool wire_send_n(struct wire *w, const char *text, size_t n);

struct wire_answer {
	int status;             /* 0: the connection ended without one */
	char head[8192];
	char body[128 * 1024];
	size_t body_len;
};
/* The next answer; head_only: to a HEAD. */
void wire_read(struct wire *w, struct wire_answer *ret, bool head_only);
/* The value of a header, copied to ret; false when absent. */
bool wire_header(const struct wire_answer *a, const char *name, char *ret, size_t size);
/* True when the server ends the connection within ms and sends nothing more. */
bool wire_ended(struct wire *w, int ms);

/* One exchange on a connection of its own. headers: lines ending in CRLF, beyond Host. */
void floor_ask(const struct floor *f, const char *method, const char *target, const char *headers,
	       const char *body, struct wire_answer *ret);
/* Bytes as they are; the first answer. */
void floor_raw(const struct floor *f, const char *bytes, size_t n, struct wire_answer *ret);

void floor_check_error(const struct wire_answer *a, int status, const char *code, const char *file, int line);
#define assert_refused(status, code, answer) floor_check_error((answer), (status), (code), __FILE__, __LINE__)
void floor_nap(int ms);
/* Waits until *n is `want`. */
void floor_await(atomic_int *n, int want);
/* The answer said that it is the last on its connection, and was. */
void wire_assert_closes(struct wire *w, const struct wire_answer *a);

#endif
