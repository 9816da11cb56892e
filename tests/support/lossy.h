/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_LOSSY_H
#define CC_TESTS_LOSSY_H

/*
 * A network that loses replies: a relay between clients and one server on 127.0.0.1. Requests always arrive
 * whole. Of the replies some are thrown away, some are cut in the middle, and some clients are gone before
 * the server has done what they want, with or without its noticing; each time the client's connection just
 * ends. One thread of its own serves all connections.
 */
struct lossy;

/* Towards this port. seed: which replies are lost. */
struct lossy *lossy_open(int port, unsigned seed);
void lossy_close(struct lossy *l);
int lossy_port(const struct lossy *l);
/* How many of a hundred replies are lost: 0 to 99. */
void lossy_rate(struct lossy *l, int percent);
/* Every reply begins so much later; 0: at once. */
void lossy_slow(struct lossy *l, int ms);
/* The server has another port now. */
void lossy_target(struct lossy *l, int port);
/* Replies lost and replies delivered so far. */
void lossy_counts(struct lossy *l, long *ret_lost, long *ret_delivered);

#endif
