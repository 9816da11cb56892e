/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are made while they are sent: their pieces, their readers, their ends. */
#include "http_floor.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "cc/base/clock.h"

enum { WAIT_MS = 20000 };

static struct floor fx;
static struct wire_answer a;

/* What has arrived of a chunked answer: it is checked while it is read, not kept. */
struct letters {
	struct wire *w;
	int64_t n;  /* letters, all of them right */
	bool whole; /* the final chunk came */
	size_t at;  /* in the wire's buffer */
};

static int setup(void **state)
{
	struct http_conf conf;

	floor_conf(&conf);
	conf.streams_max = 3;
	floor_start_with(&fx, &conf);
	*state = &fx;
	return 0;
}

static int teardown(void **state)
{
	floor_stop(*state);
	return 0;
}

static struct wire *ask(const char *owner, int pieces)
{
	struct wire *w = wire_open(&fx);
	char text[256];

	(void)snprintf(text, sizeof(text),
		"GET /t/stream/%s/%d HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer good\r\n\r\n", owner,
		pieces);
	assert_true(wire_send(w, text));
	return w;
}

static void assert_header(const char *name, const char *value)
{
	char got[256];

	if (!wire_header(&a, name, got, sizeof(got)))
		fail_msg("no %s in\n%s", name, a.head);
	assert_string_equal(value, got);
}

/* The head of the answer, and letters to read behind it. */
static struct letters begin(struct wire *w)
{
	char got[8];

	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	assert_header("Transfer-Encoding", "chunked");
	assert_header("Content-Type", "text/x-letters");
	assert_false(wire_header(&a, "Content-Length", got, sizeof(got)));
	return (struct letters){ .w = w };
}

/* At least n bytes from where we are, or false at the end of the connection. */
static bool have(struct letters *l, size_t n)
{
	struct wire *w = l->w;

	memmove(w->buf, w->buf + l->at, w->n - l->at);
	w->n -= l->at;
	l->at = 0;
	while (w->n < n) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };
		ssize_t got = 0;

		if (poll(&p, 1, WAIT_MS) <= 0)
			fail_msg("nothing came for %d ms after %lld letters", WAIT_MS, (long long)l->n);
		got = recv(w->fd, w->buf + w->n, sizeof(w->buf) - w->n, 0);
		if (got <= 0)
			return false;
		w->n += (size_t)got;
	}
	return true;
}

/* The size of the next chunk, -1: the connection ended before it. */
static long chunk_size(struct letters *l)
{
	for (size_t n = 3;; n++) {
		if (!have(l, n))
			return -1;
		if (memcmp(l->w->buf + n - 2, "\r\n", 2) == 0) {
			l->at = n;
			return strtol(l->w->buf, NULL, 16);
		}
	}
}

static bool read_chunk(struct letters *l)
{
	const long size = chunk_size(l);

	if (size < 0 || !have(l, (size_t)size + 2))
		return false;
	for (long i = 0; i < size; i++)
		if (l->w->buf[i] != 'a' + (l->n + i) % 26)
			fail_msg("letter %lld is wrong", (long long)(l->n + i));
	assert_memory_equal("\r\n", l->w->buf + size, 2);
	l->n += size;
	l->at = (size_t)size + 2;
	l->whole = size == 0;
	return size > 0;
}

static void read_all(struct letters *l)
{
	while (read_chunk(l))
		continue;
	if (l->whole)
		(void)have(l, 0);
}

static void wait_until(bool (*is)(int), int n)
{
	for (int i = 0; i < WAIT_MS / 5 && !is(n); i++)
		floor_nap(5);
	assert_true(is(n));
}

static bool are_done(int n)
{
	return atomic_load(&floor_seen.done) >= n;
}

static bool are_made(int n)
{
	return atomic_load(&floor_seen.pieces) >= n;
}

static void an_answer_comes_in_chunks_and_its_connection_goes_on(void **state)
{
	struct wire *w = ask("a", 100);

	(void)state;
	for (int i = 1; i <= 2; i++) {
		struct letters l = begin(w);

		read_all(&l);
		assert_true(l.whole);
		assert_int_equal(INT64_C(100) * FLOOR_PIECE, l.n);
		wait_until(are_done, i);
		if (i == 1)
			assert_true(wire_send(w, "GET /t/stream/a/100 HTTP/1.1\r\nHost: t\r\n"
						 "Authorization: Bearer good\r\n\r\n"));
	}
	assert_int_equal(200, atomic_load(&floor_seen.pieces));
	assert_int_equal(2, atomic_load(&floor_seen.gated));
	wire_close(w);
}

