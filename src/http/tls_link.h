/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_TLS_LINK_H
#define CC_SRC_HTTP_TLS_LINK_H

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdint.h>

#include "peers.h"

#include "cc/http/tls.h"

/*
 * The TLS side of a connection of libmicrohttpd: which name was asked for, which certificate was shown. All
 * of it belongs to the connection's I/O thread.
 */
struct tls_link;

/* What may be spoken: GnuTLS's words for it. */
extern const char tls_priorities[];
/* For libmicrohttpd (MHD_OPTION_HTTPS_CERT_CALLBACK2). */
gnutls_certificate_retrieve_function3 tls_link_certificate;

/* Handshakes since the start. Any thread. */
struct tls_meter {
	_Atomic int64_t done, refused;  /* refused: by this side, and with an alert where TLS is spoken */
	_Atomic int64_t broken_off;     /* the client left, would not have it, or took too long */
	_Atomic int64_t say_at_ms;      /* clock_mono_ms(): before, one that is refused is not logged … */
	_Atomic int64_t unsaid;         /* … and so many were not */
};

/* Before the first byte: the link goes into peer->tls. What is pointed to outlives it. */
void tls_link_open(struct MHD_Connection *mhd, struct peers *t, struct peer *peer, struct tls_store *store,
		   struct tls_meter *meter);
/* When the session is gone. NULL is fine. */
void tls_link_close(struct tls_link *l);
/* gnutls_handshake() ended with e for this session. */
void tls_link_shaken(gnutls_session_t session, int e);
/* The name that the client asked for, in lower case without trailing dot. */
const char *tls_link_name(const struct tls_link *l);
/* Best effort: text for the client, encrypted once it speaks TLS. */
void tls_link_say(struct tls_link *l, const char *text, size_t n);

#endif
