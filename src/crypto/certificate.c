/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/pem.h"
#include "weak_key.h"

#define SERIAL_MAX 20
#define ISSUER_MAX 500
#define SECURITY_BITS_MIN 112 /* of the keys that sign: RSA 2048 */
#define AUTH_LEVEL 2          /* the same to OpenSSL, which then takes no SHA-1 */
#define DAY (TIME_SECOND * 24 * 3600)

struct check {
	struct ctx *cx;
	const struct certificate_ask *ask;
	X509 *cert[CERTIFICATE_CHAIN_MAX];      /* the leaf first */
	const char *at[CERTIFICATE_CHAIN_MAX];  /* the field that each came in */
	size_t n;
	EVP_PKEY *key;
	bool late;                              /* one of them is not valid now: said already */
};

static void fault(struct check *c, const char *field, const char *error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void fault(struct check *c, const char *field, const char *error, const char *fmt, ...)
{
	const char *why;
	va_list ap;

	va_start(ap, fmt);
	why = arena_vprintf(c->cx->arena, fmt, ap);
	va_end(ap);
	(void)refuse_field(c->cx, field, error, "`%s` %s", field, why);
}

/* "the certificate", "certificate 2 of the chain" */
static const char *called(struct check *c, size_t i)
{
	return i == 0 ? "the certificate" : arena_printf(c->cx->arena, "certificate %zu of the chain", i + 1);
}

/* Reading ---------------------------------------------------------------------------------------------- */

static void take_certificate(struct check *c, const char *field, const struct pem_block *b)
{
	const unsigned char *p = b->der.p;
	X509 *x;

	if (strstr(b->label, "PRIVATE KEY") != NULL) {
		fault(c, field, "private_key", "holds a private key, which belongs in `%s`", c->ask->at_key);
		return;
	}
	if (!str_eq(b->label, "CERTIFICATE")) {
		fault(c, field, "format", "must hold nothing but certificates");
		return;
	}
	if (c->n == CERTIFICATE_CHAIN_MAX) {
		fault(c, field, "items", "makes a chain of more than %d certificates",
		      CERTIFICATE_CHAIN_MAX);
		return;
	}
	x = b->encrypted ? NULL : d2i_X509(NULL, &p, (long)b->der.n);
	if (x == NULL || p != b->der.p + b->der.n) {
		X509_free(x);
		fault(c, field, "format", "holds something that is no X.509 certificate");
		return;
	}
	c->at[c->n] = field;
	c->cert[c->n++] = x;
}

static void read_certificates(struct check *c, const char *field, const char *text)
{
	struct pem_block *block = ARENA_ARRAY(c->cx->arena, struct pem_block, CERTIFICATE_CHAIN_MAX + 1);
	const char *why = NULL;
	size_t n = 0;

	if (strlen(text) > CERTIFICATE_PEM_MAX)
		fault(c, field, "length", "must have at most %d bytes", CERTIFICATE_PEM_MAX);
	else if (!pem_read(c->cx->arena, text, block, CERTIFICATE_CHAIN_MAX + 1, &n, &why))
		fault(c, field, "format", "%s", why);
	else
		for (size_t i = 0; i < n; i++)
			take_certificate(c, field, &block[i]);
}

static EVP_PKEY *parse_key(const struct pem_block *b)
{
	const unsigned char *p = b->der.p, *end = p + b->der.n;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	EVP_PKEY *key = NULL;

	if (str_eq(b->label, "RSA PRIVATE KEY")) {
		key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, (long)b->der.n);
	} else if (str_eq(b->label, "EC PRIVATE KEY")) {
		key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)b->der.n);
	} else {
		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)b->der.n);
		key = info != NULL ? EVP_PKCS82PKEY(info) : NULL;
		PKCS8_PRIV_KEY_INFO_free(info);
	}
	if (key != NULL && p != end) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* OpenSSL writes the parameters of a curve before its key. */
static const struct pem_block *only_key(const struct pem_block *block, size_t n)
{
	const struct pem_block *key = &block[n - 1];
	static const char *const labels[] = {
		"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
	};

	if (n > 2 || (n == 2 && !str_eq(block[0].label, "EC PARAMETERS")))
		return NULL;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (str_eq(labels[i], key->label))
			return key;
	return NULL;
}

