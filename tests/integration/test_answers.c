/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are given again: never an old one where it was changed, at most a second elsewhere. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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
#include "cc/base/clock.h"

enum { WRITES = 150, WRITES_LONG = 3000, READERS = 4, TRUST_MS = 1000 };

static int writes(void)
{
	return getenv("CC_LONG") != NULL ? WRITES_LONG : WRITES;
}

static void nap(int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* A session that keeps everybody from a table of the tenant. */
static PGconn *lock_table(struct story *s, const char *table)
{
	char *database = daemon_region_db("us-east-1"), *conninfo = daemon_conninfo(s->d, database);
	PGconn *pg = PQconnectdb(conninfo);
	char sql[300], find[200];

	free(database);
	free(conninfo);
	assert_int_equal(CONNECTION_OK, PQstatus(pg));
	snprintf(find, sizeof(find), "SELECT schema_id FROM cc.tenant WHERE id = '%s'", s->t.id);
	snprintf(sql, sizeof(sql), "BEGIN; LOCK TABLE %.100s.%s IN ACCESS EXCLUSIVE MODE",
		story_control_value(s, find), table);
	PQclear(PQexec(pg, sql));
	assert_int_equal(PQTRANS_INTRANS, PQtransactionStatus(pg));
	return pg;
}

/* The rows are out of reach; the version is not, so the answer is good for as long as it stays the same. */
static void an_answer_is_given_again_without_its_rows(void **state)
{
	static const char *const targets[] = { "/policies?limit=5", "/policies/1" };
	struct story *s = *state;
	const struct answer *first[2];
	PGconn *lock;

	story_policy(s, "p");
	for (int i = 0; i < 2; i++)
		first[i] = assert_status(200, client_get(s->c, "%s", targets[i]));
	lock = lock_table(s, "policies");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2; i++) {
			const struct answer *a = assert_status(200, client_get(s->c, "%s", targets[i]));

			assert_string_equal(first[i]->body, a->body);
			assert_string_equal(answer_header(first[i], "ETag"), answer_header(a, "ETag"));
			assert_string_equal("application/json", answer_header(a, "Content-Type"));
		}
		nap(TRUST_MS * 2 / 3);
	}
	/* Who does not want to be told again must wait for the rows: here until the time for it is over. */
	assert_status(
		503, client_call(s->c, "GET", "/api/v1/policies/1", "Cache-Control: no-cache\r\n", NULL));
	PQfinish(lock);
	assert_status(
		200, client_call(s->c, "GET", "/api/v1/policies/1", "Cache-Control: no-cache\r\n", NULL));
}

/* Each is the client's own: id, conditions, the line in the log. */
static void an_answer_given_again_is_an_answer_of_its_own(void **state)
{
	struct story *s = *state;
	const struct answer *a, *b;
	char line[200], *log, *at;

	story_policy(s, "p");
	story_policy(s, "q");
	a = client_call(s->c, "GET", "/api/v1/policies?limit=1", "X-Request-ID: given-first\r\n", NULL);
	b = client_call(s->c, "GET", "/api/v1/policies?limit=1", "X-Request-ID: given-second\r\n", NULL);
	assert_string_equal(a->body, b->body);
	assert_string_equal(answer_header(a, "Link"), answer_header(b, "Link"));
	assert_string_equal("given-second", answer_header(b, "X-Request-ID"));
	assert_non_null(answer_header(b, "X-RateLimit-Remaining"));
	snprintf(line, sizeof(line), "If-None-Match: %s\r\n", answer_header(a, "ETag"));
	assert_status(304, client_call(s->c, "GET", "/api/v1/policies?limit=1", line, NULL));
	assert_status(
		412, client_call(s->c, "GET", "/api/v1/policies?limit=1", "If-Match: \"0-0\"\r\n", NULL));
	a = assert_status(200, client_call(s->c, "HEAD", "/api/v1/policies?limit=1", NULL, NULL));
	assert_int_equal(0, a->body_len);
	/* The writer of the log is another thread. */
	for (int i = 0; i < 100; i++, nap(20)) {
		log = temp_read(daemon_log_path(s->d));
		at = strstr(log, "given-second");
		if (at != NULL)
			break;
		free(log);
	}
	assert_non_null(at);
	/* … and its own line says so. */
	at[strcspn(at, "\n")] = '\0';
	assert_non_null(strstr(at, "\"cache\":\"hit\""));
	free(log);
}

static void what_was_written_is_read_at_once(void **state)
{
	struct story *s = *state;

	story_policy(s, "p0");
	for (int i = 1; i <= writes(); i++) {
		char name[32];
		const struct answer *a;

		snprintf(name, sizeof(name), "p%d", i);
		assert_status(200, client_patch(s->c, "/policies/1", "{'name':'%s'}", name));
		for (int again = 0; again < 2; again++) {
			a = assert_status(200, client_get(s->c, "/policies"));
			assert_text(name, a, "policies[0].name");
			assert_int(i + 1, a, "policies[0].version");
			assert_text(name, client_get(s->c, "/policies/1"), "name");
		}
		client_forget(s->c);
	}
}

/* Readers as fast as they can be, so that a read is always under way when a write commits. */
struct crowd {
	struct story *s;
	atomic_bool over;
	atomic_int reads;
	_Atomic int64_t acknowledged; /* version of the last write whose answer has come */
	atomic_int old;               /* answers older than what was acknowledged before */
};