static void an_empty_answer_has_its_end(void **state)
{
	struct wire *w = ask("a", 0);
	struct letters l = begin(w);

	(void)state;
	read_all(&l);
	assert_true(l.whole);
	assert_int_equal(0, l.n);
	wire_close(w);
}

/* No piece is made before the one before is gone: what a slow reader costs is one piece and the sockets. */
static void a_reader_that_waits_holds_one_piece(void **state)
{
	struct wire *w = ask("a", 2000);
	struct letters l = begin(w);
	int made;

	(void)state;
	do {
		made = atomic_load(&floor_seen.pieces);
		floor_nap(300);
	} while (made != atomic_load(&floor_seen.pieces));
	/* The kernel's buffers take some megabytes of the hundred. */
	assert_in_range(made, 1, 400);
	read_all(&l);
	assert_true(l.whole);
	assert_int_equal(INT64_C(2000) * FLOOR_PIECE, l.n);
	wire_close(w);
}

static void other_requests_are_answered_meanwhile(void **state)
{
	struct wire *w[3];

	for (int i = 0; i < 3; i++) {
		w[i] = ask(i == 0 ? "a" : "b", 2000);
		(void)begin(w[i]);
	}
	for (int i = 0; i < 20; i++) {
		floor_ask(*state, "GET", "/t/things/3", "Authorization: Bearer good\r\n", NULL, &a);
		assert_int_equal(200, a.status);
	}
	for (int i = 0; i < 3; i++)
		wire_close(w[i]);
	wait_until(are_done, 23);
}

static void a_first_piece_that_fails_is_an_ordinary_refusal(void **state)
{
	atomic_store(&floor_seen.fail_at, 1);
	floor_ask(*state, "GET", "/t/stream/a/10", "Authorization: Bearer good\r\n", NULL, &a);
	assert_refused(503, "service_unavailable", &a);
	assert_non_null(strstr(a.body, "piece 1 is lost"));
	assert_int_equal(1, atomic_load(&floor_seen.done));
}

static void a_later_piece_that_fails_leaves_the_answer_without_its_end(void **state)
{
	struct wire *w;
	struct letters l;

	(void)state;
	atomic_store(&floor_seen.fail_at, 8);
	w = ask("a", 20);
	l = begin(w);
	read_all(&l);
	assert_false(l.whole);
	assert_int_equal(7 * FLOOR_PIECE, l.n);
	wait_until(are_done, 1);
	wire_close(w);
}

static void the_gate_is_asked_again_before_each_piece(void **state)
{
	struct wire *w = ask("a", 2000);
	struct letters l = begin(w);

	(void)state;
	assert_true(read_chunk(&l));
	atomic_store(&floor_seen.revoked, true);
	read_all(&l);
	assert_false(l.whole);
	assert_true(l.n < INT64_C(2000) * FLOOR_PIECE);
	wait_until(are_done, 1);
	wire_close(w);
}

static void a_reader_that_leaves_gives_its_place_back(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct wire *w = ask("a", 2000);

		(void)begin(w);
		wire_close(w);
		wait_until(are_done, i + 1);
	}
}

static void places_are_few_and_fewer_for_one(void **state)
{
	struct wire *w[3];
	const char *head = "Authorization: Bearer good\r\n";

	w[0] = ask("a", 2000);
	(void)begin(w[0]);
	w[1] = ask("a", 2000);
	(void)begin(w[1]);
	floor_ask(*state, "GET", "/t/stream/a/1", head, NULL, &a);
	assert_refused(503, "overloaded", &a);
	assert_non_null(strstr(a.body, "two such answers"));
	assert_header("Retry-After", "1");
	w[2] = ask("b", 2000);
	(void)begin(w[2]);
	floor_ask(*state, "GET", "/t/stream/c/1", head, NULL, &a);
	assert_refused(503, "overloaded", &a);
	assert_non_null(strstr(a.body, "too many such answers"));
	for (int i = 0; i < 3; i++)
		wire_close(w[i]);
	wait_until(are_done, 5);
	w[0] = ask("c", 1);
	(void)begin(w[0]);
	wire_close(w[0]);
}

