/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a daemon and the start of its successor: what systemd and load balancers see, and clients do
 * not.
 */
#define _GNU_SOURCE /* asprintf */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "surge.h"
#include "temp.h"

#define WAIT_MS 30000
#define SOCKET_FD 9 /* of one digit, for sh */
#define ENV_MAX 12
#define LAG_MS "1000" /* kept connections are asked at least so often */

static int restarts(void)
{
	return getenv("CC_LONG") != NULL ? 100 : 5;
}

/* A node beside the fixture's, on the same databases. */
struct node {
	struct daemon *d;
	char *env[ENV_MAX];
	size_t nenv;
	pid_t pid;
};

static void node_env(struct node *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void node_env(struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	assert_true(n->nenv + 1 < ENV_MAX);
	assert_true(vasprintf(&n->env[n->nenv++], fmt, ap) > 0);
	va_end(ap);
}

static struct node node_new(struct daemon *d, const char *port_file)
{
	struct node n = { .d = d };
	char *path = temp_path(daemon_folder(d), port_file);

	unlink(path);
	node_env(&n, "CONTROLCORE_SERVER_PORT_FILE=%s", path);
	free(path);
	return n;
}

/* The socket to hand over: from now on it has the descriptor that children look for. */
static int for_children(int fd)
{
	assert_int_equal(-1, fcntl(SOCKET_FD, F_GETFD));
	assert_int_equal(SOCKET_FD, dup2(fd, SOCKET_FD));
	close(fd);
	return SOCKET_FD;
}

/* socket: from for_children(); -1: none is handed over. */
static void node_launch(struct node *n, int socket)
{
	const char *const plain[] = { getenv("CC_BIN"), "serve", "--config", daemon_config_path(n->d), NULL };
	const char *const activated[] = { "sh", "-c",
		"exec 3<&9 9<&-; export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\"", "sh",
		plain[0], plain[1], plain[2], plain[3], NULL };

	n->pid = temp_spawn(socket >= 0 ? activated : plain, (const char *const *)n->env,
		daemon_log_path(n->d), SIGKILL);
}

static int node_end(struct node *n, int sig)
{
	int status;

	if (sig != 0)
		kill(n->pid, sig);
	status = temp_wait(n->pid, WAIT_MS);
	for (size_t i = 0; i < n->nenv; i++)
		free(n->env[i]);
	n->nenv = 0;
	return status;
}

static int node_port(struct node *n, const char *port_file)
{
	char *path = temp_path(daemon_folder(n->d), port_file);
	const int64_t end = temp_now_ms() + WAIT_MS;
	int port = 0;

	while (port == 0) {
		char *text = temp_read(path);

		port = text != NULL ? (int)strtol(text, NULL, 10) : 0;
		free(text);
		assert_int_equal(-1, temp_wait(n->pid, 0));
		assert_true(temp_now_ms() < end);
		temp_sleep_ms(5);
	}
	free(path);
	return port;
}

/* --- Clients that come all the time -------------------------------------------------------------- */

static int rate(void)
{
	const char *wanted = getenv("CC_RATE");

	if (wanted != NULL)
		return (int)strtol(wanted, NULL, 10);
	return getenv("CC_LONG") != NULL ? 1000 : 200;
}

static void nobody_was_refused(struct surge *surge, int rounds)
{
	const struct surge_told t = surge_end(surge);

	print_message("# %d restarts in %.1f s, %ld requests (%.0f/s): answered %ld on fresh connections, "
		      "%ld on kept ones; %ld failed, %ld cut (%s); worst %.0f ms, %ld behind\n",
		rounds, (double)t.ran_us / 1e6, t.asked, (double)t.asked * 1e6 / (double)t.ran_us, t.fresh,
		t.kept, t.failed, t.cut, t.error[0] != '\0' ? t.error : "none", (double)t.worst_us / 1e3,
		t.behind);
	assert_int_equal(0, t.failed);
	assert_int_equal(0, t.cut);
	/* What was to be asked was asked, or the figures say little. */
	assert_int_equal(0, t.behind);
	assert_int_equal(t.asked, t.fresh + t.kept);
	assert_true(t.asked > rounds);
}

/* --- The cases ------------------------------------------------------------------------------------ */

static int listening_socket(int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof at));
	assert_int_equal(0, listen(fd, SOMAXCONN)); /* as systemd does */
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&at, &size));
	*ret_port = ntohs(at.sin_port);
	return for_children(fd);
}

