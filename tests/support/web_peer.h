/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_WEB_PEER_H
#define CC_TESTS_WEB_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A small HTTP/1.1 server inside the test, on a free port of 127.0.0.1, for what the program asks of others.
 * Each connection has a thread, so the function that answers may be called by several at once. It can
 * answer properly, or write whatever bytes it likes.
 */
struct web_peer;
struct web_turn;

/* Called for every request; must call web_reply(), or web_write() and the like. */
typedef void (*web_fn)(struct web_turn *t, void *arg);

struct web_peer *web_peer_start(web_fn fn, void *arg);
void web_peer_stop(struct web_peer *p); /* NULL is fine; ends sleeping answers at once */
int web_peer_port(const struct web_peer *p);
/* "http://127.0.0.1:<port>" */
const char *web_peer_url(const struct web_peer *p);
/* Its clock, as answers have it (Date), is so far ahead of ours. */
void web_peer_clock(struct web_peer *p, int64_t ahead_s);
/* Since the start. */
int web_peer_connections(const struct web_peer *p);
int web_peer_requests(const struct web_peer *p);

/* The request: texts live until the function returns. */
const char *web_method(const struct web_turn *t);
const char *web_target(const struct web_turn *t);
const char *web_header(struct web_turn *t, const char *name); /* NULL: absent */
const char *web_body(const struct web_turn *t);
size_t web_body_len(const struct web_turn *t);

/* The answer. type NULL: application/json. */
void web_reply(struct web_turn *t, int status, const char *type, const char *body);
/* Bytes as they are; false: the client is gone. The connection is not reused afterwards. */
bool web_write(struct web_turn *t, const char *bytes, size_t n);
/* Closes without (more of) an answer. */
void web_hang_up(struct web_turn *t);
/* False when the peer is being stopped. */
bool web_sleep(struct web_turn *t, int ms);

#endif
