/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_LEN 8

void sig_time(int64_t at, char *ret)
{
	const time_t t = (time_t)(at / TIME_SECOND);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	if (strftime(ret, SIG_TIME_LEN + 1, "%Y%m%dT%H%M%SZ", &tm) != SIG_TIME_LEN)
		abort(); /* no year of this clock has five digits */
}

struct encoded {
	const char *name, *value;
};

static int by_name(const void *x, const void *y)
{
	const struct encoded *a = x, *b = y;
	const int c = strcmp(a->name, b->name);

	return c != 0 ? c : strcmp(a->value, b->value);
}

/* Sorted as it is encoded. */
static const char *canonical_query(struct arena *a, const struct sig_ask *ask)
{
	struct encoded *v = ARENA_ARRAY(a, struct encoded, ask->nquery + 1);
	struct str out;

	for (size_t i = 0; i < ask->nquery; i++)
		v[i] = (struct encoded){ percent_encode(a, ask->query[i].name, ""),
			percent_encode(a, ask->query[i].value, "") };
	if (ask->nquery > 1)
		qsort(v, ask->nquery, sizeof(*v), by_name);
	str_init(&out, a, 256);
	for (size_t i = 0; i < ask->nquery; i++)
		str_addf(&out, "%s%s=%s", i > 0 ? "&" : "", v[i].name, v[i].value);
	return out.data;
}

char *sig_target(struct arena *a, const struct sig_ask *ask)
{
	const char *query = canonical_query(a, ask);

	return arena_printf(
		a, "%s%s%s", percent_encode(a, ask->path, "/"), query[0] != '\0' ? "?" : "", query);
}

static const char *signed_names(struct arena *a, const struct sig_ask *ask)
{
	struct str out;

	str_init(&out, a, 128);
	for (size_t i = 0; i < ask->nheaders; i++)
		str_addf(&out, "%s%s", i > 0 ? ";" : "", ask->headers[i].name);
	return out.data;
}

static const char *canonical_request(struct arena *a, const struct sig_ask *ask)
{
	struct str out;

	str_init(&out, a, 512);
	str_addf(&out, "%s\n%s\n%s\n", ask->method, percent_encode(a, ask->path, "/"),
		canonical_query(a, ask));
	for (size_t i = 0; i < ask->nheaders; i++)
		str_addf(&out, "%s:%s\n", ask->headers[i].name, ask->headers[i].value);
	str_addf(&out, "\n%s\n%s", signed_names(a, ask), ask->payload);
	return out.data;
}

static const char *scope(struct arena *a, const struct sig_key *key, const char *time)
{
	return arena_printf(a, "%.*s/%s/%s/aws4_request", DAY_LEN, time, key->region, key->service);
}

static const char *signature(
	struct arena *a, const struct sig_key *key, const struct sig_ask *ask, const char *time)
{
	const char *request = canonical_request(a, ask);
	const char *parts[] = { key->region, key->service, "aws4_request", NULL };
	const char *first = arena_printf(a, "AWS4%s", key->secret_key);
	unsigned char sum[32];

	sha256_of(request, strlen(request), sum);
	parts[3] = arena_printf(
		a, ALGORITHM "\n%s\n%s\n%s", time, scope(a, key, time), hex_encode(a, sum, sizeof(sum)));
	hmac_sha256(first, strlen(first), time, DAY_LEN, sum);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		unsigned char next[32];

		hmac_sha256(sum, sizeof(sum), parts[i], strlen(parts[i]), next);
		memcpy(sum, next, sizeof(sum));
	}
	return hex_encode(a, sum, sizeof(sum));
}

char *sig_authorization(
	struct arena *a, const struct sig_key *key, const struct sig_ask *ask, const char *time)
{
	arena_hold_secret(a);
	return arena_printf(a, ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s", key->access_key,
		scope(a, key, time), signed_names(a, ask), signature(a, key, ask, time));
}

char *sig_presigned(struct arena *a, const struct sig_key *key, const struct sig_ask *ask, const char *time,
	int64_t ttl_s)
{
	const struct sig_pair query[] = {
		{ "X-Amz-Algorithm", ALGORITHM },
		{ "X-Amz-Credential", arena_printf(a, "%s/%s", key->access_key, scope(a, key, time)) },
		{ "X-Amz-Date", time },
		{ "X-Amz-Expires", arena_printf(a, "%" PRId64, ttl_s) },
		{ "X-Amz-SignedHeaders", signed_names(a, ask) },
	};
	struct sig_ask full = *ask;

	arena_hold_secret(a);
	full.query = query;
	full.nquery = sizeof(query) / sizeof(query[0]);
	return arena_printf(a, "%s&X-Amz-Signature=%s", sig_target(a, &full), signature(a, key, &full, time));
}
