/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS listener of the HTTP floor: which certificate, which handshake, which host. */
#include "http_floor.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#define UNRECOGNIZED_NAME 112
#define PROTOCOL_VERSION 70
#define HANDSHAKE_FAILURE 40
#define GET(host) "GET /t/hello HTTP/1.1\r\nHost: " host "\r\n\r\n"

static struct floor the_floor;
static struct wire_answer a;

static int setup(void **state)
{
	struct http_conf conf;

	floor_conf(&conf);
	conf.tls.hsts_s = 31536000;
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

/* A handshake, and nothing after it. */
static struct tls_told shake(const struct floor *f, const struct tls_ask *ask)
{
	struct tls_told told;
	const int fd = tls_dial(f->port);

	tls_wire_close(tls_wire_open(fd, ask, &told));
	(void)close(fd);
	return told;
}

static struct tls_told shake_for(const struct floor *f, const char *name)
{
	return shake(f, &(struct tls_ask){ .name = name, .root = mint_root(f->mint) });
}

static void expect_refused(const struct floor *f, const char *name)
{
	const struct tls_told told = shake_for(f, name);

	if (told.good || told.alert != UNRECOGNIZED_NAME || told.serial != 0)
		fail_msg("%s: good %d, alert %d, serial %ld", name, told.good, told.alert, (long)told.serial);
}

static void expect_served(const struct floor *f, const char *name)
{
	const struct tls_told told = shake_for(f, name);

	if (!told.good || told.verified != X509_V_OK)
		fail_msg("%s: good %d, alert %d, verified %ld", name, told.good, told.alert, told.verified);
}

static void each_name_shows_its_own_certificate(void **state)
{
	static const struct mint_leaf leaves[] = {
		{ .names = { "t.example" } },
		{ .names = { "policies.acme.com" }, .key = MINT_RSA_2048 },
		{ .names = { "xn--bcher-kva.example.org" }, .key = MINT_P384 },
	};
	struct floor *f = *state;

	floor_certify(f, leaves, 3);
	for (size_t i = 0; i < 3; i++)
		expect_served(f, leaves[i].names[0]);
	expect_served(f, "Policies.ACME.com");
	assert_int_equal(3, tls_store_count(f->store));
}

static void a_name_without_a_certificate_is_refused(void **state)
{
	static const char *const names[] = { "other.example", "x.t.example", "example", "t.example.com",
					     "localhost" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_refused(*state, names[i]);
	expect_refused(*state, NULL);
	expect_served(*state, "t.example");
}

static void a_wildcard_is_for_one_label(void **state)
{
	static const struct mint_leaf leaves[] = {
		{ .names = { "*.controlcore.io" } },
		{ .names = { "t.example" } },
	};

	floor_certify(*state, leaves, 2);
	expect_served(*state, "acme.controlcore.io");
	expect_refused(*state, "a.b.controlcore.io");
	expect_refused(*state, "controlcore.io");
	/* No name at all: GnuTLS does not even ask us. */
	assert_false(shake_for(*state, "*.controlcore.io").good);
}

static void a_certificate_is_not_shown_outside_of_its_time(void **state)
{
	static const struct mint_leaf leaves[] = {
		{ .names = { "late.example" }, .from_s = -7200, .until_s = -60 },
		{ .names = { "early.example" }, .from_s = 3600 },
		{ .names = { "t.example" } },
	};

	floor_certify(*state, leaves, 3);
	expect_refused(*state, "late.example");
	expect_refused(*state, "early.example");
	expect_served(*state, "t.example");
}

static void only_modern_versions_and_suites_are_spoken(void **state)
{
	static const int old[] = { TLS1_VERSION, TLS1_1_VERSION };
	static const char *const weak[] = { "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
					    "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-CCM" };
	struct tls_told told;

	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		told = shake(*state, &(struct tls_ask){ .name = "t.example", .version = old[i] });
		assert_false(told.good);
		assert_int_equal(PROTOCOL_VERSION, told.alert);
	}
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		told = shake(*state, &(struct tls_ask){
					     .name = "t.example", .version = TLS1_2_VERSION,
					     .suites = weak[i] });
		if (told.good)
			fail_msg("%s was spoken", told.suite);
		assert_int_equal(HANDSHAKE_FAILURE, told.alert);
	}
	told = shake(*state, &(struct tls_ask){ .name = "t.example", .version = TLS1_2_VERSION });
	assert_true(told.good);
	assert_string_equal("TLSv1.2", told.protocol);
	assert_memory_equal("ECDHE-ECDSA-", told.suite, 12);
	told = shake(*state, &(struct tls_ask){ .name = "t.example" });
	assert_string_equal("TLSv1.3", told.protocol);
}

