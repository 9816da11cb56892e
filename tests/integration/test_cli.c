/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is understood, what it says, how it ends. */
#define _GNU_SOURCE /* asprintf */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "client.h"
#include "daemon.h"
#include "temp.h"

#define WAIT_MS 60000

static struct temp_run last;

/* Runs the program with these arguments; the result lives until the next run. */
static const struct temp_run *run_with(const char *const *env, const char *const *args)
{
	const char *argv[16] = { getenv("CC_BIN") };

	assert_non_null(argv[0]);
	for (size_t i = 0; i < 14 && args[i] != NULL; i++)
		argv[i + 1] = args[i];
	if (last.out != NULL)
		temp_run_free(&last);
	last = temp_run(argv, env, WAIT_MS);
	return &last;
}
#define RUN(...) run_with(NULL, (const char *const[]){ __VA_ARGS__, NULL })

static void expect(int status, const char *in_out, const char *in_err, const struct temp_run *r)
{
	const bool good = r->status == status && (in_out == NULL || strstr(r->out, in_out) != NULL) &&
			  (in_err == NULL || strstr(r->err, in_err) != NULL);

	if (!good) {
		print_error("expected %d, \"%s\", \"%s\"\ngot %d\nout: %s\nerr: %s\n", status,
			in_out != NULL ? in_out : "", in_err != NULL ? in_err : "", r->status, r->out,
			r->err);
		fail();
	}
}

static void help_lists_every_command(void **state)
{
	(void)state;
	expect(0, "operator-key create", NULL, RUN("--help"));
	expect(0, "config check", NULL, RUN("-h"));
	expect(0, "migrate", NULL, RUN("help"));
	expect(0, "78 a setting is not valid", NULL, RUN("--help"));
}

static void help_of_a_command_lists_its_options(void **state)
{
	(void)state;
	expect(0, "--embedded", NULL, RUN("serve", "--help"));
	expect(0, "--dry-run", NULL, RUN("migrate", "-h"));
	expect(0, "--scopes", NULL, RUN("help", "operator-key", "create"));
	assert_null(strstr(last.out, "--listen"));
}

static void wrong_usage_ends_with_64(void **state)
{
	(void)state;
	expect(64, NULL, "no command", run_with(NULL, (const char *const[]){ NULL }));
	expect(64, NULL, "unknown command: dance", RUN("dance"));
	expect(64, NULL, "unknown command: config", RUN("config"));
	expect(64, NULL, "unknown option: --colour", RUN("serve", "--colour", "red"));
	expect(64, NULL, "usage: controlcored serve", RUN("serve", "--colour"));
	expect(64, NULL, "unknown option: --dry-run", RUN("serve", "--dry-run"));
	expect(64, NULL, "unknown option: --dry-run=yes", RUN("migrate", "--dry-run=yes"));
	expect(64, NULL, "unexpected argument: now", RUN("version", "now"));
	expect(64, NULL, "this option needs a value: --config", RUN("serve", "--config"));
	expect(64, NULL, "this option needs a value: --config", RUN("serve", "--config="));
	expect(64, NULL, "this option is there twice: --config",
		RUN("serve", "--config", "a", "--config", "b"));
}

static void version_is_printed(void **state)
{
	(void)state;
	expect(0, "controlcored 0.", NULL, RUN("version"));
	expect(0, "controlcored 0.", NULL, RUN("--version"));
}

