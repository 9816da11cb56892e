/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context: what a client sends is in the log, in the answer, and in what others are asked. */
#define _GNU_SOURCE /* asprintf */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "cc/base/trace.h"
#include "cc/net/http_client.h"
#include "client.h"
#include "temp.h"
#include "web_peer.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" ID "-00f067aa0ba902b7-01"

/* What the peer was last asked as a policy engine, and as Stripe. */
static struct {
	pthread_mutex_t lock;
	char engine[80], state[600], stripe[80];
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct web_peer *peer;
static char *engine_url, *stripe_url;

static void answer(struct web_turn *t, void *arg)
{
	/* The peer has room for one value at a time. */
	char *parent = strdup(web_header(t, "traceparent") != NULL ? web_header(t, "traceparent") : "none");
	const char *state = web_header(t, "tracestate");
	const bool engine = strstr(web_target(t), "/v1/policies") != NULL ||
			    strstr(web_target(t), "/v1/data") != NULL;

	(void)arg;
	pthread_mutex_lock(&seen.lock);
	snprintf(engine ? seen.engine : seen.stripe, sizeof(seen.engine), "%s", parent);
	if (engine)
		snprintf(seen.state, sizeof(seen.state), "%s", state != NULL ? state : "none");
	pthread_mutex_unlock(&seen.lock);
	free(parent);
	web_reply(t, 500, NULL, "{}");
}

static void take(char *ret, size_t n, const char *from)
{
	pthread_mutex_lock(&seen.lock);
	snprintf(ret, n, "%s", from);
	pthread_mutex_unlock(&seen.lock);
}

static struct tenant_fixture t;

static int start(void **state)
{
	static const char *env[4];

	peer = web_peer_start(answer, NULL);
	assert_true(asprintf(&engine_url, "CONTROLCORE_ENGINE_URL=%s", web_peer_url(peer)) > 0);
	assert_true(asprintf(&stripe_url, "CONTROLCORE_STRIPE_URL=%s", web_peer_url(peer)) > 0);
	env[0] = engine_url;
	env[1] = stripe_url;
	env[2] = "CONTROLCORE_STRIPE_KEY=sk_test_tracesOfCalls0000";
	daemon_group_options(&(struct daemon_options){ .env = env });
	if (daemon_group_setup(state) != 0)
		return -1;
	fixture_tenant(*state, "traced", NULL, NULL, NULL, &t);
	return 0;
}

static int finish(void **state)
{
	const int failed = daemon_group_teardown(state);

	web_peer_stop(peer);
	free(engine_url);
	free(stripe_url);
	return failed;
}

static const struct answer *validate(struct client *c, const char *headers)
{
	return client_call(c, "POST", "/api/v1/policies/validate", headers, "{\"rego_code\":\"package a\"}");
}

/* The trace of an answer, which is well-formed. */
static void trace_of(const struct answer *a, struct trace *ret)
{
	const char *told = answer_header(a, "traceresponse");

	assert_non_null(told);
	assert_int_equal(TRACEPARENT_LEN, strlen(told));
	assert_true(trace_read(ret, told));
}

static bool log_has(struct daemon *d, const char *request_id, const char *text)
{
	char *log = temp_read(daemon_log_path(d));
	bool has = false;

	for (char *line = log, *end; !has && (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		has = strstr(line, request_id) != NULL && strstr(line, text) != NULL;
	}
	free(log);
	return has;
}

static void await_log(struct daemon *d, const char *request_id, const char *text)
{
	for (int i = 0; i < 500 && !log_has(d, request_id, text); i++)
		clock_nap(20);
	assert_true(log_has(d, request_id, text));
}

static void a_trace_goes_on(void **state)
{
	struct client *c = client_of(*state, &t);
	char parent[80], words[600];
	const struct answer *a;
	struct trace mine;

	client_request_id(c, "trace-goes-on");
	a = validate(c, "traceparent: " PARENT "\r\ntracestate: one=1,two=2\r\ntracestate: three=3\r\n");
	trace_of(a, &mine);
	assert_string_equal(ID, mine.id);
	assert_true(mine.sampled);
	take(parent, sizeof(parent), seen.engine);
	take(words, sizeof(words), seen.state);
	/* What others are asked is asked by the span that the answer and the log name. */
	assert_string_equal(answer_header(a, "traceresponse"), parent);
	assert_string_equal("one=1,two=2, three=3", words);
	parent[52] = '\0';
	await_log(*state, "trace-goes-on", "\"trace_id\":\"" ID "\"");
	await_log(*state, "trace-goes-on", parent + 36);
	client_close(c);
}

/* Whom it was, and of which tenant: not what the request says of itself. */
static void the_log_says_who_asked(void **state)
{
	struct client *c = client_of(*state, &t);
	char caller[256];

	assert_status(200, client_get(c, "/policies"));
	client_request_id(c, "who-asked");
	assert_error(403, "tenant_access_denied",
		     client_call(c, "GET", "/api/v1/policies", "X-Tenant-ID: somebody-else\r\n", NULL));
	(void)snprintf(caller, sizeof(caller),
		       "\"tenant\":\"%s\",\"tenant_named\":\"somebody-else\",\"caller\":\"%s\"", t.id,
		       t.key_id);
	await_log(*state, "who-asked", caller);
	/* Whoever watches does so every second. */
	client_request_id(c, "a-probe");
	assert_status(200, client_call(c, "GET", "/livez", NULL, NULL));
	assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL));
	client_request_id(c, "behind-the-probes");
	assert_status(200, client_get(c, "/policies"));
	await_log(*state, "behind-the-probes", "\"status\":200");
	assert_false(log_has(*state, "a-probe", ""));
	client_close(c);
}