/* What a client says first, with an SNI of these bytes; the record that comes back, or nothing. */
static size_t say_hello(const struct floor *f, const void *sni, size_t n, unsigned char ret[7])
{
	static const unsigned char before[] = {
		3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
		25, 26, 27, 28, 29, 30, 31, 32, 0, 0, 2, 0xc0, 0x2b, 1, 0,
	};
	unsigned char m[512] = { 22, 3, 1, 0, 0, 1, 0, 0, 0 };
	const int fd = tls_dial(f->port);
	size_t at = 9 + sizeof(before), got = 0;
	ssize_t k;

	memcpy(m + 9, before, sizeof(before));
	m[at + 1] = (unsigned char)(n + 4);
	m[at + 5] = (unsigned char)n;
	memcpy(m + at + 6, sni, n);
	at += 6 + n;
	m[4] = (unsigned char)(at - 5);
	m[8] = (unsigned char)(at - 9);
	assert_int_equal(at, send(fd, m, at, MSG_NOSIGNAL));
	while (got < 7 && (k = recv(fd, ret + got, 7 - got, 0)) > 0)
		got += (size_t)k;
	(void)close(fd);
	return got;
}

static void what_is_wrong_with_a_hello_is_said(void **state)
{
	static const struct { const char *sni; size_t n; } hellos[] = {
		{ "\0\x20\0\0\x09t.example", 14 },    /* a list longer than it is */
		{ "\0\x0c\0\0\x20t.example", 14 },    /* a name longer than it is */
		{ "\0\x0c\0\0\x09t.ex\0mple", 14 },
		{ "\0\x0c\0\0\x09t.ex\xc3mple", 14 },
		{ "\0\x03\0\0\0", 5 },
	};
	unsigned char told[7];

	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		if (say_hello(*state, hellos[i].sni, hellos[i].n, told) != 7 || told[0] != 21 || told[5] != 2)
			fail_msg("hello %d: no fatal alert", (int)i);
	}
	expect_served(*state, "t.example");
}

static void await_stats(const struct floor *f, int64_t done, int64_t refused, int64_t broken_off)
{
	struct http_stats s;

	for (int i = 0; i < 200; i++) {
		http_server_stats(f->server, &s);
		if (s.handshakes == done && s.handshakes_refused == refused &&
		    s.handshakes_broken_off == broken_off)
			return;
		usleep(10000);
	}
	fail_msg("%ld done, %ld refused, %ld broken off", (long)s.handshakes, (long)s.handshakes_refused,
		 (long)s.handshakes_broken_off);
}

/* The first test: there were none before. */
static void handshakes_are_counted(void **state)
{
	const struct floor *f = *state;
	int fd;

	expect_served(f, "t.example");
	expect_refused(f, "other.example");
	(void)shake(f, &(struct tls_ask){ .name = "t.example", .version = TLS1_1_VERSION });
	(void)close(tls_dial(f->port));
	fd = tls_dial(f->port);
	assert_int_equal(4, send(fd, "GET ", 4, MSG_NOSIGNAL));
	await_stats(f, 1, 3, 1);
	(void)close(fd);
}

static void no_session_is_resumed(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	const struct floor *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct tls_ask ask = { .name = "t.example", .version = versions[i] };
		const int fd = tls_dial(f->port);
		struct tls_told told;
		struct tls_wire *t = tls_wire_open(fd, &ask, &told);
		void *session;
		char away[4096];

		assert_non_null(t);
		assert_true(tls_wire_send(t, GET("t.example"), strlen(GET("t.example"))));
		assert_true(tls_wire_recv(t, away, sizeof(away), 20000) > 0);
		session = tls_wire_session(t);
		tls_wire_close(t);
		(void)close(fd);
		ask.resume = session;
		assert_false(shake(f, &ask).resumed);
		/* Nor, least of all, for another name. */
		ask.name = "other.example";
		assert_false(shake(f, &ask).good);
		tls_session_free(session);
	}
}

