/* SPDX-License-Identifier: Apache-2.0 */
/* A corpus of tokens that must not pass. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "minter.h"
#include "story.h"

struct corpus {
	struct story *s;
	int n;
};

static void refused(struct corpus *k, const char *what, char *token)
{
	struct client *c = bearer(k->s, token);
	const struct answer *a = client_get(c, "/policies");

	if (a->status != 401 || strcmp(answer_text(a, "error"), "invalid_token") != 0)
		fail_msg("%s: %d %s", what, a->status, a->body);
	k->n++;
	client_close(c);
}

/* A header or claims of one's own, signed properly. */
static void refused_header(struct corpus *k, int key, const char *header)
{
	char *claims = claims_of(k->s, 600, ",\"roles\":[\"Admin\"]");

	refused(k, header, signer_token(signers[key], header, claims));
	free(claims);
}

static void refused_claims(struct corpus *k, char *claims)
{
	char *header = header_of(EC);

	refused(k, claims, signer_token(signers[EC], header, claims));
	free(header);
	free(claims);
}

static void hostile_headers(struct corpus *k)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"None\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"rs256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"RS512\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":[\"RS256\"],\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":null,\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":1}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"RSA-1\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"../../etc/passwd\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"' OR 1=1 --\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"ec-1\"}",
		"{\"alg\":\"RS256\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"RS256\",\"typ\":\"jws\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"crit\":[]}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"jku\":\"https://evil.example/k\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"x5u\":\"https://evil.example/k\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"x5c\":[\"MIIB\"]}",
		("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}"
		 "}"),
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"b64\":false}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"zip\":\"DEF\"}",
		"{\"alg\":\"RS256\",\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\",\"kid\":\"rsa-1\"}",
		"[\"RS256\"]",
		"null",
		"",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}}",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		refused_header(k, RSA, headers[i]);
	/* Somebody else's key under a kid that is trusted. */
	refused_header(k, STRANGER, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}");
}

/* fmt names iss, aud, sub, exp, then the tenant. */
static char *claims(const char *iss, const char *aud, const char *sub, int64_t exp, const char *tenant)
{
	return text("{\"iss\":%s,\"aud\":%s,\"sub\":%s,\"exp\":%" PRId64 ",\"tenant_id\":%s,"
		    "\"roles\":[\"Admin\"]}",
		iss, aud, sub, exp, tenant);
}

