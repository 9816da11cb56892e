/* SPDX-License-Identifier: Apache-2.0 */
/* serve --embedded: what it makes, for whom, and that it stays. */
#define _GNU_SOURCE /* asprintf */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "instance.h"
#include "temp.h"

static void first_start_makes_everything(void **state)
{
	struct instance *in = *state;
	struct stat st;

	instance_launch(in);
	assert_int_equal(0711, instance_mode(in, "."));
	assert_int_equal(0600, instance_mode(in, "operator.key"));
	assert_int_equal(0700, instance_mode(in, "secrets"));
	assert_int_equal(0600, instance_mode(in, "secrets/pepper"));
	assert_int_equal(0600, instance_mode(in, "secrets/audit_key"));
	assert_int_equal(0600, instance_mode(in, "secrets/signing_key"));
	assert_int_equal(0600, instance_mode(in, "secrets/role_secret"));
	assert_int_equal(0700, instance_mode(in, "log"));
	struct client *c = client_open(in->port);
	assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL));
	client_close(c);
	/* Every region of the spec has a database. */
	instance_tenant(in, "north", "eu-north-1");
	instance_tenant(in, "south", "ap-south-1");
	instance_expect(in, "north");
	char *out = temp_read(in->out), *key = instance_key(in);
	assert_null(strstr(out, key));
	assert_non_null(strstr(out, "curl -sS \"$API/tenants\""));
	free(out);
	free(key);
	instance_stop(in);
	/* The data is nobody else's. */
	char *data = temp_path(in->dir, "postgres");
	assert_int_equal(0, stat(data, &st));
	assert_int_equal(0700, st.st_mode & 07777);
	free(data);
}

static void printed_session_can_be_pasted(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	char *out = temp_read(in->out), *script = temp_path(in->folder, "session.sh");
	char *start = strstr(out, "  API="), *end = strstr(out, "Ctrl-C");
	assert_non_null(start);
	assert_non_null(end);
	*end = '\0';
	temp_write(script, start);
	const char *const argv[] = { "sh", "-e", script, NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	if (r.status != 0 || strstr(r.out, "\"id\":\"tenant-acme-") == NULL ||
		strstr(r.out, "first-policy") == NULL || strstr(r.out, "\"total\":1") == NULL ||
		strstr(r.out, "\"error\"") != NULL) {
		print_error("status %d\n%s\n%s\n", r.status, r.out, r.err);
		fail();
	}
	temp_run_free(&r);
	free(out);
	free(script);
	instance_stop(in);
}

/* Keys would be refused there: nobody is given commands that cannot work. */
static void an_open_port_is_told_instead(void **state)
{
	struct instance *in = *state;

	in->listen = "0.0.0.0:0";
	instance_launch(in);
	char *out = temp_read(in->out);
	assert_null(strstr(out, "curl"));
	assert_non_null(strstr(out, "To try it on this machine:    --listen 127.0.0.1:"));
	assert_non_null(strstr(out, "docs/deploy/README.md"));
	assert_non_null(strstr(out, "keys are refused: other machines reach the port"));
	free(out);
	instance_stop(in);
}

static void data_and_key_stay_over_a_restart(void **state)
{
	struct instance *in = *state;

	instance_launch(in);
	char *key = instance_key(in);
	instance_tenant(in, "keeper", "us-east-1");
	instance_stop(in);
	instance_launch(in);
	char *again = instance_key(in);
	assert_string_equal(key, again);
	instance_expect(in, "keeper");
	free(key);
	free(again);
	instance_stop(in);
}

static void children_are_not_root_and_inherit_nothing(void **state)
{
	struct instance *in = *state;
	pid_t pid[PIDS_MAX];
	struct stat st;
	char path[64];

	instance_launch(in);
	const pid_t supervisor = instance_supervisor(in);
	const int n = instance_find(in->dir, "", pid);
	assert_true(n >= 3);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "/proc/%d", (int)pid[i]);
		if (stat(path, &st) == 0)
			assert_int_not_equal(0, getuid() == 0 ? st.st_uid : 1);
	}
	/* No environment of ours, and no lock or channel of the supervisor. */
	const pid_t postgres = instance_child_of(supervisor, "postgres");
	assert_true(postgres > 0);
	snprintf(path, sizeof path, "/proc/%d/environ", (int)postgres);
	char *environment = temp_read(path);
	assert_non_null(environment);
	assert_null(strstr(environment, "CONTROLCORE"));
	free(environment);
	snprintf(path, sizeof path, "/proc/%d/fd", (int)postgres);
	DIR *fds = opendir(path);
	assert_non_null(fds);
	for (struct dirent *e; (e = readdir(fds)) != NULL;) {
		char target[4096] = "";

		if (readlinkat(dirfd(fds), e->d_name, target, sizeof target - 1) > 0) {
			assert_null(strstr(target, "/lock"));
			assert_null(strstr(target, "supervisor.lock"));
		}
	}
	closedir(fds);
	instance_stop(in);
}

