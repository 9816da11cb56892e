/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as people bring them. The first byte says how to read the rest: texts of certificate and key,
 * split at the first zero byte, or their DER, behind the length of the certificate's. What is taken is
 * written anew, and that is taken again; what is refused is explained, and no key is left.
 */
#include "fuzz.h"

#include <string.h>

#include "cc/crypto/certificate.h"
#include "cc/crypto/pem.h"

enum { AS_DER = 1, TRUSTED = 2 };
#define NOW (INT64_C(1796083200) * 1000000) /* 2026-12-01, when those of the corpus are valid */

static struct certificate_ask ask_of(const char *certificate, const char *key, bool trusted)
{
	return (struct certificate_ask){
		.certificate = certificate, .key = key, .host = "www.example.com", .self_managed = !trusted,
		.trust_store = "/dev/null", .now = NOW,
		.at_certificate = "certificate", .at_chain = "chain", .at_key = "key",
	};
}

static bool check(struct arena *a, const struct certificate_ask *ask, struct certificate *ret)
{
	struct ctx cx = { .arena = a };
	const enum err e = certificate_check(&cx, ask, ret);

	FUZZ_EXPECT((e == ERR_NONE) == (cx.problem.nfaults == 0));
	for (const struct fault *f = cx.problem.faults; f != NULL; f = f->next)
		FUZZ_EXPECT(f->field != NULL && f->error != NULL && f->message != NULL);
	FUZZ_EXPECT((e == ERR_NONE) == (ret->key != NULL));
	return e == ERR_NONE;
}

static void check_texts(struct arena *a, const char *certificate, const char *key, bool trusted)
{
	struct certificate_ask ask = ask_of(certificate, key, trusted);
	struct certificate once, twice;

	if (!check(a, &ask, &once))
		return;
	FUZZ_EXPECT(once.serial != NULL && once.key_type != NULL && once.matched != NULL);
	FUZZ_EXPECT(once.not_before <= NOW && NOW < once.not_after);
	ask.certificate = once.chain;
	ask.key = once.key;
	FUZZ_EXPECT(check(a, &ask, &twice));
	FUZZ_EXPECT(strcmp(once.fingerprint, twice.fingerprint) == 0);
	FUZZ_EXPECT(strcmp(once.chain, twice.chain) == 0);
}

static void check_der(struct arena *a, const uint8_t *data, size_t size, bool trusted)
{
	const size_t n = size >= 2 ? (size_t)data[0] << 8 | data[1] : 0;

	if (size < 2 || n > size - 2)
		return;
	check_texts(a, pem_write(a, "CERTIFICATE", (struct bytes){ data + 2, n }),
		    pem_write(a, "PRIVATE KEY", (struct bytes){ data + 2 + n, size - 2 - n }), trusted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(16384);
	char *text;

	if (size == 0) {
		arena_destroy(a);
		return 0;
	}
	if ((data[0] & AS_DER) != 0) {
		check_der(a, data + 1, size - 1, (data[0] & TRUSTED) != 0);
	} else {
		text = arena_alloc(a, size + 1);
		memcpy(text, data + 1, size - 1);
		check_texts(a, text, text + strlen(text) + (strlen(text) < size - 1),
			    (data[0] & TRUSTED) != 0);
	}
	arena_destroy(a);
	return 0;
}