static void nothing_is_renegotiated(void **state)
{
	const struct floor *f = *state;
	const int fd = tls_dial(f->port);
	struct tls_told told;
	struct tls_wire *t = tls_wire_open(
		fd, &(struct tls_ask){ .name = "t.example", .version = TLS1_2_VERSION }, &told);

	assert_non_null(t);
	assert_false(tls_wire_renegotiate(t));
	tls_wire_close(t);
	(void)close(fd);
}

static void a_connection_is_good_for_its_host_alone(void **state)
{
	static const struct mint_leaf leaves[] = {
		{ .names = { "t.example" } },
		{ .names = { "*.controlcore.io" } },
	};
	struct floor *f = *state;
	struct wire *w;

	floor_certify(f, leaves, 2);
	w = wire_open(f);
	assert_true(wire_send(w, GET("t.example:8443")));
	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	assert_true(wire_send(w, GET("acme.controlcore.io")));
	wire_read(w, &a, false);
	assert_refused(421, "misdirected_request", &a);
	/* The connection is as good as before. */
	assert_true(wire_send(w, GET("T.Example.")));
	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	wire_close(w);
	f->name = "acme.controlcore.io";
	w = wire_open(f);
	assert_true(wire_send(w, GET("globex.controlcore.io")));
	wire_read(w, &a, false);
	assert_refused(421, "misdirected_request", &a);
	wire_close(w);
	f->name = NULL;
}

static void answers_ask_browsers_to_come_back_over_tls(void **state)
{
	struct floor *f = *state;
	char value[64];

	floor_ask(f, "GET", "/t/hello", "", NULL, &a);
	assert_int_equal(200, a.status);
	assert_true(wire_header(&a, "Strict-Transport-Security", value, sizeof(value)));
	assert_string_equal("max-age=31536000", value);
	f->tls = false;
	f->port = http_server_port(f->server);
	floor_ask(f, "GET", "/t/hello", "", NULL, &a);
	assert_int_equal(200, a.status);
	assert_false(wire_header(&a, "Strict-Transport-Security", value, sizeof(value)));
	f->tls = true;
	f->port = http_server_tls_port(f->server);
}

static void plain_http_is_told_that_this_is_tls(void **state)
{
	struct floor *f = *state;
	struct wire *w;

	f->tls = false;
	w = wire_open(f);
	assert_true(wire_send(w, GET("t.example")));
	wire_read(w, &a, false);
	assert_refused(403, "https_required", &a);
	assert_true(wire_ended(w, 10000));
	wire_close(w);
	/* What is neither is closed without a word. */
	w = wire_open(f);
	assert_true(wire_send(w, "\x01\x02\x03\x04"));
	assert_true(wire_ended(w, 10000));
	wire_close(w);
	f->tls = true;
	expect_served(f, "t.example");
}

