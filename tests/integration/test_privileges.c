/* SPDX-License-Identifier: Apache-2.0 */
/* Root starts it, and it goes on as somebody else, for good; and what it has in memory stays there. */
#define _GNU_SOURCE /* nftw, asprintf */
#include <arpa/inet.h>
#include <dirent.h>
#include <ftw.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "memory.h"
#include "temp.h"

#define USER "nobody"
#define WAIT_MS 60000

static struct passwd somebody;

static void look_who_runs(void)
{
	const struct passwd *found = getpwnam(USER);

	if (geteuid() != 0 || found == NULL) {
		print_message("# skip: only root can become somebody else\n");
		skip();
	}
	somebody = *found;
}

static int give_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return lchown(path, somebody.pw_uid, somebody.pw_gid);
}

/* In the file: what reads it besides must know as well whose the files are. */
static void set_user(struct daemon *d)
{
	static const char before[] = "server = {";
	char *config = temp_read(daemon_config_path(d)), *changed = NULL;

	assert_non_null(config);
	assert_int_equal(0, strncmp(config, before, strlen(before)));
	assert_true(asprintf(&changed, "server = { user = \"" USER "\";%s", config + strlen(before)) > 0);
	temp_write(daemon_config_path(d), changed);
	free(changed);
	free(config);
}

/* Stopped, with all that is in its folder handed over, as who begins to use server.user would do it. */
static struct daemon *handed_over(void)
{
	struct daemon *d;

	look_who_runs();
	d = daemon_start(NULL);
	assert_int_equal(0, daemon_stop(d));
	set_user(d);
	assert_int_equal(0, nftw(daemon_folder(d), give_one, 16, FTW_PHYS));
	return d;
}

/* Root's alone, wherever the system says so; on loopback. */
static int low_port(void)
{
	for (int port = 1023; port > 512; port--) {
		const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const bool is_free = bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;

		close(fd);
		if (is_free)
			return port;
	}
	fail_msg("no free port below 1024");
	return 0;
}

/* --- What the kernel says of it ------------------------------------------------------------------- */

static void line_is(const char *status, const char *name, const char *expected)
{
	const char *at = strstr(status, name);
	char value[200];

	assert_non_null(at);
	at += strlen(name) + strspn(at + strlen(name), ":\t ");
	snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\n"), at);
	value[strcspn(value, " ")] = '\0';
	assert_string_equal(expected, value);
}

static void thread_has_no_rights(const char *status)
{
	static const char *const sets[] = { "\nCapInh", "\nCapPrm", "\nCapEff", "\nCapBnd", "\nCapAmb" };
	const unsigned u = somebody.pw_uid, g = somebody.pw_gid;
	char ids[64];

	snprintf(ids, sizeof ids, "%u\t%u\t%u\t%u", u, u, u, u);
	line_is(status, "\nUid", ids);
	snprintf(ids, sizeof ids, "%u\t%u\t%u\t%u", g, g, g, g);
	line_is(status, "\nGid", ids);
	snprintf(ids, sizeof ids, "%u", g);
	line_is(status, "\nGroups", ids);
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		line_is(status, sets[i], "0000000000000000");
	line_is(status, "\nNoNewPrivs", "1");
}