static void read_key(struct check *c)
{
	const char *field = c->ask->at_key, *why = NULL;
	const struct pem_block *b;
	struct pem_block block[2];
	size_t n = 0;

	if (strlen(c->ask->key) > CERTIFICATE_KEY_MAX) {
		fault(c, field, "length", "must have at most %d bytes", CERTIFICATE_KEY_MAX);
		return;
	}
	if (!pem_read(c->cx->arena, c->ask->key, block, 2, &n, &why)) {
		fault(c, field, "format", "%s", why);
		return;
	}
	b = only_key(block, n);
	if (b == NULL) {
		fault(c, field, "format", "must hold one private key and nothing else");
		return;
	}
	if (b->encrypted || str_eq(b->label, "ENCRYPTED PRIVATE KEY")) {
		fault(c, field, "encrypted", "is encrypted: send the key without a passphrase");
		return;
	}
	c->key = parse_key(b);
	if (c->key == NULL)
		fault(c, field, "format", "holds no private key that can be read");
}

/* What each certificate must be ------------------------------------------------------------------------ */

static bool time_of(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret = (int64_t)timegm(&tm) * TIME_SECOND;
	return true;
}

static void check_times(struct check *c, size_t i)
{
	int64_t from = 0, until = 0;
	const char *error = NULL, *why = "";

	if (!time_of(X509_get0_notBefore(c->cert[i]), &from) ||
	    !time_of(X509_get0_notAfter(c->cert[i]), &until)) {
		error = "format";
		why = "has no times of validity that can be read";
	} else if (c->ask->now < from) {
		error = "certificate_not_yet_valid";
		why = arena_printf(c->cx->arena, "is not valid before %s", time_format(c->cx->arena, from));
	} else if (c->ask->now >= until) {
		error = "certificate_expired";
		why = arena_printf(c->cx->arena, "expired at %s", time_format(c->cx->arena, until));
	} else if (c->ask->now > until - CERTIFICATE_DAYS_MIN * DAY) {
		error = "certificate_expired";
		why = arena_printf(c->cx->arena, "expires at %s: it must be valid for %d days yet",
				   time_format(c->cx->arena, until), CERTIFICATE_DAYS_MIN);
	}
	if (error == NULL)
		return;
	c->late = true;
	fault(c, c->at[i], error, "is not fit: %s %s", called(c, i), why);
}

/* What a root says of itself is trusted, or not, however it is signed. */
static bool is_root(X509 *x)
{
	return (X509_get_extension_flags(x) & EXFLAG_SS) != 0;
}

static void check_signature(struct check *c, size_t i)
{
	int digest = NID_undef, kind = NID_undef;
	X509 *x = c->cert[i];

	if (x != c->cert[0] && is_root(x))
		return;
	if (X509_get_signature_info(x, &digest, &kind, NULL, NULL) == 1)
		if (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512 ||
		    kind == NID_ED25519 || kind == NID_ED448)
			return;
	fault(c, c->at[i], "weak_signature", "is not fit: %s is not signed with SHA-2", called(c, i));
}

static void check_issuer(struct check *c, size_t i)
{
	EVP_PKEY *key = X509_get0_pubkey(c->cert[i]);

	if (X509_check_ca(c->cert[i]) != 1)
		fault(c, c->at[i], "not_a_ca", "is not fit: %s may not sign others", called(c, i));
	if (key == NULL || EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN)
		fault(c, c->at[i], "weak_key", "is not fit: the key of %s is too weak", called(c, i));
}

static void check_order(struct check *c, size_t i)
{
	X509 *lower = c->cert[i - 1], *upper = c->cert[i];
	EVP_PKEY *key = X509_get0_pubkey(upper);

	if (X509_cmp(lower, upper) == 0 || X509_check_issued(upper, lower) != X509_V_OK || key == NULL ||
	    X509_verify(lower, key) != 1)
		fault(c, c->at[i], "order",
		      "is not fit: each certificate must be signed by the next, the leaf first; %s is not "
		      "by %s", called(c, i - 1), called(c, i));
}

/* What the leaf must be -------------------------------------------------------------------------------- */

static void check_purpose(struct check *c)
{
	X509 *x = c->cert[0];
	const char *field = c->at[0];
	const uint32_t extended = X509_get_extended_key_usage(x), usage = X509_get_key_usage(x);

	if (X509_get_version(x) != X509_VERSION_3 || (X509_get_extension_flags(x) & EXFLAG_INVALID) != 0)
		fault(c, field, "format", "must begin with an X.509 certificate of version 3");
	if (X509_check_ca(x) != 0)
		fault(c, field, "is_ca", "must begin with a certificate of a server, not of a CA");
	if (extended == UINT32_MAX || (extended & XKU_SSL_SERVER) == 0)
		fault(c, field, "key_usage", "must be for servers: extended key usage serverAuth");
	/* Browsers refuse it where no OCSP answer is stapled, and here none is. */
	if (X509_get_ext_by_NID(x, NID_tlsfeature, -1) >= 0)
		fault(c, field, "must_staple", "must not demand stapled OCSP answers (RFC 7633)");
	if ((usage & KU_DIGITAL_SIGNATURE) == 0)
		fault(c, field, "key_usage", "must allow digital signatures: key usage digitalSignature");
}