static void head_has_no_body_and_http_1_0_no_answer(void **state)
{
	static const char old[] =
		"GET /t/stream/a/3 HTTP/1.0\r\nHost: t\r\nAuthorization: Bearer good\r\n\r\n";

	floor_ask(*state, "HEAD", "/t/stream/a/3", "Authorization: Bearer good\r\n", NULL, &a);
	assert_int_equal(200, a.status);
	assert_header("Content-Type", "text/x-letters");
	floor_raw(*state, old, sizeof(old) - 1, &a);
	assert_refused(400, "invalid_request", &a);
}

/* Floors of their own ------------------------------------------------------------------------------- */

static void restart(int request_ms)
{
	struct http_conf conf;

	floor_stop(&fx);
	floor_conf(&conf);
	conf.streams_max = 3;
	conf.request_ms = request_ms;
	floor_start_with(&fx, &conf);
}

/* The time for a request is no bound for all of a stream, but for each wait of its reader. */
static void a_reader_may_take_long_but_not_rest(void **state)
{
	struct wire *w;
	struct letters l;
	const int64_t start = clock_mono_ms();

	(void)state;
	restart(1000);
	w = ask("a", 2000);
	l = begin(w);
	while (clock_mono_ms() < start + 3000 && read_chunk(&l))
		floor_nap(2);
	assert_false(l.whole);
	assert_int_equal(0, atomic_load(&floor_seen.done));
	wait_until(are_done, 1);
	read_all(&l);
	assert_false(l.whole);
	wire_close(w);
	restart(20000);
}

static void *drain(void *arg)
{
	(void)arg;
	http_server_drain(fx.server, WAIT_MS);
	return NULL;
}

static void what_ends_in_time_survives_a_stop(void **state)
{
	struct wire *w = ask("a", 400);
	struct letters l = begin(w);
	pthread_t thread;

	(void)state;
	assert_int_equal(0, pthread_create(&thread, NULL, drain, NULL));
	floor_nap(100);
	read_all(&l);
	assert_int_equal(0, pthread_join(thread, NULL));
	assert_true(l.whole);
	assert_int_equal(INT64_C(400) * FLOOR_PIECE, l.n);
	assert_int_equal(1, atomic_load(&floor_seen.done));
	wire_close(w);
	restart(20000);
}

static void a_stop_cuts_what_nobody_reads_without_its_end(void **state)
{
	struct wire *w = ask("a", 2000);
	struct letters l = begin(w);
	const int64_t start = clock_mono_ms();

	(void)state;
	wait_until(are_made, 2);
	http_server_drain(fx.server, 500);
	assert_true(clock_mono_ms() - start < WAIT_MS);
	assert_int_equal(1, atomic_load(&floor_seen.done));
	read_all(&l);
	assert_false(l.whole);
	wire_close(w);
	restart(20000);
}

static int forget(void **state)
{
	(void)state;
	floor_forget();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_answer_comes_in_chunks_and_its_connection_goes_on, forget),
		cmocka_unit_test_setup(an_empty_answer_has_its_end, forget),
		cmocka_unit_test_setup(a_reader_that_waits_holds_one_piece, forget),
		cmocka_unit_test_setup(other_requests_are_answered_meanwhile, forget),
		cmocka_unit_test_setup(a_first_piece_that_fails_is_an_ordinary_refusal, forget),
		cmocka_unit_test_setup(a_later_piece_that_fails_leaves_the_answer_without_its_end, forget),
		cmocka_unit_test_setup(the_gate_is_asked_again_before_each_piece, forget),
		cmocka_unit_test_setup(a_reader_that_leaves_gives_its_place_back, forget),
		cmocka_unit_test_setup(places_are_few_and_fewer_for_one, forget),
		cmocka_unit_test_setup(head_has_no_body_and_http_1_0_no_answer, forget),
		cmocka_unit_test_setup(a_reader_may_take_long_but_not_rest, forget),
		cmocka_unit_test_setup(what_ends_in_time_survives_a_stop, forget),
		cmocka_unit_test_setup(a_stop_cuts_what_nobody_reads_without_its_end, forget),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
