/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_HTTP_TLS_H
#define CC_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/bytes.h"
#include "cc/base/str.h"

/*
 * Which certificate the TLS listener shows for which name (RFC 6066, 3): a map that is replaced as a whole.
 * A handshake for a name that is not in it, or whose certificate is not valid now, is refused; there is no
 * default. Any thread.
 */

#define TLS_RSA_BITS_MAX 4096

/* A chain with its key, immutable and counted. */
struct tls_cert;

/*
 * From PEM, the leaf first; the caller has one reference. A key that every handshake would take long with is
 * not taken: RSA has at most TLS_RSA_BITS_MAX bits. NULL: *ret_error says why, without a word of what
 * the texts hold (arena a).
 */
struct tls_cert *tls_cert_create(struct arena *a, struct bytes chain, struct bytes key,
				 const char **ret_error);
/*
 * Would handshakes succeed with it? They are tried in memory, with TLS 1.3 and 1.2: NULL, or why not;
 * *ret_at_key: it is the key's fault. Takes milliseconds of processor time.
 */
const char *tls_cert_fault(struct arena *a, struct bytes chain, struct bytes key, bool *ret_at_key);
struct tls_cert *tls_cert_hold(struct tls_cert *c);
void tls_cert_put(struct tls_cert *c);          /* NULL is fine */
/* The DNS names that the leaf is for, in lower case; as long as the certificate. */
struct strv tls_cert_names(const struct tls_cert *c);
/* Seconds since 1970: the first and the last one in which it is valid. */
int64_t tls_cert_from(const struct tls_cert *c);
int64_t tls_cert_until(const struct tls_cert *c);

/* "policies.acme.com", "*.controlcore.io" (one label): A-labels in lower case. */
struct tls_entry {
	const char *name;
	struct tls_cert *cert;
};

struct tls_store;
struct tls_store *tls_store_create(void);
/* When no handshake can come any more. NULL is fine. */
void tls_store_destroy(struct tls_store *s);
/*
 * From now on these and no others; of two with one name the first counts. The store takes references of its
 * own. Connections that are open go on with what they have.
 */
void tls_store_replace(struct tls_store *s, const struct tls_entry *v, size_t n);
size_t tls_store_count(struct tls_store *s);
/* For the name itself, or else for the wildcard above it: a reference, or NULL. */
struct tls_cert *tls_store_find(struct tls_store *s, const char *name);

#endif
