/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant whose requests all wait leaves workers, and places to wait, to the others. */
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

#include "client.h"

enum { WORKERS = 8, SHARE = 2, WAITING = 24, CROWD = 40 };

/* No statement of the loud tenant gives up while the others are looked at. */
#define ENV "CONTROLCORE_SERVER_TENANT_QUEUE_MAX=24", "CONTROLCORE_LIMITS_STATEMENT_MS=30000"
/* Then it is slow in all that it does, but what blocks is let go after the same 30 s. */
static bool sanitized(void)
{
	const char *sanitize = getenv("CC_SANITIZE");

	return sanitize != NULL && sanitize[0] != '\0';
}

/* Without turns it is the time limit of a statement: 30 s. */
static int64_t soon_us(void)
{
	return sanitized() ? 15000000 : 3000000;
}

struct scene {
	struct daemon *d;
	struct tenant_fixture loud, calm;
	PGconn *pg;             /* holds the loud tenant's head row */
};

static PGconn *connect_to(struct daemon *d, const char *database)
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);

	free(conninfo);
	if (PQstatus(pg) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(pg));
	return pg;
}

static void run(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(r));
	PQclear(r);
}

static void lock_head(struct scene *s)
{
	char *database = daemon_region_db("us-east-1");
	PGconn *control = connect_to(s->d, DAEMON_CONTROL_DB);
	char sql[200];
	PGresult *r;

	(void)snprintf(sql, sizeof(sql), "SELECT schema_id FROM cc.tenant WHERE id = '%s'", s->loud.id);
	r = PQexec(control, sql);
	assert_int_equal(1, PQntuples(r));
	(void)snprintf(sql, sizeof(sql), "BEGIN; SELECT 1 FROM %s.head FOR UPDATE", PQgetvalue(r, 0, 0));
	PQclear(r);
	PQfinish(control);
	s->pg = connect_to(s->d, database);
	free(database);
	run(s->pg, sql);
}

static int open_scene(void **state)
{
	static int n;
	struct scene *s = calloc(1, sizeof(*s));
	char slug[32];

	s->d = *state;
	(void)snprintf(slug, sizeof(slug), "loud%d", ++n);
	fixture_tenant(s->d, slug, "enterprise", NULL, "{'max_policies':1000}", &s->loud);
	(void)snprintf(slug, sizeof(slug), "calm%d", n);
	fixture_tenant(s->d, slug, "enterprise", NULL, "{'max_policies':1000}", &s->calm);
	lock_head(s);
	*state = s;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *s = *state;

	if (s->pg != NULL)
		PQfinish(s->pg);
	free(s);
	return 0;
}

struct writer {
	struct daemon *d;
	const char *key;
	int index, status;
	int64_t us;
	bool retry_after;
};

static atomic_int ended;

static void *write_one(void *arg)
{
	struct writer *w = arg;
	struct client *c = client_open(daemon_port(w->d));
	const struct answer *a;

	client_key(c, w->key);
	a = client_post(c, "/policies", "{'name':'p%d','rego_code':'package p'}", w->index);
	w->status = a->status;
	w->us = a->us;
	w->retry_after = a->status != 0 && answer_header(a, "Retry-After") != NULL;
	atomic_fetch_add(&ended, 1);
	client_close(c);
	return NULL;
}

struct crowd {
	int n;
	struct writer w[CROWD];
	pthread_t thread[CROWD];
};

/* keys: one for each, or NULL: all with the tenant's first key. */
static void crowd_start(struct crowd *crowd, struct scene *s, int n, char *const *keys)
{
	atomic_store(&ended, 0);
	crowd->n = n;
	for (int i = 0; i < n; i++) {
		crowd->w[i] = (struct writer){ .d = s->d, .key = keys != NULL ? keys[i] : s->loud.key,
					       .index = i };
		assert_int_equal(0, pthread_create(&crowd->thread[i], NULL, write_one, &crowd->w[i]));
	}
}

static void crowd_join(struct crowd *crowd)
{
	for (int i = 0; i < crowd->n; i++)
		pthread_join(crowd->thread[i], NULL);
}

static int crowd_count(const struct crowd *crowd, int status)
{
	int n = 0;

	for (int i = 0; i < crowd->n; i++)
		n += crowd->w[i].status == status;
	return n;
}

