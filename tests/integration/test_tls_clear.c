/* SPDX-License-Identifier: Apache-2.0 */
/* Beside a TLS listener: handshakes that take too long, what comes in the clear, and the end. */
#include "http_floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/clock.h"

#define KEY "Authorization: Bearer good\r\n"
#define GET(host) "GET /t/hello HTTP/1.1\r\nHost: " host "\r\n\r\n"

static struct wire_answer a;

/* A client that begins a handshake and goes on too slowly, or not at all. */
static void a_handshake_has_a_deadline(void **state)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	struct http_conf conf;
	struct floor f = { 0 };
	struct wire *silent, *slow;
	int64_t start;

	(void)state;
	floor_conf(&conf);
	conf.tls.handshake_ms = 400;
	floor_start_tls(&f, &conf);
	f.tls = false;
	silent = wire_open(&f);
	slow = wire_open(&f);
	start = clock_mono_ms();
	for (size_t i = 0; i < 60 && wire_send_n(slow, hello + i % (sizeof(hello) - 1), 1); i++)
		floor_nap(50);
	assert_true(wire_ended(slow, 10000));
	assert_true(wire_ended(silent, 10000));
	assert_true(clock_mono_ms() - start >= 350);
	wire_close(slow);
	wire_close(silent);
	f.tls = true;
	/* Who is through with it has all the time of a kept connection. */
	slow = wire_open(&f);
	floor_nap(900);
	assert_true(wire_send(slow, GET("t.example")));
	wire_read(slow, &a, false);
	assert_int_equal(200, a.status);
	wire_close(slow);
	floor_stop(&f);
}

/* Without loopback as an excuse. */
static void begin_open(struct floor *f, const struct cidr *trusted)
{
	struct http_conf conf;

	floor_conf(&conf);
	conf.address = "0.0.0.0";
	conf.trusted = trusted;
	conf.ntrusted = trusted != NULL ? 1 : 0;
	floor_start_tls(f, &conf);
	f->tls = false;
	f->port = http_server_port(f->server);
}

static void credentials_are_refused_in_the_clear(void **state)
{
	static const char *const credentials[] = { KEY, "X-API-Key: good\r\n",
						   KEY "X-Forwarded-Proto: https\r\n" };
	struct floor f = { 0 };

	(void)state;
	begin_open(&f, NULL);
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]); i++) {
		floor_ask(&f, "GET", "/t/things/3", credentials[i], NULL, &a);
		assert_refused(403, "https_required", &a);
		floor_ask(&f, "POST", "/t/things", credentials[i], "{\"name\":\"x\"}", &a);
		assert_refused(403, "https_required", &a);
		floor_ask(&f, "GET", "/t/hello", credentials[i], NULL, &a);
		assert_refused(403, "https_required", &a);
	}
	floor_ask(&f, "GET", "/t/things/3", "", NULL, &a);
	assert_refused(403, "https_required", &a);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
	assert_int_equal(0, atomic_load(&floor_seen.gated));
	/* What anybody may ask is answered. */
	floor_ask(&f, "GET", "/t/hello", "", NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(&f, "GET", "/t/nowhere", "", NULL, &a);
	assert_refused(404, "not_found", &a);
	floor_stop(&f);
}

