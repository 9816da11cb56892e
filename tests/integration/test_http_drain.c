/* SPDX-License-Identifier: Apache-2.0 */
/* How a server ends: what was asked is answered, and nothing that races with the end harms it. */
#include "http_floor.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/clock.h"

#define HOST "Host: t.example\r\n"
#define HELLO "GET /t/hello HTTP/1.1\r\n" HOST "\r\n"
#define SLOW "GET /t/slow HTTP/1.1\r\n" HOST "\r\n"

static struct floor the_floor;
static struct wire_answer a;

struct drain {
	int ms;
	int64_t took_ms;
};

static void *drain_now(void *arg)
{
	struct drain *d = arg;
	const int64_t from = clock_mono_ms();

	http_server_drain(the_floor.server, d->ms);
	d->took_ms = clock_mono_ms() - from;
	return NULL;
}

static void a_drain_answers_what_is_in_work_and_takes_nothing_new(void **state)
{
	enum { N = 50 };
	struct drain d = { .ms = 60000 };
	struct http_conf conf;
	struct wire *w[N], *idle;
	pthread_t thread;

	(void)state;
	floor_conf(&conf);
	conf.workers = 4;
	floor_start_with(&the_floor, &conf);
	idle = wire_open(&the_floor);
	assert_true(wire_send(idle, HELLO));
	wire_read(idle, &a, false);
	atomic_store(&floor_seen.hold, true);
	for (int i = 0; i < N; i++) {
		w[i] = wire_open(&the_floor);
		assert_true(wire_send(w[i], SLOW));
	}
	floor_await(&floor_seen.gated, N + 1);
	assert_int_equal(0, pthread_create(&thread, NULL, drain_now, &d));
	/* Kept connections are served and told to go. */
	do {
		assert_true(wire_send(idle, HELLO));
		wire_read(idle, &a, false);
		assert_int_equal(200, a.status);
	} while (strstr(a.head, "Connection: close") == NULL);
	atomic_store(&floor_seen.hold, false);
	for (int i = 0; i < N; i++) {
		wire_read(w[i], &a, false);
		assert_int_equal(200, a.status);
		wire_assert_closes(w[i], &a);
		wire_close(w[i]);
	}
	assert_int_equal(0, pthread_join(thread, NULL));
	assert_true(d.took_ms < d.ms);
	wire_close(idle);
	floor_stop(&the_floor);
}

static void a_drain_that_runs_out_of_time_still_answers(void **state)
{
	struct drain d = { .ms = 50 };
	struct http_conf conf;
	struct wire *w[3];
	pthread_t thread;
	int refused = 0;

	(void)state;
	floor_conf(&conf);
	conf.workers = 1;
	floor_start_with(&the_floor, &conf);
	atomic_store(&floor_seen.hold, true);
	for (int i = 0; i < 3; i++) {
		w[i] = wire_open(&the_floor);
		assert_true(wire_send(w[i], SLOW));
	}
	floor_await(&floor_seen.gated, 3);
	assert_int_equal(0, pthread_create(&thread, NULL, drain_now, &d));
	floor_nap(1000);        /* far more than what is left of the drain */
	atomic_store(&floor_seen.hold, false);
	for (int i = 0; i < 3; i++) {
		wire_read(w[i], &a, false);
		assert_true(a.status == 200 || a.status == 503);
		refused += a.status == 503;
		wire_close(w[i]);
	}
	assert_int_equal(2, refused);
	assert_int_equal(0, pthread_join(thread, NULL));
	floor_stop(&the_floor);
}