/* So many statements wait for the row: the requests have reached their workers. */
static void await_blocked(struct scene *s, int n)
{
	PGconn *pg = connect_to(s->d, "postgres");
	int found = -1;

	for (int i = 0; i < 4000 && found != n; i++) {
		PGresult *r = PQexec(pg, "SELECT count(*) FROM pg_stat_activity"
					 " WHERE wait_event_type = 'Lock'");

		found = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
		PQclear(r);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	PQfinish(pg);
	assert_int_equal(n, found);
}

static void assert_soon(int status, const struct answer *a)
{
	assert_status(status, a);
	if (a->us > soon_us())
		fail_msg("%s took %lld ms", a->asked, (long long)a->us / 1000);
}

/* Reads that ask the database, writes, and the operator. */
static void others_are_served(struct scene *s)
{
	struct client *c = client_of(s->d, &s->calm), *operator = client_operator(s->d);

	for (int i = 0; i < (sanitized() ? 6 : 30); i++) {
		assert_soon(200, client_call(c, "GET", "/api/v1/policies", "Cache-Control: no-cache\r\n",
					     NULL));
		assert_soon(201, client_post(c, "/policies", "{'name':'q%d','rego_code':'package q'}", i));
		assert_soon(200, client_get(operator, "/tenants/%s", s->loud.id));
		assert_soon(200, client_get(operator, "/health"));
	}
	client_close(operator);
	client_close(c);
}

static void one_tenants_locked_writes_hold_nobody_else_up(void **state)
{
	struct scene *s = *state;
	struct crowd crowd;

	/* Its key is known before. */
	struct client *c = client_of(s->d, &s->loud);
	assert_status(200, client_get(c, "/policies"));
	client_close(c);

	crowd_start(&crowd, s, WAITING, NULL);
	await_blocked(s, SHARE);
	others_are_served(s);
	await_blocked(s, SHARE);
	assert_int_equal(0, atomic_load(&ended));
	run(s->pg, "COMMIT");
	crowd_join(&crowd);
	assert_int_equal(WAITING, crowd_count(&crowd, 201));
}

static void nor_do_those_whose_keys_nobody_has_seen(void **state)
{
	struct scene *s = *state;
	struct crowd crowd;
	char *keys[WAITING];

	for (int i = 0; i < WAITING; i++)
		keys[i] = fixture_key(s->d, s->loud.id, "policies:write", NULL);
	crowd_start(&crowd, s, WAITING, keys);
	await_blocked(s, SHARE);
	others_are_served(s);
	await_blocked(s, SHARE);
	run(s->pg, "COMMIT");
	crowd_join(&crowd);
	assert_int_equal(WAITING, crowd_count(&crowd, 201));
	for (int i = 0; i < WAITING; i++)
		free(keys[i]);
}

static void what_has_no_place_to_wait_is_503_at_once(void **state)
{
	struct scene *s = *state;
	struct client *c = client_of(s->d, &s->loud);
	struct crowd crowd;

	assert_status(200, client_get(c, "/policies"));
	client_close(c);
	crowd_start(&crowd, s, CROWD, NULL);
	await_blocked(s, SHARE);
	for (int i = 0; i < 4000 && atomic_load(&ended) < CROWD - WAITING - SHARE; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	others_are_served(s);
	assert_int_equal(CROWD - WAITING - SHARE, atomic_load(&ended));
	run(s->pg, "COMMIT");
	crowd_join(&crowd);
	assert_int_equal(CROWD - WAITING - SHARE, crowd_count(&crowd, 503));
	assert_int_equal(WAITING + SHARE, crowd_count(&crowd, 201));
	for (int i = 0; i < CROWD; i++)
		assert_true(crowd.w[i].status != 503 ||
			    (crowd.w[i].retry_after && crowd.w[i].us < soon_us()));
}

int main(void)
{
	static const char *const env[] = { ENV, NULL };
	static const struct daemon_options options = { .workers = WORKERS, .env = env };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_tenants_locked_writes_hold_nobody_else_up, open_scene,
						close_scene),
		cmocka_unit_test_setup_teardown(nor_do_those_whose_keys_nobody_has_seen, open_scene,
						close_scene),
		cmocka_unit_test_setup_teardown(what_has_no_place_to_wait_is_503_at_once, open_scene,
						close_scene),
	};

	daemon_group_options(&options);
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