static void *read_on(void *arg)
{
	struct crowd *crowd = arg;
	struct client *c = client_of(crowd->s->d, &crowd->s->t);

	while (!atomic_load(&crowd->over)) {
		const int64_t known = atomic_load(&crowd->acknowledged);
		const struct answer *a = client_get(c, "/policies?limit=3");
		const json_t *version = answer_at(a, "policies[0].version");

		if (a->status != 200 || json_integer_value(version) < known)
			atomic_fetch_add(&crowd->old, 1);
		atomic_fetch_add(&crowd->reads, 1);
		client_forget(c);
	}
	client_close(c);
	return NULL;
}

static void nobody_reads_less_than_was_acknowledged(void **state)
{
	struct crowd crowd = { .s = *state };
	pthread_t thread[READERS];

	story_policy(crowd.s, "p0");
	atomic_store(&crowd.acknowledged, 1);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, read_on, &crowd));
	for (int i = 1; i <= writes(); i++) {
		const struct answer *a = client_patch(crowd.s->c, "/policies/1", "{'name':'p%d'}", i);

		assert_status(200, a);
		atomic_store(&crowd.acknowledged, answer_int(a, "version"));
		client_forget(crowd.s->c);
	}
	atomic_store(&crowd.over, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(0, atomic_load(&crowd.old));
	assert_true(atomic_load(&crowd.reads) > 0);
}

/* A node that did not take the change may answer what was before, for a second after it was acknowledged. */
static void another_node_knows_within_a_second(void **state)
{
	struct story *s = *state;
	struct daemon *second = daemon_join(s->d, NULL);
	struct client *c = client_of(second, &s->t);
	const int rounds = getenv("CC_LONG") != NULL ? 60 : 4;
	int64_t worst = 0;

	story_policy(s, "p0");
	assert_status(200, client_get(c, "/policies/1"));
	for (int64_t known = 2; known < rounds + 2; known++) {
		int64_t acknowledged, asked, version;

		assert_status(200, client_patch(s->c, "/policies/1", "{'name':'p%" PRId64 "'}", known));
		acknowledged = clock_mono_us();
		do {
			asked = clock_mono_us();
			version = answer_int(assert_status(200, client_get(c, "/policies/1")), "version");
			if (version != known && asked - acknowledged > worst)
				worst = asked - acknowledged;
			client_forget(c);
		} while (version != known);
		/* Nobody goes back. */
		assert_int(known, client_get(c, "/policies/1"), "version");
	}
	print_message("# the last old answer was asked for %" PRId64 " ms after the change\n", worst / 1000);
	assert_true(worst <= TRUST_MS * INT64_C(1000));
	client_close(c);
	daemon_finish(second);
}

static void whoever_may_read_no_more_is_not_answered(void **state)
{
	struct story *s = *state;
	char *id, *key = fixture_key(s->d, s->t.id, "policies:read", &id);
	struct client *c = client_open(daemon_port(s->d));
	char path[120];

	story_policy(s, "p");
	client_key(c, key);
	for (int i = 0; i < 3; i++)
		assert_status(200, client_get(c, "/policies"));
	assert_status(200, client_delete(s->operator, "/tenants/%s/api-keys/%s", s->t.id, id));
	assert_error(401, "key_revoked", client_get(c, "/policies"));
	snprintf(path, sizeof(path), "/tenants/%s/suspend", s->t.id);
	assert_status(200, client_post(s->operator, path, "{}"));
	assert_error(403, "tenant_suspended", client_get(s->c, "/policies"));
	snprintf(path, sizeof(path), "/tenants/%s/resume", s->t.id);
	assert_status(200, client_post(s->operator, path, "{}"));
	assert_status(200, client_get(s->c, "/policies"));
	client_close(c);
	free(id);
	free(key);
}

/* The same question of two tenants, and of two credentials, are different questions. */
static void an_answer_is_for_its_tenant_only(void **state)
{
	struct story *s = *state;
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(s->d, "neighbour", NULL, NULL, NULL, &t);
	c = client_of(s->d, &t);
	story_policy(s, "mine");
	assert_status(201, client_post(c, "/policies", "{'name':'theirs','rego_code':'package p'}"));
	for (int i = 0; i < 3; i++) {
		assert_text("mine", client_get(s->c, "/policies/1"), "name");
		assert_text("theirs", client_get(c, "/policies/1"), "name");
		client_tenant(s->operator, s->t.id);
		assert_text("mine", client_get(s->operator, "/policies/1"), "name");
		client_tenant(s->operator, t.id);
		assert_text("theirs", client_get(s->operator, "/policies/1"), "name");
	}
	client_tenant(s->operator, NULL);
	client_close(c);
}

int main(void)
{
	static const char *const env[] = { "CONTROLCORE_LIMITS_STATEMENT_MS=1500", NULL };
	static const struct daemon_options options = { .env = env };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_answer_is_given_again_without_its_rows, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			an_answer_given_again_is_an_answer_of_its_own, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_was_written_is_read_at_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			nobody_reads_less_than_was_acknowledged, story_open, story_close),
		cmocka_unit_test_setup_teardown(another_node_knows_within_a_second, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			whoever_may_read_no_more_is_not_answered, story_open, story_close),
		cmocka_unit_test_setup_teardown(an_answer_is_for_its_tenant_only, story_open, story_close),
	};

	daemon_group_options(&options);
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
