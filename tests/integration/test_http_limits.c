/* SPDX-License-Identifier: Apache-2.0 */
#include "http_floor.h"

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

#define HOST "Host: t.example\r\n"
#define GOOD "Authorization: Bearer good\r\n"
#define TYPE "Content-Type: application/json\r\n"
#define POST "POST /t/things HTTP/1.1\r\n" HOST TYPE
#define HELLO "GET /t/hello HTTP/1.1\r\n" HOST "\r\n"
#define VITAL "GET /t/vital HTTP/1.1\r\n" HOST "\r\n"
#define SLOW "GET /t/slow HTTP/1.1\r\n" HOST "\r\n"

static struct floor the_floor;
static struct wire_answer a;

static int setup(void **state)
{
	floor_start(&the_floor);
	*state = &the_floor;
	return 0;
}

static int teardown(void **state)
{
	floor_stop(*state);
	return 0;
}

static void an_announced_large_body_is_413_at_once(void **state)
{
	static const char *const heads[] = {
		POST GOOD "Content-Length: 65537\r\n\r\n",
		POST GOOD "Content-Length: 999999999999\r\n\r\n",
		POST "Authorization: Bearer cold\r\nContent-Length: 65537\r\n\r\n",
		"GET /t/hello HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n",
		"POST /t/hints HTTP/1.1\r\n" HOST TYPE "Content-Length: 16385\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct wire *w = wire_open(*state);

		assert_true(wire_send(w, heads[i]));
		/* The last fits what may be thrown away, so it is answered when it has passed. */
		if (i == 4) {
			char body[16385];

			memset(body, ' ', sizeof(body));
			assert_true(wire_send_n(w, body, sizeof(body)));
		}
		wire_read(w, &a, false);
		assert_refused(413, "payload_too_large", &a);
		if (i != 4)
			wire_assert_closes(w, &a);
		wire_close(w);
	}
	assert_int_equal(0, atomic_load(&floor_seen.handled));
}

static void a_large_body_of_a_stranger_is_401_before_it_comes(void **state)
{
	static const char *const heads[] = {
		POST "Content-Length: 65537\r\n\r\n",
		POST "Authorization: Bearer nobody\r\nContent-Length: 65537\r\n\r\n",
		POST "Authorization: Bearer nobody\r\nTransfer-Encoding: chunked\r\n\r\n",
		POST "Authorization: Bearer nobody\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct wire *w = wire_open(*state);

		assert_true(wire_send(w, heads[i]));
		wire_read(w, &a, false);
		assert_refused(401, "unauthorized", &a);
		wire_assert_closes(w, &a);
		wire_close(w);
	}
}

/* Chunks of 1,000 bytes; the JSON text they make is one object with a long name. */
static void send_chunks(struct wire *w, int n, bool end)
{
	char chunk[1024];

	(void)wire_send(w, "b\r\n{\"note\": \"x\r\n");
	for (int i = 0; i < n; i++) {
		(void)snprintf(chunk, sizeof(chunk), "3e8\r\n%01000d\r\n", i);
		if (!wire_send(w, chunk))
			return;
	}
	if (end)
		(void)wire_send(w, "14\r\n\", \"name\": \"chunks\"}\r\n0\r\n\r\n");
}

static void a_chunked_body_is_counted_as_it_comes(void **state)
{
	struct wire *w = wire_open(*state);

	assert_true(wire_send(w, POST GOOD "Transfer-Encoding: chunked\r\n\r\n"));
	send_chunks(w, 60, true);
	wire_read(w, &a, false);
	assert_int_equal(201, a.status);
	atomic_store(&floor_seen.handled, 0);

	assert_true(wire_send(w, POST GOOD "Transfer-Encoding: chunked\r\n\r\n"));
	send_chunks(w, 70, true);
	wire_read(w, &a, false);
	assert_refused(413, "payload_too_large", &a);
	wire_assert_closes(w, &a);
	wire_close(w);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
}

static void an_endless_chunked_body_is_cut_off(void **state)
{
	struct wire *w = wire_open(*state);

	assert_true(wire_send(w, POST GOOD "X-Request-ID: endless\r\nTransfer-Encoding: chunked\r\n\r\n"));
	/* Just past the second limit: the answer is there before the connection is reset under it. */
	send_chunks(w, 132, false);
	wire_read(w, &a, false);
	assert_refused(413, "payload_too_large", &a);
	assert_non_null(strstr(a.body, "\"timestamp\":\"20"));
	assert_non_null(strstr(a.body, "\"request_id\":\"endless\""));
	wire_assert_closes(w, &a);
	wire_close(w);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
	assert_int_equal(1, atomic_load(&floor_seen.done));
}

