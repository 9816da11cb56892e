/* SPDX-License-Identifier: Apache-2.0 */
#include "http_floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: t.example\r\n"
#define SMUGGLED "GET /t/hello HTTP/1.1\r\nHost: t.example\r\nX-Request-ID: smuggled\r\n\r\n"

static struct floor the_floor;
static struct wire_answer a;

static int setup(void **state)
{
	floor_start(&the_floor);
	*state = &the_floor;
	return 0;
}

static int setup_tls(void **state)
{
	struct http_conf conf;

	floor_conf(&conf);
	memset(&the_floor, 0, sizeof(the_floor));
	floor_start_tls(&the_floor, &conf);
	*state = &the_floor;
	return 0;
}

static int teardown(void **state)
{
	floor_stop(*state);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	floor_forget();
	return 0;
}

/*
 * Sends bytes, then a second request that a confused server would serve. The first is refused, the
 * connection ends, and no handler has run.
 */
static void refused(const struct floor *f, const char *bytes, size_t n, int status, const char *code)
{
	struct wire *w = wire_open(f);

	assert_true(wire_send_n(w, bytes, n));
	(void)wire_send(w, SMUGGLED);
	wire_read(w, &a, false);
	if (a.status != status)
		fail_msg("expected %d, got %d for\n%.*s\n%s", status, a.status, (int)n, bytes, a.body);
	assert_refused(status, code, &a);
	assert_true(wire_ended(w, 10000));
	assert_int_equal(0, atomic_load(&floor_seen.handled));
	wire_close(w);
}

static void refused_400(const struct floor *f, const char *text)
{
	refused(f, text, strlen(text), 400, "invalid_request");
}

#define POST "POST /t/hints HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
#define GET "GET /t/hello HTTP/1.1\r\n"

static void two_content_lengths_are_refused(void **state)
{
	refused_400(*state, POST "Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}");
	refused_400(*state, POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}");
}

static void content_length_with_chunked_is_refused(void **state)
{
	refused_400(*state, POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
}

static void other_transfer_codings_are_refused(void **state)
{
	refused_400(*state, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding:\r\n\r\n");
}

static void a_content_length_that_is_no_number_is_refused(void **state)
{
	static const char *const values[] = { "+5", "-1", "5, 5", "0x5", "5 ", "" };
	char text[256];

	/* libmicrohttpd reads this header before we are asked. */
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		(void)snprintf(text, sizeof(text), POST "Content-Length: %s\r\n\r\n{}", values[i]);
		refused(*state, text, strlen(text), 400, "invalid_request");
	}
	(void)snprintf(text, sizeof(text), POST "Content-Length: 99999999999999999999999\r\n\r\n{}");
	refused(*state, text, strlen(text), 413, "payload_too_large");
}

static void broken_chunks_are_refused(void **state)
{
	static const char head[] = POST "Authorization: Bearer good\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char *const chunks[] = {
		"zz\r\n{}\r\n0\r\n\r\n", "fffffffffffffffffffff\r\n{}", "2\r\n{}xx\r\n0\r\n\r\n",
	};
	char text[512];

	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", head, chunks[i]);
		refused(*state, text, strlen(text), i == 1 ? 413 : 400,
			i == 1 ? "payload_too_large" : "invalid_request");
	}
}

static void there_is_exactly_one_host(void **state)
{
	refused_400(*state, GET "\r\n");
	refused_400(*state, GET HOST HOST "\r\n");
	refused_400(*state, GET HOST "host: other.example\r\n\r\n");
	refused_400(*state, "GET /t/hello HTTP/1.0\r\n\r\n");
}

static void a_malformed_host_is_refused(void **state)
{
	static const char *const values[] = {
		"", "a b", "a/b", "a..b", ".a", "-a", "a-", "a:b", "a:123456",
		"a:65536", "a@b", "a_b", "[::1",
		"[::1]x", "[x]", "a,b", "caf\xc3\xa9",
	};
	char text[256];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		(void)snprintf(text, sizeof(text), GET "Host: %s\r\n\r\n", values[i]);
		refused_400(*state, text);
	}
}

