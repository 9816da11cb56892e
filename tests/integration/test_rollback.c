/* SPDX-License-Identifier: Apache-2.0 */
/* Two daemons on shared ports, and the newer one goes: the older serves on as if nobody had come. */
#define _GNU_SOURCE /* asprintf */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "surge.h"
#include "temp.h"

#define WAIT_MS 60000
#define LAG_MS 1500
#define RATE 200

static struct {
	char *folder, *socket, *setting[2];
	const char *env[5];
	struct daemon *first;
	int port;
} fx;

static int start(void **state)
{
	(void)state;
	fx.folder = temp_folder("cc-rollback");
	fx.socket = temp_path(fx.folder, "admin.sock");
	fx.port = temp_port();
	assert_true(asprintf(&fx.setting[0], "CONTROLCORE_ADMIN_SOCKET=%s", fx.socket) > 0);
	assert_true(asprintf(&fx.setting[1], "CONTROLCORE_SERVER_PORT=%d", fx.port) > 0);
	fx.env[0] = fx.setting[0];
	fx.env[1] = fx.setting[1];
	fx.env[2] = "CONTROLCORE_SERVER_SHARED_PORTS=true";
	fx.first = daemon_start(&(struct daemon_options){ .env = fx.env, .lag_ms = LAG_MS });
	return 0;
}

static int finish(void **state)
{
	(void)state;
	daemon_finish(fx.first);
	free(fx.setting[0]);
	free(fx.setting[1]);
	free(fx.socket);
	temp_remove(fx.folder);
	return 0;
}

static struct daemon *next_one(void)
{
	return daemon_join(fx.first, &(struct daemon_options){ .env = fx.env, .lag_ms = LAG_MS });
}

/* Over the socket: the status, or 0 when nobody answers. */
static int ask_socket(void)
{
	const char *const argv[] = { "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
		fx.socket, "http://localhost/metrics", NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	const int status = (int)strtol(r.out, NULL, 10);

	temp_run_free(&r);
	return status;
}

static void await_socket(void)
{
	for (const int64_t end = temp_now_ms() + 5000; ask_socket() != 200; temp_sleep_ms(50))
		assert_true(temp_now_ms() < end);
}

static int readiness(void)
{
	struct client *c = client_open(fx.port);
	const int status = client_call(c, "GET", "/readyz", NULL, NULL)->status;

	client_close(c);
	return status;
}

/* It gets SIGTERM. A load balancer that asks meanwhile finds the other one, and no request fails. */
static void leaves_unnoticed(struct daemon *d)
{
	struct surge *surge = surge_start(fx.port, RATE);
	int status = -1;

	temp_sleep_ms(200);
	kill(daemon_pid(d), SIGTERM);
	temp_sleep_ms(200);
	while (status == -1) {
		assert_int_equal(200, readiness());
		status = daemon_await_end(d, 20);
	}
	assert_int_equal(0, status);
	temp_sleep_ms(200);
	const struct surge_told t = surge_end(surge);
	print_message("# %ld requests, %ld failed, %ld cut\n", t.asked, t.failed, t.cut);
	assert_int_equal(0, t.failed);
	assert_int_equal(0, t.cut);
}

static void the_newer_one_may_go(void **state)
{
	struct daemon *next = next_one();

	(void)state;
	leaves_unnoticed(next);
	await_socket();
	daemon_finish(next);
}

/* … and after that the older one as ever. */
static void the_older_one_may_go(void **state)
{
	struct daemon *next = next_one();

	(void)state;
	leaves_unnoticed(fx.first);
	assert_int_equal(200, ask_socket());
	/* Who was the newer one is the older one now. */
	daemon_launch(fx.first);
	assert_true(daemon_await_ready(fx.first, WAIT_MS));
	leaves_unnoticed(next);
	await_socket();
	daemon_finish(next);
}

static void nobody_goes_to_one_that_goes(void **state)
{
	struct daemon *next = next_one();
	struct surge *surge = surge_start(fx.port, RATE);

	(void)state;
	/* The newer one gives to the older one, which then goes as well: it keeps what comes to its end. */
	kill(daemon_pid(next), SIGTERM);
	temp_sleep_ms(LAG_MS - 500);
	kill(daemon_pid(fx.first), SIGTERM);
	/* In the middle between the end of the one's lag and of the other one's. */
	temp_sleep_ms(LAG_MS / 2);
	const struct surge_told t = surge_end(surge);
	assert_int_equal(0, t.failed);
	assert_int_equal(0, t.cut);
	assert_int_equal(0, daemon_await_end(next, WAIT_MS));
	assert_int_equal(0, daemon_await_end(fx.first, WAIT_MS));
	daemon_finish(next);
	daemon_restart(fx.first);
}

/* The path, and the names that sockets have beside it. */
static int names(void)
{
	DIR *dir = opendir(fx.folder);
	int n = 0;

	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += strncmp(e->d_name, "admin.sock", 10) == 0;
	closedir(dir);
	return n;
}

static void the_newer_one_may_be_killed(void **state)
{
	struct daemon *next = next_one();

	(void)state;
	daemon_kill(next);
	await_socket();
	assert_int_equal(200, readiness());
	daemon_finish(next);
	/* What it left beside the path is gone with the next start. */
	next = next_one();
	assert_int_equal(3, names());
	leaves_unnoticed(next);
	await_socket();
	assert_int_equal(2, names());
	daemon_finish(next);
}

static void a_path_that_was_removed_is_made_again(void **state)
{
	(void)state;
	assert_int_equal(0, unlink(fx.socket));
	await_socket();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newer_one_may_go),
		cmocka_unit_test(the_older_one_may_go),
		cmocka_unit_test(nobody_goes_to_one_that_goes),
		cmocka_unit_test(the_newer_one_may_be_killed),
		cmocka_unit_test(a_path_that_was_removed_is_made_again),
	};

	return cmocka_run_group_tests_name("rollback", tests, start, finish);
}