static void a_client_that_asks_first_is_told_to_continue_or_not(void **state)
{
	static const char *const keys[] = { "good", "cold" };
	char text[512];

	for (int i = 0; i < 2; i++) {
		struct wire *w = wire_open(*state);

		(void)snprintf(text, sizeof(text), POST "Authorization: Bearer %s\r\nContent-Length: 12\r\n"
			       "Expect: 100-continue\r\n\r\n", keys[i]);
		assert_true(wire_send(w, text));
		wire_read(w, &a, true);
		assert_int_equal(100, a.status);
		assert_true(wire_send(w, "{\"name\":\"x\"}"));
		wire_read(w, &a, false);
		assert_int_equal(201, a.status);
		wire_close(w);
	}
	/* The cold one before its body, and both when the body is there. */
	assert_int_equal(3, atomic_load(&floor_seen.loaded));
}

static void a_cold_credential_is_asked_before_a_large_body(void **state)
{
	struct wire *w = wire_open(*state);

	assert_true(wire_send(w, POST "Authorization: Bearer cold\r\nTransfer-Encoding: chunked\r\n\r\n"));
	floor_await(&floor_seen.loaded, 1);
	send_chunks(w, 50, true);
	wire_read(w, &a, false);
	assert_int_equal(201, a.status);
	wire_close(w);
	assert_int_equal(1, atomic_load(&floor_seen.gated));
	assert_int_equal(2, atomic_load(&floor_seen.loaded));
	assert_int_equal(1, atomic_load(&floor_seen.done));
}

static void what_is_revoked_while_the_body_comes_is_refused(void **state)
{
	static const char *const keys[] = { "good", "cold" };
	char text[512];

	for (size_t i = 0; i < 2; i++) {
		struct wire *w = wire_open(*state);

		atomic_store(&floor_seen.revoked, false);
		(void)snprintf(text, sizeof(text), POST "Authorization: Bearer %s\r\nContent-Length: 12\r\n"
			       "Expect: 100-continue\r\n\r\n", keys[i]);
		assert_true(wire_send(w, text));
		wire_read(w, &a, true);
		assert_int_equal(100, a.status);
		atomic_store(&floor_seen.revoked, true);
		assert_true(wire_send(w, "{\"name\":\"x\"}"));
		wire_read(w, &a, false);
		assert_refused(401, "unauthorized", &a);
		wire_close(w);
	}
	assert_int_equal(0, atomic_load(&floor_seen.handled));
}

static void a_client_that_leaves_gives_its_place_back(void **state)
{
	struct wire *w = wire_open(*state);

	assert_true(wire_send(w, POST GOOD "Content-Length: 100\r\n\r\n{\"name\":"));
	floor_await(&floor_seen.gated, 1);
	wire_close(w);
	floor_await(&floor_seen.abandoned, 1);
	assert_int_equal(0, atomic_load(&floor_seen.done));
}

static void await_bodies(struct floor *f, int64_t bytes)
{
	struct http_stats stats;

	for (int i = 0; i < 4000; i++) {
		http_server_stats(f->server, &stats);
		if (stats.body_bytes == bytes)
			return;
		floor_nap(5);
	}
	fail_msg("%lld bytes of bodies instead of %lld", (long long)stats.body_bytes, (long long)bytes);
}

#define LARGE 60000
#define LARGE_POST POST GOOD "Content-Length: 60011\r\n\r\n"

/* All of a request but the last bytes, which make it whole: {"name":"x" and spaces before. */
static struct wire *send_large(struct floor *f)
{
	static char spaces[LARGE];
	struct wire *w = wire_open(f);

	memset(spaces, ' ', sizeof(spaces));
	(void)wire_send(w, LARGE_POST);
	(void)wire_send_n(w, spaces, sizeof(spaces));
	return w;
}

