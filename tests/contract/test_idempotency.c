/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key on every write of the route table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"

#define HEADER "Idempotency-Key: %s\r\n"

/* Its request, ready to succeed, with a key of its own. */
struct keyed {
	struct ready ready;
	char header[400];
};

static void make_keyed(struct contract *k, const struct route *r, const char *prefix, struct keyed *ret)
{
	static int n;

	contract_ready(k, r, prefix, false, &ret->ready);
	snprintf(ret->header, sizeof(ret->header), "Idempotency-Key: contract-%d\r\n", ++n);
	ret->ready.ask.headers = ret->header;
}

static bool is_replay(const struct answer *a)
{
	const char *replayed = answer_header(a, "Idempotent-Replayed");

	return replayed != NULL && strcmp(replayed, "true") == 0;
}

static void check_same(const struct answer *first, const struct answer *again, const char *name)
{
	const char *one = answer_header(first, name), *other = answer_header(again, name);

	assert_string_equal(one != NULL ? one : "none", other != NULL ? other : "none");
}

/* The body of a replay: the same to the byte, but without what is shown once only. */
static void check_body(const struct route *r, const struct answer *first, const struct answer *again)
{
	if ((r->flags & ROUTE_NO_STORE) == 0) {
		assert_string_equal(first->body, again->body);
		return;
	}
	const char *misfit = reply_misfit_kept(r->reply, again->json), *name;
	json_t *v;

	if (misfit != NULL)
		fail_msg("%s: %s: %s", again->asked, misfit, again->body);
	json_object_foreach(again->json, name, v)
		assert_true(json_equal(v, json_object_get(first->json, name)));
}

static void the_same_again_is_a_replay(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct answer *first, *again;
		struct keyed q;

		if (!route_is_write(r))
			continue;
		make_keyed(k, r, prefix, &q);
		first = assert_status(r->status, contract_ask(k, k->c, &q.ready.ask));
		if (is_replay(first))
			fail_msg("%s: the first answer is no replay", first->asked);
		for (int i = 0; i < 2; i++) {
			again = assert_status(r->status, contract_ask(k, k->c, &q.ready.ask));
			if (!is_replay(again))
				fail_msg("%s: no replay: %s", again->asked, again->head);
			check_body(r, first, again);
			check_same(first, again, "Location");
			check_same(first, again, "ETag");
			check_same(first, again, "Cache-Control");
			assert_string_not_equal(
				answer_header(first, "X-Request-ID"), answer_header(again, "X-Request-ID"));
			assert_non_null(answer_header(again, "X-RateLimit-Remaining"));
			assert_string_equal(
				answer_header(first, "Cache-Control"), answer_header(again, "Cache-Control"));
		}
		ready_clear(&q.ready);
		client_forget(k->c);
	}
}

/* Another valid body; where there is none another object; without either another operation on the tenant. */
static const struct answer *ask_otherwise(struct contract *k, struct keyed *q)
{
	struct ask ask = q->ready.ask;
	const struct answer *a;
	char *body = NULL;

	if (ask.r->body != NULL) {
		json_t *o = sample_object(ask.r->body, route_read_mode(ask.r), true);

		body = json_dumps(o, JSON_COMPACT);
		json_decref(o);
		if (strcmp(body, ask.body) == 0)
			ask.id = "999999";
		ask.body = body;
	} else if (ask.id != NULL && ask.r->auth != AUTH_ANY) {
		/* With AUTH_ANY the object tells the tenant, and so whose key it is. */
		ask.id = "999999";
	} else {
		ask.r = route_find(M_PATCH, "/tenants/{tenant_id}");
		ask.method = M_PATCH;
		body = strdup("{\"name\":\"Another\"}");
		ask.body = body;
	}
	a = contract_ask(k, k->c, &ask);
	free(body);
	return a;
}

static void another_request_with_the_key_is_refused(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct keyed q;

		/* What leaves the tenant deleted takes no other operation, whatever its key. */
		if (!route_is_write(r) || strcmp(r->op, "deleteTenant") == 0)
			continue;
		make_keyed(k, r, prefix, &q);
		assert_status(r->status, contract_ask(k, k->c, &q.ready.ask));
		assert_error(422, "idempotency_key_reused", ask_otherwise(k, &q));
		assert_true(is_replay(assert_status(r->status, contract_ask(k, k->c, &q.ready.ask))));
		ready_clear(&q.ready);
		client_forget(k->c);
	}
}

static void a_key_that_is_none_is_named(void **state)
{
	static char too_long[512];
	const char *const bad[] = { "Idempotency-Key:\r\n", "Idempotency-Key: a b\r\n",
		"Idempotency-Key: \xc3\xa9\r\n", "Idempotency-Key: a\r\nIdempotency-Key: a\r\n", too_long };
	struct contract *k = *state;
	char text[300];

	memset(text, 'k', 256);
	text[256] = '\0';
	snprintf(too_long, sizeof(too_long), HEADER, text);
	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = r->method, .beside = true };

		if (!route_is_write(r))
			continue;
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			const struct answer *a;

			ask.headers = bad[i];
			a = assert_error(400, "invalid_request", contract_ask(k, k->c, &ask));
			assert_non_null(strstr(answer_text(a, "message"), "Idempotency-Key"));
		}
		client_forget(k->c);
	}
}

static void the_longest_key_is_one(void **state)
{
	struct contract *k = *state;
	struct keyed q;
	char text[300];

	memset(text, '~', 255);
	text[255] = '\0';
	make_keyed(k, route_find(M_POST, "/policies"), "/api/v1", &q);
	snprintf(q.header, sizeof(q.header), HEADER, text);
	assert_status(201, contract_ask(k, k->c, &q.ready.ask));
	assert_true(is_replay(assert_status(201, contract_ask(k, k->c, &q.ready.ask))));
	ready_clear(&q.ready);
}

static void reads_take_no_notice_of_a_key(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = {
			.r = r, .prefix = prefix, .method = r->method, .headers = "Idempotency-Key: a b\r\n"
		};
		const struct answer *a;

		if (r->method != M_GET)
			continue;
		ask.id = contract_object(k, r, k->t.id);
		a = assert_status(r->status, contract_ask(k, k->c, &ask));
		assert_null(answer_header(a, "Idempotent-Replayed"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_again_is_a_replay),
		cmocka_unit_test(another_request_with_the_key_is_refused),
		cmocka_unit_test(a_key_that_is_none_is_named),
		cmocka_unit_test(the_longest_key_is_one),
		cmocka_unit_test(reads_take_no_notice_of_a_key),
	};

	return cmocka_run_group_tests(tests, contract_setup, contract_teardown);
}