static void handed_over_socket_outlives_its_daemons(void **state)
{
	int port;
	const int fd = listening_socket(&port);
	struct surge *surge = surge_start(port, rate());

	for (int i = 0; i < restarts(); i++) {
		struct node n = node_new(*state, "handed");

		node_env(&n, "CONTROLCORE_SERVER_LAG_MS=" LAG_MS);
		node_launch(&n, fd);
		assert_int_equal(port, node_port(&n, "handed"));
		temp_sleep_ms(50);
		assert_int_equal(0, node_end(&n, SIGTERM));
	}
	/* Whoever came after the last one is still in the queue of the socket. */
	struct node last = node_new(*state, "handed");
	node_launch(&last, fd);
	(void)node_port(&last, "handed");
	nobody_was_refused(surge, restarts());
	assert_int_equal(0, node_end(&last, SIGTERM));
	close(fd);
}

static void successor_takes_over_a_shared_port(void **state)
{
	const int port = temp_port();
	struct surge *surge = NULL;
	struct node old = { 0 };

	for (int i = 0; i <= restarts(); i++) {
		struct node n = node_new(*state, i % 2 == 0 ? "even" : "odd");

		node_env(&n, "CONTROLCORE_SERVER_PORT=%d", port);
		node_env(&n, "CONTROLCORE_SERVER_SHARED_PORTS=true");
		node_env(&n, "CONTROLCORE_SERVER_LAG_MS=" LAG_MS);
		node_launch(&n, -1);
		assert_int_equal(port, node_port(&n, i % 2 == 0 ? "even" : "odd"));
		if (i == 0)
			surge = surge_start(port, rate());
		else
			assert_int_equal(0, node_end(&old, SIGTERM));
		old = n;
	}
	nobody_was_refused(surge, restarts());
	assert_int_equal(0, node_end(&old, SIGTERM));
}

static void port_that_is_not_shared_is_refused(void **state)
{
	const int port = daemon_port(*state);
	struct node n = node_new(*state, "refused");

	node_env(&n, "CONTROLCORE_SERVER_PORT=%d", port);
	node_launch(&n, -1);
	assert_int_equal(69, node_end(&n, 0));
}

static void descriptor_that_does_not_listen_is_refused(void **state)
{
	struct node n = node_new(*state, "refused");
	const int fd = for_children(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	node_launch(&n, fd);
	assert_int_equal(69, node_end(&n, 0));
	close(fd);
}

static int connect_to(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(0, connect(fd, (struct sockaddr *)&to, sizeof to));
	return fd;
}

static void load_balancers_have_time_to_notice(void **state)
{
	struct node n = node_new(*state, "lag");

	node_env(&n, "CONTROLCORE_SERVER_PORT=0");
	node_env(&n, "CONTROLCORE_SERVER_LAG_MS=2000");
	node_launch(&n, -1);
	struct client *kept = client_open(node_port(&n, "lag")), *fresh = client_open(node_port(&n, "lag"));
	assert_status(200, client_call(kept, "GET", "/readyz", NULL, NULL));
	kill(n.pid, SIGTERM);
	const struct answer *a = client_call(fresh, "GET", "/readyz", NULL, NULL);
	for (const int64_t end = temp_now_ms() + 1500; a->status == 200 && temp_now_ms() < end;) {
		temp_sleep_ms(5);
		a = client_call(fresh, "GET", "/readyz", NULL, NULL);
	}
	assert_error(503, "service_unavailable", a);
	/* Everything else is served, and says that it is the last on its connection. */
	a = assert_status(200, client_call(kept, "GET", "/livez", NULL, NULL));
	assert_string_equal("close", answer_header(a, "Connection"));
	client_close(kept);
	client_close(fresh);
	assert_int_equal(0, node_end(&n, 0));
}

static bool logged(struct daemon *d, const char *text)
{
	char *log = temp_read(daemon_log_path(d));
	const bool found = log != NULL && strstr(log, text) != NULL;

	free(log);
	return found;
}

static void second_sigterm_does_not_wait(void **state)
{
	struct node n = node_new(*state, "second");

	node_env(&n, "CONTROLCORE_SERVER_PORT=0");
	node_env(&n, "CONTROLCORE_SERVER_LAG_MS=300000");
	node_launch(&n, -1);
	struct client *c = client_open(node_port(&n, "second"));
	assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL));
	kill(n.pid, SIGTERM);
	while (client_call(c, "GET", "/readyz", NULL, NULL)->status == 200)
		temp_sleep_ms(5);
	client_close(c);
	assert_int_equal(-1, temp_wait(n.pid, 200));
	assert_int_equal(128 + SIGTERM, node_end(&n, SIGTERM));
	/* What it had to say it has said. */
	assert_true(logged(*state, "a second signal: what runs is cut off"));
}