static void nor_without_any_tls(void **state)
{
	struct http_conf conf;
	struct floor f = { 0 };

	(void)state;
	floor_conf(&conf);
	conf.address = "0.0.0.0";
	floor_start_with(&f, &conf);
	floor_ask(&f, "GET", "/t/things/3", KEY, NULL, &a);
	assert_refused(403, "https_required", &a);
	assert_int_equal(0, atomic_load(&floor_seen.gated));
	floor_ask(&f, "GET", "/t/hello", "", NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(&f, "GET", "/t/hello", "Accept: text/html\r\n", NULL, &a);
	assert_int_equal(200, a.status);
	floor_stop(&f);
}

static void expect_moved(const struct floor *f, const char *method, const char *target)
{
	char where[256], want[256];

	floor_ask(f, method, target, "Accept: text/html,application/xhtml+xml\r\n", NULL, &a);
	assert_int_equal(308, a.status);
	assert_true(wire_header(&a, "Location", where, sizeof(where)));
	(void)snprintf(want, sizeof(want), "https://t.example:%d%s", http_server_tls_port(f->server), target);
	assert_string_equal(want, where);
}

static void browsers_are_sent_to_tls(void **state)
{
	struct floor f = { 0 };
	struct wire *w;

	(void)state;
	begin_open(&f, NULL);
	expect_moved(&f, "GET", "/t/things/3?full=true&a=%20b");
	expect_moved(&f, "HEAD", "/t/things/3");
	expect_moved(&f, "GET", "/");
	floor_ask(&f, "GET", "/t/hello", "Accept: text/html\r\n", NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(&f, "POST", "/t/things", "Accept: text/html\r\n", "{\"name\":\"x\"}", &a);
	assert_refused(403, "https_required", &a);
	/* Nobody is sent to a host that is not ours. */
	w = wire_open(&f);
	assert_true(wire_send(w, "GET /t/things/3 HTTP/1.1\r\nHost: evil.example\r\n"
				 "Accept: text/html\r\n\r\n"));
	wire_read(w, &a, false);
	assert_refused(403, "https_required", &a);
	wire_close(w);
	floor_stop(&f);
}

static void a_trusted_proxy_may_say_that_it_spoke_tls(void **state)
{
	struct floor f = { 0 };
	struct cidr self;

	(void)state;
	assert_true(cidr_parse("127.0.0.1", &self));
	begin_open(&f, &self);
	floor_ask(&f, "GET", "/t/things/3", KEY "X-Forwarded-Proto: https\r\n", NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(&f, "GET", "/t/things/3", KEY "X-Forwarded-Proto: http\r\n", NULL, &a);
	assert_refused(403, "https_required", &a);
	floor_ask(&f, "GET", "/t/things/3",
		  KEY "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", NULL, &a);
	assert_refused(403, "https_required", &a);
	floor_ask(&f, "GET", "/t/things/3", KEY, NULL, &a);
	assert_refused(403, "https_required", &a);
	floor_stop(&f);
}

/* Who asks on loopback itself is trusted; whom a proxy there speaks for has come as the proxy says. */
static void a_proxy_on_loopback_says_how_its_client_came(void **state)
{
	static const char *const clear[] = {
		"X-Forwarded-Proto: http\r\n", "X-Forwarded-Proto: https, http\r\n",
		"X-Forwarded-Proto: \r\n",
	};
	struct http_conf conf;
	struct floor f = { 0 };
	struct cidr self;
	char headers[128], where[256];

	(void)state;
	assert_true(cidr_parse("127.0.0.1", &self));
	floor_conf(&conf);
	conf.trusted = &self;
	conf.ntrusted = 1;
	floor_start_tls(&f, &conf);
	f.tls = false;
	f.port = http_server_port(f.server);
	for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++) {
		(void)snprintf(headers, sizeof(headers), KEY "%s", clear[i]);
		floor_ask(&f, "GET", "/t/things/3", headers, NULL, &a);
		assert_refused(403, "https_required", &a);
	}
	assert_int_equal(0, atomic_load(&floor_seen.gated));
	floor_ask(&f, "GET", "/t/things/3", "Accept: text/html\r\nX-Forwarded-Proto: http\r\n", NULL, &a);
	assert_int_equal(308, a.status);
	assert_true(wire_header(&a, "Location", where, sizeof(where)));
	floor_ask(&f, "GET", "/t/things/3", KEY "X-Forwarded-Proto: https\r\n", NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(&f, "GET", "/t/things/3", KEY, NULL, &a);
	assert_int_equal(200, a.status);
	floor_stop(&f);
	/* Of strangers' words nothing follows. */
	conf.ntrusted = 0;
	memset(&f, 0, sizeof(f));
	floor_start_with(&f, &conf);
	floor_ask(&f, "GET", "/t/things/3", KEY "X-Forwarded-Proto: http\r\n", NULL, &a);
	assert_int_equal(200, a.status);
	floor_stop(&f);
}

/* Nobody takes one from there: it is not said once more, in an answer. */
static void a_credential_in_the_query_is_not_sent_on(void **state)
{
	static const char *const queries[] = {
		"api_key=s3cret", "a=b&access_token=s3cret", "Token=s3cret", "key=s3cret", "api-key=s3cret",
		"api%5Fkey=s3cret", "X-API-Key=s3cret", "Authorization=s3cret", "client_secret=s3cret",
		"a=cc_live_s3cret01", "q=eyJhbGciOiJFUzI1NiJ9.s3cret.x",
	};
	struct floor f = { 0 };
	char target[128], where[256];

	(void)state;
	begin_open(&f, NULL);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		(void)snprintf(target, sizeof(target), "/t/things/3?%s", queries[i]);
		floor_ask(&f, "GET", target, "Accept: text/html\r\n", NULL, &a);
		assert_refused(403, "https_required", &a);
		assert_false(wire_header(&a, "Location", where, sizeof(where)));
		assert_null(strstr(a.head, "s3cret"));
		assert_null(strstr(a.body, "s3cret"));
	}
	expect_moved(&f, "GET", "/t/things/3?monkey=1&tokens=2");
	floor_stop(&f);
}

/* Both listeners are drained: what is on its way is answered. */
static void stopping_answers_what_is_on_its_way(void **state)
{
	struct http_conf conf;
	struct floor f = { 0 };
	struct wire *w;

	(void)state;
	floor_conf(&conf);
	floor_start_tls(&f, &conf);
	atomic_store(&floor_seen.hold, true);
	w = wire_open(&f);
	assert_true(wire_send(w, "GET /t/slow HTTP/1.1\r\nHost: t.example\r\n\r\n"));
	for (int i = 0; i < 2000 && atomic_load(&floor_seen.holding) == 0; i++)
		floor_nap(5);
	atomic_store(&floor_seen.hold, false);
	http_server_drain(f.server, 10000);
	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	wire_close(w);
	floor_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_has_a_deadline),
		cmocka_unit_test(credentials_are_refused_in_the_clear),
		cmocka_unit_test(nor_without_any_tls),
		cmocka_unit_test(browsers_are_sent_to_tls),
		cmocka_unit_test(a_trusted_proxy_may_say_that_it_spoke_tls),
		cmocka_unit_test(a_proxy_on_loopback_says_how_its_client_came),
		cmocka_unit_test(a_credential_in_the_query_is_not_sent_on),
		cmocka_unit_test(stopping_answers_what_is_on_its_way),
	};

	return cmocka_run_group_tests_name("tls_clear", tests, NULL, NULL);
}
