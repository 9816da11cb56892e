/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_CERTIFICATE_H
#define CC_CRYPTO_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/ctx.h"

/* TLS certificates of servers, as people bring them: what they say, and whether they are fit to be served. */

#define CERTIFICATE_CHAIN_MAX 10
#define CERTIFICATE_PEM_MAX 65536       /* bytes, for certificate and chain each */
#define CERTIFICATE_KEY_MAX 16384
#define CERTIFICATE_DAYS_MIN 7          /* that it must be valid yet */

/* SHA-256 of public keys (SubjectPublicKeyInfo) that are known to others, in order. */
struct key_blocklist {
	const unsigned char (*v)[32];
	size_t n;
};

/* Texts live as long as the question. */
struct certificate_ask {
	const char *certificate;        /* PEM: the leaf, and what it was signed by, in order */
	const char *chain;              /* PEM: the rest of that; NULL: there is none */
	const char *key;                /* PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted */
	const char *host;               /* A-labels, lower case */
	bool self_managed;              /* the chain need not end in a trust store */
	const char *trust_store;        /* file of PEM; NULL: the system's */
	const struct key_blocklist *blocked;    /* NULL: none */
	int64_t now;                    /* microseconds since 1970 */
	const char *at_certificate, *at_chain, *at_key; /* names of the fields, for faults */
};

/* All in the arena. */
struct certificate {
	const char *serial;             /* hexadecimal digits, lower case */
	const char *fingerprint;        /* SHA-256 of the leaf, hexadecimal digits */
	const char *issuer;             /* RFC 4514, in ASCII */
	const char *key_type;           /* "RSA 2048", "P-256" */
	const char *matched;            /* the name in it that fits the host: it, or a wildcard */
	int64_t not_before, not_after;  /* microseconds since 1970 */
	const char *chain;              /* PEM written anew: nothing but the certificates */
	const char *key;                /* PEM written anew, PKCS #8; a secret */
};

/*
 * Every check that a supplied certificate must pass before anybody is served with it (reliability.md 7.3).
 * Each that fails is a fault at its field; ERR_VALIDATION. The arena holds a secret from now on. Takes
 * milliseconds of processor time; any thread.
 */
enum err certificate_check(struct ctx *cx, const struct certificate_ask *ask,
			   struct certificate *ret) MUST_USE;

#endif