static void openapi_is_json(void **state)
{
	(void)state;
	expect(0, "\"openapi\"", NULL, RUN("openapi"));
	json_t *doc = json_loads(last.out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(doc);
	assert_string_equal("3.1.0", json_string_value(json_object_get(doc, "openapi")));
	assert_non_null(json_object_get(json_object_get(doc, "paths"), "/api/v1/tenants"));
	json_decref(doc);
}

static void tables_of_routes_errors_and_settings_are_markdown(void **state)
{
	(void)state;
	expect(0, "/tenants", NULL, RUN("routes"));
	assert_non_null(strchr(last.out, '|'));
	expect(0, "quota_exceeded", NULL, RUN("errors"));
	assert_null(strstr(last.out, "need_load"));
	expect(0, "| `poll_ms` | `500` |", NULL, RUN("settings"));
	assert_non_null(strstr(last.out, "\n## regions\n"));
	assert_non_null(strstr(last.out, "| `pepper`, a secret | required |"));
}

static void bad_settings_are_said_before_an_instance_is_made(void **state)
{
	static const char *const bad_port[] = { "CONTROLCORE_SERVER_WORKERS=none", NULL };
	char *folder = temp_folder("cli"), *dir = temp_path(folder, "v");

	(void)state;
	expect(78, NULL, "\n--listen: server.address: must be an IPv4 or IPv6 address",
		RUN("serve", "--embedded", dir, "--listen", "1.2.3:99"));
	expect(78, NULL, "nothing was done",
		RUN("serve", "--embedded", dir, "--listen", "localhost:99"));
	expect(78, NULL, "server.workers: expected",
		run_with(bad_port, (const char *const[]){ "serve", "--embedded", dir, NULL }));
	assert_int_equal(-1, access(dir, F_OK));
	free(dir);
	temp_remove(folder);
}

static void bad_settings_end_with_78_and_start_nothing(void **state)
{
	char *folder = temp_folder("cli"), *conf = temp_path(folder, "c.conf");

	(void)state;
	temp_write(conf, "server = {\n port = 99999;\n};\n");
	expect(78, NULL, "c.conf:2: server.port: expected an integer from 0 to 65535, found \"99999\"",
		RUN("config", "check", "--config", conf));
	expect(78, NULL, "control.conninfo: is required", RUN("serve", "--config", conf));
	expect(78, NULL, "nothing was done", RUN("migrate", "--config", conf));
	expect(78, NULL, "/nonexistent.conf: cannot be read",
		RUN("config", "check", "--config", "/nonexistent.conf"));
	free(conf);
	temp_remove(folder);
}

static void misspelt_variable_ends_with_78(void **state)
{
	static const char *const env[] = { "CONTROLCORE_SERVER_PROT=1", "CONTROLCORE_FOO_BAR=1",
		"CONTROLCORE_REGIONS_MARS_CONNINFO=x", NULL };

	(void)state;
	expect(78, NULL, "environment CONTROLCORE_SERVER_PROT: server: unknown setting",
		run_with(env, (const char *const[]){ "config", "check", NULL }));
	assert_non_null(strstr(last.err, "environment CONTROLCORE_FOO_BAR: unknown section"));
	assert_non_null(strstr(last.err, "CONTROLCORE_REGIONS_MARS_CONNINFO: regions: unknown region"));
}

static void valid_settings_are_said_to_be_valid(void **state)
{
	static const char *const env[] = { "CONTROLCORE_CONTROL_CONNINFO=dbname=x",
		"CONTROLCORE_REGIONS_US_EAST_1_CONNINFO=dbname=y",
		"CONTROLCORE_SECRETS_PEPPER=0123456789abcdef0123456789abcdef",
		"CONTROLCORE_SECRETS_AUDIT_KEY=fedcba9876543210fedcba9876543210",
		"CONTROLCORE_SECRETS_SIGNING_KEY=0123456789abcdeffedcba9876543210", NULL };

	(void)state;
	expect(0, "the settings are valid: 1 region, 3 plans", NULL,
		run_with(env, (const char *const[]){ "config", "check", NULL }));
}

/* sh -c "exec CONTROLCORED how" */
static int run_as(const char *how)
{
	char *command = NULL;
	int status;

	assert_true(asprintf(&command, "exec \"$CC_BIN\" %s", how) > 0);
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	status = r.status;
	temp_run_free(&r);
	free(command);
	return status;
}

static void output_that_is_lost_is_no_success(void **state)
{
	static const char *const commands[] = { "version", "--help", "help serve", "serve --help", "openapi",
		"settings", "config example", "manual program" };
	char how[80];

	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		snprintf(how, sizeof how, "%s >/dev/full", commands[i]);
		assert_int_equal(73, run_as(how));
		snprintf(how, sizeof how, "%s >&-", commands[i]);
		assert_int_equal(73, run_as(how));
		snprintf(how, sizeof how, "%s >/dev/null", commands[i]);
		assert_int_equal(0, run_as(how));
	}
	/* What went wrong before counts more. */
	assert_int_equal(64, run_as("dance >/dev/full"));
}

/* Why a daemon does not start is an error there too, and a line like any other. */
static void journal_knows_why_nothing_started(void **state)
{
	static const char script[] = "exec 2>\"$1\"; JOURNAL_STREAM=$(stat -c %d:%i \"$1\"); "
		"export JOURNAL_STREAM; exec \"$CC_BIN\" serve --config \"$2\"";
	char *folder = temp_folder("cli"), *log = temp_path(folder, "log"), *conf = temp_path(folder, "conf");
	const char *const argv[] = { "sh", "-c", script, "sh", log, conf, NULL };
	struct temp_run r;
	char *text, *line, *rest;
	int n = 0;

	(void)state;
	temp_write(conf, "server = { port = \"x\"; };\n");
	r = temp_run(argv, NULL, WAIT_MS);
	assert_int_equal(78, r.status);
	rest = text = temp_read(log);
	while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
		json_t *j = strncmp(line, "<3>", 3) == 0 ? json_loads(line + 3, 0, NULL) : NULL;

		if (j == NULL)
			fail_msg("%s", line);
		json_decref(j);
		n++;
	}
	assert_true(n > 1);
	assert_string_equal("", r.err);
	temp_run_free(&r);
	free(text);
	free(log);
	free(conf);
	temp_remove(folder);
}

