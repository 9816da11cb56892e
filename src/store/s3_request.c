/* SPDX-License-Identifier: Apache-2.0 */
/* One request to an S3 server: signed, sent, understood, and sent again where that may help. */
#include "s3_in.h"

#include <stdio.h>
#include <string.h>

#include "s3_xml.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"

#define REST_MS 50
#define REST_MOST_MS 2000
#define HEADERS_MAX 5

/* Sorted by name, as they are signed. */
static size_t headers_of(struct arena *a, const struct s3 *s, const struct s3_ask *ask, const char *payload,
	const char *time, struct sig_pair *ret)
{
	size_t n = 0;

	(void)a;
	ret[n++] = (struct sig_pair){ "host", s->host };
	if (ask->once)
		ret[n++] = (struct sig_pair){ "if-none-match", "*" };
	if (ask->range != NULL)
		ret[n++] = (struct sig_pair){ "range", ask->range };
	ret[n++] = (struct sig_pair){ "x-amz-content-sha256", payload };
	ret[n++] = (struct sig_pair){ "x-amz-date", time };
	return n;
}

static const char *payload_sum(struct arena *a, struct bytes body)
{
	unsigned char sum[32];

	if (body.n == 0)
		return SIG_EMPTY;
	sha256_of(body.p, body.n, sum);
	return hex_encode(a, sum, sizeof(sum));
}

static enum http_result send_signed(
	struct s3 *s, struct arena *a, const struct s3_ask *ask, struct http_got *ret)
{
	const struct sig_key key = { s->access_key, s->secret_key, s->region, "s3" };
	const char *path = ask->key != NULL ? arena_printf(a, "%s/%s", s->root, ask->key)
					    : arena_printf(a, "%s/", s->root);
	const char *lines[HEADERS_MAX + 3];
	struct sig_pair headers[HEADERS_MAX];
	struct sig_ask sig = { .method = ask->method,
		.path = path,
		.query = ask->query,
		.nquery = ask->nquery,
		.headers = headers,
		.payload = payload_sum(a, ask->body) };
	char time[SIG_TIME_LEN + 1];
	const int64_t now = clock_mono_ms();
	size_t n = 0;

	sig_time(clock_wall_us(), time);
	sig.nheaders = headers_of(a, s, ask, sig.payload, time, headers);
	for (; n < sig.nheaders; n++)
		lines[n] = arena_printf(a, "%s: %s", headers[n].name, headers[n].value);
	lines[n++] = arena_printf(a, "Authorization: %s", sig_authorization(a, &key, &sig, time));
	if (ask->type != NULL)
		lines[n++] = arena_printf(a, "Content-Type: %s", ask->type);
	lines[n] = NULL;
	const struct http_ask http = { .method = ask->method,
		.url = arena_printf(a, "%s%s%s", s->scheme, s->host, sig_target(a, &sig)),
		.headers = lines,
		.body = ask->body,
		.deadline_ms =
			now + s->attempt_ms < ask->deadline_ms ? now + s->attempt_ms : ask->deadline_ms,
		.answer_max = S3_ANSWER_MAX,
		.take = ask->take,
		.take_arg = ask->take_arg };
	return http_client_send(s->http, a, &http, ret);
}

static bool take_code(void *arg, const char *parent, const char *name, const char *text)
{
	struct s3_answer *answer = arg;

	if (str_eq(parent, "Error") && str_eq(name, "Code"))
		(void)snprintf(answer->code, sizeof(answer->code), "%s", text);
	return true;
}

/* No answer came, or not all of it. */
static enum obj_result unanswered(enum http_result h, struct s3_answer *answer, struct obj_got *got)
{
	static const enum obj_result meanings[] = {
		[HTTP_GOT] = OBJ_OK,
		[HTTP_BAD_ASK] = OBJ_BROKEN,
		[HTTP_UNKNOWN_HOST] = OBJ_BROKEN,
		[HTTP_FORBIDDEN] = OBJ_DENIED,
		[HTTP_NO_CONNECTION] = OBJ_BROKEN,
		[HTTP_NO_TRUST] = OBJ_DENIED,
		[HTTP_LATE] = OBJ_LATE,
		[HTTP_TOO_LARGE] = OBJ_BROKEN,
		[HTTP_STOPPED] = OBJ_STOPPED,
		[HTTP_BROKEN] = OBJ_BROKEN,
	};

	answer->again =
		h == HTTP_UNKNOWN_HOST || h == HTTP_NO_CONNECTION || h == HTTP_LATE || h == HTTP_BROKEN;
	return obj_fail(got, meanings[h], "%s", answer->http.error);
}

static enum obj_result refused(const struct s3_ask *ask, struct s3_answer *answer, struct obj_got *got)
{
	const int status = answer->http.status;
	enum obj_result r = OBJ_BROKEN;

	(void)s3_xml_read(answer->http.body, answer->http.len, take_code, answer);
	answer->again = status == 429 || (status >= 500 && status != 501 && status != 507) || status == 409 ||
			str_eq(answer->code, "RequestTimeout");
	answer->unsupported = status == 501;
	if (status == 404 && !str_eq(answer->code, "NoSuchBucket"))
		r = OBJ_MISSING;
	else if (status == 412 && ask->once)
		r = OBJ_EXISTS;
	else if (status == 401 || status == 403 || status == 404)
		r = OBJ_DENIED;
	else if (status == 507)
		r = OBJ_FULL;
	return obj_fail(got, r, "%s: status %d%s%s", ask->method, status, answer->code[0] != '\0' ? ", " : "",
		answer->code);
}

enum obj_result s3_attempt(
	struct s3 *s, struct arena *a, const struct s3_ask *ask, struct s3_answer *ret, struct obj_got *got)
{
	enum http_result h;

	*ret = (struct s3_answer){ 0 };
	if (clock_mono_ms() >= ask->deadline_ms)
		return obj_fail(got, OBJ_LATE, "%s", obj_result_text(OBJ_LATE));
	h = send_signed(s, a, ask, &ret->http);
	if (h != HTTP_GOT)
		return unanswered(h, ret, got);
	if (ret->http.status >= 200 && ret->http.status < 300)
		return OBJ_OK;
	return refused(ask, ret, got);
}

bool s3_rest(int i, int64_t deadline_ms)
{
	const int most = REST_MS << i < REST_MOST_MS ? REST_MS << i : REST_MOST_MS;
	unsigned char part = 0;

	(void)random_bytes(&part, sizeof(part));
	if (clock_mono_ms() + most >= deadline_ms)
		return false;
	clock_nap(most / 2 + most * part / 512);
	return true;
}

enum obj_result s3_ask(struct s3 *s, struct arena *a, const struct s3_ask *ask, struct s3_answer *ret,
	struct obj_got *got)
{
	enum obj_result r = OBJ_BROKEN;
	int i = 0;

	do {
		r = s3_attempt(s, a, ask, ret, got);
		i++;
	} while (r != OBJ_OK && ret->again && i < S3_ATTEMPTS && s3_rest(i - 1, ask->deadline_ms));
	/* One that may be had later, and there is no later. */
	if (r == OBJ_BROKEN && ret->again && clock_mono_ms() + REST_MOST_MS >= ask->deadline_ms)
		return OBJ_LATE;
	return r;
}
