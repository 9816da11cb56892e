/* SPDX-License-Identifier: Apache-2.0 */
/* controlcored admin: what a daemon that runs shows over its socket, and what is said when it cannot. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "client.h"
#include "temp.h"

#define WAIT_MS 60000

static struct {
	struct daemon *d;
	char *folder, *socket, *setting;
	const char *env[2];
	struct tenant_fixture one, two;
	struct temp_run last;
} fx;

static int start(void **state)
{
	(void)state;
	fx.folder = temp_folder("cc-admin");
	fx.socket = temp_path(fx.folder, "admin.sock");
	assert_true(asprintf(&fx.setting, "CONTROLCORE_ADMIN_SOCKET=%s", fx.socket) > 0);
	fx.env[0] = fx.setting;
	fx.d = daemon_start(&(struct daemon_options){ .env = fx.env });
	fixture_tenant(fx.d, "first", NULL, "us-east-1", NULL, &fx.one);
	fixture_tenant(fx.d, "second", NULL, "eu-west-1", NULL, &fx.two);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	if (fx.last.out != NULL)
		temp_run_free(&fx.last);
	daemon_finish(fx.d);
	free(fx.setting);
	free(fx.socket);
	temp_remove(fx.folder);
	return 0;
}

static const struct temp_run *run_with(const char *const *env, const char *const *args)
{
	const char *argv[16] = { getenv("CC_BIN"), "admin" };

	for (size_t i = 0; i < 12 && args[i] != NULL; i++)
		argv[i + 2] = args[i];
	if (fx.last.out != NULL)
		temp_run_free(&fx.last);
	fx.last = temp_run(argv, env, WAIT_MS);
	return &fx.last;
}
#define ADMIN(...) run_with(NULL, (const char *const[]){ __VA_ARGS__, NULL })
#define ASK(...) ADMIN(__VA_ARGS__, "--socket", fx.socket)

static void expect(int status, const char *in_out, const char *in_err, const struct temp_run *r)
{
	if (r->status != status || (in_out != NULL && strstr(r->out, in_out) == NULL) ||
	    (in_err != NULL && strstr(r->err, in_err) == NULL))
		fail_msg("expected %d, %s, %s\ngot %d\nout: %s\nerr: %s", status,
			 in_out != NULL ? in_out : "", in_err != NULL ? in_err : "", r->status, r->out,
			 r->err);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void tables_are_for_people(void **state)
{
	(void)state;
	expect(0, "ID ", NULL, ASK("tenants"));
	assert_non_null(strstr(fx.last.out, fx.one.id));
	assert_non_null(strstr(fx.last.out, "eu-west-1"));
	assert_int_equal(3, lines(fx.last.out));
	assert_string_equal("", fx.last.err);
	expect(0, fx.two.id, NULL, ASK("tenants", "--region", "eu-west-1"));
	assert_int_equal(2, lines(fx.last.out));
	expect(0, fx.one.id, NULL, ASK("tenants", "--tenant", "first", "--status", "active"));
	assert_int_equal(2, lines(fx.last.out));
	expect(0, "SLUG", NULL, ASK("tenants", "--status", "suspended"));
	assert_int_equal(1, lines(fx.last.out));
	/* The first round makes spare schemas, which takes a while. */
	for (int i = 0; i < 300 && strstr(ASK("jobs")->out, "provisioning") == NULL; i++)
		temp_sleep_ms(50);
	expect(0, "provisioning", NULL, &fx.last);
	expect(0, "change feed", NULL, &fx.last);
	expect(0, "credentials", NULL, ASK("cache"));
	expect(0, "answers", NULL, &fx.last);
	expect(0, "STARTED_AT", NULL, ASK("nodes"));
	assert_int_equal(2, lines(fx.last.out));
	expect(0, "ERROR_CODE", NULL, ASK("outbox"));
	expect(0, "TO_REGION", NULL, ASK("deployments"));
}

static void what_is_cut_off_is_told_of(void **state)
{
	const char *const argv[] = { "curl", "-sS", "--unix-socket", fx.socket,
		"http://localhost/tenants?limit=1", NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);

	(void)state;
	assert_non_null(strstr(r.out, "\"total\":2,"));
	temp_run_free(&r);
	fixture_control(fx.d, "INSERT INTO cc.node (node, version, started_at, seen_at) "
		"SELECT 'many-' || i, '0', now(), now() FROM generate_series(1, 1000) i");
	expect(0, "many-1", "these are 1000 of 1001", ASK("nodes"));
	assert_int_equal(1001, lines(fx.last.out));
	fixture_control(fx.d, "DELETE FROM cc.node WHERE node LIKE 'many-%'");
	expect(64, NULL, "`region` must be one that is served here", ASK("tenants", "--region", "moon"));
}

static void tables_that_are_lost_are_no_success(void **state)
{
	const char *const argv[] = { "sh", "-c", "exec \"$CC_BIN\" admin tenants --socket \"$1\" >/dev/full",
		"sh", fx.socket, NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);

	(void)state;
	assert_int_equal(73, r.status);
	temp_run_free(&r);
}

static json_t *json_of(const struct temp_run *r, const char *list)
{
	json_t *whole = json_loads(r->out, 0, NULL), *rows;

	expect(0, NULL, NULL, r);
	assert_non_null(whole);
	rows = json_incref(json_object_get(whole, list));
	assert_true(json_is_array(rows));
	json_decref(whole);
	return rows;
}

