/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real redis-server, started and stopped here, and against servers that misbehave. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "redis_server.h"

#define TENANT "tenant-acme-abc234"
#define OTHER "tenant-acme-abc2345"

static void assert_value(struct server *fx, const char *key, const char *expected)
{
	const char *value = "untouched";

	assert_int_equal(redis_get(fx->redis, fx->arena, key, &value), ERR_NONE);
	if (expected == NULL)
		assert_null(value);
	else
		assert_string_equal(value, expected);
}

static void what_was_set_is_read_back(void **state)
{
	struct server *fx = *state;
	const char *key = redis_key(fx->arena, TENANT, "greeting");

	assert_string_equal(key, "cc:{" TENANT "}:greeting");
	assert_int_equal(redis_set(fx->redis, key, "hello \"world\"\r\n$5", 0), ERR_NONE);
	assert_value(fx, key, "hello \"world\"\r\n$5");
	assert_int_equal(redis_set(fx->redis, key, "", 0), ERR_NONE);
	assert_value(fx, key, "");
}

static void an_absent_key_is_null_and_no_error(void **state)
{
	assert_value(*state, "cc:{" TENANT "}:nothing", NULL);
}

static void a_value_with_a_ttl_expires(void **state)
{
	struct server *fx = *state;
	const char *key = redis_key(fx->arena, TENANT, "brief");
	const char *value = "";

	assert_int_equal(redis_set(fx->redis, key, "x", 40), ERR_NONE);
	for (int i = 0; i < 300 && value != NULL; i++) {
		usleep(10 * 1000);
		assert_int_equal(redis_get(fx->redis, fx->arena, key, &value), ERR_NONE);
	}
	assert_null(value);
}

static void a_ping_tells_how_long_it_took(void **state)
{
	struct server *fx = *state;
	int64_t us = -1;

	assert_int_equal(redis_ping(fx->redis, &us), ERR_NONE);
	assert_true(us >= 0 && us < 10 * TIME_SECOND);
}

static void a_purge_takes_every_key_of_one_tenant_only(void **state)
{
	struct server *fx = *state;
	const char *kept = redis_key(fx->arena, OTHER, "k1");
	int64_t removed = 0;
	uint64_t cursor = 0;
	int steps = 0;

	for (int i = 0; i < 1500; i++) {
		const char *key = redis_key(fx->arena, TENANT, arena_printf(fx->arena, "k%d", i));

		assert_int_equal(redis_set(fx->redis, key, "v", 0), ERR_NONE);
	}
	assert_int_equal(redis_set(fx->redis, kept, "v", 0), ERR_NONE);
	do {
		assert_int_equal(redis_purge_step(fx->redis, TENANT, &cursor, &removed), ERR_NONE);
		steps++;
	} while (cursor != 0 && steps < 100);
	assert_int_equal(removed, 1500);
	assert_in_range(steps, 2, 50);
	assert_value(fx, kept, "v");
	assert_value(fx, redis_key(fx->arena, TENANT, "k7"), NULL);
}

static void a_purge_without_keys_is_done_at_once(void **state)
{
	struct server *fx = *state;
	int64_t removed = 0;
	uint64_t cursor = 0;

	assert_int_equal(redis_purge_step(fx->redis, TENANT, &cursor, &removed), ERR_NONE);
	assert_int_equal(cursor, 0);
	assert_int_equal(removed, 0);
}

static void a_purge_that_fails_keeps_its_cursor(void **state)
{
	struct server *fx = *state;
	uint64_t cursor = 42;
	int64_t removed = 7;

	assert_int_equal(redis_purge_step(fx->redis, TENANT, &cursor, &removed), ERR_UNAVAILABLE);
	assert_int_equal(cursor, 42);
	assert_int_equal(removed, 7);
}

static void assert_key_aborts(const char *tenant_id)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct arena *a = arena_create(0);

		signal(SIGABRT, SIG_DFL);
		redis_key(a, tenant_id, "x");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_key_of_something_that_is_no_tenant_aborts(void **state)
{
	char longest[129 + 1];

	(void)state;
	assert_key_aborts("");
	assert_key_aborts("tenant-");
	assert_key_aborts("acme");
	assert_key_aborts("tenant-*");
	assert_key_aborts("tenant-a}:{tenant-b");
	assert_key_aborts("tenant-Acme");
	memset(longest, 'a', 129);
	memcpy(longest, "tenant-", 7);
	longest[129] = '\0';
	assert_key_aborts(longest);
}

