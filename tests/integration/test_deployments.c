/* SPDX-License-Identifier: Apache-2.0 */
/* Moves as clients see them: on two nodes, while the tenant works. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "story.h"
#include "temp.h"

#define MOVE_MS 60000

static const char *deployment(struct story *s, const char *id)
{
	static char path[200];

	snprintf(path, sizeof(path), "/tenants/%s/deployments/%s", s->t.id, id);
	return path;
}

static const char *deploy(struct story *s, const char *region, const char *more)
{
	static char id[64];
	char path[200];
	const struct answer *a;

	snprintf(path, sizeof(path), "/tenants/%s/deploy", s->t.id);
	a = assert_status(202, client_post(s->c, path, "{'region':'%s'%s}", region, more));
	assert_text("in_progress", a, "status");
	assert_text("in_progress", a, "progress.database_migration");
	assert_text("pending", a, "progress.dns_update");
	snprintf(id, sizeof(id), "%s", answer_text(a, "deployment_id"));
	return id;
}

/* A write that the move held up is asked for again, as its answer says. */
static int write_once(struct client *c, int n)
{
	int held = 0;

	for (int64_t end = temp_now_ms() + MOVE_MS; temp_now_ms() < end; temp_sleep_ms(5)) {
		const struct answer *a = client_post(c, "/policies",
			"{'name':'while-%d','rego_code':'package p'}", n);

		if (a->status == 201)
			return held;
		assert_error(503, "tenant_moving", a);
		held++;
	}
	fail_msg("the tenant takes no writes");
	return held;
}

/* What Redis answers to a command about a key of the tenant's, and to whether it took it. */
static void redis(struct story *s, const char *command, const char *value, const char *expected)
{
	char key[100];
	const char *socket = daemon_redis_socket(s->d);
	const char *const argv[] = { "redis-cli", "-s", socket, command, key, value, NULL };
	struct temp_run r;

	snprintf(key, sizeof(key), "cc:{%s}:left", s->t.id);
	r = temp_run(argv, NULL, MOVE_MS);
	assert_int_equal(0, r.status);
	assert_string_equal(expected, r.out);
	temp_run_free(&r);
}

static void a_tenant_works_while_it_moves_and_moves_back(void **state)
{
	static const char *const to[] = { "eu-west-1", "us-east-1" };
	struct story *s = *state;
	struct daemon *second = daemon_join(s->d, NULL);
	struct client *other = client_open(daemon_port(second));
	int made = 0, held = 0;

	client_key(other, s->t.key);
	for (int i = 0; i < 2; i++) {
		const char *id;
		const struct answer *a;
		int64_t end = temp_now_ms() + MOVE_MS;

		redis(s, "SET", "x", "OK\n");
		id = deploy(s, to[i], "");
		do {
			held += write_once(s->c, made++);
			held += write_once(other, made++);
			assert_status(200, client_get(other, "/policies/1"));
			a = assert_status(200, client_get(s->c, "%s", deployment(s, id)));
		} while (strcmp(answer_text(a, "status"), "in_progress") == 0 && temp_now_ms() < end);
		assert_text("completed", a, "status");
		assert_text("completed", a, "progress.database_migration");
		assert_text(to[i], a, "region");
		redis(s, "EXISTS", NULL, "0\n");
		print_message("# %s: froze for %lld ms, %d policies, %d writes held up\n", to[i],
			(long long)answer_int(a, "freeze_ms"), made, held);
		assert_int(made, assert_status(200, client_get(s->c, "/policies?limit=1")), "total");
		assert_int(made, assert_status(200, client_get(other, "/policies?limit=1")), "total");
	}
	client_close(other);
	daemon_finish(second);
}

static void what_cannot_be_is_refused(void **state)
{
	struct story *s = *state;
	char path[200], tenant[200], dry[240];
	const struct answer *a;

	snprintf(path, sizeof(path), "/tenants/%s/deploy", s->t.id);
	snprintf(tenant, sizeof(tenant), "/tenants/%s", s->t.id);
	assert_error(409, "already_in_region", client_post(s->c, path, "{'region':'us-east-1'}"));
	assert_fault("region", "unknown_region", client_post(s->c, path, "{'region':'mars-1'}"));
	assert_fault("maintenance_window", "range",
		client_post(s->c, path,
			"{'region':'eu-west-1','maintenance_window':'2999-01-01T00:00:00Z'}"));
	snprintf(dry, sizeof(dry), "%s?dry_run=true", path);
	a = assert_status(200, client_post(s->c, dry, "{'region':'eu-west-1','migrate_data':false}"));
	assert_true(json_is_false(answer_at(a, "migrate_data")));
	story_policy(s, "p");
	assert_error(409, "has_data",
		client_post(s->c, path, "{'region':'eu-west-1','migrate_data':false}"));
	assert_status(200,
		client_patch(s->operator, tenant, "{'settings':{'allowed_regions':['us-east-1']}}"));
	assert_fault("region", "residency_forbids", client_post(s->c, path, "{'region':'eu-west-1'}"));
	assert_status(200, client_patch(s->operator, tenant, "{'settings':{'allowed_regions':[]}}"));
}

static const struct answer *await_end(struct story *s, const char *id)
{
	const int64_t end = temp_now_ms() + MOVE_MS;
	const struct answer *a;

	do {
		temp_sleep_ms(20);
		a = assert_status(200, client_get(s->c, "%s", deployment(s, id)));
	} while (strcmp(answer_text(a, "status"), "in_progress") == 0 && temp_now_ms() < end);
	return a;
}

