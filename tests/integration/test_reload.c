/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: settings are read again, and a file that is not valid changes nothing. */
#define _GNU_SOURCE /* asprintf */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define WAIT_MS 30000

static int broken_files(void)
{
	return getenv("CC_LONG") != NULL ? 1000 : 100;
}

/* The signal, and the line that says how it ended. */
static void reload(struct daemon *d, const char *outcome)
{
	const int before = daemon_log_lines(d, outcome);
	const int64_t end = temp_now_ms() + WAIT_MS;

	kill(daemon_pid(d), SIGHUP);
	while (daemon_log_lines(d, outcome) == before) {
		assert_true(daemon_running(d));
		if (temp_now_ms() > end)
			fail_msg("the log does not say: %s", outcome);
		temp_sleep_ms(10);
	}
}

static char *with(const char *config, const char *more)
{
	char *text = NULL;

	assert_true(asprintf(&text, "%s%s\n", config, more) > 0);
	return text;
}

static void what_can_change_changes_and_the_rest_is_named(void **state)
{
	struct daemon *d = *state;
	const char *path = daemon_config_path(d);
	char *config = temp_read(path), *changed = with(config, "log = { level = \"debug\"; };\n"
		"engine = { timeout_ms = 1234; };\ntls = { handshake_ms = 4321; };");

	temp_write(path, changed);
	reload(d, "settings were read again");
	assert_int_equal(1, daemon_log_lines(d,
		"\"changed\":\"engine.timeout_ms, log.level\",\"wait_for_restart\":\"tls.handshake_ms\""));
	/* Once more: what counts does not differ any more, what waits still does. */
	reload(d, "settings were read again");
	assert_int_equal(
		1, daemon_log_lines(d, "\"changed\":\"\",\"wait_for_restart\":\"tls.handshake_ms\""));
	temp_write(path, config);
	reload(d, "\"changed\":\"engine.timeout_ms, log.level\"}");
	free(changed);
	free(config);
}

static int64_t policies_of_pro(struct daemon *d, const char *slug)
{
	struct client *c = client_open(daemon_port(d));
	int64_t most;

	client_key(c, daemon_operator_key(d));
	const struct answer *a = assert_status(201,
		client_post(c, "/tenants", "{'name':'%s','domain':'%s.controlcore.io','region':'us-east-1',"
			"'plan_type':'pro'}", slug, slug));
	most = answer_int(a, "settings.max_policies");
	client_close(c);
	return most;
}

static void plans_are_read_again(void **state)
{
	struct daemon *d = *state;
	char *path = temp_path(daemon_folder(d), "plans.conf"), *plans = temp_read(path), *at, *more;

	assert_int_equal(1000, policies_of_pro(d, "before"));
	more = strdup(plans);
	at = strstr(more, "pro = ");
	assert_non_null(at);
	at = strstr(at, "max_policies = 1000");
	assert_non_null(at);
	memcpy(at, "max_policies = 1234", strlen("max_policies = 1234"));
	temp_write(path, more);
	reload(d, "settings were read again");
	assert_int_equal(1234, policies_of_pro(d, "after"));
	temp_write(path, plans);
	reload(d, "settings were read again");
	free(more);
	free(plans);
	free(path);
}

/* A byte changed, cut, or put in between, anywhere. */
static void break_text(char *text, unsigned *seed)
{
	const size_t n = strlen(text), at = (size_t)rand_r(seed) % n;
	static const char odd[] = "{}();=\"\\\n%0aZ\x7f\x01";

	switch (rand_r(seed) % 3) {
	case 0:
		text[at] = '\0';
		break;
	case 1:
		text[at] = odd[(size_t)rand_r(seed) % (sizeof odd - 1)];
		break;
	default:
		memmove(text + at, text + at + 1, n - at);
	}
}

static void broken_files_change_nothing(void **state)
{
	struct daemon *d = *state;
	const char *path = daemon_config_path(d);
	char *config = temp_read(path);
	struct client *c = client_open(daemon_port(d));
	unsigned seed = 42;
	int refused = 0;

	client_key(c, daemon_operator_key(d));
	for (int i = 0; i < broken_files(); i++) {
		char *broken = strdup(config);
		const int good = daemon_log_lines(d, "settings were read again");
		const int bad = daemon_log_lines(d, "those before stay");
		const int64_t end = temp_now_ms() + WAIT_MS;
		bool is_bad = false, is_good = false;

		for (int k = 0; k < 1 + i % 3; k++)
			break_text(broken, &seed);
		temp_write(path, broken);
		kill(daemon_pid(d), SIGHUP);
		while (!is_bad && !is_good) {
			assert_true(daemon_running(d));
			assert_true(temp_now_ms() < end);
			is_bad = daemon_log_lines(d, "those before stay") > bad;
			is_good = daemon_log_lines(d, "settings were read again") > good;
		}
		refused += is_bad;
		free(broken);
	}
	print_message("# %d of %d broken files were refused\n", refused, broken_files());
	assert_true(refused > broken_files() / 4);
	assert_status(200, client_get(c, "/tenants"));
	temp_write(path, config);
	reload(d, "settings were read again");
	assert_status(200, client_get(c, "/tenants"));
	client_close(c);
	free(config);
}

static void faults_are_named_and_secrets_are_not(void **state)
{
	struct daemon *d = *state;
	const char *path = daemon_config_path(d);
	char *config = temp_read(path), *bad = with(config,
		"jobs2 = { };\nredis2 = 1;\nengine = { token = \"canary-of-a-secret\"; concurrent = 0; };");

	temp_write(path, bad);
	reload(d, "those before stay");
	assert_true(daemon_log_lines(d, "engine.concurrent") > 0);
	assert_true(daemon_log_lines(d, "jobs2") > 0);
	assert_int_equal(0, daemon_log_lines(d, "canary-of-a-secret"));
	temp_write(path, config);
	reload(d, "settings were read again");
	free(bad);
	free(config);
}

