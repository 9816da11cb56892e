/* SPDX-License-Identifier: Apache-2.0 */
/* Many idle clients, few descriptors. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

enum { CROWD = 1100, FILES_HERE = 2048 };

static int crowd[CROWD];

static int connect_idle(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(0, connect(fd, (const struct sockaddr *)&to, sizeof(to)));
	return fd;
}

static void gather(int port, int n)
{
	for (int i = 0; i < n; i++)
		crowd[i] = connect_idle(port);
}

static void disperse(int n)
{
	for (int i = 0; i < n; i++)
		(void)close(crowd[i]);
}

static bool may_have(rlim_t n)
{
	struct rlimit r;

	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &r));
	if (r.rlim_max < n)
		return false;
	r.rlim_cur = n;
	return setrlimit(RLIMIT_NOFILE, &r) == 0;
}

static void a_crowd_beyond_the_soft_limit_stops_nobody(void **state)
{
	struct tenant_fixture t;
	struct client *c;

	if (!may_have(FILES_HERE)) {
		print_message("# skip: the hard limit of descriptors is below %d here\n", FILES_HERE);
		skip();
	}
	gather(daemon_port(*state), CROWD);
	fixture_tenant(*state, "crowded", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_status(200, client_call(c, "GET", "/livez", NULL, NULL));
	assert_status(201, client_post(c, "/resources", "{'name':'r','type':'api'}"));
	client_close(c);
	disperse(CROWD);
}

/* The pools keep theirs, and clients that share an address leave some to others. */
static void few_descriptors_are_shared_out_and_the_log_says_so(void **state)
{
	struct daemon *few = daemon_join(*state, &(struct daemon_options){ .ulimit = "-n 300" });
	char *log = temp_read(daemon_log_path(few));
	const int n = 280;
	struct client *c;
	char byte;
	int closed = 0;

	assert_non_null(strstr(log, "fewer client connections than server.connections_max"));
	c = client_operator(few);
	assert_status(200, client_get(c, "/tenants"));
	gather(daemon_port(few), n);
	/* Those beyond the address's share are closed, and the next one with them. */
	for (int64_t end = temp_now_ms() + 30000; closed == 0 && temp_now_ms() < end; temp_sleep_ms(20))
		for (int i = 0; i < n; i++)
			closed += recv(crowd[i], &byte, 1, MSG_DONTWAIT) == 0;
	assert_true(closed > 0);
	assert_status(200, client_get(c, "/tenants"));
	assert_status(200, client_get(c, "/health"));
	disperse(n);
	client_close(c);
	free(log);
	daemon_finish(few);
}

static void too_few_descriptors_are_refused_at_start(void **state)
{
	const char *const argv[] = { "sh", "-c", "ulimit -n 100; exec \"$@\"", "sh", getenv("CC_BIN"),
		"serve", "--config", daemon_config_path(*state), NULL };
	struct temp_run r = temp_run(argv, NULL, 60000);

	assert_int_equal(69, r.status);
	assert_non_null(strstr(r.err, "the process may have 100 descriptors"));
	assert_non_null(strstr(r.err, "nothing was started"));
	temp_run_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_beyond_the_soft_limit_stops_nobody),
		cmocka_unit_test(few_descriptors_are_shared_out_and_the_log_says_so),
		cmocka_unit_test(too_few_descriptors_are_refused_at_start),
	};

	daemon_group_options(&(struct daemon_options){ .ulimit = "-Sn 1024" });
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