static void a_space_around_a_header_name_is_refused(void **state)
{
	refused_400(*state, GET "Host : t.example\r\n\r\n");
	refused_400(*state, GET HOST "Content-Length : 5\r\n\r\nabcde");
	refused_400(*state, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n");
	refused_400(*state, POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n");
}

static void a_header_name_with_an_underscore_is_refused(void **state)
{
	refused_400(*state, GET HOST "X_Tenant_ID: tenant-a\r\n\r\n");
	refused_400(*state, GET HOST "x_api_key: k\r\n\r\n");
}

static void strange_header_names_and_values_are_refused(void **state)
{
	refused_400(*state, GET HOST "X-\xc3\xa9: 1\r\n\r\n");
	refused_400(*state, GET HOST "X(y): 1\r\n\r\n");
	refused_400(*state, GET HOST "X-Y: a\x01" "b\r\n\r\n");
	refused_400(*state, GET HOST "X-Y: a\rb\r\n\r\n");
	refused_400(*state, GET HOST ": empty\r\n\r\n");
}

static void a_folded_header_line_is_refused(void **state)
{
	refused_400(*state, GET HOST "X-Long: one\r\n two\r\n\r\n");
	refused_400(*state, GET HOST "X-Long: one\r\n\ttwo\r\nX-More: 1\r\n\r\n");
	refused_400(*state, POST "Content-Len: 1\r\n gth: 5\r\n\r\nabcde");
	refused_400(*state, POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n");
}

static void a_bare_line_feed_in_the_head_is_refused(void **state)
{
	refused_400(*state, "GET /t/hello HTTP/1.1\nHost: t.example\r\n\r\n");
	refused_400(*state, GET "Host: t.example\n\r\n");
	refused_400(*state, GET "Host: t.example\nX-A: 1\r\n\r\n");
	refused_400(*state, GET "Host: t.example\r\nX-A: 1\n\n");
	refused_400(*state, GET "Host: t.example\r\n\n");
}

static void a_nul_in_a_header_is_refused(void **state)
{
	static const char value[] = GET HOST "X-Y: a\0b\r\n\r\n";
	static const char host[] = GET "Host: t.example\0.evil\r\n\r\n";

	refused(*state, value, sizeof(value) - 1, 400, "invalid_request");
	refused(*state, host, sizeof(host) - 1, 400, "invalid_request");
}

static void an_absolute_target_is_refused(void **state)
{
	refused_400(*state, "GET http://other.example/t/hello HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET t/hello HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET * HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "CONNECT other.example:443 HTTP/1.1\r\n" HOST "\r\n");
}

static void a_target_with_bytes_that_must_be_encoded_is_refused(void **state)
{
	static const char nul[] = "GET /t/a\0b HTTP/1.1\r\n" HOST "\r\n";

	refused_400(*state, "GET /t/names/a%00b HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/hello?a=%00 HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/%zz HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/a% HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/a%4 HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/a\x01" "b HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/a\tb HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/names/a b HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/hello#part HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET /t/hello?a=%ff HTTP/1.1\r\n" HOST "\r\n");
	refused_400(*state, "GET  /t/hello HTTP/1.1\r\n" HOST "\r\n");
	refused(*state, nul, sizeof(nul) - 1, 400, "invalid_request");
}

static void other_versions_are_refused(void **state)
{
	static const char *const lines[] = { "GET /t/hello HTTP/1.2", "GET /t/hello HTTP/1.9" };
	static const char *const parsed[] = { "GET /t/hello HTTP/11", "GET /t/hello", "GET / http/1.1" };
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	char text[128];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s\r\n" HOST "\r\n", lines[i]);
		refused_400(*state, text);
	}
	/* Below: what libmicrohttpd refuses by itself, also HTTP/0.9 and HTTP/2. */
	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s\r\n" HOST "\r\n", parsed[i]);
		refused(*state, text, strlen(text), 400, "invalid_request");
	}
	(void)snprintf(text, sizeof(text), "GET /t/hello HTTP/2.0\r\n" HOST "\r\n");
	refused(*state, text, strlen(text), 505, "http_version_not_supported");
	refused(*state, preface, sizeof(preface) - 1, 505, "http_version_not_supported");
}

/* Nobody who speaks HTTP waits for an answer to these. */
static void what_is_no_request_at_all_ends_the_connection(void **state)
{
	static const char *const texts[] = { "GET\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n", "SSH-2.0-x\r\n\r\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wire *w = wire_open(*state);

		assert_true(wire_send(w, texts[i]));
		(void)wire_send(w, SMUGGLED);
		assert_true(wire_ended(w, 10000));
		assert_int_equal(0, atomic_load(&floor_seen.handled));
		wire_close(w);
	}
}

static void two_content_types_are_refused(void **state)
{
	refused_400(*state, POST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
}

static void a_long_target_is_414(void **state)
{
	static char text[32000], path[20000];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	refused(*state, text, strlen(text), 414, "uri_too_long");
	path[4097] = '\0';
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	refused(*state, text, strlen(text), 414, "uri_too_long");
	path[4096] = '\0';
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	floor_raw(*state, text, strlen(text), &a);
	assert_refused(404, "not_found", &a);
}

static void a_large_header_section_is_431(void **state)
{
	static char text[70000], value[60000];

	memset(value, 'v', sizeof(value));
	value[8180] = '\0';
	(void)snprintf(text, sizeof(text), GET HOST "X-Large: %s\r\n\r\n", value);
	refused(*state, text, strlen(text), 431, "headers_too_large");
	value[8180] = 'v';
	value[20000] = '\0';
	(void)snprintf(text, sizeof(text), GET HOST "X-Large: %s\r\n\r\n", value);
	refused(*state, text, strlen(text), 431, "headers_too_large");
	/* Far beyond its buffer libmicrohttpd refuses it by itself. */
	value[20000] = 'v';
	value[sizeof(value) - 1] = '\0';
	(void)snprintf(text, sizeof(text), GET HOST "X-Large: %s\r\n\r\n", value);
	refused(*state, text, strlen(text), 431, "headers_too_large");
}

static void query_of(char *ret, size_t size, int pairs)
{
	size_t n = (size_t)snprintf(ret, size, "GET /t/things/3?");

	for (int i = 0; i < pairs && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%sp%d=1", i > 0 ? "&" : "", i);
	(void)snprintf(ret + n, size - n, " HTTP/1.1\r\n" HOST "\r\n");
}

static void more_than_64_query_parameters_are_refused(void **state)
{
	char text[8192];

	query_of(text, sizeof(text), 64);
	floor_raw(*state, text, strlen(text), &a);
	assert_refused(401, "unauthorized", &a);
	query_of(text, sizeof(text), 65);
	refused_400(*state, text);
	query_of(text, sizeof(text), 500);
	refused_400(*state, text);
}

static void sound_requests_pass_the_guard(void **state)
{
	static const char *const texts[] = {
		"GET /t/hello HTTP/1.1\r\nHost: T.Example.:8082\r\n\r\n",
		"GET /t/hello HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"GET /t/hello HTTP/1.1\r\nHOST:127.0.0.1\r\n\r\n",
		"GET /t/hello HTTP/1.1\r\nHost: \tt.example\r\nX-Tab: a\tb\r\nX-Empty:\r\nX-Tail: a \r\n\r\n",
		"\r\n\r\nGET /t/hello HTTP/1.1\r\nHost: t.example\r\nCookie: a=b; c=\"d\"\r\n\r\n",
		"GET /t/hello HTTP/1.1\r\nHost: t.example:\r\nX-Bytes: \xc3\xa9\r\n\r\n",
		"GET /t/hello?&&a=b+c%20d&e&=f&g= HTTP/1.1\r\nHost: t.example\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		floor_raw(*state, texts[i], strlen(texts[i]), &a);
		/* A TLS connection is good for one host alone. */
		if (a.status == 421 && the_floor.tls && strstr(texts[i], "t.example") == NULL)
			continue;
		if (a.status != 200 && a.status != 422)
			fail_msg("%d for\n%s\n%s", a.status, texts[i], a.body);
	}
}

/* The buffer of libmicrohttpd grows and moves while these come: the check of the layout must not mind. */
static void many_headers_in_many_packets_pass_the_guard(void **state)
{
	struct wire *w = wire_open(*state);
	char line[128];

	for (int round = 0; round < 3; round++) {
		assert_true(wire_send(w, GET HOST));
		for (int i = 0; i < 40; i++) {
			(void)snprintf(line, sizeof(line), "X-Header-%d: %0*d\r\n", i, 60, i);
			assert_true(wire_send(w, line));
			if (i % 8 == 0)
				floor_nap(2);
		}
		assert_true(wire_send(w, "\r\n"));
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
	}
	wire_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(two_content_lengths_are_refused, forget),
		cmocka_unit_test_setup(content_length_with_chunked_is_refused, forget),
		cmocka_unit_test_setup(other_transfer_codings_are_refused, forget),
		cmocka_unit_test_setup(a_content_length_that_is_no_number_is_refused, forget),
		cmocka_unit_test_setup(broken_chunks_are_refused, forget),
		cmocka_unit_test_setup(there_is_exactly_one_host, forget),
		cmocka_unit_test_setup(a_malformed_host_is_refused, forget),
		cmocka_unit_test_setup(a_space_around_a_header_name_is_refused, forget),
		cmocka_unit_test_setup(a_header_name_with_an_underscore_is_refused, forget),
		cmocka_unit_test_setup(strange_header_names_and_values_are_refused, forget),
		cmocka_unit_test_setup(a_folded_header_line_is_refused, forget),
		cmocka_unit_test_setup(a_bare_line_feed_in_the_head_is_refused, forget),
		cmocka_unit_test_setup(a_nul_in_a_header_is_refused, forget),
		cmocka_unit_test_setup(an_absolute_target_is_refused, forget),
		cmocka_unit_test_setup(a_target_with_bytes_that_must_be_encoded_is_refused, forget),
		cmocka_unit_test_setup(other_versions_are_refused, forget),
		cmocka_unit_test_setup(what_is_no_request_at_all_ends_the_connection, forget),
		cmocka_unit_test_setup(two_content_types_are_refused, forget),
		cmocka_unit_test_setup(a_long_target_is_414, forget),
		cmocka_unit_test_setup(a_large_header_section_is_431, forget),
		cmocka_unit_test_setup(more_than_64_query_parameters_are_refused, forget),
		cmocka_unit_test_setup(sound_requests_pass_the_guard, forget),
		cmocka_unit_test_setup(many_headers_in_many_packets_pass_the_guard, forget),
	};

	/* Whoever decrypted it, what libmicrohttpd reads lies in the same buffer. */
	return cmocka_run_group_tests(tests, setup, teardown) +
	       cmocka_run_group_tests_name("over TLS", tests, setup_tls, teardown);
}