/* In kilobytes, of /proc/PID/status. */
static int64_t memory_of(const struct daemon *d, const char *what)
{
	char path[64], *text, *at;
	int64_t kb;

	snprintf(path, sizeof path, "/proc/%d/status", (int)daemon_pid(d));
	text = temp_read(path);
	assert_non_null(text);
	at = strstr(text, what);
	assert_non_null(at);
	kb = strtoll(at + strlen(what), NULL, 10);
	free(text);
	return kb;
}

/* What is freed is kept for uses after it there. */
static bool is_instrumented(void)
{
	const char *sanitize = getenv("CC_SANITIZE");

	return sanitize != NULL && sanitize[0] != '\0';
}

/* As it is, and with a setting that becomes another each time; all while somebody is served. */
static void reload_often(struct daemon *d, const char *config, struct client *c, int times)
{
	const char *path = daemon_config_path(d);

	for (int i = 0; i < times; i++) {
		char more[64], *changed;

		snprintf(more, sizeof more, "engine = { timeout_ms = %d; };", 1000 + i / 2);
		changed = with(config, more);
		temp_write(path, changed);
		reload(d, "settings were read again");
		assert_status(200, client_get(c, "/tenants"));
		free(changed);
	}
}

/* What was replaced goes when nobody uses it any more. */
static void await_growth(const struct daemon *d, const char *what, int64_t before, int64_t most)
{
	const int64_t end = temp_now_ms() + WAIT_MS;

	while (memory_of(d, what) - before >= most && temp_now_ms() < end)
		temp_sleep_ms(50);
	print_message("# %s %lld kB more\n", what, (long long)(memory_of(d, what) - before));
	assert_true(memory_of(d, what) - before < most);
}

static void reloads_keep_no_memory(void **state)
{
	struct daemon *d = *state;
	char *config = temp_read(daemon_config_path(d));
	struct client *c = client_open(daemon_port(d));
	int64_t locked, resident;

	client_key(c, daemon_operator_key(d));
	reload_often(d, config, c, 20);
	locked = memory_of(d, "VmLck:");
	resident = memory_of(d, "VmRSS:");
	reload_often(d, config, c, 200);
	await_growth(d, "VmLck:", locked, 1024);
	if (!is_instrumented())
		await_growth(d, "VmRSS:", resident, 8192);
	temp_write(daemon_config_path(d), config);
	reload(d, "settings were read again");
	client_close(c);
	free(config);
}

/* What the service manager hears, until it is this. */
static void hear(int fd, const char *expected)
{
	char text[2048] = "";
	const int64_t end = temp_now_ms() + WAIT_MS;

	while (strstr(text, expected) == NULL) {
		const ssize_t n = recv(fd, text, sizeof text - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		assert_null(strstr(text, "canary"));
		if (temp_now_ms() > end)
			fail_msg("the service manager never heard %s", expected);
	}
}

static int service_manager(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_sec = 1 };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof at));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return fd;
}

static void metric_is(const char *socket, const char *line)
{
	const char *const argv[] = { "curl", "-sS", "--unix-socket", socket, "http://localhost/metrics",
		NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);

	assert_int_equal(0, r.status);
	if (strstr(r.out, line) == NULL)
		fail_msg("no %s in %s", line, r.out);
	temp_run_free(&r);
}

static void refusal_is_seen_from_outside(void **state)
{
	struct daemon *d = *state;
	char *notify = temp_path(daemon_folder(d), "notify");
	char *admin = temp_path(daemon_folder(d), "admin.sock");
	char *config = temp_read(daemon_config_path(d)), *env[3] = { NULL };
	char *bad = with(config, "engine = { url = \"https://u:canary@x\"; concurrent = 0; };");
	const int fd = service_manager(notify);

	assert_true(asprintf(&env[0], "NOTIFY_SOCKET=%s", notify) > 0);
	assert_true(asprintf(&env[1], "CONTROLCORE_ADMIN_SOCKET=%s", admin) > 0);
	assert_int_equal(0, daemon_stop(d));
	daemon_env(d, (const char *const *)env);
	daemon_restart(d);
	hear(fd, "READY=1\nSTATUS=serving");
	metric_is(admin, "\ncontrolcored_config_reload_ok 1\n");
	temp_write(daemon_config_path(d), bad);
	reload(d, "those before stay");
	hear(fd, "READY=1\nSTATUS=serving with the settings of before: 2 not valid, first ");
	metric_is(admin, "\ncontrolcored_config_reload_ok 0\n");
	metric_is(admin, "\ncontrolcored_config_read_timestamp_seconds 1");
	temp_write(daemon_config_path(d), config);
	reload(d, "settings were read again");
	hear(fd, "READY=1\nSTATUS=serving");
	metric_is(admin, "\ncontrolcored_config_reload_ok 1\n");
	assert_int_equal(0, daemon_stop(d));
	daemon_env(d, NULL);
	daemon_restart(d);
	close(fd);
	free(env[0]);
	free(env[1]);
	free(bad);
	free(config);
	free(admin);
	free(notify);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_change_changes_and_the_rest_is_named),
		cmocka_unit_test(plans_are_read_again),
		cmocka_unit_test(faults_are_named_and_secrets_are_not),
		cmocka_unit_test(broken_files_change_nothing),
		cmocka_unit_test(reloads_keep_no_memory),
		cmocka_unit_test(refusal_is_seen_from_outside),
	};

	return cmocka_run_group_tests_name("reload", tests, daemon_group_setup, daemon_group_teardown);
}
