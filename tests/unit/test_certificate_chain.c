/* SPDX-License-Identifier: Apache-2.0 */
/* How certificates and keys are written, and what stands above the one that is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cert_bench.h"

/* Texts around a good certificate and key. */
static void texts_are_read_strictly(void **state)
{
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD });
	const char *pem = cert_pem(c), *key = cert_private(c);
	char text[32768], broken[8192], halved[8192];

	(void)state;
	snprintf(broken, sizeof(broken), "%s", pem);
	broken[100] = '*';
	snprintf(halved, sizeof(halved), "%.*s", (int)strlen(pem) / 2, pem);
	snprintf(text, sizeof(text), "%s%s", pem, key);
	const struct {
		const char *certificate, *key, *field, *error;
	} cases[] = {
		{ "", key, "cert", "format" },
		{ "nothing", key, "cert", "format" },
		{ broken, key, "cert", "format" },
		{ halved, key, "cert", "format" },
		{ text, key, "cert", "private_key" },
		{ key, key, "cert", "private_key" },
		{ "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", key, "cert", "format" },
		{ "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", key, "cert", "format" },
		{ "-----BEGIN CERTIFICATE-----\nMIIB\n-----END X509 CRL-----\n", key, "cert", "format" },
		{ "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", key, "cert", "format" },
		{ "-----END CERTIFICATE-----\n", key, "cert", "format" },
		{ "-----BEGIN certificate-----\nMIIB\n-----END certificate-----\n", key, "cert", "format" },
		{ pem, "", "key", "format" },
		{ pem, pem, "key", "format" },
		{ pem, text, "key", "format" },
		{ pem, "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "key", "format" },
		{ pem, "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n", "key",
		  "format" },
		{ pem, "-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n", "key",
		  "format" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct certificate_ask ask = ask_of(c);

		ask.certificate = cases[i].certificate;
		ask.key = cases[i].key;
		expect_ask(&ask, cases[i].field, cases[i].error);
	}
	cert_free(c);
}

/* One after the other, so often. */
static char *many_blocks(const char *pem, size_t n)
{
	char *text = calloc(n, strlen(pem) + 1);

	assert_non_null(text);
	for (size_t i = 0, at = 0; i < n; i++, at += strlen(pem))
		memcpy(text + at, pem, strlen(pem) + 1);
	return text;
}

static void sizes_are_bounded(void **state)
{
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD });
	struct certificate_ask ask = ask_of(c);
	char *eleven = many_blocks(cert_pem(c), 11), *ten = many_blocks(cert_pem(root), 10);
	char *large = calloc(1, CERTIFICATE_PEM_MAX + 2);

	(void)state;
	assert_non_null(large);
	ask.chain = ten;
	expect_ask(&ask, "chain", "items");
	ask.chain = NULL;
	ask.certificate = eleven;
	expect_ask(&ask, "cert", "order");
	free(eleven);
	eleven = many_blocks(cert_pem(c), 12);
	ask.certificate = eleven;
	expect_ask(&ask, "cert", "format");
	memset(large, 'a', CERTIFICATE_PEM_MAX + 1);
	ask.certificate = large;
	expect_ask(&ask, "cert", "length");
	ask = ask_of(c);
	large[CERTIFICATE_KEY_MAX + 1] = '\0';
	ask.key = large;
	expect_ask(&ask, "key", "length");
	free(large);
	free(eleven);
	free(ten);
	cert_free(c);
}

static void chains_are_in_order_and_lead_somewhere(void **state)
{
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .issuer = middle });
	struct cert *stranger = cert_make(&(struct cert_spec){ .ca = true, .subject = "middle" });
	struct cert *alone = cert_make(&(struct cert_spec){ .names = GOOD });
	struct certificate_ask ask = ask_of(c);
	char text[16384];

	(void)state;
	ask.chain = cert_pem(root);
	expect_ask(&ask, "chain", "order");
	snprintf(text, sizeof(text), "%s%s", cert_pem(root), cert_pem(middle));
	ask.chain = text;
	expect_ask(&ask, "chain", "order");
	ask.chain = cert_pem(stranger);
	expect_ask(&ask, "chain", "order");
	snprintf(text, sizeof(text), "%s%s%s", cert_pem(middle), cert_pem(root), cert_pem(root));
	ask.chain = text;
	expect_ask(&ask, "chain", "order");
	snprintf(text, sizeof(text), "%s%s", cert_pem(middle), cert_pem(c));
	ask.chain = NULL;
	ask.certificate = text;
	expect_ask(&ask, "cert", "order");
	ask = ask_of(c);
	ask.self_managed = false;
	expect_ask(&ask, "cert", "untrusted");
	ask = ask_of(alone);
	ask.self_managed = false;
	expect_ask(&ask, "cert", "untrusted");
	ask.trust_store = "/nowhere/store.pem";
	expect_ask(&ask, "cert", "untrusted");
	cert_free(alone);
	cert_free(stranger);
	cert_free(c);
}

/* Whoever signed it. */
static void expect_below(const struct cert_spec *issuer, const char *error)
{
	struct cert *ca = cert_make(issuer);
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .issuer = ca });
	struct certificate_ask ask = ask_of(c);

	ask.chain = cert_pem(ca);
	expect_ask(&ask, error != NULL ? "chain" : NULL, error);
	cert_free(c);
	cert_free(ca);
}

static void those_above_are_looked_at_too(void **state)
{
	struct cert_key *weak = cert_key_make(CERT_RSA_1024);

	(void)state;
	expect_below(&(struct cert_spec){ .ca = true, .subject = "a", .issuer = root }, NULL);
	expect_below(&(struct cert_spec){ .subject = "b", .issuer = root }, "not_a_ca");
	expect_below(&(struct cert_spec){ .ca = true, .subject = "c", .issuer = root, .from_s = -9 * DAY,
					  .until_s = -DAY }, "certificate_expired");
	expect_below(&(struct cert_spec){ .ca = true, .subject = "d", .issuer = root, .digest = "SHA1" },
		     "weak_signature");
	expect_below(&(struct cert_spec){ .ca = true, .subject = "e", .key = weak }, "weak_key");
	/* What a root is signed with proves nothing either way. */
	expect_below(&(struct cert_spec){ .ca = true, .subject = "f", .digest = "SHA1" }, NULL);
	cert_key_free(weak);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_strictly),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(chains_are_in_order_and_lead_somewhere),
		cmocka_unit_test(those_above_are_looked_at_too),
	};

	return cmocka_run_group_tests(tests, cert_bench_setup, cert_bench_teardown);
}