/* The flags of every descriptor of the daemon and its supervisor, standard ones apart. */
static void every_descriptor_is_closed_on_exec(void **state)
{
	struct instance *in = *state;
	pid_t pids[2];

	instance_launch(in);
	pids[0] = in->pid;
	pids[1] = instance_supervisor(in);
	for (int i = 0; i < 2; i++) {
		char path[300], info[1024];

		snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)pids[i]);
		DIR *fds = opendir(path);
		if (fds == NULL) { /* a release forbids looking to all but root */
			print_message("# skip: %s cannot be read\n", path);
			skip();
		}
		for (struct dirent *e; (e = readdir(fds)) != NULL;) {
			if (!isdigit((unsigned char)e->d_name[0]) || strtol(e->d_name, NULL, 10) < 3)
				continue;
			snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pids[i], e->d_name);
			FILE *f = fopen(path, "re");
			const size_t n = f != NULL ? fread(info, 1, sizeof info - 1, f) : 0;
			info[n] = '\0';
			if (f != NULL)
				fclose(f);
			const char *flags = strstr(info, "flags:");
			if (flags != NULL && (strtol(flags + 6, NULL, 8) & O_CLOEXEC) == 0) {
				print_error("descriptor %s of process %d stays open over exec\n", e->d_name,
					(int)pids[i]);
				fail();
			}
		}
		closedir(fds);
	}
	instance_stop(in);
}

static void second_instance_is_refused(void **state)
{
	struct instance *in = *state;
	const char *const argv[] = { getenv("CC_BIN"), "serve", "--embedded", in->dir, "--listen",
		"127.0.0.1:0", NULL };

	instance_launch(in);
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	assert_int_equal(75, r.status);
	assert_non_null(strstr(r.err, "already serves"));
	temp_run_free(&r);
	/* The first one did not notice. */
	instance_tenant(in, "steady", "us-east-1");
	instance_stop(in);
}

static void commands_find_the_running_instance(void **state)
{
	struct instance *in = *state;
	char *file = temp_path(in->folder, "second.key");
	const char *const key_argv[] = { getenv("CC_BIN"), "operator-key", "create", "--embedded", in->dir,
		"--output", file, NULL };
	const char *const migrate_argv[] = { getenv("CC_BIN"), "migrate", "--dry-run", "--embedded", in->dir,
		NULL };

	instance_launch(in);
	struct temp_run r = temp_run(key_argv, NULL, WAIT_MS);
	assert_int_equal(0, r.status);
	temp_run_free(&r);
	char *key = temp_read(file);
	key[strcspn(key, "\n")] = '\0';
	struct client *c = client_open(in->port);
	client_key(c, key);
	assert_status(200, client_get(c, "/tenants"));
	client_close(c);
	r = temp_run(migrate_argv, NULL, WAIT_MS);
	assert_int_equal(0, r.status);
	assert_non_null(strstr(r.out, "control 0, regions 0"));
	temp_run_free(&r);
	free(key);
	free(file);
	instance_stop(in);
}

/* Databases of its PostgreSQL; three are there before any is made. */
static int databases(const struct instance *in)
{
	char *path = temp_path(in->dir, "postgres/base");
	DIR *base = opendir(path);
	int n = 0;

	free(path);
	for (struct dirent *e; base != NULL && (e = readdir(base)) != NULL;)
		n += e->d_name[0] != '.';
	if (base != NULL)
		closedir(base);
	return n;
}