static void check_host(struct check *c, struct certificate *ret)
{
	const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
	char *name = NULL;

	if (X509_check_host(c->cert[0], c->ask->host, 0, flags, &name) == 1)
		ret->matched = arena_strdup(c->cx->arena, name);
	else
		fault(c, c->at[0], "certificate_mismatch",
		      "does not name %s among its subject alternative names", c->ask->host);
	OPENSSL_free(name);
}

static void check_key(struct check *c, struct certificate *ret)
{
	EVP_PKEY *key = X509_get0_pubkey(c->cert[0]);
	const char *why = key == NULL ? "has a key that cannot be read"
				      : key_fault(c->cx->arena, key, c->ask->blocked);

	if (why != NULL)
		fault(c, c->at[0], "weak_key", "%s", why);
	else
		ret->key_type = key_type(c->cx->arena, key);
}

/* That the public halves are equal does not say that the private one is good for anything. */
static bool can_sign(EVP_PKEY *own, EVP_PKEY *shown)
{
	static const unsigned char text[] = "controlcored";
	unsigned char signature[1024];
	size_t n = sizeof(signature);
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	bool good = cx != NULL && EVP_DigestSignInit(cx, NULL, EVP_sha256(), NULL, own) == 1 &&
		    EVP_DigestSign(cx, signature, &n, text, sizeof(text)) == 1;

	EVP_MD_CTX_free(cx);
	cx = EVP_MD_CTX_new();
	good = good && cx != NULL && EVP_DigestVerifyInit(cx, NULL, EVP_sha256(), NULL, shown) == 1 &&
	       EVP_DigestVerify(cx, signature, n, text, sizeof(text)) == 1;
	EVP_MD_CTX_free(cx);
	return good;
}

/* ret->key_type: the public key is of a kind and size that may be calculated with. */
static void check_pair(struct check *c, const struct certificate *ret)
{
	EVP_PKEY *shown = X509_get0_pubkey(c->cert[0]);

	if (c->key == NULL || shown == NULL)
		return;
	if (EVP_PKEY_eq(shown, c->key) != 1 || (ret->key_type != NULL && !can_sign(c->key, shown)))
		fault(c, c->ask->at_key, "key_mismatch", "is not the key of `%s`", c->ask->at_certificate);
}

/* The trust store -------------------------------------------------------------------------------------- */

static X509_STORE *open_store(const char *path)
{
	X509_STORE *s = X509_STORE_new();

	if (s != NULL &&
	    (path != NULL ? X509_STORE_load_file(s, path) : X509_STORE_set_default_paths(s)) == 1)
		return s;
	X509_STORE_free(s);
	return NULL;
}

static const char *verify_in(struct check *c, X509_STORE *store, STACK_OF(X509) *others)
{
	X509_STORE_CTX *sc = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *p;
	const char *why = "it cannot be checked";

	if (sc == NULL || X509_STORE_CTX_init(sc, store, c->cert[0], others) != 1)
		goto out;
	p = X509_STORE_CTX_get0_param(sc);
	X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(p, CERTIFICATE_CHAIN_MAX);
	X509_VERIFY_PARAM_set_time(p, (time_t)(c->ask->now / TIME_SECOND));
	if (c->late)
		X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_NO_CHECK_TIME);
	why = X509_verify_cert(sc) == 1 ? NULL
					: X509_verify_cert_error_string(X509_STORE_CTX_get_error(sc));
out:
	X509_STORE_CTX_free(sc);
	return why;
}

static void check_trust(struct check *c)
{
	X509_STORE *store = open_store(c->ask->trust_store);
	STACK_OF(X509) *others = sk_X509_new_null();
	const char *why = "the trust store of this service cannot be read";

	for (size_t i = 1; i < c->n && others != NULL; i++)
		(void)sk_X509_push(others, c->cert[i]);
	if (store != NULL && others != NULL)
		why = verify_in(c, store, others);
	if (why != NULL)
		fault(c, c->at[c->n - 1], "untrusted",
		      "does not lead to a CA that is trusted here (%s): complete the chain, or set "
		      "self_managed", why);
	sk_X509_free(others);
	X509_STORE_free(store);
}

