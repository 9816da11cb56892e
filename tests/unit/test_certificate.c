/* SPDX-License-Identifier: Apache-2.0 */
/* Supplied certificates: what is taken, and what each check refuses and at which field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cert_bench.h"

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"

static void expect(const struct cert_spec *spec, const char *field, const char *error)
{
	struct cert *c = cert_make(spec);
	const struct certificate_ask ask = ask_of(c);

	expect_ask(&ask, field, error);
	cert_free(c);
}

/* With a key of this kind; why: a part of the sentence, NULL: it is taken. */
static void expect_kind(enum cert_key_kind kind, const char *why)
{
	struct cert_key *k = cert_key_make(kind);
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .key = k });
	const struct certificate_ask ask = ask_of(c);
	struct ctx cx = { .arena = arena_create(16384) };
	struct certificate got;
	const enum err e = certificate_check(&cx, &ask, &got);

	print_faults(&cx);
	assert_int_equal(why != NULL ? ERR_VALIDATION : ERR_NONE, e);
	if (why != NULL) {
		assert_true(has_fault(&cx, "cert", "weak_key"));
		assert_non_null(strstr(cx.problem.faults->message, why));
	}
	arena_destroy(cx.arena);
	cert_free(c);
	cert_key_free(k);
}

static void good_ones_are_taken_and_written_anew(void **state)
{
	struct ctx cx = { .arena = arena_create(16384) };
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .issuer = middle });
	struct certificate_ask ask = ask_of(c);
	struct str text;
	struct certificate got;

	(void)state;
	str_init(&text, cx.arena, 4096);
	str_addf(&text, "Bag Attributes: Zo\xC3\xAB\r\n%s\n\nand its CA\n%s", cert_pem(c), cert_pem(middle));
	ask.certificate = text.data;
	ask.self_managed = false;
	assert_int_equal(ERR_NONE, certificate_check(&cx, &ask, &got));
	assert_int_equal(64, strlen(got.fingerprint));
	assert_string_equal("CN=middle", got.issuer);
	assert_string_equal("P-256", got.key_type);
	assert_string_equal(HOST, got.matched);
	assert_true(got.not_before < ask.now && got.not_after > ask.now + 80 * DAY * TIME_SECOND);
	text.len = 0;
	str_addf(&text, "%s%s", cert_pem(c), cert_pem(middle));
	assert_string_equal(text.data, got.chain);
	assert_string_equal(cert_private(c), got.key);
	cert_free(c);
	arena_destroy(cx.arena);
}

static void the_chain_may_come_beside(void **state)
{
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .issuer = middle });
	struct certificate_ask ask = ask_of(c);
	char text[8192];

	(void)state;
	ask.self_managed = false;
	ask.chain = cert_pem(middle);
	expect_ask(&ask, NULL, NULL);
	snprintf(text, sizeof(text), "%s%s", cert_pem(middle), cert_pem(root));
	ask.chain = text;
	expect_ask(&ask, NULL, NULL);
	cert_free(c);
}

static void keys_of_these_kinds_are_taken(void **state)
{
	static const enum cert_key_kind kinds[] = { CERT_P256, CERT_P384, CERT_RSA_2048, CERT_RSA_4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		expect_kind(kinds[i], NULL);
}

static void keys_are_taken_in_every_form(void **state)
{
	static const enum cert_key_kind kinds[] = { CERT_P256, CERT_RSA_2048 };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (int form = CERT_PKCS8; form <= CERT_TRADITIONAL_ENCRYPTED; form++) {
			struct cert_key *k = cert_key_make(kinds[i]);
			struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .key = k });
			struct certificate_ask ask = ask_of(c);
			char *pem = cert_key_pem(k, (enum cert_key_form)form);

			ask.key = pem;
			expect_ask(&ask, form >= CERT_PKCS8_ENCRYPTED ? "key" : NULL, "encrypted");
			free(pem);
			cert_free(c);
			cert_key_free(k);
		}
}

