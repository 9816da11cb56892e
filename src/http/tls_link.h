/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_TLS_LINK_H
#define CC_SRC_HTTP_TLS_LINK_H

#include <gnutls/abstract.h>
#include <microhttpd.h>

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

/* Before the first byte: the link goes into peer->tls. */
void tls_link_open(struct MHD_Connection *mhd, struct peers *t, struct peer *peer, struct tls_store *store);
/* When the session is gone. NULL is fine. */
void tls_link_close(struct tls_link *l);
/* The name that the client asked for, in lower case without trailing dot. */
const char *tls_link_name(const struct tls_link *l);
/* Best effort: text for the client, encrypted once it speaks TLS. */
void tls_link_say(struct tls_link *l, const char *text, size_t n);

#endif
