/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_TLS_NODE_H
#define CC_TESTS_TLS_NODE_H

#include "client.h"
#include "mint.h"

/* A daemon with a TLS listener and a platform certificate for *.controlcore.io and controlcore.io. */
struct tls_node {
	struct daemon *d;
	struct mint *mint;
	char *folder;           /* platform.pem, platform.key */
	char *port_file;
	bool owner;             /* mint and folder go with it */
	char *env[9];
	int port;               /* of TLS */
};

/* more: further settings of the environment, at most three, NULL-terminated; or NULL. */
void tls_node_start(struct tls_node *n, const char *const *more);
/* A second node on the same databases, with the same files. Finish it before the first. */
void tls_node_join(struct tls_node *n, const struct tls_node *first);
void tls_node_finish(struct tls_node *n);
/* The daemon has begun anew: its port may be another. */
void tls_node_find(struct tls_node *n);
/* A client that speaks TLS for this host and names it in Host. */
struct client *tls_node_client(const struct tls_node *n, const char *host, const char *key);
/* What a handshake for this name shows. */
struct tls_told tls_node_shake(const struct tls_node *n, const char *name);
/* Waits until it shows this certificate; 0: until it is refused. Fails the test after ten seconds. */
int64_t tls_node_await(const struct tls_node *n, const char *name, int64_t serial);

#endif
