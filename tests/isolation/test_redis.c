/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a tenant has in Redis lies under its own prefix, and goes with it and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>

#include "client.h"
#include "daemon.h"
#include "temp.h"

#define PLANTED 3000            /* of each kind: more than one step of a scan */
#define PURGE_MS 180000

/* A connection, and Redis without what another test left. */
static redisContext *redis_of(struct daemon *d)
{
	redisContext *c = redisConnectUnix(daemon_redis_socket(d));

	if (c == NULL || c->err != 0)
		fail_msg("Redis: %s", c != NULL ? c->errstr : "no memory");
	freeReplyObject(redisCommand(c, "FLUSHDB"));
	return c;
}

static redisReply *checked(redisContext *c, void *reply)
{
	redisReply *r = reply;

	if (r == NULL || r->type == REDIS_REPLY_ERROR)
		fail_msg("Redis: %s", r != NULL ? r->str : c->errstr);
	return r;
}

static void plant(redisContext *c, const char *prefix, const char *value)
{
	for (int i = 0; i < PLANTED; i++)
		redisAppendCommand(c, "SET %s%d %s", prefix, i, value);
	for (int i = 0; i < PLANTED; i++) {
		void *reply = NULL;

		if (redisGetReply(c, &reply) != REDIS_OK)
			fail_msg("Redis: %s", c->errstr);
		freeReplyObject(reply);
	}
}

/* How many of the planted keys are there with the value they were given. */
static int standing(redisContext *c, const char *prefix, const char *value)
{
	int n = 0;

	for (int i = 0; i < PLANTED; i++)
		redisAppendCommand(c, "GET %s%d", prefix, i);
	for (int i = 0; i < PLANTED; i++) {
		void *raw = NULL;
		const redisReply *r;

		if (redisGetReply(c, &raw) != REDIS_OK)
			fail_msg("Redis: %s", c->errstr);
		r = raw;
		n += r->type == REDIS_REPLY_STRING && strcmp(r->str, value) == 0;
		freeReplyObject(raw);
	}
	return n;
}

/* Everything that Redis is used for by creating, using and removing tenants. */
static void use(struct daemon *d, const struct tenant_fixture *t)
{
	struct client *c = client_of(d, t);

	for (int i = 0; i < 20; i++) {
		assert_status(201, client_post(c, "/policies", "{'name':'p%d','rego_code':'package p'}", i));
		assert_status(200, client_get(c, "/policies?limit=5"));
		assert_status(201, client_post(c, "/resources", "{'name':'r%d','type':'api'}", i));
	}
	client_close(c);
}

