/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM under load: the daemon ends with status 0, and whatever request it took up has its whole answer.
 * What it did not take up has no answer, and never happened.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "load.h"
#include "temp.h"

enum { ROUNDS = 3, ROUNDS_LONG = 150, PROGRESS = 10, LOAD_MS = 100, END_MS = 60000, WRITERS = 4 };

static struct crash crash;
static struct load *load;

static int start(void **state)
{
	static const struct load_rules rules = { .breaks = true, .unavailable = true };

	crash = (struct crash){ 0 };
	crash_start(&crash,
		&(struct daemon_options){ .spare_schemas = 1, .undo_window_s = 1, .provision_lease_s = 2 });
	load = load_create(&crash, &rules);
	*state = &crash;
	return 0;
}

static int stop(void **state)
{
	load_destroy(load);
	crash_stop(*state);
	return 0;
}

static size_t log_size(struct crash *x)
{
	char *log = temp_read(daemon_log_path(x->d));
	const size_t n = log != NULL ? strlen(log) : 0;

	free(log);
	return n;
}

/* Lines of requests that ended otherwise than with an answer of ours; each is told. */
static int unanswered_lines(const char *log)
{
	int n = 0;

	for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		json_t *o = json_loadb(line, strcspn(line, "\n"), 0, NULL);
		const char *code = json_string_value(json_object_get(o, "code"));

		if (code != NULL && strcmp(code, "client_gone") == 0) {
			print_error("%.*s\n", (int)strcspn(line, "\n"), line);
			n++;
		}
		json_decref(o);
	}
	return n;
}

static void stop_and_wait(struct crash *x)
{
	kill(daemon_pid(x->d), SIGTERM);
	assert_int_equal(0, daemon_await_end(x->d, END_MS));
}

/* The request that a client got no answer to: nobody took it up, so it left no trace. */
static void expect_no_trace(struct crash *x, const struct load_client *c, const char *log)
{
	char *schema, id[48];

	if (c->unanswered[0] == '\0')
		return;
	snprintf(id, sizeof(id), "\"%s\"", c->unanswered);
	if (strstr(log, id) != NULL)
		fail_msg("%s was taken up and not answered", c->unanswered);
	schema = strdup(crash_schema(x, c->t.id));
	assert_int_equal(
		0, crash_number(x, "us-east-1", "SELECT count(*) FROM %s.audit WHERE request_id = '%s'",
			   schema, c->unanswered));
	assert_int_equal(
		0, crash_number(x, NULL, "SELECT count(*) FROM cc.tenant_audit WHERE request_id = '%s'",
			   c->unanswered));
	free(schema);
}

static void every_request_taken_up_is_answered(void **state)
{
	struct crash *x = *state;

	for (int i = 0; i < (x->full ? ROUNDS_LONG : ROUNDS); i++) {
		const size_t before = log_size(x);

		x->rounds++;
		load_start(load);
		load_await_progress(load, PROGRESS);
		temp_sleep_ms((int)crash_pick(x, LOAD_MS));
		stop_and_wait(x);
		load_stop(load);
		char *log = temp_read(daemon_log_path(x->d));
		assert_int_equal(0, unanswered_lines(log + before));
		for (int k = 0; k < LOAD_CLIENTS; k++)
			expect_no_trace(x, &load->client[k], log + before);
		free(log);
		crash_restart(x);
		crash_settle(x);
		whole_check(x);
		ledger_check(load, true);
	}
	assert_true(atomic_load(&load->acknowledged) > 0);
}

/* Requests that are being worked on ------------------------------------------------------------------- */

struct writer {
	struct client *c;
	pthread_t thread;
	int index, status;
	atomic_bool done;
	char error[80];
};

static void *write_one(void *arg)
{
	struct writer *w = arg;
	const struct answer *a =
		client_post(w->c, "/policies", "{'name':'late-%d','rego_code':'package p'}", w->index);

	w->status = a->status;
	snprintf(w->error, sizeof(w->error), "%s", a->error != NULL ? a->error : "");
	atomic_store(&w->done, true);
	return NULL;
}

