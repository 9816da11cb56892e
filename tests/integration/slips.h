/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_SLIPS_H
#define CC_TESTS_SLIPS_H

/*
 * Requests in which somebody wrote a credential where none belongs: each is sent as it stands, on a
 * connection of its own, with `key` where it does belong. What is answered is nobody's business here.
 */
void slips_send(int port, const char *key);
/* One more: line is the request line and perhaps a header, without its end, and %s in it the secret. */
void slip_send(int port, const char *key, const char *line, const char *secret);

#endif