static void the_longest_tenant_id_makes_a_key(void **state)
{
	struct server *fx = *state;
	char longest[128 + 1];

	memset(longest, 'a', 128);
	memcpy(longest, "tenant-", 7);
	longest[128] = '\0';
	assert_non_null(redis_key(fx->arena, longest, "x"));
}

static void without_a_server_calls_fail_and_the_breaker_opens(void **state)
{
	struct server *fx = *state;
	int64_t us, before = 0;

	for (int i = 0; i < 3; i++) {
		before = clock_mono_ms();
		assert_int_equal(redis_ping(fx->redis, &us), ERR_UNAVAILABLE);
	}
	server_start(fx);
	/* It is there now, but nobody looks until a second has passed. */
	while (redis_ping(fx->redis, &us) != ERR_NONE) {
		assert_true(clock_mono_ms() - before < 60000);
		usleep(20 * 1000);
	}
	assert_true(clock_mono_ms() - before >= 1000);
}

static void two_failures_do_not_open_the_breaker(void **state)
{
	struct server *fx = *state;
	int64_t us;

	for (int i = 0; i < 2; i++)
		assert_int_equal(redis_ping(fx->redis, &us), ERR_UNAVAILABLE);
	server_start(fx);
	assert_int_equal(redis_ping(fx->redis, &us), ERR_NONE);
}

static void a_success_closes_the_count_of_failures(void **state)
{
	struct server *fx = *state;
	int64_t us;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++)
			assert_int_equal(redis_ping(fx->redis, &us), ERR_UNAVAILABLE);
		server_start(fx);
		assert_int_equal(redis_ping(fx->redis, &us), ERR_NONE);
		server_stop(fx);
	}
}

static void a_restarted_server_is_connected_again(void **state)
{
	struct server *fx = *state;
	int64_t us;

	assert_int_equal(redis_ping(fx->redis, &us), ERR_NONE);
	server_stop(fx);
	server_start(fx);
	/* The first call meets the dead connection, the second makes a new one. */
	assert_int_equal(redis_ping(fx->redis, &us), ERR_UNAVAILABLE);
	assert_int_equal(redis_ping(fx->redis, &us), ERR_NONE);
}

static void a_refusal_of_the_server_is_unavailable(void **state)
{
	struct server *fx = *state;
	struct redis_conf conf = fx->conf;
	struct redis *r;
	int64_t us;

	conf.password = "there is none";
	r = redis_create(&conf);
	assert_int_equal(redis_ping(r, &us), ERR_UNAVAILABLE);
	redis_destroy(r);
	conf.password = NULL;
	conf.database = 99;
	r = redis_create(&conf);
	assert_int_equal(redis_ping(r, &us), ERR_UNAVAILABLE);
	redis_destroy(r);
}

static void databases_are_apart(void **state)
{
	struct server *fx = *state;
	struct redis_conf conf = fx->conf;
	const char *value;
	struct redis *r;

	conf.database = 1;
	r = redis_create(&conf);
	assert_int_equal(redis_set(r, "cc:{" TENANT "}:x", "one", 0), ERR_NONE);
	assert_value(fx, "cc:{" TENANT "}:x", NULL);
	assert_int_equal(redis_get(r, fx->arena, "cc:{" TENANT "}:x", &value), ERR_NONE);
	assert_string_equal(value, "one");
	redis_destroy(r);
}

static void addresses_that_are_none_are_unavailable(void **state)
{
	static const char *const wrong[] = {
		"", "host", "host:", "host:0", "host:65536", ":6379", "[]:x", "unix:",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct redis_conf conf = patient_conf(wrong[i]);
		struct redis *r = redis_create(&conf);

		assert_int_equal(redis_ping(r, &us), ERR_UNAVAILABLE);
		redis_destroy(r);
	}
}

/* A server on the fixture's socket that answers what it is told, byte by byte. */
struct impostor {
	int listener;
	const char *answer;
	useconds_t pause_us;            /* before each byte */
	atomic_bool said;               /* all of it, and the client was still there */
	pthread_t thread;
};

