/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a tenant that moves, in a real server that takes signed updates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define GOOD "bW92ZXMgb2YgdGVuYW50cywgc2lnbmVkIGZvciB0ZXN0cw=="
#define BAD "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkgaGFzIGdpdmVu"

enum { START_MS = 20000, MOVE_MS = 90000, RUN_MS = 20000 };

static struct {
	char *folder, *key_file, *env[3];
	int port;
	pid_t knot;
	struct daemon *d;
	struct tenant_fixture t;
	struct client *c;
} s;

static void write_key(const char *secret)
{
	char text[200];

	snprintf(text, sizeof(text), "key \"mover\" { algorithm hmac-sha256; secret \"%s\"; };\n", secret);
	temp_write(s.key_file, text);
}

/* What the server says of a name: "eu-west-1.edge.controlcore.io.", or "". malloc'ed. */
static char *cname_of(const char *name)
{
	char port[16];
	const char *const argv[] = { "dig", "+short", "+time=1", "+tries=1", "@127.0.0.1", "-p", port, name,
		"CNAME", NULL };
	struct temp_run r;
	char *text;

	snprintf(port, sizeof(port), "%d", s.port);
	r = temp_run(argv, NULL, RUN_MS);
	text = strdup(r.status == 0 ? r.out : "");
	assert_non_null(text);
	text[strcspn(text, "\n")] = '\0';
	temp_run_free(&r);
	return text;
}

static void start_knot(void)
{
	char text[1500], *conf = temp_path(s.folder, "knot.conf"), *zone = temp_path(s.folder, "zone");
	char *log = temp_path(s.folder, "knot.log"), *up;
	const char *const argv[] = { "knotd", "-c", conf, NULL };
	const int64_t end = temp_now_ms() + START_MS;
	bool ready = false;

	s.port = temp_port();
	temp_write(zone, "$ORIGIN controlcore.io.\n$TTL 60\n@ SOA ns admin 1 3600 600 86400 60\n@ NS ns\n"
			 "ns A 127.0.0.1\nup CNAME yes.controlcore.io.\n"
			 /* In the way of what the tenant's name is to be. */
			 "named A 192.0.2.1\nnamed AAAA 2001:db8::1\n");
	snprintf(text, sizeof(text),
		"server:\n    rundir: %s\n    listen: 127.0.0.1@%d\ndatabase:\n    storage: %s\n"
		"log:\n  - target: stderr\n    any: info\n"
		"key:\n  - id: mover\n    algorithm: hmac-sha256\n    secret: %s\n"
		"acl:\n  - id: update\n    key: mover\n    action: update\n"
		"zone:\n  - domain: controlcore.io\n    storage: %s\n    file: zone\n    acl: update\n",
		s.folder, s.port, s.folder, GOOD, s.folder);
	temp_write(conf, text);
	s.knot = temp_spawn(argv, NULL, log, SIGKILL);
	while (!ready && temp_now_ms() < end) {
		up = cname_of("up.controlcore.io");
		ready = strcmp(up, "yes.controlcore.io.") == 0;
		free(up);
		temp_sleep_ms(20);
	}
	if (!ready) {
		char *said = temp_read(log);

		fail_msg("knotd: %s", said != NULL ? said : "");
	}
	free(conf);
	free(zone);
	free(log);
}

static char *setting(const char *name, const char *value)
{
	const size_t n = strlen(name) + strlen(value) + 2;
	char *text = malloc(n);

	assert_non_null(text);
	snprintf(text, n, "%s=%s", name, value);
	return text;
}

static int start(void **state)
{
	struct daemon_options options = { .env = (const char *const *)s.env };
	char server[40];

	(void)state;
	s.folder = temp_folder("cc-knot");
	s.key_file = temp_path(s.folder, "tsig.key");
	write_key(GOOD);
	start_knot();
	snprintf(server, sizeof(server), "127.0.0.1:%d", s.port);
	s.env[0] = setting("CONTROLCORE_DNS_SERVER", server);
	s.env[1] = setting("CONTROLCORE_DNS_KEY_FILE", s.key_file);
	s.d = daemon_start(&options);
	fixture_tenant(s.d, "named", NULL, NULL, NULL, &s.t);
	s.c = client_of(s.d, &s.t);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	client_close(s.c);
	daemon_finish(s.d);
	kill(s.knot, SIGTERM);
	temp_wait(s.knot, RUN_MS);
	temp_remove(s.folder);
	free(s.key_file);
	free(s.env[0]);
	free(s.env[1]);
	return 0;
}

static const char *begin(const char *region)
{
	static char id[64];
	char path[160];

	snprintf(path, sizeof(path), "/tenants/%s/deploy", s.t.id);
	snprintf(id, sizeof(id), "%s",
		answer_text(assert_status(202, client_post(s.c, path, "{'region':'%s'}", region)),
			"deployment_id"));
	return id;
}

static const struct answer *look(const char *id)
{
	return assert_status(200, client_get(s.c, "/tenants/%s/deployments/%s", s.t.id, id));
}

static void await_completion(const char *id)
{
	const int64_t end = temp_now_ms() + MOVE_MS;
	const struct answer *a = look(id);

	for (; strcmp(answer_text(a, "status"), "in_progress") == 0 && temp_now_ms() < end; a = look(id))
		temp_sleep_ms(50);
	assert_text("completed", a, "status");
}

static void check_led(const char *target)
{
	static const char *const names[] = { "named.controlcore.io", "named.na.controlcore.io",
		"named.eu.controlcore.io", "named.ap.controlcore.io" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *is = cname_of(names[i]);

		assert_string_equal(target, is);
		free(is);
	}
}

static void names_follow_the_tenant(void **state)
{
	(void)state;
	await_completion(begin("eu-west-1"));
	check_led("eu-west-1.edge.controlcore.io.");
	await_completion(begin("us-east-1"));
	check_led("us-east-1.edge.controlcore.io.");
}

/* The tenant has moved and works; the records come when the server takes them. */
static void a_server_that_refuses_holds_nobody_up(void **state)
{
	const int64_t end = temp_now_ms() + MOVE_MS;
	const struct answer *a;
	const char *id;

	(void)state;
	write_key(BAD);
	id = begin("eu-west-1");
	for (a = look(id); answer_null(a, "error") && temp_now_ms() < end; a = look(id))
		temp_sleep_ms(20);
	assert_text("cleanup", a, "step");
	assert_text("in_progress", a, "progress.dns_update");
	assert_text("service_unavailable", a, "error.code");
	assert_non_null(strstr(answer_text(a, "error.message"), "the DNS server did not take the records"));
	assert_null(strstr(answer_text(a, "error.message"), BAD));
	assert_status(201, client_post(s.c, "/policies", "{'name':'p','rego_code':'package p'}"));
	check_led("us-east-1.edge.controlcore.io.");
	write_key(GOOD);
	await_completion(id);
	check_led("eu-west-1.edge.controlcore.io.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_the_tenant),
		cmocka_unit_test(a_server_that_refuses_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