static void json_is_for_programs(void **state)
{
	json_t *rows = json_of(ASK("tenants", "--json"), "tenants");

	(void)state;
	assert_int_equal(2, json_array_size(rows));
	assert_string_equal("active", json_string_value(json_object_get(json_array_get(rows, 0), "status")));
	json_decref(rows);
	json_decref(json_of(ASK("deployments", "--json"), "deployments"));
	json_decref(json_of(ASK("jobs", "--json"), "jobs"));
	json_decref(json_of(ASK("outbox", "--json"), "calls"));
	json_decref(json_of(ASK("nodes", "--json"), "nodes"));
	json_decref(json_of(ASK("cache", "--json"), "caches"));
}

/* As the settings name it. */
static void the_settings_say_where_it_is(void **state)
{
	const char *const args[] = { "tenants", "--config", daemon_config_path(fx.d), NULL };

	(void)state;
	expect(0, fx.one.id, NULL, run_with(fx.env, args));
	expect(78, NULL, "admin.socket", run_with(NULL, args));
}

/* Whoever may open the socket need not be able to read secrets, nor have the rest in order. */
static void of_the_settings_no_more_is_needed(void **state)
{
	char *path = temp_path(fx.folder, "settings.conf"), *text = NULL;
	const char *const args[] = { "nodes", "--config", path, NULL };

	(void)state;
	assert_true(asprintf(&text, "admin = { socket = \"%s\"; };\n"
		"secrets = { pepper_file = \"/nonexistent\"; };\n", fx.socket) > 0);
	temp_write(path, text);
	expect(0, "STARTED_AT", NULL, run_with(NULL, args));
	temp_write(path, "admin = { socket = 5; };\n");
	expect(78, NULL, "admin.socket", run_with(NULL, args));
	free(text);
	free(path);
}

static void a_move_is_followed_to_its_end(void **state)
{
	struct client *c = client_operator(fx.d);
	char path[120];

	(void)state;
	snprintf(path, sizeof(path), "/tenants/%s/deploy", fx.one.id);
	assert_status(202, client_post(c, path, "{'region':'eu-west-1','migrate_data':true}"));
	expect(0, " to eu-west-1: ", NULL, ASK("deployments", "--follow"));
	/* What went by, then the table of what was. */
	assert_non_null(strstr(fx.last.out, "TO_REGION"));
	assert_true(strstr(fx.last.out, " to eu-west-1: ") < strstr(fx.last.out, "TO_REGION"));
	assert_null(strchr(fx.last.out, '\r'));
	client_close(c);
}

/* One line, written again and again. */
static void a_terminal_sees_one_line_of_it(void **state)
{
	struct client *c = client_operator(fx.d);
	char path[120], command[600];
	const char *const argv[] = { "script", "-qec", command, "/dev/null", NULL };
	struct temp_run r;

	(void)state;
	snprintf(path, sizeof(path), "/tenants/%s/deploy", fx.two.id);
	assert_status(202, client_post(c, path, "{'region':'us-east-1','migrate_data':true}"));
	snprintf(command, sizeof(command), "%s admin deployments --follow --socket %s", getenv("CC_BIN"),
		 fx.socket);
	r = temp_run(argv, NULL, WAIT_MS);
	expect(0, "\r\033[K", NULL, &r);
	assert_non_null(strstr(r.out, " to us-east-1: "));
	temp_run_free(&r);
	client_close(c);
}

static void nodes_come_and_go(void **state)
{
	const char *second_env[] = { NULL };
	struct daemon *second = daemon_join(fx.d, &(struct daemon_options){ .env = second_env });
	json_t *rows;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 200 && n != 2; i++) {
		temp_sleep_ms(100);
		rows = json_of(ASK("nodes", "--json"), "nodes");
		n = json_array_size(rows);
		json_decref(rows);
	}
	assert_int_equal(2, n);
	daemon_finish(second);
	rows = json_of(ASK("nodes", "--json"), "nodes");
	assert_int_equal(1, json_array_size(rows));
	json_decref(rows);
}

/* A socket that listens, and says nothing; or does not even listen. */
static int silent_socket(const char *path, bool listens)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(0, bind(fd, (const struct sockaddr *)&at, sizeof(at)));
	if (listens)
		assert_int_equal(0, listen(fd, 4));
	return fd;
}

static void what_is_wrong_is_said(void **state)
{
	char *path = temp_path(fx.folder, "other.sock");
	int fd;

	(void)state;
	expect(69, NULL, "there is no such socket", ADMIN("jobs", "--socket", path));
	fd = silent_socket(path, false);
	expect(69, NULL, "nobody listens there", ADMIN("jobs", "--socket", path));
	close(fd);
	unlink(path);
	fd = silent_socket(path, true);
	expect(69, NULL, "did not answer within 10 s", ADMIN("jobs", "--socket", path));
	close(fd);
	unlink(path);
	expect(64, NULL, "status", ASK("tenants", "--status", "asleep"));
	expect(64, NULL, "unknown command: admin", ADMIN("dance"));
	expect(64, NULL, "  admin outbox ", &fx.last);
	expect(64, NULL, "  admin outbox ", run_with(NULL, (const char *const[]){ NULL }));
	expect(0, "  admin outbox ", NULL, ADMIN("--help"));
	expect(64, NULL, "unknown option: --follow", ASK("tenants", "--follow"));
	expect(0, "--follow", NULL, ADMIN("deployments", "--help"));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_for_people),
		cmocka_unit_test(what_is_cut_off_is_told_of),
		cmocka_unit_test(tables_that_are_lost_are_no_success),
		cmocka_unit_test(json_is_for_programs),
		cmocka_unit_test(the_settings_say_where_it_is),
		cmocka_unit_test(of_the_settings_no_more_is_needed),
		cmocka_unit_test(nodes_come_and_go),
		cmocka_unit_test(a_move_is_followed_to_its_end),
		cmocka_unit_test(a_terminal_sees_one_line_of_it),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests_name("admin", tests, start, finish);
}