/* In time for nothing else: it is told so, and not just cut off. */
static void a_body_that_is_late_for_the_drain_is_answered(void **state)
{
	struct drain d = { .ms = 50 };
	struct http_conf conf;
	struct wire *head, *body;
	pthread_t thread;

	(void)state;
	floor_conf(&conf);
	floor_start_with(&the_floor, &conf);
	body = wire_open(&the_floor);
	assert_true(wire_send(body, "POST /t/items HTTP/1.1\r\n" HOST "Authorization: Bearer good\r\n"
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"));
	head = wire_open(&the_floor);
	assert_true(wire_send(head, "GET /t/hello HTTP/1.1\r\nHost: t.exa"));
	floor_nap(700);         /* until the reaper has seen that a head has begun */
	assert_int_equal(0, pthread_create(&thread, NULL, drain_now, &d));
	wire_read(body, &a, false);
	assert_int_equal(503, a.status);
	assert_non_null(strstr(a.head, "Retry-After: "));
	wire_assert_closes(body, &a);
	wire_read(head, &a, false);
	assert_int_equal(503, a.status);
	wire_assert_closes(head, &a);
	assert_int_equal(0, pthread_join(thread, NULL));
	wire_close(body);
	wire_close(head);
	floor_stop(&the_floor);
}

static void *probe_often(void *arg)
{
	struct arena *arena = arena_create(0);
	atomic_bool *stop = arg;

	while (!atomic_load(stop)) {
		arena_reset(arena);
		assert_null(http_server_probe(arena, "127.0.0.1", the_floor.port, true));
	}
	arena_destroy(arena);
	return NULL;
}

/* Who is about to come to a shared port looks whether he may: nobody's connection is lost by that. */
static void a_look_at_a_shared_port_takes_no_connection(void **state)
{
	atomic_bool stop = false;
	struct http_conf conf;
	pthread_t thread;

	(void)state;
	floor_conf(&conf);
	conf.shared_ports = true;
	floor_start_with(&the_floor, &conf);
	assert_int_equal(0, pthread_create(&thread, NULL, probe_often, &stop));
	for (int i = 0; i < 500; i++) {
		struct wire *w = wire_open(&the_floor);

		assert_true(wire_send(w, HELLO));
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
		wire_close(w);
	}
	atomic_store(&stop, true);
	assert_int_equal(0, pthread_join(thread, NULL));
	floor_stop(&the_floor);
}

/* A socket that two threads take out is out for both; all else is told as ever. */
static void what_is_out_already_is_taken_out(void **state)
{
	const int set = epoll_create1(EPOLL_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct epoll_event e = { .events = EPOLLIN };

	(void)state;
	assert_true(set >= 0 && fd >= 0 && other >= 0);
	assert_int_equal(0, listen(fd, 1));
	assert_int_equal(0, epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
	assert_int_equal(0, epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL));
	assert_int_equal(0, epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL));
	assert_int_equal(-1, epoll_ctl(set, EPOLL_CTL_MOD, fd, &e));
	assert_int_equal(ENOENT, errno);
	assert_int_equal(-1, epoll_ctl(set, EPOLL_CTL_DEL, other, NULL));
	assert_int_equal(ENOENT, errno);
	close(fd);
	assert_int_equal(-1, epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL));
	assert_int_equal(EBADF, errno);
	close(other);
	close(set);
}

struct client {
	struct wire *w;
	struct wire_answer answer;
	atomic_int answered;
};

/* Asks on one connection, one request after the other, until it is told to go. */
static void *ask_on(void *arg)
{
	struct client *c = arg;

	while (wire_send(c->w, HELLO)) {
		wire_read(c->w, &c->answer, false);
		if (c->answer.status != 200)
			break;
		atomic_fetch_add(&c->answered, 1);
		if (strstr(c->answer.head, "Connection: close") != NULL)
			break;
	}
	return NULL;
}

/* The I/O threads are awake while they are told to listen no more. */
static void a_drain_among_requests_ends_well(void **state)
{
	enum { ROUNDS = 20, CLIENTS = 6 };
	struct client *clients = calloc(CLIENTS, sizeof(*clients));
	pthread_t threads[CLIENTS];
	struct http_conf conf;

	(void)state;
	assert_non_null(clients);
	floor_conf(&conf);
	conf.io_threads = 4;
	for (int i = 0; i < ROUNDS; i++) {
		floor_start_with(&the_floor, &conf);
		for (int k = 0; k < CLIENTS; k++) {
			clients[k].w = wire_open(&the_floor);
			atomic_store(&clients[k].answered, 0);
			assert_int_equal(0, pthread_create(&threads[k], NULL, ask_on, &clients[k]));
		}
		for (int k = 0; k < CLIENTS; k++)
			while (atomic_load(&clients[k].answered) < 10)
				floor_nap(1);
		http_server_drain(the_floor.server, 5000);
		for (int k = 0; k < CLIENTS; k++) {
			assert_int_equal(0, pthread_join(threads[k], NULL));
			wire_close(clients[k].w);
		}
		floor_stop(&the_floor);
	}
	free(clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drain_answers_what_is_in_work_and_takes_nothing_new),
		cmocka_unit_test(a_drain_that_runs_out_of_time_still_answers),
		cmocka_unit_test(a_body_that_is_late_for_the_drain_is_answered),
		cmocka_unit_test(a_look_at_a_shared_port_takes_no_connection),
		cmocka_unit_test(what_is_out_already_is_taken_out),
		cmocka_unit_test(a_drain_among_requests_ends_well),
	};

	return cmocka_run_group_tests_name("http_drain", tests, NULL, NULL);
}
