/* SPDX-License-Identifier: Apache-2.0 */
/* What proxies say of their clients: heard from those that are trusted, and from nobody else. */
#include "http_floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/log.h"

#define GET "GET /t/hello HTTP/1.1\r\nHost: t.example\r\n\r\n"
#define MARK "\r\n\r\n\0\r\nQUIT\n"
#define CLIENT MARK "\x21\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\x30\x39\1\xbb"

static struct wire_answer a;
static struct cidr self, other;
static struct floor f;

static void begin(const struct cidr *trusted, bool standard, bool proxy_protocol, bool tls)
{
	struct http_conf conf;

	assert_true(cidr_parse("127.0.0.1", &self));
	assert_true(cidr_parse("192.0.2.0/24", &other));
	memset(&f, 0, sizeof(f));
	floor_conf(&conf);
	conf.trusted = trusted;
	conf.ntrusted = 1;
	conf.forwarded_standard = standard;
	if (tls) {
		conf.tls.proxy_protocol = proxy_protocol;
		floor_start_tls(&f, &conf);
	} else {
		conf.proxy_protocol = proxy_protocol;
		floor_start_with(&f, &conf);
	}
}

/* Whom the server takes for the client: the floor's route says it. */
static void expect_client(const char *headers, const char *ip)
{
	char value[64] = "";

	floor_ask(&f, "GET", "/t/whoami", headers, NULL, &a);
	assert_int_equal(200, a.status);
	assert_true(wire_header(&a, "X-Client", value, sizeof(value)));
	assert_string_equal(ip, value);
}

static void headers_count_from_trusted_proxies_alone(void **state)
{
	(void)state;
	begin(&self, false, false, false);
	expect_client("", "127.0.0.1");
	expect_client("X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7");
	expect_client("X-Forwarded-For: 203.0.113.7, 198.51.100.2\r\n", "198.51.100.2");
	expect_client("X-Forwarded-For: 203.0.113.7\r\nForwarded: for=198.51.100.2\r\n", "203.0.113.7");
	expect_client("Forwarded: for=198.51.100.2\r\n", "127.0.0.1");
	floor_stop(&f);
	begin(&self, true, false, false);
	expect_client("Forwarded: for=203.0.113.7;proto=https\r\n", "203.0.113.7");
	expect_client("Forwarded: for=203.0.113.7\r\nForwarded: for=198.51.100.2\r\n", "198.51.100.2");
	expect_client("X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1");
	floor_stop(&f);
	begin(&other, false, false, false);
	expect_client("X-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.7\r\n", "127.0.0.1");
	floor_stop(&f);
	begin(&other, true, false, false);
	expect_client("Forwarded: for=203.0.113.7\r\n", "127.0.0.1");
	floor_stop(&f);
}

/* In pieces or at once, with the request behind it. */
static void send_header(struct wire *w, const char *p, size_t n, size_t piece)
{
	for (size_t at = 0; at < n; at += piece) {
		assert_true(wire_send_n(w, p + at, n - at < piece ? n - at : piece));
		if (piece < n)
			floor_nap(5);
	}
}

static void the_header_of_a_connection_says_who_it_is_for(void **state)
{
	static const size_t pieces[] = { 1, 7, 16, 100 };
	char ip[64];

	(void)state;
	begin(&self, false, true, false);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		static const char text[] = CLIENT "GET /t/whoami HTTP/1.1\r\nHost: t.example\r\n"
					   "X-Forwarded-For: 203.0.113.7\r\n\r\n";
		struct wire *w = wire_open(&f);

		send_header(w, text, sizeof(text) - 1, pieces[i]);
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
		assert_true(wire_header(&a, "X-Client", ip, sizeof(ip)));
		assert_string_equal("192.0.2.1", ip);
		wire_close(w);
	}
	floor_stop(&f);
}

static void a_connection_without_its_header_is_closed(void **state)
{
	static const char bad[] = MARK "\x21\x11\xff\xff" GET;
	struct wire *w, *silent;

	(void)state;
	begin(&self, false, true, false);
	silent = wire_open(&f);
	w = wire_open(&f);
	assert_true(wire_send(w, GET));
	assert_true(wire_ended(w, 10000));
	wire_close(w);
	w = wire_open(&f);
	assert_true(wire_send_n(w, bad, sizeof(bad) - 1));
	assert_true(wire_ended(w, 10000));
	wire_close(w);
	assert_true(wire_ended(silent, 10000));
	wire_close(silent);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
	floor_stop(&f);
	/* Nor may anybody but a proxy say who it is. */
	begin(&other, false, true, false);
	w = wire_open(&f);
	(void)wire_send_n(w, CLIENT GET, sizeof(CLIENT GET) - 1);
	assert_true(wire_ended(w, 10000));
	wire_close(w);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
	floor_stop(&f);
}

