/* SPDX-License-Identifier: Apache-2.0 */
/* Where those who run the daemon ask it: a unix socket that a successor takes over, a port, or both. */
#define _GNU_SOURCE /* asprintf */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define WAIT_MS 60000

static struct {
	struct daemon *d;
	char *folder, *socket, *port_file, *setting[2];
	const char *env[6];
	int port;
} fx;

static int start(void **state)
{
	char *text;

	(void)state;
	fx.folder = temp_folder("cc-admin-listeners");
	fx.socket = temp_path(fx.folder, "admin.sock");
	fx.port_file = temp_path(fx.folder, "admin-port");
	assert_true(asprintf(&fx.setting[0], "CONTROLCORE_ADMIN_SOCKET=%s", fx.socket) > 0);
	assert_true(asprintf(&fx.setting[1], "CONTROLCORE_ADMIN_PORT_FILE=%s", fx.port_file) > 0);
	fx.env[0] = fx.setting[0];
	fx.env[1] = fx.setting[1];
	fx.env[2] = "CONTROLCORE_ADMIN_ADDRESS=0.0.0.0";
	fx.env[3] = "CONTROLCORE_ADMIN_PORT=0";
	fx.env[4] = "CONTROLCORE_SERVER_SHARED_PORTS=true";
	fx.d = daemon_start(&(struct daemon_options){ .env = fx.env });
	text = temp_read(fx.port_file);
	assert_non_null(text);
	fx.port = (int)strtol(text, NULL, 10);
	free(text);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	daemon_finish(fx.d);
	free(fx.setting[0]);
	free(fx.setting[1]);
	free(fx.socket);
	free(fx.port_file);
	temp_remove(fx.folder);
	return 0;
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

static int ask_port(const char *host)
{
	struct client *c = client_open(fx.port);
	char text[200];
	int status;

	snprintf(text, sizeof(text), "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	status = client_raw(c, text, strlen(text))->status;
	client_close(c);
	return status;
}

static void both_are_listened_on(void **state)
{
	(void)state;
	assert_int_equal(200, ask_socket());
	assert_int_equal(200, ask_port("127.0.0.1"));
}

static void pages_of_others_cannot_lead_their_names_here(void **state)
{
	static const char *const good[] = { "localhost", "127.0.0.1:9082", "[::1]:9082", "daemon:9082" };
	static const char *const bad[] = { "rebound.example", "127.0.0.1.example:9082", "localhost.example" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(200, ask_port(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(421, ask_port(bad[i]));
}

static void address_that_others_reach_is_warned_of(void **state)
{
	(void)state;
	assert_true(daemon_log_lines(fx.d, "whoever reaches admin.address may read all of it") > 0);
}

static void successor_takes_the_socket_over(void **state)
{
	struct daemon *next;

	(void)state;
	next = daemon_join(fx.d, &(struct daemon_options){ .env = fx.env });
	assert_int_equal(200, ask_socket());
	assert_int_equal(0, daemon_stop(fx.d));
	/* The end of the one before leaves the path to the one that has it now. */
	assert_int_equal(200, ask_socket());
	assert_int_equal(0, daemon_stop(next));
	assert_int_equal(-1, access(fx.socket, F_OK));
	daemon_finish(next);
	daemon_restart(fx.d);
	assert_int_equal(200, ask_socket());
}

static void socket_of_one_that_was_killed_is_taken(void **state)
{
	(void)state;
	daemon_kill(fx.d);
	assert_int_equal(0, ask_socket());
	daemon_restart(fx.d);
	assert_int_equal(200, ask_socket());
}

static void folder_that_another_holds_keeps_nobody_away(void **state)
{
	const int fd = open(fx.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(0, flock(fd, LOCK_EX));
	daemon_kill(fx.d);
	daemon_restart(fx.d);
	assert_int_equal(200, ask_socket());
	assert_int_equal(0, close(fd));
}

/* What stands beside it for a moment has to fit as well. */
static void path_that_is_as_long_as_can_be_is_taken(void **state)
{
	const size_t most = 100, before = strlen(fx.folder) + 1;
	struct daemon *d;
	char *path, *setting;
	const char *env[6];

	(void)state;
	assert_true(before + 7 < most);
	assert_true(asprintf(&path, "%s/%0*d", fx.folder, (int)(most - before), 1) == (int)most);
	assert_true(asprintf(&setting, "CONTROLCORE_ADMIN_SOCKET=%s", path) > 0);
	memcpy(env, fx.env, sizeof(env));
	env[0] = setting;
	d = daemon_join(fx.d, &(struct daemon_options){ .env = env });
	assert_int_equal(0, access(path, F_OK));
	assert_int_equal(0, daemon_stop(d));
	assert_int_equal(-1, access(path, F_OK));
	daemon_finish(d);
	free(setting);
	free(path);
}

static void socket_that_is_not_shared_is_refused(void **state)
{
	const char *const argv[] = { getenv("CC_BIN"), "serve", "--config", daemon_config_path(fx.d),
		"--listen", "127.0.0.1:0", NULL };
	const char *const env[] = { fx.setting[0], NULL };
	struct temp_run r = temp_run(argv, env, WAIT_MS);

	(void)state;
	assert_int_equal(69, r.status);
	assert_non_null(strstr(r.err, fx.socket));
	temp_run_free(&r);
	assert_int_equal(200, ask_socket());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_listened_on),
		cmocka_unit_test(pages_of_others_cannot_lead_their_names_here),
		cmocka_unit_test(address_that_others_reach_is_warned_of),
		cmocka_unit_test(successor_takes_the_socket_over),
		cmocka_unit_test(socket_of_one_that_was_killed_is_taken),
		cmocka_unit_test(folder_that_another_holds_keeps_nobody_away),
		cmocka_unit_test(path_that_is_as_long_as_can_be_is_taken),
		cmocka_unit_test(socket_that_is_not_shared_is_refused),
	};

	return cmocka_run_group_tests_name("admin_listeners", tests, start, finish);
}