static void terminals_are_not_told_what_to_do(void **state)
{
	const struct temp_run *r = RUN("admin", "nodes", "--socket", "/nonexistent/\x1b[2J\xc2\x9b" "2J");

	(void)state;
	assert_int_equal(69, r->status);
	assert_null(strchr(r->err, 0x1b));
	assert_null(strstr(r->err, "\xc2\x9b"));
}

static void descriptor_is_null(pid_t pid, int fd)
{
	char path[64], to[64] = "";
	const int64_t end = temp_now_ms() + WAIT_MS;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
	while (strcmp(to, "/dev/null") != 0) {
		const ssize_t n = readlink(path, to, sizeof to - 1);

		to[n > 0 ? n : 0] = '\0';
		if (temp_now_ms() > end)
			fail_msg("descriptor %d leads to %s", fd, to);
		temp_sleep_ms(10);
	}
}

/* A log line must not end up in a database, a lock or a socket that happened to get its number. */
static void closed_descriptors_become_nobody_elses(void **state)
{
	const char *const argv[] = { "sh", "-c",
		"exec \"$CC_BIN\" serve --listen 127.0.0.1:0 <&- >&- 2>&-", NULL };
	static const char *const env[] = { "CONTROLCORE_CONTROL_CONNINFO=host=/nonexistent dbname=x",
		"CONTROLCORE_REGIONS_US_EAST_1_CONNINFO=host=/nonexistent dbname=y",
		"CONTROLCORE_SECRETS_PEPPER=0123456789abcdef0123456789abcdef",
		"CONTROLCORE_SECRETS_AUDIT_KEY=fedcba9876543210fedcba9876543210",
		"CONTROLCORE_SECRETS_SIGNING_KEY=0123456789abcdeffedcba9876543210", NULL };
	const pid_t pid = temp_spawn(argv, env, "/dev/null", SIGKILL);

	(void)state;
	temp_sleep_ms(500);
	for (int fd = 0; fd < 3; fd++)
		descriptor_is_null(pid, fd);
	kill(pid, SIGTERM);
	assert_int_equal(128 + SIGTERM, temp_wait(pid, WAIT_MS));
}

static void away_database_ends_with_69(void **state)
{
	static const char *const env[] = { "CONTROLCORE_CONTROL_CONNINFO=host=/nonexistent dbname=x",
		"CONTROLCORE_CONTROL_WAIT_S=0",
		"CONTROLCORE_REGIONS_US_EAST_1_CONNINFO=host=/nonexistent dbname=y",
		"CONTROLCORE_SECRETS_PEPPER=0123456789abcdef0123456789abcdef",
		"CONTROLCORE_SECRETS_AUDIT_KEY=fedcba9876543210fedcba9876543210",
		"CONTROLCORE_SECRETS_SIGNING_KEY=0123456789abcdeffedcba9876543210", NULL };

	(void)state;
	expect(69, NULL, "cannot be reached", run_with(env, (const char *const[]){ "serve", NULL }));
	expect(69, NULL, "cannot be reached", run_with(env, (const char *const[]){ "migrate", NULL }));
}

static void commands_need_a_running_embedded_instance(void **state)
{
	char *folder = temp_folder("cli");

	(void)state;
	expect(69, NULL, "no controlcored serves", RUN("migrate", "--embedded", folder));
	expect(69, NULL, "start it with: controlcored serve --embedded",
		RUN("config", "check", "--embedded", folder));
	expect(69, NULL, "No such file or directory", RUN("migrate", "--embedded", "/nonexistent/x"));
	temp_remove(folder);
}

static void operator_key_needs_a_terminal_or_a_new_file(void **state)
{
	char *folder = temp_folder("cli"), *file = temp_path(folder, "key");

	(void)state;
	expect(64, NULL, "--output FILE", RUN("operator-key", "create"));
	temp_write(file, "mine");
	expect(73, NULL, "exists already", RUN("operator-key", "create", "--output", file));
	expect(73, NULL, "no file can be made in /nonexistent: No such file",
	       RUN("operator-key", "create", "--output", "/nonexistent/key"));
	char *kept = temp_read(file);
	assert_string_equal("mine", kept);
	free(kept);
	free(file);
	temp_remove(folder);
}

/* --- With a daemon's databases -------------------------------------------------------------------- */

