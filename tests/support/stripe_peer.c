/* SPDX-License-Identifier: Apache-2.0 */
/* The door: credentials, versions, idempotency keys, and all that can go wrong on the way. */
#define _GNU_SOURCE
#include "stripe_peer_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/core/stripe.h"
#include "cc/crypto/digest.h"

#define TEXT_MAX 400

int64_t stripe_now(void)
{
	return (int64_t)time(NULL);
}

bool stripe_chance(struct stripe_peer *p, int percent)
{
	return percent > 0 && rand_r(&p->random) / 7 % 100 < percent;
}

void stripe_error(struct stripe_reply *ret, int status, const char *type, const char *code, const char *param,
	const char *message)
{
	json_t *e = json_pack("{s:s,s:s,s:s}", "type", type, "message", message, "doc_url",
		"https://docs.stripe.com/error-codes");

	if (code != NULL)
		json_object_set_new(e, "code", json_string(code));
	if (param != NULL)
		json_object_set_new(e, "param", json_string(param));
	*ret = (struct stripe_reply){ status, json_pack("{s:o}", "error", e) };
}

/* A call ------------------------------------------------------------------------------------------------ */

/* "/v1/customers/cus_1?limit=3" */
static bool parse(struct web_turn *t, struct stripe_request *rq, char *path, size_t n)
{
	const char *query = strchr(web_target(t), '?');
	const bool form = strcmp(web_method(t), "POST") == 0;

	snprintf(path, n, "%.*s", (int)strcspn(web_target(t), "?"), web_target(t));
	*rq = (struct stripe_request){ .method = web_method(t), .path = path };
	return form_read(&rq->form, form ? web_body(t) : query != NULL ? query + 1 : "");
}

static bool header_is(struct web_turn *t, const char *name, const char *value)
{
	const char *is = web_header(t, name);

	return is != NULL && strcmp(is, value) == 0;
}

static bool is_let_in(struct web_turn *t, struct stripe_reply *ret)
{
	if (!header_is(t, "Authorization", "Bearer " STRIPE_PEER_KEY))
		stripe_error(ret, 401, "invalid_request_error", NULL, NULL, "Invalid API Key provided");
	else if (!header_is(t, "Stripe-Version", STRIPE_VERSION))
		stripe_error(ret, 400, "invalid_request_error", NULL, NULL, "Invalid Stripe API version");
	else if (web_body_len(t) > 0 && !header_is(t, "Content-Type", "application/x-www-form-urlencoded"))
		stripe_error(ret, 400, "invalid_request_error", NULL, NULL, "Invalid content type");
	else
		return true;
	return false;
}

/* What is refused before anything is begun is not kept under the key. */
static bool is_valid(const struct stripe_route *r, struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *param = NULL, *code = NULL;
	char text[TEXT_MAX];

	if (r == NULL) {
		stripe_error(ret, 404, "invalid_request_error", NULL, NULL, "Unrecognized request URL");
		return false;
	}
	if (form_fault(&rq->form, r->params, text, sizeof(text), &param, &code) != NULL) {
		stripe_error(ret, 400, "invalid_request_error", code, param, text);
		return false;
	}
	return true;
}

static void run(struct stripe_peer *p, const struct stripe_route *r, struct stripe_request *rq,
	struct stripe_reply *ret)
{
	if (stripe_chance(p, p->mood.fail_before)) {
		stripe_error(ret, 500, "api_error", NULL, NULL, "Something went wrong");
		return;
	}
	r->run(p, rq, ret);
	if (ret->status < 300 && stripe_chance(p, p->mood.fail_after)) {
		json_decref(ret->body);
		stripe_error(ret, 500, "api_error", NULL, NULL, "Something went wrong");
	}
}

static void run_once(struct stripe_peer *p, struct web_turn *t, const struct stripe_route *r,
	struct stripe_request *rq, struct stripe_reply *ret)
{
	const char *key = web_header(t, "Idempotency-Key");
	json_t *kept = key != NULL ? json_object_get(p->keys, key) : NULL;
	char *request = NULL;

	if (key == NULL) {
		run(p, r, rq, ret);
		return;
	}
	assert_true(asprintf(&request, "%s %s %s", rq->method, rq->path, web_body(t)) > 0);
	if (kept == NULL) {
		run(p, r, rq, ret);
		json_object_set_new(p->keys, key,
			json_pack("{s:s,s:i,s:O}", "request", request, "status", ret->status, "body",
				ret->body));
	} else if (strcmp(json_string_value(json_object_get(kept, "request")), request) != 0) {
		stripe_error(ret, 400, "idempotency_error", NULL, NULL,
			"Keys for idempotent requests can only be used with the same parameters they were "
			"first used with.");
	} else {
		ret->status = (int)json_integer_value(json_object_get(kept, "status"));
		ret->body = json_incref(json_object_get(kept, "body"));
	}
	free(request);
}

static bool is_turned_away(struct stripe_peer *p, const struct stripe_request *rq, struct stripe_reply *ret)
{
	if (stripe_chance(p, p->mood.busy))
		stripe_error(ret, 429, "invalid_request_error", "rate_limit", NULL, "Too many requests");
	else if (strcmp(rq->method, "GET") != 0 && stripe_chance(p, p->mood.in_use))
		stripe_error(ret, 409, "idempotency_error", "idempotency_key_in_use", NULL,
			"There is currently another in-progress request using this Idempotent Key");
	else
		return false;
	return true;
}