static bool is_under(const char *key, const struct tenant_fixture *tenants, size_t n)
{
	/* Which nodes share limits: nobody's data. */
	if (strcmp(key, "cc:limits:nodes") == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		char prefix[128];

		snprintf(prefix, sizeof(prefix), "cc:{%s}:", tenants[i].id);
		if (strncmp(key, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* Every key but that of the nodes belongs to one of these tenants; prints how many there are. */
static void check_all_keys(redisContext *c, const struct tenant_fixture *tenants, size_t n)
{
	char cursor[32] = "0";
	long seen = 0;

	do {
		redisReply *r = checked(c, redisCommand(c, "SCAN %s COUNT 1000", cursor));

		for (size_t i = 0; i < r->element[1]->elements; i++, seen++)
			if (!is_under(r->element[1]->element[i]->str, tenants, n))
				fail_msg("the key %s belongs to no tenant", r->element[1]->element[i]->str);
		snprintf(cursor, sizeof(cursor), "%s", r->element[0]->str);
		freeReplyObject(r);
	} while (strcmp(cursor, "0") != 0);
	print_message("# %ld keys\n", seen);
}

/* The API answers 404 as soon as a purge begins; the tombstone is written when it is over. */
static void await_purge(struct daemon *d, const char *id)
{
	static const char buried[] = "SELECT FROM cc.tenant_tombstone WHERE id = $1";
	struct client *op = client_operator(d);
	const int64_t end = temp_now_ms() + PURGE_MS;
	char *conninfo = daemon_conninfo(d, DAEMON_CONTROL_DB);
	PGconn *pg = PQconnectdb(conninfo);
	bool over = false;

	assert_status(202, client_delete(op, "/tenants/%s", id));
	while (!over) {
		PGresult *res = PQexecParams(pg, buried, 1, NULL, &id, NULL, NULL, 0);

		over = PQntuples(res) > 0;
		PQclear(res);
		if (temp_now_ms() > end)
			fail_msg("tenant %s is not purged after %d ms", id, PURGE_MS);
		temp_sleep_ms(50);
	}
	PQfinish(pg);
	free(conninfo);
	client_close(op);
}

static void every_key_belongs_to_a_tenant(void **state)
{
	struct daemon *d = *state;
	struct tenant_fixture t[3];
	redisContext *c = redis_of(d);

	fixture_tenant(d, "keys-one", NULL, NULL, NULL, &t[0]);
	fixture_tenant(d, "keys-two", NULL, NULL, NULL, &t[1]);
	fixture_tenant(d, "keys-three", NULL, "eu-west-1", NULL, &t[2]);
	for (int i = 0; i < 3; i++)
		use(d, &t[i]);
	check_all_keys(c, t, 3);
	await_purge(d, t[1].id);
	t[1] = t[2];
	check_all_keys(c, t, 2);
	redisFree(c);
}

/* Names that a careless pattern or a short prefix would take along. */
static void a_purge_takes_all_keys_of_its_tenant_and_no_other(void **state)
{
	struct daemon *d = *state;
	struct tenant_fixture victim, neighbour;
	char own[128], near[128], longer[128], shorter[128], bare[128];
	redisContext *c = redis_of(d);

	fixture_tenant(d, "victim", NULL, NULL, NULL, &victim);
	fixture_tenant(d, "victim-near", NULL, NULL, NULL, &neighbour);
	snprintf(own, sizeof(own), "cc:{%s}:planted:", victim.id);
	snprintf(near, sizeof(near), "cc:{%s}:planted:", neighbour.id);
	snprintf(longer, sizeof(longer), "cc:{%sx}:planted:", victim.id);
	snprintf(shorter, sizeof(shorter), "cc:{%.*s}:planted:", (int)strlen(victim.id) - 1, victim.id);
	snprintf(bare, sizeof(bare), "cc:%s:planted:", victim.id);
	plant(c, own, "victim");
	plant(c, near, "neighbour");
	plant(c, longer, "longer");
	plant(c, shorter, "shorter");
	plant(c, bare, "bare");

	await_purge(d, victim.id);
	assert_int_equal(0, standing(c, own, "victim"));
	assert_int_equal(PLANTED, standing(c, near, "neighbour"));
	assert_int_equal(PLANTED, standing(c, longer, "longer"));
	assert_int_equal(PLANTED, standing(c, shorter, "shorter"));
	assert_int_equal(PLANTED, standing(c, bare, "bare"));

	await_purge(d, neighbour.id);
	assert_int_equal(0, standing(c, near, "neighbour"));
	assert_int_equal(PLANTED, standing(c, longer, "longer"));
	redisFree(c);
}

static void a_restored_tenant_keeps_its_keys(void **state)
{
	struct daemon *d = *state;
	struct client *op = client_operator(d);
	struct tenant_fixture t, other;
	char own[128];
	redisContext *c = redis_of(d);

	fixture_tenant(d, "restored", NULL, NULL, NULL, &t);
	fixture_tenant(d, "restored-not", NULL, NULL, NULL, &other);
	snprintf(own, sizeof(own), "cc:{%s}:planted:", t.id);
	plant(c, own, "kept");
	assert_status(202, client_delete(op, "/tenants/%s", t.id));
	snprintf(own, sizeof(own), "/api/v1/tenants/%s/restore", t.id);
	assert_status(200, client_call(op, "POST", own, NULL, NULL));
	await_purge(d, other.id);
	snprintf(own, sizeof(own), "cc:{%s}:planted:", t.id);
	assert_int_equal(PLANTED, standing(c, own, "kept"));
	redisFree(c);
	client_close(op);
}

static int set_up(void **state)
{
	/* Long enough to restore within it, short enough to wait for. */
	const char *sanitizer = getenv("CC_SANITIZE");
	const bool slow = sanitizer != NULL && sanitizer[0] != '\0';
	const struct daemon_options options = { .undo_window_s = slow ? 12 : 4, .provision_lease_s = 10 };

	*state = daemon_start(&options);
	return 0;
}

static int tear_down(void **state)
{
	daemon_finish(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_belongs_to_a_tenant),
		cmocka_unit_test(a_purge_takes_all_keys_of_its_tenant_and_no_other),
		cmocka_unit_test(a_restored_tenant_keeps_its_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
