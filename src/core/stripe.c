/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strptime, timegm */
#include "stripe_in.h"

#include <string.h>
#include <time.h>

#include "cc/base/clock.h"
#include "cc/core/world.h"

#define ANSWER_MAX ((size_t)1024 * 1024)
#define SECOND_US INT64_C(1000000)
#define ASKS 3

bool stripe_is_set(const struct ctx *cx)
{
	return cx->world->settings->stripe.key != NULL;
}

bool stripe_is_over(const char *status)
{
	return str_eq(status, "canceled") || str_eq(status, "incomplete_expired");
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == '~';
}

void form_add(struct str *out, const char *key, const char *value)
{
	if (out->len > 0)
		str_add_char(out, '&');
	str_add(out, key);
	str_add_char(out, '=');
	for (const char *p = value; *p != '\0'; p++) {
		if (is_plain(*p))
			str_add_char(out, *p);
		else
			str_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

void form_add_int(struct str *out, const char *key, int64_t value)
{
	if (out->len > 0)
		str_add_char(out, '&');
	str_add(out, key);
	str_add_char(out, '=');
	str_add_int(out, value);
}

enum http_result stripe_send(struct ctx *cx, const struct stripe_call *call, struct http_got *ret)
{
	const struct stripe_settings *s = &cx->world->settings->stripe;
	const int64_t end_ms = clock_mono_ms() + s->timeout_ms;
	const char *headers[5] = { "Stripe-Version: " STRIPE_VERSION };
	const struct http_ask ask = {
		.method = call->method,
		.url = arena_printf(cx->arena, "%s%s", s->url, call->path),
		.headers = headers,
		.answer_max = ANSWER_MAX,
		.body = { (const unsigned char *)call->form, call->form != NULL ? strlen(call->form) : 0 },
		.deadline_ms =
			call->deadline_ms != 0 && call->deadline_ms < end_ms ? call->deadline_ms : end_ms,
	};
	int n = 1;

	arena_hold_secret(cx->arena);
	headers[n++] = arena_printf(cx->arena, "Authorization: Bearer %s", s->key);
	if (call->form != NULL)
		headers[n++] = "Content-Type: application/x-www-form-urlencoded";
	if (call->idempotency_key != NULL)
		headers[n++] = arena_printf(cx->arena, "Idempotency-Key: %s", call->idempotency_key);
	return http_client_send(cx->world->http, cx->arena, &ask, ret);
}

static bool may_pass(enum http_result r, const struct http_got *got)
{
	return r != HTTP_GOT || got->status >= 500 || got->status == 429 || got->status == 409;
}

enum http_result stripe_ask(struct ctx *cx, const struct stripe_call *call, struct http_got *ret)
{
	const int64_t end_ms = clock_mono_ms() + cx->world->settings->stripe.timeout_ms;
	struct stripe_call c = *call;
	enum http_result r = HTTP_GOT;

	if (c.deadline_ms == 0 || c.deadline_ms > end_ms)
		c.deadline_ms = end_ms;
	for (int i = 0; i < ASKS; i++) {
		r = stripe_send(cx, &c, ret);
		if (!may_pass(r, ret) || clock_mono_ms() >= c.deadline_ms)
			break;
	}
	return r;
}

static const char *kept(struct arena *a, const char *text)
{
	return text != NULL ? arena_strdup(a, text) : NULL;
}

void stripe_read_error(struct ctx *cx, const struct http_got *got, struct stripe_error *ret)
{
	const char *why;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);
	const struct doc *e = d != NULL ? doc_object(d, "error") : NULL;

	*ret = (struct stripe_error){ 0 };
	if (e != NULL) {
		ret->type = kept(cx->arena, doc_text(e, "type"));
		ret->code = kept(cx->arena, doc_text(e, "code"));
		ret->message = kept(cx->arena, doc_text(e, "message"));
		ret->decline_code = kept(cx->arena, doc_text(e, "decline_code"));
	}
	doc_free(d);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110) */
static int64_t time_said(const char *date)
{
	struct tm tm = { 0 };
	const char *end = date != NULL ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

	return end != NULL && *end == '\0' ? (int64_t)timegm(&tm) * SECOND_US : TIME_NULL;
}

/* A proxy says 404 as well, and so does a server that is not Stripe's: only Stripe's own words count. */
bool stripe_is_missing(struct ctx *cx, const struct http_got *got)
{
	struct stripe_error e;

	if (got->status != 404)
		return false;
	stripe_read_error(cx, got, &e);
	return str_eq(e.type, "invalid_request_error") && str_eq(e.code, "resource_missing");
}

struct doc *stripe_get_doc(struct ctx *cx, const char *path, bool *ret_missing)
{
	int64_t at;

	return stripe_get_at(cx, path, ret_missing, &at);
}

struct doc *stripe_get_at(struct ctx *cx, const char *path, bool *ret_missing, int64_t *ret_at)
{
	const struct stripe_call call = { .method = "GET", .path = path };
	struct http_got got;
	const char *why;

	*ret_missing = false;
	*ret_at = TIME_NULL;
	if (stripe_ask(cx, &call, &got) != HTTP_GOT)
		return NULL;
	*ret_at = time_said(http_got_header(&got, "Date"));
	*ret_missing = stripe_is_missing(cx, &got);
	return got.status == 200 ? doc_parse(cx->arena, got.body, got.len, &why) : NULL;
}

const char *stripe_currency(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *p = copy; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return copy;
}

static bool is_one_of(const char *currency, const char *const *list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		if (str_eq(list[i], currency))
			return true;
	return false;
}

/* Stripe's own lists: some that have no decimals by now are written with two there (ISK, UGX). */
int64_t stripe_hundredths(const char *currency, int64_t amount)
{
	static const char *const whole[] = { "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG",
		"RWF", "VND", "VUV", "XAF", "XOF", "XPF", NULL };
	static const char *const thousandths[] = { "BHD", "JOD", "KWD", "OMR", "TND", NULL };

	if (is_one_of(currency, whole))
		return amount > INT64_MAX / 100   ? INT64_MAX
		       : amount < INT64_MIN / 100 ? INT64_MIN
						  : amount * 100;
	if (is_one_of(currency, thousandths))
		return amount / 10 + amount % 10 / 5;
	return amount;
}