static void names_are_those_of_the_extension(void **state)
{
	static const struct {
		const char *names;
		bool good;
	} cases[] = {
		{ "DNS:" HOST, true },
		{ "DNS:WWW.Example.COM", true },
		{ "DNS:other.org,DNS:" HOST, true },
		{ "DNS:*.example.com", true },
		{ "DNS:example.com", false },
		{ "DNS:*.www.example.com", false },
		{ "DNS:*.com", false },
		{ "DNS:w*.example.com", false },
		{ "DNS:*w.example.com", false },
		{ "DNS:www.*.com", false },
		{ "DNS:*.*.com", false },
		{ "DNS:www.example.com.evil.org", false },
		{ "email:www@example.com", false },
		{ "IP:192.0.2.1", false },
		{ NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(&(struct cert_spec){ .names = cases[i].names, .subject = HOST },
		       cases[i].good ? NULL : "cert", "certificate_mismatch");
}

static void times_are_looked_at(void **state)
{
	(void)state;
	expect(&(struct cert_spec){ .names = GOOD, .from_s = -9 * DAY, .until_s = -DAY }, "cert",
	       "certificate_expired");
	expect(&(struct cert_spec){ .names = GOOD, .until_s = 7 * DAY - 60 }, "cert", "certificate_expired");
	expect(&(struct cert_spec){ .names = GOOD, .until_s = 7 * DAY + 60 }, NULL, NULL);
	expect(&(struct cert_spec){ .names = GOOD, .from_s = 600 }, "cert", "certificate_not_yet_valid");
}

static void purposes_are_looked_at(void **state)
{
	(void)state;
	expect(&(struct cert_spec){ .names = GOOD, .ca = true, .extended = "serverAuth",
				    .usage = "digitalSignature,keyCertSign" }, "cert", "is_ca");
	expect(&(struct cert_spec){ .names = GOOD, .extended = "clientAuth" }, "cert", "key_usage");
	expect(&(struct cert_spec){ .names = GOOD, .extended = "" }, "cert", "key_usage");
	expect(&(struct cert_spec){ .names = GOOD, .usage = "keyEncipherment" }, "cert", "key_usage");
	expect(&(struct cert_spec){ .names = GOOD, .usage = "" }, NULL, NULL);
	expect(&(struct cert_spec){ .names = GOOD, .features = "status_request" }, "cert", "must_staple");
	expect(&(struct cert_spec){ .names = GOOD, .extended = "clientAuth,serverAuth" }, NULL, NULL);
}

static void old_digests_are_refused(void **state)
{
	(void)state;
	expect(&(struct cert_spec){ .names = GOOD, .digest = "SHA1" }, "cert", "weak_signature");
	expect(&(struct cert_spec){ .names = GOOD, .digest = "SHA224" }, "cert", "weak_signature");
	expect(&(struct cert_spec){ .names = GOOD, .digest = "SHA384" }, NULL, NULL);
}

static void md5_is_refused(void **state)
{
	struct cert_key *k = cert_key_make(CERT_RSA_2048);

	(void)state;
	expect(&(struct cert_spec){ .names = GOOD, .digest = "MD5", .key = k }, "cert", "weak_signature");
	cert_key_free(k);
}

static void weak_keys_are_refused(void **state)
{
	static const struct {
		enum cert_key_kind kind;
		const char *why;
	} cases[] = {
		{ CERT_RSA_1024, "1024 bits" }, { CERT_RSA_4104, "4104 bits" }, { CERT_RSA_E3, "exponent" },
		{ CERT_RSA_ROCA, "ROCA" }, { CERT_RSA_CLOSE, "Fermat" }, { CERT_P521, "must have a key of" },
		{ CERT_ED25519, "must have a key of" }, { CERT_P256_EXPLICIT, "must have a key of" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_kind(cases[i].kind, cases[i].why);
}

static void keys_that_others_know_are_refused(void **state)
{
	static unsigned char list[3][32];
	const struct key_blocklist blocked = { .v = (const unsigned char (*)[32])list, .n = 3 };
	struct cert_key *k = cert_key_make(CERT_P256);
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD, .key = k });
	struct certificate_ask ask = ask_of(c);
	char *digits = cert_key_hash(k);

	(void)state;
	ask.blocked = &blocked;
	memset(list[1], 0x11, 32);
	memset(list[2], 0xff, 32);
	expect_ask(&ask, NULL, NULL);
	assert_true(hex_decode(digits, list[1], 32));
	expect_ask(&ask, "cert", "weak_key");
	free(digits);
	cert_free(c);
	cert_key_free(k);
}

static void the_key_must_be_its_own(void **state)
{
	struct cert *c = cert_make(&(struct cert_spec){ .names = GOOD });
	struct cert *other = cert_make(&(struct cert_spec){ .names = GOOD });
	struct cert_key *rsa = cert_key_make(CERT_RSA_2048);
	struct certificate_ask ask = ask_of(c);
	char *pem = cert_key_pem(rsa, CERT_PKCS8);

	(void)state;
	ask.key = cert_private(other);
	expect_ask(&ask, "key", "key_mismatch");
	ask.key = pem;
	expect_ask(&ask, "key", "key_mismatch");
	free(pem);
	cert_key_free(rsa);
	cert_free(other);
	cert_free(c);
}

static void all_that_is_wrong_is_said_at_once(void **state)
{
	struct cert *c = cert_make(&(struct cert_spec){ .names = "DNS:other.org", .extended = "clientAuth",
							.until_s = DAY });
	struct cert *other = cert_make(&(struct cert_spec){ .names = GOOD });
	struct ctx cx = { .arena = arena_create(16384) };
	struct certificate_ask ask = ask_of(c);
	struct certificate got;

	(void)state;
	ask.key = cert_private(other);
	assert_int_equal(ERR_VALIDATION, certificate_check(&cx, &ask, &got));
	assert_true(has_fault(&cx, "cert", "certificate_mismatch"));
	assert_true(has_fault(&cx, "cert", "key_usage"));
	assert_true(has_fault(&cx, "cert", "certificate_expired"));
	assert_true(has_fault(&cx, "key", "key_mismatch"));
	assert_null(got.key);
	arena_destroy(cx.arena);
	cert_free(other);
	cert_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_taken_and_written_anew),
		cmocka_unit_test(the_chain_may_come_beside),
		cmocka_unit_test(keys_of_these_kinds_are_taken),
		cmocka_unit_test(keys_are_taken_in_every_form),
		cmocka_unit_test(names_are_those_of_the_extension),
		cmocka_unit_test(times_are_looked_at),
		cmocka_unit_test(purposes_are_looked_at),
		cmocka_unit_test(old_digests_are_refused),
		cmocka_unit_test(md5_is_refused),
		cmocka_unit_test(weak_keys_are_refused),
		cmocka_unit_test(keys_that_others_know_are_refused),
		cmocka_unit_test(the_key_must_be_its_own),
		cmocka_unit_test(all_that_is_wrong_is_said_at_once),
	};

	return cmocka_run_group_tests(tests, cert_bench_setup, cert_bench_teardown);
}
