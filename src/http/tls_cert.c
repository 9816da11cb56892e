/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_cert.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/mem.h"

enum { CHAIN_MAX = 10, NAMES_MAX = 200, NAME_SIZE = 256, KEY_ID_MAX = 64 };

struct tls_cert {
	atomic_int refs;
	gnutls_pcert_st *chain;
	unsigned n;
	gnutls_privkey_t key;           /* NULL: none yet */
	int64_t from, until;            /* seconds */
	char **name;
	size_t nnames;
};

/* GnuTLS asks for a pointer that may be written to, and does not write. */
static gnutls_datum_t datum_of(struct bytes text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)text.p, .size = (unsigned)text.n };
}

static void cert_free(struct tls_cert *c)
{
	for (unsigned i = 0; i < c->n; i++)
		gnutls_pcert_deinit(&c->chain[i]);
	free(c->chain);
	if (c->key != NULL)
		gnutls_privkey_deinit(c->key);
	for (size_t i = 0; i < c->nnames; i++)
		free(c->name[i]);
	free(c->name);
	free(c);
}

static const char *read_chain(struct arena *a, struct tls_cert *c, struct bytes text)
{
	const gnutls_datum_t pem = datum_of(text);
	unsigned n = CHAIN_MAX;
	int e;

	c->chain = mem_alloc(CHAIN_MAX, sizeof(*c->chain));
	e = gnutls_pcert_list_import_x509_raw(c->chain, &n, &pem, GNUTLS_X509_FMT_PEM,
					      GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
	if (e == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return arena_printf(a, "the chain has more than %d certificates", CHAIN_MAX);
	if (e < 0)
		return arena_printf(a, "the chain cannot be read: %s", gnutls_strerror(e));
	c->n = n;
	return n > 0 ? NULL : "there is no certificate in the chain";
}

/* Names are text of whoever issued the certificate: what is no name of a host is not for us. */
static void take_name(struct tls_cert *c, char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] - 'A' + 'a');
		if (name[i] <= ' ' || name[i] >= 0x7f)
			return;
	}
	c->name[c->nnames++] = mem_strdup(name);
}

static void read_names(struct tls_cert *c, gnutls_x509_crt_t leaf)
{
	c->name = mem_alloc(NAMES_MAX, sizeof(*c->name));
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		char name[NAME_SIZE];
		size_t n = sizeof(name) - 1;
		const int kind = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &n, NULL);

		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (kind != GNUTLS_SAN_DNSNAME || n >= sizeof(name))
			continue;
		name[n] = '\0';
		take_name(c, name, strlen(name));
	}
}

/* GnuTLS leaves the PKCS #8 that it finds in PEM in the heap; from DER it leaves nothing. */
static int import_key(gnutls_x509_privkey_t key, const gnutls_datum_t *pem)
{
	gnutls_datum_t der = { 0 };
	int e = gnutls_pem_base64_decode2("PRIVATE KEY", pem, &der);

	if (e < 0)
		return gnutls_x509_privkey_import2(key, pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
	e = gnutls_x509_privkey_import2(key, &der, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
	bytes_wipe(der.data, der.size);
	gnutls_free(der.data);
	return e;
}

static const char *check_size(struct arena *a, gnutls_privkey_t key)
{
	unsigned bits = 0;

	if (gnutls_privkey_get_pk_algorithm(key, &bits) != GNUTLS_PK_RSA || bits <= TLS_RSA_BITS_MAX)
		return NULL;
	return arena_printf(a, "the key is of RSA with %u bits: at most %d are taken", bits,
			    TLS_RSA_BITS_MAX);
}

static const char *read_key(struct arena *a, struct tls_cert *c, struct bytes text, gnutls_x509_crt_t leaf)
{
	const gnutls_datum_t pem = datum_of(text);
	unsigned char id[2][KEY_ID_MAX];
	size_t n[2] = { KEY_ID_MAX, KEY_ID_MAX };
	gnutls_x509_privkey_t key;
	int e = gnutls_x509_privkey_init(&key);

	if (e < 0)
		abort();
	e = import_key(key, &pem);
	if (e < 0) {
		gnutls_x509_privkey_deinit(key);
		return arena_printf(a, "the key cannot be read: %s", gnutls_strerror(e));
	}
	if (gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id[0], &n[0]) < 0 ||
	    gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, id[1], &n[1]) < 0 || n[0] != n[1] ||
	    memcmp(id[0], id[1], n[0]) != 0) {
		gnutls_x509_privkey_deinit(key);
		return "the key is not that of the first certificate";
	}
	if (gnutls_privkey_init(&c->key) < 0)
		abort();
	e = gnutls_privkey_import_x509(c->key, key, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	if (e >= 0)
		return check_size(a, c->key);
	gnutls_x509_privkey_deinit(key);
	return arena_printf(a, "the key cannot be used: %s", gnutls_strerror(e));
}

static const char *read_leaf(struct arena *a, struct tls_cert *c, struct bytes key, bool *ret_at_key)
{
	gnutls_x509_crt_t leaf;
	const char *why;

	if (gnutls_x509_crt_init(&leaf) < 0)
		abort();
	if (gnutls_x509_crt_import(leaf, &c->chain[0].cert, GNUTLS_X509_FMT_DER) < 0) {
		why = "the first certificate cannot be read";
	} else {
		c->from = gnutls_x509_crt_get_activation_time(leaf);
		c->until = gnutls_x509_crt_get_expiration_time(leaf);
		read_names(c, leaf);
		why = read_key(a, c, key, leaf);
		*ret_at_key = why != NULL;
	}
	gnutls_x509_crt_deinit(leaf);
	return why;
}

struct tls_cert *tls_cert_read(struct arena *a, struct bytes chain, struct bytes key, const char **ret_error,
			       bool *ret_at_key)
{
	struct tls_cert *c = mem_alloc(1, sizeof(*c));

	atomic_init(&c->refs, 1);
	*ret_error = read_chain(a, c, chain);
	if (*ret_error == NULL)
		*ret_error = read_leaf(a, c, key, ret_at_key);
	if (*ret_error == NULL)
		return c;
	cert_free(c);
	return NULL;
}

struct tls_cert *tls_cert_create(struct arena *a, struct bytes chain, struct bytes key,
				 const char **ret_error)
{
	bool at_key;

	return tls_cert_read(a, chain, key, ret_error, &at_key);
}

struct tls_cert *tls_cert_hold(struct tls_cert *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void tls_cert_put(struct tls_cert *c)
{
	if (c != NULL && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		cert_free(c);
}

struct strv tls_cert_names(const struct tls_cert *c)
{
	return (struct strv){ .v = (const char *const *)c->name, .n = c->nnames };
}

int64_t tls_cert_from(const struct tls_cert *c)
{
	return c->from;
}

int64_t tls_cert_until(const struct tls_cert *c)
{
	return c->until;
}

bool tls_cert_is_valid(const struct tls_cert *c)
{
	const int64_t now = clock_wall_us() / TIME_SECOND;

	return c->from <= now && now <= c->until;
}

struct tls_shown tls_cert_shown(const struct tls_cert *c)
{
	return (struct tls_shown){ .chain = c->chain, .n = c->n, .key = c->key };
}