/* A tenant that has nothing but its users may move without; whoever asks sees that it did. */
static void one_without_data_leaves_nothing_behind(void **state)
{
	struct story *s = *state;
	const struct answer *a = await_end(s, deploy(s, "eu-west-1", ",'migrate_data':false"));

	assert_text("completed", a, "status");
	assert_true(json_is_false(answer_at(a, "migrate_data")));
	assert_int(0, assert_status(200, client_get(s->c, "/policies")), "total");
	story_policy(s, "p");
	assert_text("completed", await_end(s, deploy(s, "us-east-1", "")), "status");
	assert_int(1, assert_status(200, client_get(s->c, "/policies")), "total");
}

struct cancelling {
	struct story *s;
	const char *path;
	int status;
};

static void *cancel(void *arg)
{
	struct cancelling *c = arg;
	struct client *own = client_of(c->s->d, &c->s->t);

	c->status = client_post(own, c->path, "{}")->status;
	client_close(own);
	return NULL;
}

static PGconn *control_of(const struct story *s)
{
	char *info = daemon_conninfo(s->d, DAEMON_CONTROL_DB);
	PGconn *pg = PQconnectdb(info);

	free(info);
	assert_int_equal(CONNECTION_OK, PQstatus(pg));
	return pg;
}

static void run_sql(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	PQclear(r);
}

/*
 * The flip locks the tenant, then the move: who cancels must not hold the move while it waits for the
 * tenant.
 */
static void check_cancel_waits_for_the_tenant(struct story *s, const char *id, const char *path)
{
	struct cancelling c = { .s = s, .path = path };
	PGconn *pg = control_of(s);
	pthread_t thread;
	char sql[200];

	run_sql(pg, "BEGIN");
	snprintf(sql, sizeof(sql), "SELECT FROM cc.tenant WHERE id = '%s' FOR UPDATE", s->t.id);
	run_sql(pg, sql);
	assert_int_equal(0, pthread_create(&thread, NULL, cancel, &c));
	temp_sleep_ms(300);
	snprintf(sql, sizeof(sql), "SELECT FROM cc.deployment WHERE id = '%s' FOR UPDATE NOWAIT", id);
	run_sql(pg, sql);
	run_sql(pg, "COMMIT");
	pthread_join(thread, NULL);
	PQfinish(pg);
	assert_int_equal(202, c.status);
}

/* Where it is on its way to has a copy of its data: that place cannot be forbidden meanwhile. */
static void check_what_is_told_on_the_way(struct story *s, const char *id)
{
	char path[100];
	const struct answer *a;

	snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	a = client_patch(s->operator, path, "{'settings':{'allowed_regions':['us-east-1']}}");
	assert_fault("settings.allowed_regions", "residency_forbids", a);
	for (int i = 0; i < 1000; i++, temp_sleep_ms(20)) {
		a = assert_status(200, client_get(s->c, "/operations/%s", id));
		if (strcmp(answer_text(a, "progress.step"), "catchup") == 0)
			break;
	}
	assert_text("catchup", a, "progress.step");
	assert_int(50, a, "progress.percent");
	a = assert_status(200, client_get(s->c, "/audit/logs?action=deployTenant&chain=control"));
	assert_text("eu-west-1", a, "logs[0].detail.region");
}

static void one_that_waits_for_its_window_can_be_cancelled(void **state)
{
	struct story *s = *state;
	const time_t later = time(NULL) + 3600;
	char path[260], window[100], id[64];
	struct tm tm;
	const struct answer *a;

	gmtime_r(&later, &tm);
	strftime(window, sizeof(window), ",'maintenance_window':'%Y-%m-%dT%H:%M:%SZ'", &tm);
	snprintf(id, sizeof(id), "%s", deploy(s, "eu-west-1", window));
	check_what_is_told_on_the_way(s, id);
	snprintf(path, sizeof(path), "/tenants/%s/deploy", s->t.id);
	a = assert_error(423, "operation_in_progress", client_post(s->c, path, "{'region':'eu-west-1'}"));
	assert_text(id, a, "operation_id");
	snprintf(path, sizeof(path), "/tenants/%s/deploy?dry_run=true", s->t.id);
	a = assert_status(200, client_post(s->c, path, "{'region':'eu-west-1'}"));
	assert_text("operation_in_progress", a, "blockers[0]");
	a = assert_status(200, client_post(s->c, path, "{'region':'us-east-1'}"));
	assert_text("already_in_region", a, "blockers[0]");
	snprintf(path, sizeof(path), "%s/cancel", deployment(s, id));
	check_cancel_waits_for_the_tenant(s, id, path);
	for (int i = 0; i < 1000; i++, temp_sleep_ms(20)) {
		a = assert_status(200, client_get(s->c, "%s", deployment(s, id)));
		if (strcmp(answer_text(a, "status"), "in_progress") != 0)
			break;
	}
	assert_text("cancelled", a, "status");
	assert_true(json_is_true(answer_at(a, "cancel_requested")));
	assert_true(answer_null(a, "new_domain"));
	assert_text("pending", a, "progress.dns_update");
	story_policy(s, "p");
	assert_error(409, "not_cancellable", client_post(s->c, path, "{}"));
}

static void regions_are_listed_with_who_lives_there(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, client_get(s->operator, "/regions"));

	assert_int_equal(3, answer_count(a, "regions"));
	assert_text("us-east-1", a, "regions[0].id");
	assert_text("na", a, "regions[0].group");
	assert_text("available", a, "regions[0].status");
	assert_true(answer_int(a, "regions[0].tenants") >= 1);
	assert_true(answer_null(assert_status(200, client_get(s->c, "/regions")), "regions[0].tenants"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_tenant_works_while_it_moves_and_moves_back, story_open_unlimited, story_close),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			one_without_data_leaves_nothing_behind, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			one_that_waits_for_its_window_can_be_cancelled, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			regions_are_listed_with_who_lives_there, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
