/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_TLS_WIRE_H
#define CC_TESTS_TLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The client's end of a TLS connection, by OpenSSL: what is shown, what is refused, and bytes. */
struct tls_wire;

struct tls_ask {
	const char *name;               /* SNI, and what the certificate must be for; NULL: no SNI */
	const char *root;               /* PEM; NULL: the certificate is not judged */
	int version;                    /* TLS1_2_VERSION …: this one alone; 0: any */
	const char *suites;             /* TLS 1.2, in OpenSSL's words; NULL: the usual */
	const void *resume;             /* of tls_wire_session(); NULL: none */
};

struct tls_told {
	bool good;
	int alert;                      /* not good: the alert's number; -1: none came */
	long verified;                  /* of OpenSSL: 0 is X509_V_OK */
	int64_t serial;                 /* of the certificate that was shown; 0: none */
	char protocol[16], suite[64];
	bool resumed;
};

/* A handshake on a connected socket, which stays the caller's. NULL: see ret. */
struct tls_wire *tls_wire_open(int fd, const struct tls_ask *ask, struct tls_told *ret);
/* Says good-bye; NULL is fine. */
void tls_wire_close(struct tls_wire *t);
bool tls_wire_send(struct tls_wire *t, const void *p, size_t n);
/* As recv(): 0 at the end, -1 when nothing came within ms. */
ssize_t tls_wire_recv(struct tls_wire *t, void *p, size_t n, int ms);
/* What a later handshake could be shortened with, to be freed by tls_session_free(); NULL: nothing. */
void *tls_wire_session(struct tls_wire *t);
void tls_session_free(void *session);
/* Asks for a renegotiation (TLS 1.2). True: it was granted. */
bool tls_wire_renegotiate(struct tls_wire *t);

/* A socket connected to 127.0.0.1. */
int tls_dial(int port);

#endif