static void start_writers(struct crash *x, struct writer writers[WRITERS], const struct tenant_fixture *t)
{
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .c = client_of(x->d, t), .index = i };
		assert_int_equal(0, pthread_create(&writers[i].thread, NULL, write_one, &writers[i]));
	}
	/* Each waits for the head, or has waited as long as a statement may. */
	for (int64_t busy = 0; busy < WRITERS; temp_sleep_ms(1)) {
		busy = crash_number(
			x, NULL, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
		for (int i = 0; i < WRITERS; i++)
			busy += atomic_load(&writers[i].done);
	}
}

static void work_under_way_is_finished(void **state)
{
	struct crash *x = *state;
	struct writer writers[WRITERS];
	struct tenant_fixture t;
	int made = 0;

	fixture_tenant(x->d, "busy", NULL, NULL, NULL, &t);
	char *schema = strdup(crash_schema(x, t.id));
	crash_sql(x, "us-east-1", "BEGIN; SELECT 1 FROM %s.head FOR UPDATE", schema);
	start_writers(x, writers, &t);
	kill(daemon_pid(x->d), SIGTERM);
	temp_sleep_ms(100);
	crash_sql(x, "us-east-1", "COMMIT");
	assert_int_equal(0, daemon_await_end(x->d, END_MS));
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		/* Whoever waited for the lock longer than a statement may was told so. */
		if (writers[i].status != 201 && writers[i].status != 503)
			fail_msg("%d %s", writers[i].status, writers[i].error);
		made += writers[i].status == 201;
		client_close(writers[i].c);
	}
	assert_int_equal(made, crash_number(x, "us-east-1", "SELECT count(*) FROM %s.policies", schema));
	free(schema);
	crash_restart(x);
}

/* A body that is still coming --------------------------------------------------------------------------*/

static int dial(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = 30 };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons((uint16_t)port);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&a, sizeof(a)));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Until this text, NULL: until the end. */
static void receive(int fd, char ret[4096], const char *end)
{
	size_t n = 0;
	ssize_t got = 1;

	ret[0] = '\0';
	while (got > 0 && n < 4095 && (end == NULL || strstr(ret, end) == NULL)) {
		got = recv(fd, ret + n, 4095 - n, 0);
		n += got > 0 ? (size_t)got : 0;
		ret[n] = '\0';
	}
}

static void await_log(struct crash *x, size_t from, const char *text)
{
	for (bool there = false; !there; temp_sleep_ms(5)) {
		char *log = temp_read(daemon_log_path(x->d));

		there = strstr(log + from, text) != NULL;
		free(log);
	}
}

static void a_body_that_is_still_coming_is_waited_for(void **state)
{
	static const char body[] = "{\"name\":\"slow\",\"rego_code\":\"package p\"}";
	struct crash *x = *state;
	struct tenant_fixture t;
	char answer[4096];

	fixture_tenant(x->d, "slow", NULL, NULL, NULL, &t);
	const int fd = dial(daemon_port(x->d));
	assert_true(
		dprintf(fd,
			"POST /api/v1/policies HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
			"Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: "
			"%zu\r\n\r\n",
			t.key, sizeof(body) - 1) > 0);
	receive(fd, answer, "\r\n\r\n");
	assert_memory_equal("HTTP/1.1 100 ", answer, 13);
	const size_t before = log_size(x);
	kill(daemon_pid(x->d), SIGTERM);
	await_log(x, before, "\"stopping\"");
	temp_sleep_ms(100);
	assert_true(daemon_running(x->d));
	assert_true(dprintf(fd, "%s", body) > 0);
	receive(fd, answer, NULL);
	close(fd);
	assert_memory_equal("HTTP/1.1 201 ", answer, 13);
	assert_non_null(strstr(answer, "\"name\":\"slow\""));
	assert_int_equal(0, daemon_await_end(x->d, END_MS));
	crash_restart(x);
	struct client *c = client_of(x->d, &t);
	assert_int(1, client_get(c, "/policies?name=slow"), "total");
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_taken_up_is_answered),
		cmocka_unit_test(work_under_way_is_finished),
		cmocka_unit_test(a_body_that_is_still_coming_is_waited_for),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
