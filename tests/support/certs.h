/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CERTS_H
#define CC_TESTS_CERTS_H

#include <stdbool.h>

/*
 * Certificates and their keys, made by OpenSSL alone. Failures end the test. One thread at a time. Texts live
 * as long as what they are of.
 */
enum cert_key_kind {
	CERT_P256, CERT_P384, CERT_P521, CERT_ED25519,
	CERT_RSA_1024, CERT_RSA_2048, CERT_RSA_4096, CERT_RSA_4104,
	CERT_RSA_E3,            /* exponent 3 */
	CERT_RSA_ROCA,          /* primes as CVE-2017-15361 makes them */
	CERT_RSA_CLOSE,         /* primes beside each other */
	CERT_RSA_THREE,         /* of three primes */
	CERT_P256_EXPLICIT,     /* the curve spelled out in numbers */
};
struct cert_key;
struct cert_key *cert_key_make(enum cert_key_kind kind);
void cert_key_free(struct cert_key *k);         /* NULL is fine */
enum cert_key_form { CERT_PKCS8, CERT_TRADITIONAL, CERT_PKCS8_ENCRYPTED, CERT_TRADITIONAL_ENCRYPTED };
/* PEM; malloc'ed. */
char *cert_key_pem(const struct cert_key *k, enum cert_key_form form);
/* SHA-256 of the public key, 64 hexadecimal digits; malloc'ed. */
char *cert_key_hash(const struct cert_key *k);

struct cert;
/* All zero but names: a good one of a server, by itself, with a key of its own. */
struct cert_spec {
	const char *names;              /* "DNS:a.example.com,DNS:*.example.org"; NULL: none */
	const char *subject;            /* common name; NULL: "test" */
	const char *features;           /* tlsfeature; NULL: none */
	const char *usage;              /* keyUsage; NULL: digitalSignature, of a CA keyCertSign; "": none */
	const char *extended;           /* extendedKeyUsage; NULL: serverAuth, of a CA none; "": none */
	const char *digest;             /* NULL: SHA256 */
	bool ca;
	bool doubled;                   /* an extension of nobody's stands there twice */
	int from_s, until_s;            /* from now; 0: an hour ago, 90 days */
	const struct cert *issuer;      /* NULL: itself */
	const struct cert_key *key;     /* NULL: a fresh P-256 one */
};
struct cert *cert_make(const struct cert_spec *spec);
void cert_free(struct cert *c);                 /* NULL is fine */
const char *cert_pem(const struct cert *c);
const char *cert_private(const struct cert *c); /* its key, PKCS #8 */
/* The number itself, of P-256, as it stands in DER. */
#define CERT_SECRET_LEN 32
void cert_secret(const struct cert *c, unsigned char ret[CERT_SECRET_LEN]);
/* A body of PUT …/certificate: self-managed unless there is a chain. malloc'ed. */
char *cert_body(const struct cert *c, const char *chain, bool self_managed);
/* The same for a domain's own: made, and thrown away. malloc'ed. */
char *cert_body_for(const char *domain);

#endif