/* Linux gives rights to threads, not to processes. */
static int each_thread_has_no_rights(pid_t pid)
{
	char folder[64], path[400];
	int n = 0;

	snprintf(folder, sizeof folder, "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(folder);
	assert_non_null(tasks);
	for (const struct dirent *t; (t = readdir(tasks)) != NULL;) {
		if (t->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s/status", folder, t->d_name);
		char *status = temp_read(path);
		if (status == NULL)
			continue; /* it ended meanwhile */
		thread_has_no_rights(status);
		free(status);
		n++;
	}
	closedir(tasks);
	return n;
}

/* --- What it still does --------------------------------------------------------------------------- */

static void reload_says(struct daemon *d, const char *text)
{
	assert_int_equal(0, daemon_log_lines(d, text));
	kill(daemon_pid(d), SIGHUP);
	for (const int64_t end = temp_now_ms() + WAIT_MS; daemon_log_lines(d, text) == 0; temp_sleep_ms(10))
		if (temp_now_ms() > end)
			fail_msg("the log does not say: %s", text);
}

static void is_served(struct daemon *d, const char *slug)
{
	struct tenant_fixture t;

	fixture_tenant(d, slug, NULL, NULL, NULL, &t);
	struct client *c = client_of(d, &t);
	assert_status(201, client_post(c, "/policies", "{'name':'p','rego_code':'package p'}"));
	assert_text("healthy", assert_status(200, client_get(c, "/health")), "status");
	client_close(c);
}

static void root_is_given_up_for_good(void **state)
{
	struct daemon *d = handed_over();
	char port[48];
	const char *const env[] = { port, NULL };
	const int number = low_port();

	(void)state;
	snprintf(port, sizeof port, "CONTROLCORE_SERVER_PORT=%d", number);
	daemon_env(d, env);
	daemon_restart(d);
	assert_int_equal(number, daemon_port(d));
	assert_true(each_thread_has_no_rights(daemon_pid(d)) > 10);
	is_served(d, "unprivileged");
	assert_int_equal(0, daemon_log_lines(d, "server.user cannot read"));
	reload_says(d, "settings were read again");
	daemon_finish(d);
}

/* Who comes second was root too when it took the port. */
static void successor_takes_over_its_port(void **state)
{
	struct daemon *d = handed_over();
	char port[48], *file = temp_path(daemon_folder(d), "second"), *second_file = NULL;
	const char *const env[] = { "CONTROLCORE_SERVER_SHARED_PORTS=true", port, NULL };
	const char *const argv[] = { getenv("CC_BIN"), "serve", "--config", daemon_config_path(d), NULL };

	(void)state;
	snprintf(port, sizeof port, "CONTROLCORE_SERVER_PORT=%d", low_port());
	daemon_env(d, env);
	daemon_restart(d);
	assert_true(asprintf(&second_file, "CONTROLCORE_SERVER_PORT_FILE=%s", file) > 0);
	const char *const more[] = { env[0], env[1], second_file, NULL };
	const pid_t second = temp_spawn(argv, more, daemon_log_path(d), SIGKILL);
	for (const int64_t end = temp_now_ms() + WAIT_MS; access(file, F_OK) != 0; temp_sleep_ms(10))
		assert_true(temp_now_ms() < end && temp_wait(second, 0) == -1);
	assert_int_equal(0, daemon_stop(d));
	is_served(d, "successor");
	kill(second, SIGTERM);
	assert_int_equal(0, temp_wait(second, WAIT_MS));
	free(second_file);
	free(file);
	daemon_finish(d);
}

/* Root reads them at the start. */
static void what_it_cannot_read_again_is_said_at_the_start(void **state)
{
	struct daemon *d = handed_over();

	(void)state;
	assert_int_equal(0, chown(daemon_config_path(d), 0, 0));
	daemon_restart(d);
	assert_true(daemon_log_lines(d, "cannot read all settings: a reload will change nothing") > 0);
	reload_says(d, "the settings are not valid: those before stay");
	is_served(d, "unreadable");
	daemon_finish(d);
}

static void nobody_else_can_be_become(void **state)
{
	static const char *const users[] = { "CONTROLCORE_SERVER_USER=nobody-of-that-name",
		"CONTROLCORE_SERVER_USER=root" };
	struct daemon *d = handed_over();
	const char *const argv[] = { "setpriv", "--reuid=" USER, "--clear-groups", getenv("CC_BIN"), "serve",
		"--config", daemon_config_path(d), NULL };
	static const char *const other[] = { "CONTROLCORE_SERVER_USER=daemon", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
		const char *const env[] = { users[i], NULL };

		daemon_env(d, env);
		daemon_launch(d);
		assert_int_equal(78, daemon_await_end(d, WAIT_MS));
	}
	struct temp_run r = temp_run(argv, other, WAIT_MS);
	assert_int_equal(78, r.status);
	assert_non_null(strstr(r.err, "server.user: only root can become daemon; nothing was started"));
	temp_run_free(&r);
	daemon_env(d, NULL);
	daemon_finish(d);
}

/* --- Memory --------------------------------------------------------------------------------------- */

/* Of mappings that are written to and nobody else's: those that could be swapped out, and all. */
static int may_be_swapped(pid_t pid, int *ret_all)
{
	char path[64], line[512], name[512] = "";
	bool is_ours = false;
	int n = 0;
	FILE *maps;

	*ret_all = 0;
	snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while (fgets(line, sizeof line, maps) != NULL) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			is_ours = strstr(line, " rw-p ") != NULL;
			memcpy(name, line, sizeof name);
		} else if (is_ours && strncmp(line, "VmFlags:", 8) == 0) {
			(*ret_all)++;
			if (strstr(line, " lo") == NULL) {
				print_message("# not locked: %s", name);
				n++;
			}
		}
	}
	fclose(maps);
	return n;
}

static void all_memory_is_locked_where_it_shall_be(void **state)
{
	static const char *const env[] = { "CONTROLCORE_SERVER_LOCK_MEMORY=true", NULL };
	struct daemon *d;
	int all = 0;

	(void)state;
	look_who_runs();
	if (memory_is_instrumented()) {
		print_message("# skip: sanitizers stand in for what locks\n");
		skip();
	}
	d = daemon_start(NULL);
	assert_true(may_be_swapped(daemon_pid(d), &all) > 0);
	assert_int_equal(0, daemon_stop(d));
	daemon_env(d, env);
	daemon_restart(d);
	is_served(d, "locked");
	assert_int_equal(0, may_be_swapped(daemon_pid(d), &all));
	assert_true(all > 20);
	daemon_finish(d);
}

/* It would end at some request. */
static void a_limit_on_locked_memory_is_refused_at_the_start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_SERVER_LOCK_MEMORY=true", NULL };
	struct daemon *d = handed_over();
	const char *const argv[] = { "sh", "-c", "ulimit -l 1024 && exec \"$@\"", "sh", "setpriv",
		"--reuid=" USER, "--clear-groups", getenv("CC_BIN"), "serve", "--config",
		daemon_config_path(d), NULL };
	struct temp_run r = temp_run(argv, env, WAIT_MS);

	(void)state;
	assert_int_equal(78, r.status);
	assert_non_null(strstr(r.err, "server.lock_memory needs LimitMEMLOCK=infinity"));
	temp_run_free(&r);
	daemon_finish(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_given_up_for_good),
		cmocka_unit_test(successor_takes_over_its_port),
		cmocka_unit_test(what_it_cannot_read_again_is_said_at_the_start),
		cmocka_unit_test(nobody_else_can_be_become),
		cmocka_unit_test(all_memory_is_locked_where_it_shall_be),
		cmocka_unit_test(a_limit_on_locked_memory_is_refused_at_the_start),
	};

	return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