static void operator_key_is_written_once_and_works(void **state)
{
	struct daemon *d = *state;
	char *file = temp_path(daemon_folder(d), "first.key");
	struct stat st;

	expect(0, NULL, NULL,
		RUN("operator-key", "create", "--config", daemon_config_path(d), "--scopes", "platform:read",
			"--output", file));
	assert_string_equal("", last.out);
	assert_int_equal(0, stat(file, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	char *key = temp_read(file);
	key[strcspn(key, "\n")] = '\0';
	struct client *c = client_open(daemon_port(d));
	client_key(c, key);
	assert_status(200, client_get(c, "/tenants"));
	assert_error(403, "insufficient_scope", client_post(c, "/tenants", "{}"));
	client_close(c);
	free(key);
	free(file);
}

static void unknown_scope_is_refused_with_the_list(void **state)
{
	struct daemon *d = *state;
	char *file = temp_path(daemon_folder(d), "never.key");

	expect(64, NULL, "unknown scope platform:fly",
		RUN("operator-key", "create", "--config", daemon_config_path(d), "--scopes", "platform:fly",
			"--output", file));
	assert_non_null(strstr(last.err, "platform:tenants"));
	assert_int_not_equal(0, access(file, F_OK));
	free(file);
}

static void migrate_on_a_current_database_changes_nothing(void **state)
{
	struct daemon *d = *state;

	expect(0, "would apply: control 0, regions 0, tenants 0", NULL,
		RUN("migrate", "--dry-run", "--config", daemon_config_path(d)));
	expect(0, "applied: control 0, regions 0, tenants 0", NULL,
		RUN("migrate", "--config", daemon_config_path(d)));
}

static void taken_port_is_said_so(void **state)
{
	struct daemon *d = *state;
	char listen[32];

	snprintf(listen, sizeof listen, "127.0.0.1:%d", daemon_port(d));
	expect(69, NULL, "cannot listen",
		RUN("serve", "--config", daemon_config_path(d), "--listen", listen));
	expect(78, NULL, "\n--listen: server.port: expected an integer from 0 to 65535, found \"here\"; --l",
		RUN("serve", "--config", daemon_config_path(d), "--listen", "here"));
	expect(78, NULL, "\n--listen: server.port: expected an integer from 0 to 65535, found \"[::1]\"; --l",
		RUN("serve", "--config", daemon_config_path(d), "--listen", "[::1]"));
	assert_null(strstr(last.err, "server.address"));
	/* Nothing was made for it. */
	char *folder = temp_folder("cli"), *dir = temp_path(folder, "v");
	expect(69, NULL, "nothing was started", RUN("serve", "--embedded", dir, "--listen", listen));
	assert_int_equal(-1, access(dir, F_OK));
	free(dir);
	temp_remove(folder);
}

static void the_log_says_what_is_weak_and_no_secret(void **state)
{
	struct daemon *d = *state;
	char *log = temp_read(daemon_log_path(d)), path[64];

	/* None is configured here. */
	assert_non_null(strstr(log, "domains are proven by what a single resolver says"));
	assert_null(strstr(log, "a pepper for tests"));
	assert_null(strstr(log, daemon_operator_key(d)));
	free(log);
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)daemon_pid(d));
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	char args[4096] = "";
	const size_t n = fread(args, 1, sizeof args - 1, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		args[i] = args[i] == '\0' ? ' ' : args[i];
	assert_non_null(strstr(args, "serve --config"));
	assert_null(strstr(args, "pepper"));
}

static int start(void **state)
{
	*state = daemon_start(&(struct daemon_options){ .spare_schemas = -1 });
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_lists_every_command),
		cmocka_unit_test(help_of_a_command_lists_its_options),
		cmocka_unit_test(wrong_usage_ends_with_64),
		cmocka_unit_test(version_is_printed),
		cmocka_unit_test(openapi_is_json),
		cmocka_unit_test(tables_of_routes_errors_and_settings_are_markdown),
		cmocka_unit_test(bad_settings_are_said_before_an_instance_is_made),
		cmocka_unit_test(bad_settings_end_with_78_and_start_nothing),
		cmocka_unit_test(misspelt_variable_ends_with_78),
		cmocka_unit_test(valid_settings_are_said_to_be_valid),
		cmocka_unit_test(output_that_is_lost_is_no_success),
		cmocka_unit_test(journal_knows_why_nothing_started),
		cmocka_unit_test(terminals_are_not_told_what_to_do),
		cmocka_unit_test(closed_descriptors_become_nobody_elses),
		cmocka_unit_test(away_database_ends_with_69),
		cmocka_unit_test(commands_need_a_running_embedded_instance),
		cmocka_unit_test(operator_key_needs_a_terminal_or_a_new_file),
		cmocka_unit_test(operator_key_is_written_once_and_works),
		cmocka_unit_test(unknown_scope_is_refused_with_the_list),
		cmocka_unit_test(migrate_on_a_current_database_changes_nothing),
		cmocka_unit_test(taken_port_is_said_so),
		cmocka_unit_test(the_log_says_what_is_weak_and_no_secret),
	};
	const int failed = cmocka_run_group_tests(tests, start, daemon_group_teardown);

	if (last.out != NULL)
		temp_run_free(&last);
	return failed;
}