static void answer(struct stripe_peer *p, struct web_turn *t, struct stripe_reply *ret, bool *lost)
{
	const struct stripe_route *r;
	struct stripe_request rq;
	char path[300];

	if (stripe_chance(p, p->mood.astray)) {
		stripe_error(ret, 404, "invalid_request_error", NULL, NULL, "Unrecognized request URL");
		return;
	}
	if (!is_let_in(t, ret))
		return;
	if (!parse(t, &rq, path, sizeof(path))) {
		stripe_error(ret, 400, "invalid_request_error", NULL, NULL, "Invalid form");
	} else if (r = stripe_find(&rq), is_valid(r, &rq, ret) && !is_turned_away(p, &rq, ret)) {
		run_once(p, t, r, &rq, ret);
		*lost = stripe_chance(p, p->mood.lose);
	}
	form_clear(&rq.form);
}

/* A meter event that was there before is how that is known; and an address may be anybody's mistake. */
static bool is_well_formed(const json_t *body)
{
	const char *text = json_string_value(json_object_get(json_object_get(body, "error"), "message"));

	return text != NULL &&
	       (strncmp(text, "An event already exists", 23) == 0 || strcmp(text, STRIPE_NOWHERE) == 0);
}

static void serve(struct web_turn *t, void *arg)
{
	struct stripe_peer *p = arg;
	struct stripe_reply reply = { 0 };
	bool lost = false;
	char *text;
	int slow;

	pthread_mutex_lock(&p->lock);
	p->calls++;
	slow = p->mood.slow_ms;
	answer(p, t, &reply, &lost);
	if (reply.status == 400 && !is_well_formed(reply.body)) {
		p->refusals++;
		text = json_dumps(reply.body, JSON_COMPACT);
		print_message("# stripe refused %s %s: %s\n", web_method(t), web_target(t), text);
		free(text);
	}
	text = json_dumps(reply.body, JSON_COMPACT);
	json_decref(reply.body);
	pthread_mutex_unlock(&p->lock);
	if (slow > 0)
		(void)web_sleep(t, slow);
	if (lost)
		web_hang_up(t);
	else
		web_reply(t, reply.status, NULL, text);
	free(text);
}

/* The test's side --------------------------------------------------------------------------------------- */

/* CC_HOSTILE=1, and with full counts: nothing goes quite well in any suite. */
static struct stripe_mood usual_mood(void)
{
	static const struct stripe_mood hostile = {
		.lose = 10, .fail_before = 4, .fail_after = 4, .busy = 4, .in_use = 4, .slow_ms = 10
	};

	return getenv("CC_HOSTILE") != NULL || getenv("CC_LONG") != NULL ? hostile
									 : (struct stripe_mood){ 0 };
}

struct stripe_peer *stripe_start(unsigned seed)
{
	struct stripe_peer *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	pthread_mutex_init(&p->lock, NULL);
	p->random = seed;
	p->mood = p->usual = usual_mood();
	p->objects = json_object();
	p->prices = json_object();
	p->meters = json_object();
	p->keys = json_object();
	p->effects = json_object();
	p->events = json_array();
	p->web = web_peer_start(serve, p);
	return p;
}

void stripe_stop(struct stripe_peer *p)
{
	if (p == NULL)
		return;
	web_peer_stop(p->web);
	json_decref(p->objects);
	json_decref(p->prices);
	json_decref(p->meters);
	json_decref(p->keys);
	json_decref(p->effects);
	json_decref(p->events);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

const char *stripe_url(const struct stripe_peer *p)
{
	return web_peer_url(p->web);
}

void stripe_feel(struct stripe_peer *p, const struct stripe_mood *mood)
{
	pthread_mutex_lock(&p->lock);
	p->mood = mood != NULL ? *mood : p->usual;
	pthread_mutex_unlock(&p->lock);
}

static int counted(struct stripe_peer *p, const int *at)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = *at;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int stripe_calls(struct stripe_peer *p)
{
	return counted(p, &p->calls);
}

int stripe_refusals(struct stripe_peer *p)
{
	return counted(p, &p->refusals);
}

void stripe_count(struct stripe_peer *p, const char *call)
{
	const json_int_t n = json_integer_value(json_object_get(p->effects, call));

	json_object_set_new(p->effects, call, json_integer(n + 1));
}

int stripe_effects(struct stripe_peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = (int)json_object_size(p->effects);
	pthread_mutex_unlock(&p->lock);
	return n;
}

int stripe_doubles(struct stripe_peer *p)
{
	const char *call;
	json_t *times;
	int n = 0;

	pthread_mutex_lock(&p->lock);
	json_object_foreach(p->effects, call, times) if (json_integer_value(times) > 1)
	{
		print_message("# twice: %s\n", call);
		n++;
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

size_t stripe_events(struct stripe_peer *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = json_array_size(p->events);
	pthread_mutex_unlock(&p->lock);
	return n;
}

char *stripe_event(struct stripe_peer *p, size_t i)
{
	char *text;

	pthread_mutex_lock(&p->lock);
	text = json_dumps(json_array_get(p->events, i), JSON_INDENT(2));
	pthread_mutex_unlock(&p->lock);
	assert_non_null(text);
	return text;
}

const char *stripe_signature(const char *secret, const char *body, int64_t at)
{
	static _Thread_local char header[160];
	unsigned char mac[32];
	struct arena *a = arena_create(256);
	char *text = NULL;

	assert_true(asprintf(&text, "%lld.%s", (long long)at, body) > 0);
	hmac_sha256(secret, strlen(secret), text, strlen(text), mac);
	snprintf(
		header, sizeof(header), "t=%lld,v1=%s,v0=00", (long long)at, hex_encode(a, mac, sizeof(mac)));
	free(text);
	arena_destroy(a);
	return header;
}
