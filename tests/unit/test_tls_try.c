/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes with a certificate before anybody is shown it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/http/tls.h"
#include "certs.h"

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){ .p = (const unsigned char *)text, .n = strlen(text) };
}

static const char *fault_of(struct arena *a, const struct cert_spec *spec, bool *at_key)
{
	struct cert *c = cert_make(spec);
	const char *why = tls_cert_fault(a, bytes_of(cert_pem(c)), bytes_of(cert_private(c)), at_key);

	cert_free(c);
	return why;
}

/* fault: a part of what is said; NULL: it can be shown. */
static void expect_kind(enum cert_key_kind kind, const char *fault)
{
	struct cert_key *key = cert_key_make(kind);
	struct arena *a = arena_create(4096);
	bool at_key = false;
	const char *why = fault_of(a, &(struct cert_spec){ .names = "DNS:a.example", .key = key }, &at_key);

	if (fault == NULL && why != NULL)
		fail_msg("kind %d: %s", kind, why);
	if (fault != NULL && (why == NULL || strstr(why, fault) == NULL || !at_key))
		fail_msg("kind %d: %s, at the key: %d", kind, why != NULL ? why : "taken", at_key);
	arena_destroy(a);
	cert_key_free(key);
}

static void what_is_taken_can_be_shown(void **state)
{
	(void)state;
	expect_kind(CERT_P256, NULL);
	expect_kind(CERT_P384, NULL);
	expect_kind(CERT_RSA_2048, NULL);
	expect_kind(CERT_RSA_4096, NULL);
}

/* OpenSSL signs with it. */
static void a_key_of_three_primes_cannot(void **state)
{
	(void)state;
	expect_kind(CERT_RSA_THREE, "");
}

/* Nor do clients of ours speak Ed25519 or P-521. */
static void nor_can_kinds_that_nobody_offers(void **state)
{
	struct arena *a = arena_create(4096);
	bool at_key;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct cert_key *key = cert_key_make(i == 0 ? CERT_ED25519 : CERT_P521);

		assert_non_null(fault_of(a, &(struct cert_spec){ .names = "DNS:a.example", .key = key },
					 &at_key));
		cert_key_free(key);
	}
	arena_destroy(a);
}

static void a_key_that_is_too_large_is_not_taken(void **state)
{
	(void)state;
	expect_kind(CERT_RSA_4104, "RSA with 4104 bits: at most 4096");
}

/* OpenSSL reads it. */
static void an_extension_twice_cannot_be_read(void **state)
{
	struct arena *a = arena_create(4096);
	bool at_key = true;
	const struct cert_spec spec = { .names = "DNS:a.example", .doubled = true };
	const char *why = fault_of(a, &spec, &at_key);

	(void)state;
	assert_non_null(why);
	assert_false(at_key);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_can_be_shown),
		cmocka_unit_test(a_key_of_three_primes_cannot),
		cmocka_unit_test(nor_can_kinds_that_nobody_offers),
		cmocka_unit_test(a_key_that_is_too_large_is_not_taken),
		cmocka_unit_test(an_extension_twice_cannot_be_read),
	};

	return cmocka_run_group_tests_name("tls_try", tests, NULL, NULL);
}