#define KEY "Authorization: Bearer good\r\n"

/* Whom a request on a connection with this header is said to come from, and how it is answered. */
static void expect_behind(const char *header, size_t n, const char *headers, const char *ip, int status)
{
	struct wire *w = wire_open(&f);
	char text[512], got[64] = "";

	assert_true(wire_send_n(w, header, n));
	(void)snprintf(text, sizeof(text), "GET /t/whoami HTTP/1.1\r\nHost: t.example\r\n%s\r\n", headers);
	assert_true(wire_send(w, text));
	wire_read(w, &a, false);
	assert_int_equal(status, a.status);
	if (status == 200) {
		assert_true(wire_header(&a, "X-Client", got, sizeof(got)));
		assert_string_equal(ip, got);
	}
	wire_close(w);
}

/* The proxies' network: 127.0.0.1 and what its connections may be for, 127.0.0.9. Clients are beyond. */
static void headers_count_from_whom_the_connection_is_for(void **state)
{
	static const char client[] = CLIENT;
	static const char inner[] = MARK "\x21\x11\0\x0c" "\x7f\0\0\x09" "\x7f\0\0\1" "\x30\x39\1\xbb";
	static const char own[] = MARK "\x20\0\0\0";
	struct cidr network;

	(void)state;
	assert_true(cidr_parse("127.0.0.0/8", &network));
	for (int standard = 0; standard < 2; standard++) {
		const char *said = standard ? "Forwarded: for=203.0.113.7;proto=https\r\n"
					    : "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n";
		char with_key[256];

		(void)snprintf(with_key, sizeof(with_key), KEY "%s", said);
		begin(&network, standard, true, false);
		expect_behind(client, sizeof(client) - 1, said, "192.0.2.1", 200);
		expect_behind(client, sizeof(client) - 1, with_key, NULL, 403);
		assert_refused(403, "https_required", &a);
		expect_behind(inner, sizeof(inner) - 1, said, "203.0.113.7", 200);
		expect_behind(inner, sizeof(inner) - 1, with_key, "203.0.113.7", 200);
		expect_behind(inner, sizeof(inner) - 1, KEY, NULL, 403);
		expect_behind(own, sizeof(own) - 1, "", "127.0.0.1", 200);
		floor_stop(&f);
	}
}

/* A client whose address its proxy does not say would otherwise pass for the proxy. */
static void a_client_without_an_address_is_closed(void **state)
{
	static const char unknown[] = MARK "\x21\0\0\0" GET;
	struct wire *w;

	(void)state;
	begin(&self, false, true, false);
	w = wire_open(&f);
	assert_true(wire_send_n(w, unknown, sizeof(unknown) - 1));
	assert_true(wire_ended(w, 10000));
	wire_close(w);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
	floor_stop(&f);
}

static void tls_goes_on_behind_the_header(void **state)
{
	static const char whoami[] = "GET /t/whoami HTTP/1.1\r\nHost: t.example\r\n\r\n";
	const struct tls_ask ask = { .name = "t.example" };
	struct tls_told told;
	struct tls_wire *t;
	char text[4096] = "";
	size_t n = 0;
	int fd;

	(void)state;
	begin(&self, false, true, true);
	fd = tls_dial(f.port);
	assert_int_equal(sizeof(CLIENT) - 1, write(fd, CLIENT, sizeof(CLIENT) - 1));
	t = tls_wire_open(fd, &ask, &told);
	assert_non_null(t);
	assert_true(tls_wire_send(t, whoami, sizeof(whoami) - 1));
	while (strstr(text, "\r\n\r\n") == NULL) {
		const ssize_t got = tls_wire_recv(t, text + n, sizeof(text) - n - 1, 20000);

		assert_true(got > 0);
		n += (size_t)got;
		text[n] = '\0';
	}
	assert_non_null(strstr(text, "X-Client: 192.0.2.1\r\n"));
	tls_wire_close(t);
	close(fd);
	/* Without it there is no handshake. */
	fd = tls_dial(f.port);
	assert_null(tls_wire_open(fd, &ask, &told));
	close(fd);
	floor_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_count_from_trusted_proxies_alone),
		cmocka_unit_test(the_header_of_a_connection_says_who_it_is_for),
		cmocka_unit_test(a_connection_without_its_header_is_closed),
		cmocka_unit_test(headers_count_from_whom_the_connection_is_for),
		cmocka_unit_test(a_client_without_an_address_is_closed),
		cmocka_unit_test(tls_goes_on_behind_the_header),
	};

	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
