/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* vasprintf */
#include "minter.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct signer *signers[KEYS];
static const char *const kids[] = { "rsa-1", "ec-1", "ed-1", "rsa-1" };
static const char *const algs[] = { "RS256", "ES256", "EdDSA", "RS256" };
static const enum signer_kind kinds[] = { SIGNER_RSA, SIGNER_EC, SIGNER_ED25519, SIGNER_RSA };

char *text(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&out, fmt, ap) >= 0);
	va_end(ap);
	return out;
}

char *jwks_of(int first, int last)
{
	char *all = text("{\"keys\":[");

	for (int i = first; i <= last; i++) {
		char *jwk = signer_jwk(signers[i]), *more = text("%s%s%s", all, i > first ? "," : "", jwk);

		free(jwk);
		free(all);
		all = more;
	}
	char *whole = text("%s]}", all);
	free(all);
	return whole;
}

char *issuers_body(const char *source)
{
	return text("{\"issuers\":[{\"issuer\":\"" ISS "\",\"audience\":\"" AUD "\",%s,"
		    "\"algorithms\":[\"RS256\",\"ES256\",\"EdDSA\"]}]}",
		source);
}

const struct answer *set_issuers(struct story *s, struct client *c, const char *body)
{
	char path[200];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/auth/issuers", s->t.id);
	return client_call(c, "PUT", path, NULL, body);
}

void trust(struct story *s)
{
	char *jwks = jwks_of(RSA, ED), *source = text("\"jwks\":%s", jwks), *body = issuers_body(source);

	assert_status(200, set_issuers(s, s->operator, body));
	free(jwks);
	free(source);
	free(body);
}

char *header_of(int key)
{
	return text("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", algs[key], kids[key]);
}

char *claims_of(const struct story *s, int64_t exp_in_s, const char *extra)
{
	const int64_t now = (int64_t)time(NULL);

	return text("{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"user-7\",\"exp\":%" PRId64
		    ",\"iat\":%" PRId64 ",\"tenant_id\":\"%s\"%s}",
		now + exp_in_s, now, s->t.id, extra);
}

char *good_token(struct story *s, int key, const char *extra)
{
	char *header = header_of(key), *claims = claims_of(s, 600, extra);
	char *token = signer_token(signers[key], header, claims);

	free(header);
	free(claims);
	return token;
}

struct client *bearer(struct story *s, char *token)
{
	struct client *c = client_open(daemon_port(s->d));

	client_key(c, token);
	free(token);
	return c;
}

int minter_start_with(void **state, const struct daemon_options *options)
{
	for (int i = 0; i < KEYS; i++)
		signers[i] = signer_make(kinds[i], kids[i]);
	daemon_group_options(options);
	return daemon_group_setup(state);
}

int minter_start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_AUTH_PRIVATE_ISSUERS=true", NULL };
	static const struct daemon_options options = { .env = env };

	return minter_start_with(state, &options);
}

int minter_stop(void **state)
{
	for (int i = 0; i < KEYS; i++)
		signer_free(signers[i]);
	return daemon_group_teardown(state);
}