static void bodies_beyond_the_bound_of_all_are_503(void **state)
{
	struct http_conf conf;
	struct wire *first, *w;

	(void)state;
	floor_conf(&conf);
	conf.bodies_max = 100000;
	floor_start_with(&the_floor, &conf);
	first = send_large(&the_floor);
	await_bodies(&the_floor, LARGE);
	w = send_large(&the_floor);
	assert_true(wire_send(w, "{\"name\":12}"));
	wire_read(w, &a, false);
	assert_refused(503, "overloaded", &a);
	wire_assert_closes(w, &a);
	wire_close(w);
	await_bodies(&the_floor, LARGE);
	floor_ask(&the_floor, "POST", "/t/things", GOOD, "{\"name\":\"small\"}", &a);
	assert_int_equal(201, a.status);
	assert_true(wire_send(first, "{\"name\":12}"));
	wire_read(first, &a, false);
	assert_refused(422, "validation_error", &a);
	wire_close(first);
	await_bodies(&the_floor, 0);
	floor_stop(&the_floor);
}

static void a_body_is_given_back_when_its_client_leaves(void **state)
{
	struct floor *f = *state;
	struct wire *w = send_large(f);

	await_bodies(f, LARGE);
	wire_close(w);
	floor_await(&floor_seen.abandoned, 1);
	await_bodies(f, 0);
}

static void a_full_queue_is_503_at_once(void **state)
{
	struct http_conf conf;
	struct http_stats stats;
	struct wire *busy[3], *w;
	char value[32];

	(void)state;
	floor_conf(&conf);
	conf.workers = 1;
	conf.queue_max = 2;
	floor_start_with(&the_floor, &conf);
	atomic_store(&floor_seen.hold, true);
	for (int i = 0; i < 3; i++) {
		busy[i] = wire_open(&the_floor);
		assert_true(wire_send(busy[i], SLOW));
		if (i == 0)
			floor_await(&floor_seen.holding, 1);
	}
	do {
		floor_nap(5);
		http_server_stats(the_floor.server, &stats);
	} while (stats.queued < 2);
	assert_int_equal(1, stats.in_work);

	w = wire_open(&the_floor);
	for (int i = 0; i < 2; i++) {
		assert_true(wire_send(w, SLOW));
		wire_read(w, &a, false);
		assert_refused(503, "overloaded", &a);
		assert_true(wire_header(&a, "Retry-After", value, sizeof(value)));
		assert_string_equal("1", value);
	}
	/* What needs no worker is served all the same, and what has its own. */
	assert_true(wire_send(w, HELLO VITAL));
	for (int i = 0; i < 2; i++) {
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
	}
	wire_close(w);

	http_server_stats(the_floor.server, &stats);
	assert_int_equal(2, stats.refused_overload);
	atomic_store(&floor_seen.hold, false);
	for (int i = 0; i < 3; i++) {
		wire_read(busy[i], &a, false);
		assert_int_equal(200, a.status);
		wire_close(busy[i]);
	}
	floor_stop(&the_floor);
}

static void one_io_thread_serves_too(void **state)
{
	struct http_conf conf;

	(void)state;
	floor_conf(&conf);
	conf.io_threads = 1;
	conf.workers = 1;
	floor_start_with(&the_floor, &conf);
	floor_ask(&the_floor, "GET", "/t/things/3", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
	floor_stop(&the_floor);
}

static const char *start_error(struct arena *arena, const struct http_conf *conf)
{
	const char *why = NULL;

	assert_null(http_server_start(arena, conf, &why));
	assert_non_null(why);
	return why;
}

static void a_server_that_cannot_start_says_why(void **state)
{
	struct floor *f = *state;
	struct arena *arena = arena_create(1024);
	struct http_conf conf;

	floor_conf(&conf);
	conf.port = f->port;
	assert_non_null(strstr(start_error(arena, &conf), "cannot listen on 127.0.0.1 port"));
	conf.address = "nowhere.example";
	conf.port = 0;
	assert_non_null(strstr(start_error(arena, &conf), "nowhere.example is not an address"));
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_announced_large_body_is_413_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_large_body_of_a_stranger_is_401_before_it_comes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_chunked_body_is_counted_as_it_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(an_endless_chunked_body_is_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_asks_first_is_told_to_continue_or_not, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_cold_credential_is_asked_before_a_large_body, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_revoked_while_the_body_comes_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_client_that_leaves_gives_its_place_back, setup, teardown),
		cmocka_unit_test(bodies_beyond_the_bound_of_all_are_503),
		cmocka_unit_test_setup_teardown(a_body_is_given_back_when_its_client_leaves, setup, teardown),
		cmocka_unit_test(a_full_queue_is_503_at_once),
		cmocka_unit_test(one_io_thread_serves_too),
		cmocka_unit_test_setup_teardown(a_server_that_cannot_start_says_why, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