static void what_is_no_trace_is_replaced(void **state)
{
	static const char *const bad[] = {
		NULL,
		"traceparent: 00-" ID "-0000000000000000-01\r\ntracestate: one=1\r\n",
		"traceparent: " PARENT "-more\r\ntracestate: one=1\r\n",
		"traceparent: " PARENT "\r\ntraceparent: " PARENT "\r\ntracestate: one=1\r\n",
		"traceparent: \r\ntracestate: one=1\r\n",
		"tracestate: one=1\r\n",
	};
	struct client *c = client_of(*state, &t);
	char parent[80], words[600];
	struct trace mine;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct answer *a = validate(c, bad[i]);

		trace_of(a, &mine);
		assert_string_not_equal(ID, mine.id);
		take(parent, sizeof(parent), seen.engine);
		take(words, sizeof(words), seen.state);
		assert_string_equal(answer_header(a, "traceresponse"), parent);
		assert_string_equal("none", words);
	}
	client_close(c);
}

static void a_state_has_an_end(void **state)
{
	struct client *c = client_of(*state, &t);
	char headers[800], words[600];

	snprintf(headers, sizeof(headers), "traceparent: " PARENT "\r\ntracestate: a=%0510d\r\n", 0);
	(void)validate(c, headers);
	take(words, sizeof(words), seen.state);
	assert_int_equal(TRACESTATE_MAX, strlen(words));
	snprintf(headers, sizeof(headers), "traceparent: " PARENT "\r\ntracestate: a=%0511d\r\n", 0);
	(void)validate(c, headers);
	take(words, sizeof(words), seen.state);
	assert_string_equal("none", words);
	client_close(c);
}

/* Refused before anybody is asked who it is, or answered from memory: the trace is said all the same. */
static void every_answer_says_it(void **state)
{
	static const char line[] = "traceparent: " PARENT "\r\n";
	struct client *c = client_open(daemon_port(*state));
	struct trace mine;

	trace_of(assert_status(200, client_call(c, "GET", "/livez", line, NULL)), &mine);
	assert_string_equal(ID, mine.id);
	trace_of(assert_status(401, client_call(c, "GET", "/api/v1/policies", line, NULL)), &mine);
	assert_string_equal(ID, mine.id);
	trace_of(assert_status(404, client_call(c, "GET", "/nowhere", line, NULL)), &mine);
	assert_string_equal(ID, mine.id);
	client_close(c);
}

/* What nobody waits for is a trace of its own. */
static void background_work_has_one(void **state)
{
	struct client *op = client_operator(*state);
	char parent[80] = "";
	struct trace read;

	(void)client_put(op, "/tenants/traced/billing", "{'email':'a@example.com'}");
	for (int i = 0; i < 1000 && parent[0] == '\0'; i++) {
		clock_nap(20);
		take(parent, sizeof(parent), seen.stripe);
	}
	assert_true(trace_read(&read, parent));
	client_close(op);
}

/* Whoever is asked, by whatever: nobody on the way has to think of it. */
static void every_call_carries_the_threads(void **state)
{
	struct http_client *http = http_client_create(&(struct http_client_conf){ 0 });
	struct arena *a = arena_create(4096);
	const struct http_ask ask = { .method = "GET",
		.url = arena_printf(a, "%s/v1/data", web_peer_url(peer)),
		.deadline_ms = clock_mono_ms() + 10000,
		.answer_max = 100 };
	char parent[80], text[TRACEPARENT_LEN + 1];
	struct http_got got;
	struct trace mine;

	(void)state;
	assert_int_equal(HTTP_GOT, http_client_send(http, a, &ask, &got));
	take(parent, sizeof(parent), seen.engine);
	assert_string_equal("none", parent);
	trace_make(&mine);
	trace_write(&mine, text);
	trace_set(&mine);
	assert_int_equal(HTTP_GOT, http_client_send(http, a, &ask, &got));
	trace_set(NULL);
	take(parent, sizeof(parent), seen.engine);
	assert_string_equal(text, parent);
	arena_destroy(a);
	http_client_destroy(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_goes_on),
		cmocka_unit_test(the_log_says_who_asked),
		cmocka_unit_test(what_is_no_trace_is_replaced),
		cmocka_unit_test(a_state_has_an_end),
		cmocka_unit_test(every_answer_says_it),
		cmocka_unit_test(background_work_has_one),
		cmocka_unit_test(every_call_carries_the_threads),
	};

	return cmocka_run_group_tests_name("traces", tests, start, finish);
}
