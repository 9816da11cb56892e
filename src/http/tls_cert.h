/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_TLS_CERT_H
#define CC_SRC_HTTP_TLS_CERT_H

#include <gnutls/abstract.h>

#include "cc/http/tls.h"

/* tls_cert_create(); *ret_at_key: what is wrong is wrong with the key. */
struct tls_cert *tls_cert_read(struct arena *a, struct bytes chain, struct bytes key, const char **ret_error,
			       bool *ret_at_key);
/* Is it between the two times that the leaf names? */
bool tls_cert_is_valid(const struct tls_cert *c);
/* What a handshake shows: GnuTLS borrows all of it, so that whose session it is must hold the certificate. */
struct tls_shown {
	gnutls_pcert_st *chain;
	unsigned n;
	gnutls_privkey_t key;
};
struct tls_shown tls_cert_shown(const struct tls_cert *c);

#endif