/* What is kept ----------------------------------------------------------------------------------------- */

static struct bytes der_of(struct arena *a, X509 *x)
{
	unsigned char *der = NULL;
	const int n = i2d_X509(x, &der);
	struct bytes b = { 0 };

	if (n > 0)
		b = (struct bytes){ .p = arena_memdup(a, der, (size_t)n), .n = (size_t)n };
	OPENSSL_free(der);
	return b;
}

static const char *issuer_of(struct arena *a, X509 *x)
{
	BIO *out = BIO_new(BIO_s_mem());
	const char *text = "";
	char *data = NULL;
	long n;

	if (out != NULL && X509_NAME_print_ex(out, X509_get_issuer_name(x), 0, XN_FLAG_RFC2253) >= 0) {
		n = BIO_get_mem_data(out, &data);
		text = arena_strndup(a, data, n < 0 ? 0 : n > ISSUER_MAX ? ISSUER_MAX : (size_t)n);
	}
	BIO_free(out);
	return text;
}

static void note_serial(struct check *c, struct certificate *ret)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c->cert[0]);
	const int n = ASN1_STRING_length(serial);

	if (n < 1 || n > SERIAL_MAX || ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		fault(c, c->at[0], "format", "has a serial number that is not positive, or longer than %d "
		      "bytes", SERIAL_MAX);
	else
		ret->serial = hex_encode(c->cx->arena, ASN1_STRING_get0_data(serial), (size_t)n);
}

static void note_leaf(struct check *c, struct certificate *ret)
{
	const struct bytes der = der_of(c->cx->arena, c->cert[0]);
	unsigned char hash[32];

	sha256_of(der.p, der.n, hash);
	ret->fingerprint = hex_encode(c->cx->arena, hash, sizeof(hash));
	ret->issuer = issuer_of(c->cx->arena, c->cert[0]);
	(void)time_of(X509_get0_notBefore(c->cert[0]), &ret->not_before);
	(void)time_of(X509_get0_notAfter(c->cert[0]), &ret->not_after);
	note_serial(c, ret);
}

static void write_anew(struct check *c, struct certificate *ret)
{
	struct arena *a = c->cx->arena;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(c->key);
	unsigned char *der = NULL;
	struct str chain;
	int n;

	str_init(&chain, a, 8192);
	for (size_t i = 0; i < c->n; i++)
		str_add(&chain, pem_write(a, "CERTIFICATE", der_of(a, c->cert[i])));
	ret->chain = chain.data;
	n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
	if (n > 0)
		ret->key = pem_write(a, "PRIVATE KEY", (struct bytes){ .p = der, .n = (size_t)n });
	else
		fault(c, c->ask->at_key, "format", "holds a key that cannot be written");
	OPENSSL_clear_free(der, n > 0 ? (size_t)n : 0);
	PKCS8_PRIV_KEY_INFO_free(info);
}

/* The whole of it -------------------------------------------------------------------------------------- */

static void check_leaf(struct check *c, struct certificate *ret)
{
	note_leaf(c, ret);
	check_purpose(c);
	check_host(c, ret);
	check_key(c, ret);
	check_pair(c, ret);
}

static void check_chain(struct check *c)
{
	const int before = c->cx->problem.nfaults;

	for (size_t i = 0; i < c->n; i++) {
		check_times(c, i);
		check_signature(c, i);
		if (i == 0)
			continue;
		check_issuer(c, i);
		check_order(c, i);
	}
	/* What is out of order leads nowhere, which has been said. */
	if (!c->ask->self_managed && (c->cx->problem.nfaults == before || c->late))
		check_trust(c);
}

enum err certificate_check(struct ctx *cx, const struct certificate_ask *ask, struct certificate *ret)
{
	struct check c = { .cx = cx, .ask = ask };

	*ret = (struct certificate){ 0 };
	arena_hold_secret(cx->arena);
	read_certificates(&c, ask->at_certificate, ask->certificate);
	if (ask->chain != NULL && c.n > 0)
		read_certificates(&c, ask->at_chain, ask->chain);
	read_key(&c);
	if (c.n > 0) {
		check_leaf(&c, ret);
		check_chain(&c);
	}
	if (ctx_faults(cx) == ERR_NONE)
		write_anew(&c, ret);
	while (c.n > 0)
		X509_free(c.cert[--c.n]);
	EVP_PKEY_free(c.key);
	ERR_clear_error();
	return ctx_faults(cx);
}