/* Its databases end with it, and not some time after it. */
static void first_start_can_be_cut_off(void **state)
{
	struct instance *in = *state;

	instance_launch_in(in, in->dir);
	for (const int64_t end = temp_now_ms() + WAIT_MS; databases(in) <= 3; temp_sleep_ms(5))
		assert_true(temp_now_ms() < end);
	kill(in->pid, SIGTERM);
	assert_int_equal(128 + SIGTERM, temp_wait(in->pid, WAIT_MS));
	in->pid = 0;
	assert_int_equal(0, instance_count(in));
	char *out = temp_read(in->out);
	assert_null(strstr(out, "databases are up to date"));
	assert_null(strstr(out, "cannot be set up"));
	free(out);
	instance_launch(in);
	instance_tenant(in, "second", "us-east-1");
	instance_stop(in);
}

/* The short folder that this instance has its sockets in, malloc'ed; NULL: there is none now. */
static char *short_folder(const struct instance *in)
{
	char *path = temp_path(in->dir, "postgres/postmaster.pid"), *text = temp_read(path);
	char *found = NULL, *line;

	free(path);
	/* The fifth line of PostgreSQL's own file. */
	line = text;
	for (int i = 1; i < 5 && line != NULL; i++) {
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	if (line != NULL)
		found = strndup(line, strcspn(line, "\n"));
	free(text);
	return found;
}

/* Neither a clean end nor the one after a crash leaves the folder of the sockets. */
static void long_path_gets_short_sockets(void **state)
{
	struct instance *in = *state;
	char *deep = NULL, *run;

	assert_true(asprintf(&deep, "%s/%0100d/with a blank", in->folder, 7) > 0);
	free(in->dir);
	in->dir = deep;
	instance_launch(in);
	run = short_folder(in);
	assert_non_null(run);
	assert_memory_equal("/tmp/cc-", run, 8);
	assert_int_equal(0, access(run, F_OK));
	instance_tenant(in, "deep", "us-east-1");
	instance_stop(in);
	assert_int_equal(-1, access(run, F_OK));
	instance_launch(in);
	kill(in->pid, SIGSTOP);
	kill(instance_supervisor(in), SIGKILL);
	instance_kill(in);
	instance_await_none(in);
	assert_int_equal(0, access(run, F_OK));
	instance_launch(in);
	instance_expect(in, "deep");
	instance_stop(in);
	assert_int_equal(-1, access(run, F_OK));
	/* A killed daemon's supervisor stops by itself, and cleans up. */
	instance_launch(in);
	instance_kill(in);
	for (int64_t end = temp_now_ms() + WAIT_MS; access(run, F_OK) == 0; temp_sleep_ms(20))
		assert_true(temp_now_ms() < end);
	free(run);
}

static void closed_folder_moves_the_data_and_says_so(void **state)
{
	struct instance *in = *state;

	if (getuid() != 0) {
		print_message("# skip: only root runs PostgreSQL as another user\n");
		skip();
	}
	char *closed = temp_path(in->folder, "closed");
	assert_int_equal(0, mkdir(closed, 0700));
	free(in->dir);
	in->dir = temp_path(closed, "var");
	instance_launch(in);
	char *out = temp_read(in->out);
	char *place = strstr(out, "the data is in /var/lib/controlcored/");
	assert_non_null(place);
	place += strlen("the data is in ");
	place[strcspn(place, "\n")] = '\0';
	instance_tenant(in, "moved", "us-east-1");
	kill(in->pid, SIGTERM);
	assert_int_equal(0, temp_wait(in->pid, WAIT_MS));
	in->pid = 0;
	instance_launch(in);
	instance_expect(in, "moved");
	instance_stop(in);
	temp_remove(strdup(place));
	free(out);
	free(closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			first_start_makes_everything, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			first_start_can_be_cut_off, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			printed_session_can_be_pasted, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			an_open_port_is_told_instead, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			data_and_key_stay_over_a_restart, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			children_are_not_root_and_inherit_nothing, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			every_descriptor_is_closed_on_exec, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			second_instance_is_refused, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			commands_find_the_running_instance, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			long_path_gets_short_sockets, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			closed_folder_moves_the_data_and_says_so, instance_setup, instance_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