static void large_answers_and_bodies_pass(void **state)
{
	static char body[12000], text[13000];
	struct wire *w = wire_open(*state);
	size_t n = 0;

	memset(body, ' ', sizeof(body) - 1);
	memcpy(body, "{\"note\":\"x\"}", 12);
	(void)snprintf(text, sizeof(text),
		       "POST /t/hints HTTP/1.1\r\nHost: t.example\r\nContent-Type: application/json\r\n"
		       "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	assert_true(wire_send(w, text));
	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	assert_true(wire_send(w, "GET /t/stream/x/20 HTTP/1.1\r\nHost: t.example\r\n"
				 "Authorization: Bearer good\r\nConnection: close\r\n\r\n"));
	for (ssize_t got; (got = tls_wire_recv(w->tls, text, sizeof(text), 20000)) > 0;)
		n += (size_t)got;
	assert_true(n > 20 * (size_t)FLOOR_PIECE);
	wire_close(w);
}

/* A body that is too long is cut off in the middle of it; the words are said inside of TLS. */
static void a_body_without_end_is_cut_off(void **state)
{
	static char piece[16384];
	struct wire *w = wire_open(*state);
	bool sent = true;

	memset(piece, 'x', sizeof(piece));
	assert_true(wire_send(w, "POST /t/hints HTTP/1.1\r\nHost: t.example\r\n"
				 "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 64 && sent; i++)
		sent = wire_send(w, "4000\r\n") && wire_send_n(w, piece, sizeof(piece)) &&
		       wire_send(w, "\r\n");
	wire_read(w, &a, false);
	if (a.status != 0)
		assert_refused(413, "payload_too_large", &a);
	assert_true(wire_ended(w, 10000));
	wire_close(w);
}

/* --- A certificate is replaced under load --------------------------------------------------------- */

struct load {
	const struct floor *f;
	atomic_bool stop;
	atomic_int requests, failures, changes;
};

static bool ask_once(struct tls_wire *t)
{
	char text[4096] = "";
	size_t n = 0;

	if (!tls_wire_send(t, GET("t.example"), strlen(GET("t.example"))))
		return false;
	while (strstr(text, "{\"ok\":true}") == NULL) {
		const ssize_t got = tls_wire_recv(t, text + n, sizeof(text) - n - 1, 20000);

		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
	}
	return memcmp(text, "HTTP/1.1 200", 12) == 0;
}

/* Every handshake must succeed, and every request on it. */
static void *keep_asking(void *arg)
{
	struct load *l = arg;
	const struct tls_ask ask = { .name = "t.example", .root = mint_root(l->f->mint) };
	int64_t seen = 0;

	while (!atomic_load(&l->stop)) {
		struct tls_told told;
		const int fd = tls_dial(l->f->port);
		struct tls_wire *t = tls_wire_open(fd, &ask, &told);

		if (t == NULL || told.verified != X509_V_OK)
			atomic_fetch_add(&l->failures, 1);
		if (told.serial != seen)
			atomic_fetch_add(&l->changes, 1);
		seen = told.serial;
		for (int i = 0; t != NULL && i < 5; i++)
			atomic_fetch_add(ask_once(t) ? &l->requests : &l->failures, 1);
		tls_wire_close(t);
		(void)close(fd);
	}
	return NULL;
}

static void a_certificate_is_replaced_under_load(void **state)
{
	struct load l = { .f = *state };
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, keep_asking, &l));
	for (int i = 0; i < 50; i++) {
		floor_nap(20);
		floor_certify(*state, &(struct mint_leaf){ .names = { "t.example" } }, 1);
	}
	/* A connection that was opened before goes on. */
	floor_nap(50);
	atomic_store(&l.stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(0, atomic_load(&l.failures));
	assert_true(atomic_load(&l.requests) > 50);
	assert_true(atomic_load(&l.changes) > 8);
}

static void a_certificate_that_goes_does_not_end_its_connections(void **state)
{
	struct floor *f = *state;
	struct wire *w = wire_open(f);

	floor_certify(f, NULL, 0);
	expect_refused(f, "t.example");
	assert_true(wire_send(w, GET("t.example")));
	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	wire_close(w);
	floor_certify(f, &(struct mint_leaf){ .names = { "t.example" } }, 1);
	expect_served(f, "t.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshakes_are_counted),
		cmocka_unit_test(each_name_shows_its_own_certificate),
		cmocka_unit_test(a_name_without_a_certificate_is_refused),
		cmocka_unit_test(a_wildcard_is_for_one_label),
		cmocka_unit_test(a_certificate_is_not_shown_outside_of_its_time),
		cmocka_unit_test(only_modern_versions_and_suites_are_spoken),
		cmocka_unit_test(what_is_wrong_with_a_hello_is_said),
		cmocka_unit_test(no_session_is_resumed),
		cmocka_unit_test(nothing_is_renegotiated),
		cmocka_unit_test(a_connection_is_good_for_its_host_alone),
		cmocka_unit_test(answers_ask_browsers_to_come_back_over_tls),
		cmocka_unit_test(plain_http_is_told_that_this_is_tls),
		cmocka_unit_test(large_answers_and_bodies_pass),
		cmocka_unit_test(a_body_without_end_is_cut_off),
		cmocka_unit_test(a_certificate_is_replaced_under_load),
		cmocka_unit_test(a_certificate_that_goes_does_not_end_its_connections),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