static void hostile_claims(struct corpus *k)
{
	const int64_t now = (int64_t)time(NULL), soon = now + 600;
	char *own = text("\"%s\"", k->s->t.id);
	const char *iss = "\"" ISS "\"", *aud = "\"" AUD "\"", *sub = "\"u\"";

	refused_claims(k, claims("\"https://id.acme.com\"", aud, sub, soon, own));
	refused_claims(k, claims("\"" ISS " \"", aud, sub, soon, own));
	refused_claims(k, claims("null", aud, sub, soon, own));
	refused_claims(k, claims("[\"" ISS "\"]", aud, sub, soon, own));
	refused_claims(k, claims(iss, "\"control-core-2\"", sub, soon, own));
	refused_claims(k, claims(iss, "[]", sub, soon, own));
	refused_claims(k, claims(iss, "[1]", sub, soon, own));
	refused_claims(k, claims(iss, "[\"" AUD "\",1]", sub, soon, own));
	refused_claims(k, claims(iss, "{\"" AUD "\":1}", sub, soon, own));
	refused_claims(k, claims(iss, aud, "\"\"", soon, own));
	refused_claims(k, claims(iss, aud, "null", soon, own));
	refused_claims(k, claims(iss, aud, "7", soon, own));
	refused_claims(k, claims(iss, aud, "\"a\\nb\"", soon, own));
	refused_claims(k, claims(iss, aud, sub, now - 61, own));
	refused_claims(k, claims(iss, aud, sub, 0, own));
	refused_claims(k, claims(iss, aud, sub, -1, own));
	refused_claims(k, claims(iss, aud, sub, now + 90000, own));
	refused_claims(k, claims(iss, aud, sub, INT64_MAX, own));
	refused_claims(k, claims(iss, aud, sub, soon, "\"tenant-other-123456\""));
	refused_claims(k, claims(iss, aud, sub, soon, "null"));
	refused_claims(k, claims(iss, aud, sub, soon, "\"\""));
	refused_claims(k, claims(iss, aud, sub, soon, "[\"x\"]"));
	refused_claims(k, claims_of(k->s, 600, ",\"nbf\":9999999999"));
	refused_claims(k, text("{\"iss\":%s,\"aud\":%s,\"sub\":%s,\"tenant_id\":%s}", iss, aud, sub, own));
	refused_claims(k, text("{\"iss\":%s,\"aud\":%s,\"sub\":%s,\"exp\":\"%" PRId64 "\",\"tenant_id\":%s}",
				  iss, aud, sub, soon, own));
	refused_claims(k, text("{\"iss\":%s,\"aud\":%s,\"sub\":%s,\"exp\":%" PRId64 ".5,\"tenant_id\":%s}",
				  iss, aud, sub, soon, own));
	refused_claims(k, text("{\"iss\":%s,\"aud\":%s,\"sub\":%s,\"exp\":%" PRId64 ",\"iat\":%" PRId64
			       ",\"tenant_id\":%s}",
				  iss, aud, sub, soon, now + 300, own));
	refused_claims(k, text("{\"iss\":%s,\"aud\":%s,\"sub\":%s,\"exp\":%" PRId64 ",\"exp\":%" PRId64
			       ",\"tenant_id\":%s}",
				  iss, aud, sub, soon, soon, own));
	free(own);
}

static void hostile_forms(struct corpus *k)
{
	char *good = good_token(k->s, RSA, ",\"roles\":[\"Admin\"]"), *pem = signer_pem(signers[RSA]);
	char *claims = claims_of(k->s, 600, ",\"roles\":[\"Admin\"]"), *end = strrchr(good, '.');
	char *h = signer_base64url("{\"alg\":\"none\"}", 14), *c = signer_base64url(claims, strlen(claims));
	char *flipped = text("%s", good), *big = calloc(1, 5001);

	refused(k, "HS256 under the public key",
		signer_hmac_token(pem, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}", claims));
	refused(k, "HS256 under nothing",
		signer_hmac_token("", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}", claims));
	refused(k, "RS256 that is an HMAC",
		signer_hmac_token(pem, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa-1\"}", claims));
	refused(k, "none, no signature", text("%s.%s.", h, c));
	refused(k, "signature cut off", text("%.*s.", (int)(end - good), good));
	refused(k, "signature of one letter", text("%.*s.A", (int)(end - good), good));
	refused(k, "signature cut short", text("%.*s", (int)strlen(good) - 4, good));
	refused(k, "signature with padding", text("%s==", good));
	refused(k, "four parts", text("%s.x", good));
	refused(k, "empty parts", text(".."));
	refused(k, "no claims", text("%s..%s", h, end + 1));
	refused(k, "foreign letters", text("%.*s!%s", 3, good, good + 4));
	flipped[strcspn(flipped, ".") + 10] ^= 1;
	refused(k, "a letter of the claims changed", flipped);
	memset(big, 'a', 5000);
	refused(k, "too long", text("%s%s", good, big));
	free(good);
	free(pem);
	free(claims);
	free(h);
	free(c);
	free(big);
}

static void none_of_a_hostile_corpus_passes(void **state)
{
	struct corpus k = { .s = *state };
	struct client *c;

	trust(k.s);
	c = bearer(k.s, good_token(k.s, RSA, ",\"roles\":[\"Admin\"]"));
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
	hostile_headers(&k);
	hostile_claims(&k);
	hostile_forms(&k);
	print_message("# %d hostile tokens\n", k.n);
	assert_true(k.n >= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(none_of_a_hostile_corpus_passes, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, minter_start, minter_stop);
}