static void *impostor_main(void *arg)
{
	struct impostor *im = arg;
	int fd = accept(im->listener, NULL, NULL);
	char heard[512];

	if (fd < 0)
		return NULL;
	if (read(fd, heard, sizeof(heard)) > 0) {
		const char *p = im->answer;

		for (; *p != '\0'; p++) {
			usleep(im->pause_us);
			if (write(fd, p, 1) != 1)
				break;
		}
		atomic_store(&im->said, *p == '\0');
	}
	/* Stays until the client goes. */
	while (read(fd, heard, sizeof(heard)) > 0)
		continue;
	close(fd);
	return NULL;
}

static void impostor_start(struct server *fx, struct impostor *im)
{
	const struct sockaddr_un at = server_address(fx);

	im->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(im->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(im->listener, 8), 0);
	assert_int_equal(pthread_create(&im->thread, NULL, impostor_main, im), 0);
}

static void impostor_stop(struct impostor *im)
{
	pthread_join(im->thread, NULL);
	close(im->listener);
}

/* True when the impostor had said all of it. */
static bool is_unavailable(struct server *fx, const char *answer, useconds_t pause_us)
{
	struct impostor im = { .answer = answer, .pause_us = pause_us };
	int64_t us;

	fx->conf.command_ms = 200;
	impostor_start(fx, &im);
	assert_int_equal(redis_ping(fx->redis, &us), ERR_UNAVAILABLE);
	redis_destroy(fx->redis);
	fx->redis = NULL;
	impostor_stop(&im);
	return atomic_load(&im.said);
}

static void a_silent_server_costs_the_deadline_and_no_more(void **state)
{
	/* It would be silent for ever. */
	(void)is_unavailable(*state, "", 0);
}

static void a_dripping_server_costs_the_deadline_and_no_more(void **state)
{
	char answer[1001] = "+";

	/* 1,000 bytes at 50 ms each: every single read is quick enough, the whole is not. */
	memset(answer + 1, 'P', sizeof(answer) - 2);
	assert_false(is_unavailable(*state, answer, 50 * 1000));
}

static void what_is_not_the_protocol_is_unavailable(void **state)
{
	(void)is_unavailable(*state, "HTTP/1.1 400 Bad Request\r\n\r\n", 0);
}

static void a_bulk_of_absurd_length_is_unavailable(void **state)
{
	(void)is_unavailable(*state, "$99999999999999999999\r\n", 0);
}

static void a_late_answer_is_not_taken_for_the_next(void **state)
{
	struct server *fx = *state;
	struct impostor im = { .answer = "$4\r\nlate\r\n", .pause_us = 300 * 1000 };
	const char *value = NULL;

	fx->conf.command_ms = 50;
	impostor_start(fx, &im);
	assert_int_equal(redis_get(fx->redis, fx->arena, "first", &value), ERR_UNAVAILABLE);
	impostor_stop(&im);
	unlink(fx->socket);
	fx->conf.command_ms = 2000;
	server_start(fx);
	assert_value(fx, "second", NULL);
}

static void destroying_nothing_is_fine(void **state)
{
	(void)state;
	redis_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_set_is_read_back, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			an_absent_key_is_null_and_no_error, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(a_value_with_a_ttl_expires, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_ping_tells_how_long_it_took, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_purge_takes_every_key_of_one_tenant_only, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_purge_without_keys_is_done_at_once, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_purge_that_fails_keeps_its_cursor, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_key_of_something_that_is_no_tenant_aborts, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			the_longest_tenant_id_makes_a_key, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			without_a_server_calls_fail_and_the_breaker_opens, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			two_failures_do_not_open_the_breaker, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_success_closes_the_count_of_failures, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_restarted_server_is_connected_again, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_refusal_of_the_server_is_unavailable, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(databases_are_apart, server_setup_up, server_teardown),
		cmocka_unit_test_setup_teardown(
			addresses_that_are_none_are_unavailable, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_silent_server_costs_the_deadline_and_no_more, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_dripping_server_costs_the_deadline_and_no_more, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_the_protocol_is_unavailable, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_bulk_of_absurd_length_is_unavailable, server_setup, server_teardown),
		cmocka_unit_test_setup_teardown(
			a_late_answer_is_not_taken_for_the_next, server_setup, server_teardown),
		cmocka_unit_test(destroying_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