/* The same when requests are finished already; a body that never comes is what it waits for. */
static void second_sigterm_ends_the_drain(void **state)
{
	static const char head[] = "POST /api/v1/resources HTTP/1.1\r\nHost: localhost\r\n"
				   "Content-Length: 100\r\n\r\n{";
	struct node n = node_new(*state, "drain");
	const char *drains = "\"msg\":\"stopping\",\"signal\":2";

	node_env(&n, "CONTROLCORE_SERVER_PORT=0");
	node_env(&n, "CONTROLCORE_SERVER_DRAIN_MS=300000");
	node_launch(&n, -1);
	const int fd = connect_to(node_port(&n, "drain"));
	assert_int_equal(sizeof head - 1, send(fd, head, sizeof head - 1, MSG_NOSIGNAL));
	temp_sleep_ms(200);
	assert_false(logged(*state, drains));
	kill(n.pid, SIGINT);
	while (!logged(*state, drains))
		temp_sleep_ms(5);
	assert_int_equal(-1, temp_wait(n.pid, 500));
	assert_false(logged(*state, "what runs is cut off\",\"signal\":2"));
	assert_int_equal(128 + SIGINT, node_end(&n, SIGINT));
	assert_true(logged(*state, "what runs is cut off\",\"signal\":2"));
	close(fd);
}

static void sigint_ends_at_once(void **state)
{
	struct node n = node_new(*state, "int");

	node_env(&n, "CONTROLCORE_SERVER_PORT=0");
	node_env(&n, "CONTROLCORE_SERVER_LAG_MS=300000");
	node_launch(&n, -1);
	(void)node_port(&n, "int");
	assert_int_equal(0, node_end(&n, SIGINT));
}

/* The next message for the service manager; fails after a while without one. */
static void hear(int fd, const char *expected)
{
	char text[512] = "";
	const int64_t end = temp_now_ms() + WAIT_MS;

	while (strstr(text, expected) == NULL) {
		const ssize_t n = recv(fd, text, sizeof text - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		if (temp_now_ms() > end)
			fail_msg("the service manager never heard %s", expected);
	}
}

/* … in what it has been told and has not read yet. */
static bool heard(int fd, const char *text)
{
	char told[512];
	bool found = false;

	for (ssize_t n; (n = recv(fd, told, sizeof told - 1, MSG_DONTWAIT)) >= 0;) {
		told[n] = '\0';
		found = found || strstr(told, text) != NULL;
	}
	return found;
}

/* Accepted by a daemon that ends, and not asked anything yet: the client cannot know. */
static void who_came_in_the_last_moment_is_answered(void **state)
{
	static const char request[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct node n = node_new(*state, "moment");
	char answer[512] = "";

	node_env(&n, "CONTROLCORE_SERVER_PORT=0");
	node_launch(&n, -1);
	const int fd = connect_to(node_port(&n, "moment"));
	temp_sleep_ms(100);
	kill(n.pid, SIGTERM);
	temp_sleep_ms(200);
	assert_int_equal(sizeof request - 1, send(fd, request, sizeof request - 1, MSG_NOSIGNAL));
	assert_true(recv(fd, answer, sizeof answer - 1, 0) > 0);
	assert_memory_equal("HTTP/1.1 200", answer, 12);
	assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	close(fd);
	assert_int_equal(0, node_end(&n, 0));
}

static void service_manager_is_told(void **state)
{
	char *path = temp_path(daemon_folder(*state), "notify");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_sec = 1 };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct node n = node_new(*state, "told");

	assert_true(strlen(path) < sizeof at.sun_path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof at));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	node_env(&n, "CONTROLCORE_SERVER_PORT=0");
	node_env(&n, "NOTIFY_SOCKET=%s", path);
	node_env(&n, "WATCHDOG_USEC=200000");
	node_env(&n, "CONTROLCORE_SERVER_LAG_MS=" LAG_MS);
	node_launch(&n, -1);
	hear(fd, "READY=1");
	hear(fd, "WATCHDOG=1");
	hear(fd, "WATCHDOG=1");
	kill(n.pid, SIGHUP);
	hear(fd, "RELOADING=1\nMONOTONIC_USEC=");
	hear(fd, "READY=1");
	kill(n.pid, SIGTERM);
	hear(fd, "STOPPING=1");
	assert_int_equal(0, node_end(&n, 0));
	/* It would set a watchdog that has been put off, and that nobody tells anything from some time on. */
	assert_false(heard(fd, "WATCHDOG=1"));
	close(fd);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handed_over_socket_outlives_its_daemons),
		cmocka_unit_test(successor_takes_over_a_shared_port),
		cmocka_unit_test(port_that_is_not_shared_is_refused),
		cmocka_unit_test(descriptor_that_does_not_listen_is_refused),
		cmocka_unit_test(load_balancers_have_time_to_notice),
		cmocka_unit_test(second_sigterm_does_not_wait),
		cmocka_unit_test(second_sigterm_ends_the_drain),
		cmocka_unit_test(sigint_ends_at_once),
		cmocka_unit_test(who_came_in_the_last_moment_is_answered),
		cmocka_unit_test(service_manager_is_told),
	};

	return cmocka_run_group_tests_name("restart", tests, daemon_group_setup, daemon_group_teardown);
}
